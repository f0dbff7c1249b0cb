/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "schedule.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

aioc_completion delivered[log_max];
int deliveries;
aioc_context *ctx;
static char fifo[64], scratch[64];

void log_callback(const aioc_completion *done, void *user_data) {
    (void)user_data;
    assert_true(deliveries < log_max);
    delivered[deliveries++] = *done;
}

const aioc_completion *delivery_of(uintptr_t name) {
    const aioc_completion *found = NULL;
    for (int i = 0; i < deliveries; ++i) {
        if ((uintptr_t)delivered[i].user_data == name) {
            assert_null(found);
            found = &delivered[i];
        }
    }
    assert_non_null(found);
    return found;
}

int was_delivered(uintptr_t name) {
    for (int i = 0; i < deliveries; ++i) {
        if ((uintptr_t)delivered[i].user_data == name) {
            return 1;
        }
    }
    return 0;
}

static void prepare(void **state) {
    count_one(state);
    deliveries = 0;
    snprintf(fifo, sizeof fifo, "/tmp/aioclone-schedule-fifo-%d", (int)getpid());
    snprintf(scratch, sizeof scratch, "/tmp/aioclone-schedule-file-%d", (int)getpid());
    unlink(fifo);
    unlink(scratch);
    assert_int_equal(mkfifo(fifo, 0600), 0);
}

int schedule_setup(void **state) {
    prepare(state);
    ctx = make_context(1);
    return 0;
}

int schedule_setup_workers(void **state) {
    prepare(state);
    ctx = make_workers_context(1);
    return 0;
}

int schedule_teardown(void **state) {
    (void)state;
    unlink(fifo);
    unlink(scratch);
    return ctx ? aioc_destroy(ctx) : 0;
}

aioc_operation operation(uint32_t code, uintptr_t name) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = code;
    op.callback = log_callback;
    op.user_data = (void *)name;
    return op;
}

aioc_request submit_operation(const aioc_operation *op) {
    aioc_request id = 0;
    const int result = aioc_submit(ctx, op, 1, &id);
    return result < 0 ? result : id;
}

const char *scratch_path(void) { return scratch; }
const char *fifo_path(void) { return fifo; }

aioc_request block(void) {
    const aioc_request id = block_worker_in(ctx, fifo, log_callback, NULL);
    assert_true(id > 0);
    return id;
}

/* The open has found its other end when this returns, or will. */
void unblock(void) { close(open(fifo, O_WRONLY | O_CLOEXEC)); }

void wait_for_deliveries(int count) {
    const time_t limit = time(NULL) + 20;
    while (deliveries < count) {
        assert_true(time(NULL) < limit);
        assert_true(aioc_poll_wait(ctx, 1000) >= 0);
        assert_true(aioc_poll_cb(ctx) >= 0);
    }
    assert_int_equal(deliveries, count);
}

int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
