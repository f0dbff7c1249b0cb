/* SPDX-License-Identifier: MIT */
/* Feeders: blocks that add members to a group while it has fewer than its limit.
 *
 * What the library calls as the feeder only notes that the group has room: no frame of the library is on the stack
 * while the block runs. The block is called afterwards by who asked, polls, or waits for a group. */
#include "aioclone_ruby.h"

#include <errno.h>

/* A group's; the group's request holds it, whose end the call of its block may see. */
typedef struct {
    aioclone_link hungry;      /* of its context's that have room */
    aioclone_context *context; /* a reference */
    aioc_request group;
    VALUE self;
    VALUE block; /* nil: has ended */
    uint32_t limit;
    int feeding; /* its block is being called */
    int again;   /* and meanwhile it was noted */
} feeder;

static void mark_feeder(void *data) {
    rb_gc_mark(((feeder *)data)->block);
}

static void free_feeder(void *data) {
    feeder *const f = data;
    aioclone_remove(&f->hungry);
    aioclone_release(f->context);
    xfree(f);
}

static const rb_data_type_t feeder_type = {
    "AIOClone feeder", {mark_feeder, free_feeder, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

static feeder *feeder_of(const aioclone_request *group) {
    return NIL_P(group->held[0]) ? NULL : RTYPEDDATA_DATA(group->held[0]);
}

static feeder *new_feeder(aioclone_request *group) {
    feeder *f;
    const VALUE self = TypedData_Make_Struct(0, feeder, &feeder_type, f);
    aioclone_list(&f->hungry);
    f->context = group->context;
    ++f->context->references;
    f->group = group->id;
    f->self = self;
    f->block = Qnil;
    group->held[0] = self;
    return f;
}

static void set_block(feeder *f, VALUE block) {
    f->context->feeders += NIL_P(f->block) - NIL_P(block);
    f->block = block;
}

void aioclone_end_feeder(const aioclone_request *group) {
    feeder *const f = feeder_of(group);
    if (f) {
        aioclone_remove(&f->hungry);
        set_block(f, Qnil);
    }
}

/* The library's feeder. */
static int note(aioc_context *context, aioc_request group, void *user_data) {
    feeder *const f = feeder_of(user_data);
    (void)context;
    (void)group;
    if (NIL_P(f->block)) {
        return -ECANCELED; /* see fail */
    }
    f->again = 1;
    if (!f->feeding && aioclone_is_empty(&f->hungry)) {
        aioclone_append(&f->context->hungry, &f->hungry);
    }
    return 1;
}

static VALUE call_feeder(VALUE argument) {
    const feeder *const f = (const feeder *)argument;
    const VALUE group = LL2NUM(f->group);
    return rb_proc_call_with_block(f->block, 1, &group, Qnil);
}

/* Whether it may be called; how many members were added so far. */
static int has_room(const feeder *f, uint64_t *ret_added) {
    aioc_group_report report = AIOC_GROUP_REPORT_INIT;
    if (NIL_P(f->block) || !f->context->context || aioc_group_info(f->context->context, f->group, &report) < 0) {
        return 0;
    }
    *ret_added = report.outstanding + report.succeeded + report.failed;
    return !(report.flags & AIOC_GROUP_CLOSED) && report.outstanding < f->limit;
}

/* The group ends with ECANCELED, if it is still there: the library calls note once more. */
static void fail(feeder *f) {
    set_block(f, Qnil);
    if (f->context->context) {
        aioc_group_feed(f->context->context, f->group, UINT32_MAX, NULL, NULL);
    }
}

/* Calls its block until the limit is reached, or nothing was added. Never twice at once. */
static void feed(feeder *f) {
    const unsigned forks = aioclone_forks;
    VALUE self = f->self; /* the group may end meanwhile */
    uint64_t before = 0, added = 0;
    int state = 0;
    aioclone_remove(&f->hungry);
    if (f->feeding || !has_room(f, &before)) {
        return;
    }
    f->feeding = 1;
    for (;;) {
        VALUE more;
        f->again = 0;
        more = rb_protect(call_feeder, (VALUE)f, &state);
        if (aioclone_forks != forks) { /* the group is the parent's */
            break;
        }
        if (state) {
            fail(f);
            break;
        }
        if (!RTEST(more)) {
            set_block(f, Qnil);
            if (f->context->context) {
                aioc_group_close(f->context->context, f->group);
            }
            break;
        }
        if (!has_room(f, &added) || (added == before && !f->again)) {
            break;
        }
        before = added;
    }
    f->feeding = 0;
    RB_GC_GUARD(self);
    if (state) {
        rb_jump_tag(state);
    }
}

void aioclone_feed(aioclone_context *context) {
    const unsigned forks = aioclone_forks;
    while (aioclone_forks == forks && !aioclone_is_empty(&context->hungry)) {
        feed((feeder *)((char *)context->hungry.next - offsetof(feeder, hungry)));
    }
}

static aioclone_request *find_group(const aioclone_context *context, aioc_request id) {
    const aioclone_link *link;
    for (link = context->used.previous; link != &context->used; link = link->previous) { /* a new one, most often */
        aioclone_request *const request = AIOCLONE_REQUEST(link, used);
        if (request->id == id && request->answer == AIOCLONE_GROUP && request->submitted && !request->done) {
            return request;
        }
    }
    return NULL;
}

static VALUE feed_first(VALUE argument) {
    feed((feeder *)argument);
    return Qnil;
}

/* Keeps a group supplied: calls the block while the group has fewer than limit members outstanding; now, and as they
 * complete in {#poll}, {#run} and {Request#value} of a group. The block adds members ({#using}). When it returns nil or
 * false there are no more, and the group is closed. One that adds none and returns something else is called again when
 * a member has completed, or by the next feed_group. It is never called twice at once.
 *
 * What the block raises comes from where it was called; the group then ends with Errno::ECANCELED, after the members
 * that it has.
 * @overload feed_group(group, limit)
 *   @param group [Integer, Request]
 *   @param limit [Integer] members outstanding; 0: pauses
 *   @yieldparam group [Integer] its id. Without a block: goes on with the one that the group has
 *   @yieldreturn [Boolean] whether there are more
 *   @return [nil]
 *   @raise [Errno::ENOENT] the group has completed
 *   @raise [Errno::ESHUTDOWN] it is closed
 *   @raise [Errno::ECANCELED] it is cancelled
 *   @example
 *     paths = Dir.children("/usr/lib").each
 *     group = context.group { |succeeded, error| p succeeded || error }
 *     context.feed_group(group, 64) do
 *       path = File.join("/usr/lib", paths.next)
 *       context.using(group: group).stat(path) { |stat, error| p stat || error }
 *     rescue StopIteration
 *       nil
 *     end
 *     context.run */
static VALUE context_feed_group(VALUE self, VALUE group, VALUE limit) {
    const aioc_request id = aioclone_to_group(group);
    const uint32_t members = (uint32_t)aioclone_integer(limit, 0, UINT32_MAX, "limit");
    const VALUE block = rb_block_given_p() ? rb_block_proc() : Qnil;
    aioclone_context *const context = aioclone_open_context(self);
    aioclone_request *const request = find_group(context, id);
    feeder *f;
    const int status = aioc_group_feed(context->context, id, 0, NULL, NULL);
    if (status < 0 || !request) {
        rb_exc_raise(aioclone_error(status < 0 ? status : -ENOENT, "feed_group", Qnil));
    }
    f = feeder_of(request);
    if (!f && !NIL_P(block)) {
        f = new_feeder(request);
    }
    if (f) {
        f->limit = members;
    }
    if (!NIL_P(block)) {
        set_block(f, block);
    }
    aioc_group_feed(context->context, id, members, f && !NIL_P(f->block) ? note : NULL, request);
    if (f && aioclone_hold_requests(context)) {
        rb_ensure(feed_first, (VALUE)f, aioclone_release_requests, self);
    }
    return Qnil;
}

void aioclone_init_feed(void) {
    const VALUE context_class = rb_const_get(aioclone_module, rb_intern("Context"));
    rb_define_method(context_class, "feed_group", context_feed_group, 2);
}
