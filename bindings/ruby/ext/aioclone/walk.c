/* SPDX-License-Identifier: MIT */
/* AIOClone::Walk: one walk through a tree. The methods that go through it are in lib/aioclone/walk.rb. */
#include "aioclone_ruby.h"

typedef struct {
    aioclone_context *context; /* a reference */
    aioc_walk *walk;           /* NULL: ended */
    VALUE owner;               /* the Context, or a Plan of it */
    VALUE path;
} walk;

static void mark_walk(void *data) {
    const walk *const w = data;
    rb_gc_mark(w->owner);
    rb_gc_mark(w->path);
}

/* A forked child's context has no walk of its parent: then this does nothing. */
static void end_walk(walk *w) {
    if (w->walk && w->context->context) {
        aioc_walk_destroy(w->context->context, w->walk);
    }
    w->walk = NULL;
}

static void free_walk(void *data) {
    walk *const w = data;
    if (w->context) {
        end_walk(w);
        aioclone_release(w->context);
    }
    xfree(w);
}

static const rb_data_type_t walk_type = {
    "AIOClone::Walk", {mark_walk, free_walk, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

static walk *walk_in(VALUE self) { return rb_check_typeddata(self, &walk_type); }

static VALUE allocate_walk(VALUE class) {
    walk *w;
    const VALUE self = TypedData_Make_Struct(class, walk, &walk_type, w);
    w->owner = w->path = Qnil;
    return self;
}

/* See lib/aioclone/walk.rb. */
static VALUE walk_create(VALUE self, VALUE owner, VALUE path, VALUE flags) {
    walk *const w = walk_in(self);
    const aioclone_plan *const plan = aioclone_plan_in(owner);
    aioclone_call call = {
        .context = aioclone_context_of(plan ? plan->owner : owner), .operation = "walk", .path = Qnil};
    const char *const text = aioclone_text(&call, path, "path", 2);
    int status;
    if (w->context) {
        rb_raise(rb_eRuntimeError, "it is initialized already");
    }
    if (plan && plan->flags) {
        rb_raise(rb_eArgError, "dirfd: a walk has none");
    }
    aioclone_check_open(call.context);
    status = aioc_walk_create(call.context->context, text, FIX2INT(flags), &w->walk);
    if (status < 0) {
        rb_exc_raise(aioclone_error(status, "walk", call.path));
    }
    w->context = call.context;
    ++w->context->references;
    w->owner = owner;
    w->path = call.path;
    return self;
}

aioc_walk *aioclone_to_walk(aioclone_call *call, VALUE argument, const char *name) {
    const walk *w;
    if (!rb_typeddata_is_kind_of(argument, &walk_type)) {
        aioclone_no_conversion(argument, name, "AIOClone::Walk");
    }
    w = walk_in(argument);
    if (!w->walk) {
        rb_raise(rb_eIOError, "%s: closed walk", name);
    }
    if (w->context != call->context) {
        rb_raise(rb_eArgError, "%s: it is another context's", name);
    }
    call->path = w->path;
    aioclone_hold(call, argument);
    return w->walk;
}

/* Ends it, at any time; requests for entries that wait complete with Errno::ECANCELED. One that nobody keeps is
 * closed.
 * @return [nil] */
static VALUE walk_close(VALUE self) {
    walk *const w = walk_in(self);
    if (w->context) {
        end_walk(w);
    }
    return Qnil;
}

/* @return [Boolean] */
static VALUE walk_closed(VALUE self) { return RBOOL(!walk_in(self)->walk); }

/* @return [Context, Plan] whose requests it makes */
static VALUE walk_owner(VALUE self) { return walk_in(self)->owner; }

/* @return [String] the root's, as it was given */
static VALUE walk_path(VALUE self) { return walk_in(self)->path; }

void aioclone_init_walk(void) {
    const VALUE walk_class = rb_define_class_under(aioclone_module, "Walk", rb_cObject);
    rb_define_alloc_func(walk_class, allocate_walk);
    rb_define_private_method(walk_class, "create", walk_create, 3);
    rb_define_method(walk_class, "close", walk_close, 0);
    rb_define_method(walk_class, "closed?", walk_closed, 0);
    rb_define_method(walk_class, "context", walk_owner, 0);
    rb_define_method(walk_class, "path", walk_path, 0);
}
