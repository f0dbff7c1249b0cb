/* SPDX-License-Identifier: MIT */
/* Waiting for completions.
 *
 * Of the fibers and threads that wait for requests of one context one, the leader, waits for the context; the others
 * sleep on a queue each. The leader takes what has completed, wakes those who wanted it, and when its own request is
 * done it wakes the next leader. Under a Fiber scheduler every sleep is one of the fiber; else the thread sleeps, with
 * Ruby's global lock released. */
#include "aioclone_ruby.h"

#include <errno.h>
#include <ruby/fiber/scheduler.h>
#include <ruby/io.h>
#include <ruby/thread.h>

static VALUE queue_class;
static ID id_push, id_pop, id_timed_out, id_for_fd, id_autoclose;

/* The only callback of the library. */
void aioclone_done(const aioc_completion *done, void *user_data) {
    aioclone_request *const request = user_data;
    request->result = done->result;
    aioclone_append(&request->context->finished, &request->chain);
}

static VALUE push(VALUE queue) {
    return rb_funcall(queue, id_push, 1, Qtrue);
}

/* Its fiber goes on when it is its turn. A scheduler may raise: not before all are awake. */
static void rouse(aioclone_request *request, int *state) {
    int failed = 0;
    aioclone_remove(&request->sleep);
    rb_protect(push, request->queue, &failed);
    if (failed && !*state) {
        *state = failed;
    }
}

/* Frees what nobody will get. */
static void discard(aioclone_request *request) {
    aioclone_context *const context = request->context;
    if (request->answer == AIOCLONE_FILE && request->result >= 0) {
        if (aioc_close(context->context, aioclone_file_take(request->file), NULL, NULL) < 0) {
            aioclone_file_set(request->file, (int)request->result); /* its end closes it */
        }
    } else if (request->answer == AIOCLONE_DIRECTORY && request->result >= 0) {
        aioc_directory_free(request->out.directory);
    }
    aioclone_free_object(request);
    --context->abandoned;
    aioclone_give_back(request);
}

static void settle(aioclone_request *request, int *state) {
    aioclone_context *const context = request->context;
    aioclone_remove(&request->chain);
    --context->outstanding;
    request->done = 1;
    aioclone_unlock(request);
    if (request->result == -ECANCELED) {
        aioclone_undo_close(request);
    }
    if (request->answer == AIOCLONE_GROUP) {
        aioclone_end_feeder(request);
    }
    if (request->answer == AIOCLONE_FILE && request->result >= 0) {
        aioclone_file_set(request->file, (int)request->result);
    }
    if (request->form == AIOCLONE_BLOCK) {
        aioclone_append(&context->ready, &request->chain);
        ++context->ready_count;
    } else if (request->form == AIOCLONE_ABANDONED) {
        discard(request);
    } else if (!aioclone_is_empty(&request->sleep)) {
        rouse(request, state);
    }
}

void aioclone_take_finished(aioclone_context *context) {
    int state = 0;
    if (aioc_poll_cb(context->context) <= 0) {
        return; /* nothing, or (-EBUSY) the leader is about to take it */
    }
    ++context->taken;
    while (!aioclone_is_empty(&context->finished)) {
        settle(AIOCLONE_REQUEST(context->finished.next, chain), &state);
    }
    while (!aioclone_is_empty(&context->runners)) {
        rouse(AIOCLONE_REQUEST(context->runners.next, sleep), &state);
    }
    /* Who waits in the library for what was just taken must hear of it: by a completion of nothing. */
    if (context->leader && (context->leader->done || context->leader->form == AIOCLONE_RUNNER)) {
        aioc_nop(context->context, NULL, NULL);
    }
    if (state) {
        aioclone_keep_readable(context);
        rb_jump_tag(state);
    }
}

void aioclone_collect(aioclone_context *context) {
    aioclone_take_finished(context);
    aioclone_keep_readable(context);
}

/* Somebody must wait in the library for those who sleep. */
static void wake_heir(aioclone_context *context) {
    const aioclone_link *const from = aioclone_is_empty(&context->sleepers) ? &context->runners : &context->sleepers;
    int state = 0;
    if (context->leader || context->heir || aioclone_is_empty(from)) {
        return;
    }
    context->heir = AIOCLONE_REQUEST(from->next, sleep);
    rouse(context->heir, &state);
    if (state) {
        rb_jump_tag(state);
    }
}

/* Also when it was woken to wait for the others, and its own had completed meanwhile, or its fiber was interrupted. */
void aioclone_stop(aioclone_request *request) {
    aioclone_context *const context = request->context;
    aioclone_remove(&request->sleep);
    request->fiber = Qnil;
    if (context->leader == request) {
        context->leader = NULL;
    }
    if (context->heir == request) {
        context->heir = NULL;
    }
    wake_heir(context);
}

static VALUE descriptor_of(aioclone_context *context) {
    if (NIL_P(context->io)) {
        const VALUE io = rb_funcall(rb_cIO, id_for_fd, 1, INT2FIX(aioc_poll_fileno(context->context)));
        rb_funcall(io, id_autoclose, 1, Qfalse);
        context->io = io;
    }
    return context->io;
}

static void *wait_in_library(void *data) {
    aioc_poll_wait(((aioclone_context *)data)->context, -1);
    return NULL;
}

/* Under a scheduler only the fiber waits. That of async 1 takes a timeout that the program has set (with_timeout) for
 * the end of the wait, which has none. */
static void wait_for_descriptor(aioclone_context *context) {
    if (!RTEST(rb_io_wait(descriptor_of(context), INT2FIX(RUBY_IO_READABLE), Qnil))) {
        rb_funcall(aioclone_module, id_timed_out, 0);
    }
}

static VALUE lead(VALUE argument) {
    aioclone_context *const context = ((aioclone_request *)argument)->context;
    if (NIL_P(rb_fiber_scheduler_current())) {
        rb_thread_call_without_gvl2(wait_in_library, context, RUBY_UBF_IO, NULL);
        context->leader = NULL; /* a signal's handler may wait for a request of its own */
        rb_thread_check_ints();
    } else {
        wait_for_descriptor(context);
    }
    context->leader = NULL;
    if (context->context) {
        aioclone_collect(context);
    }
    return Qnil;
}

static VALUE resign(VALUE argument) {
    aioclone_stop((aioclone_request *)argument);
    return Qnil;
}

static void follow(aioclone_request *request) {
    aioclone_context *const context = request->context;
    if (NIL_P(request->queue)) { /* another thread may run while it is made */
        const unsigned long taken = context->taken;
        request->queue = rb_class_new_instance(0, NULL, queue_class);
        if (!context->leader || context->taken != taken) {
            return; /* maybe what it waits for is there */
        }
    }
    aioclone_append(request->form == AIOCLONE_RUNNER ? &context->runners : &context->sleepers, &request->sleep);
    rb_funcall(request->queue, id_pop, 0);
    aioclone_remove(&request->sleep);
}

static void wait_once(aioclone_request *request) {
    aioclone_context *const context = request->context;
    request->fiber = rb_fiber_current();
    if (context->holds > 0) {
        aioc_poll_wait(context->context, 0); /* starts what is held: it would never complete */
    }
    if (context->leader) {
        follow(request);
    } else {
        context->leader = request;
        context->heir = NULL;
        rb_ensure(lead, (VALUE)request, resign, (VALUE)request);
    }
}

void aioclone_wait(aioclone_request *request) {
    while (!request->done) {
        wait_once(request);
    }
}

static VALUE wait_as_runner(VALUE argument) {
    wait_once((aioclone_request *)argument);
    return Qnil;
}

static VALUE end_runner(VALUE argument) {
    aioclone_stop((aioclone_request *)argument);
    aioclone_give_back((aioclone_request *)argument);
    return Qnil;
}

void aioclone_wait_any(aioclone_context *context) {
    const VALUE runner = (VALUE)aioclone_new_request(context, AIOCLONE_RUNNER);
    rb_ensure(wait_as_runner, runner, end_runner, runner);
}

void aioclone_init_wait(void) {
    queue_class = rb_path2class("Thread::Queue");
    rb_gc_register_mark_object(queue_class);
    id_push = rb_intern("push");
    id_pop = rb_intern("pop");
    id_timed_out = rb_intern("timed_out");
    id_for_fd = rb_intern("for_fd");
    id_autoclose = rb_intern("autoclose=");
}
