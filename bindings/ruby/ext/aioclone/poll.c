/* SPDX-License-Identifier: MIT */
/* The blocks of requests, and the descriptor that tells an event loop to have them called.
 *
 * A completion whose block has not been called yet may already have been taken from the library, by a fiber that waits
 * for another one, or by a poll whose block raised. Then the library's descriptor is not readable. So what event
 * loops get is an epoll set of it and of an eventfd which is readable as long as there is such a block. The same holds
 * for a group that has room and whose feeder has not been called yet. */
#include "aioclone_ruby.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int has_work(const aioclone_context *context) {
    return !aioclone_is_empty(&context->ready) || !aioclone_is_empty(&context->hungry);
}

void aioclone_keep_readable(aioclone_context *context) {
    const int keep = has_work(context);
    uint64_t value = 1;
    ssize_t ignored;
    if (context->watched_fd < 0 || keep == context->kept) {
        return;
    }
    context->kept = keep;
    ignored = keep ? write(context->kept_fd, &value, sizeof value) : read(context->kept_fd, &value, sizeof value);
    (void)ignored;
}

static int watch(int set, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/* 0, or -1 with errno. */
static int make_watched(aioclone_context *context) {
    const int kept_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int set = epoll_create1(EPOLL_CLOEXEC);
    if (kept_fd < 0 || set < 0 || watch(set, kept_fd) < 0 || watch(set, aioc_poll_fileno(context->context)) < 0) {
        const int error = errno;
        close(kept_fd);
        close(set);
        errno = error;
        return -1;
    }
    context->kept_fd = kept_fd;
    context->watched_fd = set;
    context->kept = 0;
    return 0;
}

/* In a forked child: both are shared with the parent. The set keeps its number. */
void aioclone_renew_watched(aioclone_context *context) {
    const int number = context->watched_fd;
    if (number < 0) {
        return;
    }
    close(context->kept_fd);
    context->watched_fd = context->kept_fd = -1;
    if (make_watched(context) == 0 && context->watched_fd != number && dup3(context->watched_fd, number, O_CLOEXEC) >= 0) {
        close(context->watched_fd);
        context->watched_fd = number;
    }
}

/* What an event loop watches for reading: when it is readable, call {#poll}. It is the context's: do not read it or
 * close it.
 * @return [Integer] the descriptor's number */
static VALUE context_fileno(VALUE self) {
    aioclone_context *const context = aioclone_open_context(self);
    if (context->watched_fd < 0) {
        if (make_watched(context) < 0) {
            rb_sys_fail("fileno");
        }
        aioclone_keep_readable(context);
    }
    return INT2FIX(context->watched_fd);
}

static void call_block(aioclone_request *request) {
    VALUE block = request->block;
    VALUE arguments[2];
    --request->context->blocks;
    arguments[0] = aioclone_result(request, &arguments[1]);
    rb_proc_call_with_block(block, 2, arguments, Qnil); /* without a look for its call */
    RB_GC_GUARD(block);
}

typedef struct {
    aioclone_context *context;
    long count, limit;
    unsigned forks;
} calling;

static VALUE call_blocks(VALUE argument) {
    calling *const c = (calling *)argument;
    aioclone_context *const context = c->context;
    while (c->count < c->limit && aioclone_forks == c->forks && !aioclone_is_empty(&context->ready)) {
        aioclone_request *const request = AIOCLONE_REQUEST(context->ready.next, chain);
        aioclone_remove(&request->chain);
        --context->ready_count;
        aioclone_keep_readable(context);
        ++c->count;
        call_block(request);
    }
    if (aioclone_forks == c->forks) {
        aioclone_feed(context);
    }
    return Qnil;
}

/* Calls the blocks of the requests that have completed, with the result and nil, or nil and the error; and then
 * the feeders of groups that have room ({#feed_group}). Does not wait. What a block raises comes from here; the others
 * are called by the next poll, and the descriptor stays readable.
 * @return [Integer] how many were called, not counting feeders */
static VALUE context_poll(VALUE self) {
    aioclone_context *const context = aioclone_open_context(self);
    calling c = {context, 0, 0, aioclone_forks};
    aioclone_take_finished(context);
    c.limit = context->ready_count; /* not those that the blocks submit: they would keep it here */
    if ((c.limit > 1 || !aioclone_is_empty(&context->hungry)) && context->watched_fd < 0 &&
        aioclone_hold_requests(context)) {
        rb_ensure(call_blocks, (VALUE)&c, aioclone_release_requests, self);
    } else {
        call_blocks((VALUE)&c);
    }
    aioclone_notice_fork(context);
    aioclone_keep_readable(context);
    RB_GC_GUARD(self);
    return LONG2FIX(c.count);
}

/* Waits until there is a block for {#poll} to call, also a feeder.
 * @return [Boolean] false at once if neither a request with a block nor a group with a feeder is outstanding */
static VALUE context_wait(VALUE self) {
    aioclone_context *const context = aioclone_open_context(self);
    while (context->context && !has_work(context)) {
        if (context->blocks == 0 && context->feeders == 0) {
            return Qfalse;
        }
        aioclone_take_finished(context);
        if (!has_work(context)) {
            aioclone_wait_any(context);
        }
    }
    RB_GC_GUARD(self);
    return RBOOL(context->context);
}

void aioclone_init_poll(void) {
    const VALUE context_class = rb_const_get(aioclone_module, rb_intern("Context"));
    rb_define_method(context_class, "fileno", context_fileno, 0);
    rb_define_method(context_class, "poll", context_poll, 0);
    rb_define_method(context_class, "wait", context_wait, 0);
}
