/* SPDX-License-Identifier: MIT */
/* Requests: taken when all arguments are converted, given back when their result is handed over. */
#include "aioclone_ruby.h"

#include <errno.h>
#include <unistd.h>

/* Kept for the next requests, so that a steady stream allocates nothing here. */
#define FREE_MAX 1024

/* What an AIOClone::Request is. */
typedef struct {
    aioclone_context *context; /* a reference */
    aioclone_request *request; /* NULL: its value was taken */
    int64_t id;
    VALUE value, error, owner;
    int taking; /* its result is being made */
} handle;

static void mark_handle(void *data) {
    handle *const h = data;
    rb_gc_mark(h->value);
    rb_gc_mark(h->error);
    rb_gc_mark(h->owner);
}

static void free_handle(void *data) {
    handle *const h = data;
    if (h->request && h->context->forks == aioclone_forks) {
        aioclone_abandon(h->request);
    } else if (h->request) {
        h->request->form = AIOCLONE_ABANDONED; /* of a parent: given back when the fork is noticed */
    }

    if (h->context) {
        aioclone_release(h->context);
    }
    xfree(h);
}

static const rb_data_type_t handle_type = {
    "AIOClone::Request", {mark_handle, free_handle, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

static VALUE request_class;

static VALUE new_handle(aioclone_context *context) {
    handle *h;
    const VALUE object = TypedData_Make_Struct(request_class, handle, &handle_type, h);
    h->context = context;
    ++context->references;
    h->value = h->error = Qnil;
    h->owner = context->self;
    return object;
}

void aioclone_begin(aioclone_call *call, VALUE self, const char *operation, int answer) {
    const VALUE target = aioclone_starter_target(self);
    const int has_block = rb_block_given_p();
    aioclone_context *context = aioclone_context_in(target);
    int i;
    call->form = target != self ? AIOCLONE_HANDLE : has_block ? AIOCLONE_BLOCK : AIOCLONE_WAITER;
    if (call->form == AIOCLONE_HANDLE && has_block) {
        rb_raise(rb_eArgError, "%s: a Request is returned, no block is called", operation);
    }
    call->receiver = target;
    call->plan = NULL;
    if (!context && (call->plan = aioclone_plan_in(target))) {
        call->receiver = call->plan->owner;
        context = aioclone_context_of(call->receiver);
    } else if (!context) {
        call->receiver = aioclone_module;
        context = aioclone_default();
    }
    if (call->plan && call->plan->chain) {
        aioclone_chain_check(call->plan->chain);
        call->form = has_block ? AIOCLONE_BLOCK : AIOCLONE_HANDLE;
    }
    call->context = context;
    call->operation = operation;
    call->request = NULL;
    call->block = has_block ? rb_block_proc() : Qnil;
    call->path = call->data = call->file = call->handle = Qnil;
    for (i = 0; i < AIOCLONE_HELD; ++i) {
        call->held[i] = Qnil;
    }
    call->held_count = 0;
    call->memory = AIOCLONE_NO_MEMORY;
    call->answer = answer;
    call->closing_fd = -1;
}

void aioclone_reserve(aioclone_context *context) {
    if (context->free_count == 0) {
        aioclone_request *const request = ALLOC(aioclone_request);
        aioclone_append(&context->free, &request->chain);
        ++context->free_count;
    }
}

aioclone_request *aioclone_new_request(aioclone_context *context, int form) {
    aioclone_request *request;
    int i;
    aioclone_reserve(context);
    request = AIOCLONE_REQUEST(context->free.next, chain);
    aioclone_remove(&request->chain);
    --context->free_count;
    aioclone_list(&request->used);
    aioclone_list(&request->chain);
    aioclone_list(&request->sleep);
    request->context = context;
    request->operation = NULL;
    request->plan = NULL;
    request->id = request->result = 0;
    request->block = request->queue = request->fiber = request->path = request->data = request->file = Qnil;
    for (i = 0; i < AIOCLONE_HELD; ++i) {
        request->held[i] = Qnil;
    }
    request->form = (uint8_t)form;
    request->memory = AIOCLONE_NO_MEMORY;
    request->answer = AIOCLONE_INTEGER;
    request->closing_fd = -1;
    request->done = request->submitted = request->collected = request->waited = 0;
    aioclone_append(&context->used, &request->used);
    return request;
}

/* From its return to aioclone_submitted nothing raises. */
aioc_context *aioclone_take(aioclone_call *call) {
    aioclone_context *const context = call->context;
    aioclone_request *request;
    int i;
    aioclone_check_open(context);
    if (call->form == AIOCLONE_HANDLE) {
        call->handle = new_handle(context);
    }
    if (call->answer == AIOCLONE_FILE) {
        call->file = aioclone_new_file(call->receiver, call->path);
    }
    aioclone_reserve(context);
    aioclone_lock(call);
    aioclone_close_object(call);
    request = aioclone_new_request(context, call->form);
    request->operation = call->operation;
    request->plan = call->plan;
    request->memory = (uint8_t)call->memory;
    request->answer = (uint8_t)call->answer;
    request->block = call->block;
    request->file = call->file;
    request->path = call->path;
    request->data = call->data;
    for (i = 0; i < call->held_count; ++i) {
        request->held[i] = call->held[i];
    }
    request->closing_fd = call->closing_fd;
    call->request = request;
    return context->context;
}

/* statx fills a struct of Ruby's own shape only where the caller chose what is filled. */
struct statx *aioclone_result_stat(aioclone_call *call) {
    call->request->answer = call->answer == AIOCLONE_STATX ? AIOCLONE_STATX : AIOCLONE_STAT;
    return &call->request->out.stat;
}

struct statvfs *aioclone_result_statvfs(aioclone_call *call) {
    call->request->answer = AIOCLONE_STATVFS;
    return &call->request->out.statvfs;
}

aioc_directory **aioclone_result_directory(aioclone_call *call) {
    call->request->answer = AIOCLONE_DIRECTORY;
    call->request->out.directory = NULL;
    return &call->request->out.directory;
}

int *aioclone_result_mount_id(aioclone_call *call) {
    call->request->answer = AIOCLONE_MOUNT_ID;
    return &call->request->out.mount_id;
}

void aioclone_give_back(aioclone_request *request) {
    aioclone_context *const context = request->context;
    aioclone_remove(&request->used);
    aioclone_remove(&request->chain);
    aioclone_remove(&request->sleep);
    if (context->leader == request) {
        context->leader = NULL;
    }
    if (context->heir == request) {
        context->heir = NULL;
    }
    if (context->free_count >= FREE_MAX || !context->references) {
        xfree(request);
        return;
    }
    aioclone_append(&context->free, &request->chain);
    ++context->free_count;
}

/* Nobody wants its result any more. What it uses stays until it completes. */
void aioclone_abandon(aioclone_request *request) {
    aioclone_context *const context = request->context;
    if (!request->submitted || request->done) {
        if (request->done && request->answer == AIOCLONE_DIRECTORY && request->result >= 0) {
            aioc_directory_free(request->out.directory);
        }
        if (request->done) {
            aioclone_free_object(request);
        }
        aioclone_give_back(request);
        return;
    }
    if (request->form != AIOCLONE_ABANDONED) {
        request->form = AIOCLONE_ABANDONED;
        ++context->abandoned;
    }
    aioclone_remove(&request->sleep);
    aioc_cancel(context->context, request->id);
}

/* A close that never began: the file stays as it was. (An IO was closed already, and its number would be lost.) */
void aioclone_undo_close(aioclone_request *request) {
    const VALUE object = request->held[0];
    if (request->closing_fd < 0) {
        return;
    }
    if (aioclone_is_file(object)) {
        aioclone_file_set(object, request->closing_fd);
    } else {
        close(request->closing_fd);
    }
    request->closing_fd = -1;
}

static VALUE wait_for(VALUE argument) {
    aioclone_wait((aioclone_request *)argument);
    ((aioclone_request *)argument)->waited = 1;
    return Qnil;
}

/* Also when it is interrupted after its request has completed. */
static VALUE stop_waiting(VALUE argument) {
    aioclone_request *const request = (aioclone_request *)argument;
    aioclone_stop(request);
    if (!request->waited) {
        aioclone_abandon(request);
    }
    return Qnil;
}

VALUE aioclone_submitted(aioclone_call *call, aioc_request answer) {
    aioclone_request *const request = call->request;
    aioclone_context *const context = call->context;
    VALUE error, result;
    if (RB_UNLIKELY(answer < 0)) {
        aioclone_undo_close(request);
        aioclone_unlock(request);
        aioclone_give_back(request);
        rb_exc_raise(aioclone_error(answer, call->operation, call->path));
    }
    if (answer == AIOCLONE_COLLECTED) {
        if (call->form == AIOCLONE_HANDLE) {
            ((handle *)RTYPEDDATA_DATA(call->handle))->request = request;
        }
        return aioclone_chain_collected(call->plan->chain, call->handle);
    }
    request->id = answer;
    request->submitted = 1;
    ++context->outstanding;
    if (call->form == AIOCLONE_BLOCK) {
        ++context->blocks;
        return LL2NUM(answer);
    }
    if (call->form == AIOCLONE_HANDLE) {
        handle *const h = RTYPEDDATA_DATA(call->handle);
        h->request = request;
        h->id = answer;
        return call->handle;
    }
    aioclone_collect(context);
    if (!request->done) {
        rb_ensure(wait_for, (VALUE)request, stop_waiting, (VALUE)request);
    }
    result = aioclone_result(request, &error);
    if (RB_UNLIKELY(error != Qnil)) {
        rb_exc_raise(error);
    }
    RB_GC_GUARD(call->receiver);
    return result;
}

void aioclone_accept(aioclone_request *request, aioc_request id, VALUE member) {
    request->id = id;
    request->submitted = 1;
    request->collected = 0;
    ++request->context->outstanding;
    if (request->form == AIOCLONE_BLOCK) {
        ++request->context->blocks;
    } else {
        ((handle *)RTYPEDDATA_DATA(member))->id = id;
    }
}

void aioclone_refuse(aioclone_request *request, VALUE member) {
    const char *const operation = request->operation;
    aioclone_undo_close(request);
    aioclone_unlock(request);
    aioclone_give_back(request);
    if (!NIL_P(member)) {
        handle *const h = RTYPEDDATA_DATA(member);
        h->request = NULL;
        h->error = aioclone_error(ECANCELED, operation, Qnil);
    }
}

/* --- AIOClone::Request ------------------------------------------------------------------------------------------- */

static handle *handle_in(VALUE self) {
    handle *const h = rb_check_typeddata(self, &handle_type);
    aioclone_notice_fork(h->context);
    return h;
}

static void look(handle *h) {
    if (h->request && !h->request->done && h->context->context) {
        aioclone_collect(h->context);
    }
}

static VALUE wait_for_handle(VALUE argument) {
    handle *const h = (handle *)argument;
    h->request->waited = 1;
    aioclone_wait(h->request);
    return Qnil;
}

static VALUE stop_waiting_for_handle(VALUE argument) {
    handle *const h = (handle *)argument;
    h->request->waited = 0;
    aioclone_stop(h->request);
    return Qnil;
}

/* Waits until it has completed, as an operation without a block does. Who waits for a group calls the context's feeders
 * meanwhile ({Context#feed_group}), and gets what they raise.
 * @return [Object] the operation's result, each time the same
 * @raise [SystemCallError] the operation's error, each time the same */
static VALUE request_value(VALUE self) {
    handle *const h = handle_in(self);
    look(h);
    while (h->taking || (h->request && (!h->request->done || h->request->waited))) {
        if (h->request && h->request->collected) {
            rb_raise(rb_eArgError, "the chain is submitted when its block ends");
        }
        if (h->taking || h->request->done) { /* another fiber or thread is awake, and still uses it */
            rb_funcall(rb_mKernel, rb_intern("sleep"), 1, INT2FIX(0));
        } else if (h->request->answer == AIOCLONE_GROUP && !aioclone_is_empty(&h->context->hungry)) {
            aioclone_feed(h->context);
        } else if (h->request->waited || h->request->answer == AIOCLONE_GROUP) { /* it may get hungry */
            aioclone_wait_any(h->context);
        } else {
            rb_ensure(wait_for_handle, (VALUE)h, stop_waiting_for_handle, (VALUE)h);
        }
    }
    if (h->request) {
        aioclone_request *const request = h->request;
        h->request = NULL;
        h->taking = 1;
        h->value = aioclone_result(request, &h->error);
        h->taking = 0;
    }
    if (!NIL_P(h->error)) {
        rb_exc_raise(h->error);
    }
    RB_GC_GUARD(self);
    return h->value;
}

/* Does not wait.
 * @return [Boolean] whether it has completed */
static VALUE request_done(VALUE self) {
    handle *const h = handle_in(self);
    look(h);
    return RBOOL(!h->request || h->request->done);
}

/* Asks for its end; {#value} then raises Errno::ECANCELED.
 * @return [Boolean] false: it runs or has run, and completes with its own result */
static VALUE request_cancel(VALUE self) {
    handle *const h = handle_in(self);
    return RBOOL(h->request && !h->request->done && aioc_cancel(h->context->context, h->request->id) == 0);
}

/* How far a composite is.
 * @return [Report, nil] items, bytes and errors so far; nil: it has completed
 * @raise [Errno::EOPNOTSUPP] it is no composite */
static VALUE request_progress(VALUE self) {
    handle *const h = handle_in(self);
    look(h);
    return h->request && !h->request->done ? aioclone_progress(h->context, h->request->id) : Qnil;
}

/* @return [Integer] as its operation with a block returns it; of a group, for {Context#using} */
static VALUE request_id(VALUE self) {
    return LL2NUM(handle_in(self)->id);
}

void aioclone_init_request(void) {
    request_class = rb_define_class_under(aioclone_module, "Request", rb_cObject);
    rb_undef_alloc_func(request_class);
    rb_define_method(request_class, "value", request_value, 0);
    rb_define_method(request_class, "done?", request_done, 0);
    rb_define_method(request_class, "id", request_id, 0);
    rb_define_method(request_class, "cancel", request_cancel, 0);
    rb_define_method(request_class, "progress", request_progress, 0);
}
