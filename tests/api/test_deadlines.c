/* SPDX-License-Identifier: MIT */
/* Deadlines: of what waits, is held, queued, or runs; and who is woken for them. */
#define _GNU_SOURCE
#include "schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ms = 1000000 };

static aioc_request submit_within(uint32_t code, uintptr_t name, uint64_t timeout_ns) {
    aioc_operation op = operation(code, name);
    op.timeout_ns = timeout_ns;
    return submit_operation(&op);
}

static aioc_request open_fifo_within(uint64_t timeout_ns) {
    aioc_operation op = operation(AIOC_OP_OPEN, 1);
    op.path = fifo_path();
    op.operation_flags = O_RDONLY | O_CLOEXEC;
    op.timeout_ns = timeout_ns;
    return submit_operation(&op);
}

static uint64_t timed_out(void) {
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    aioc_stats(ctx, &stats);
    return stats.timed_out;
}

static void what_ends_in_time_has_its_own_result(void **state) {
    (void)state;
    for (uintptr_t i = 1; i <= 100; ++i) {
        assert_true(submit_within(AIOC_OP_NOP, i, 3600000000000) > 0);
    }
    wait_for_deliveries(100);
    for (int i = 0; i < 100; ++i) {
        assert_int_equal(delivered[i].result, 0);
    }
    assert_int_equal(timed_out(), 0);
}

static void a_deadline_in_the_past_starts_nothing(void **state) {
    (void)state;
    close(open(scratch_path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    aioc_operation op = operation(AIOC_OP_UNLINK, 1);
    op.path = scratch_path();
    op.flags = AIOC_ABSOLUTE;
    op.timeout_ns = (uint64_t)now_ns() - 1;
    assert_true(submit_operation(&op) > 0);
    wait_for_deliveries(1);
    assert_int_equal(delivered[0].result, -ETIMEDOUT);
    assert_int_equal(access(scratch_path(), F_OK), 0);
    assert_int_equal(timed_out(), 1);
}

static void absolute_ones_are_times(void **state) {
    (void)state;
    aioc_operation op = operation(AIOC_OP_NOP, 1);
    op.flags = AIOC_ABSOLUTE;
    op.timeout_ns = (uint64_t)now_ns() + 3600000000000;
    assert_true(submit_operation(&op) > 0);
    op = operation(AIOC_OP_NOP, 2);
    op.timeout_ns = UINT64_MAX; /* later than any time there is */
    assert_true(submit_operation(&op) > 0);
    op.user_data = (void *)3;
    op.flags = AIOC_ABSOLUTE;
    assert_true(submit_operation(&op) > 0);
    wait_for_deliveries(3);
    for (int i = 0; i < 3; ++i) {
        assert_int_equal(delivered[i].result, 0);
    }
}

static void queued_ends_at_once_behind_a_worker_that_hangs(void **state) {
    (void)state;
    block();
    const int64_t start = now_ns();
    assert_true(submit_within(AIOC_OP_NOP, 1, 30 * ms) > 0);
    assert_true(submit_within(AIOC_OP_NOP, 2, 10 * ms) > 0);
    assert_int_equal(aioc_poll_wait(ctx, -1), 1); /* woken for it, without any completion */
    aioc_poll_cb(ctx);
    assert_true(now_ns() - start >= 10 * ms);
    wait_for_deliveries(2);
    assert_true(now_ns() - start >= 30 * ms);
    assert_int_equal((uintptr_t)delivered[0].user_data, 2);
    assert_int_equal((uintptr_t)delivered[1].user_data, 1);
    assert_int_equal(delivered[0].result, -ETIMEDOUT);
    assert_int_equal(delivered[1].result, -ETIMEDOUT);
    unblock();
    wait_for_deliveries(3);
    close((int)delivered[2].result);
}

static void held_ends_too(void **state) {
    (void)state;
    aioc_hold(ctx);
    assert_true(submit_within(AIOC_OP_NOP, 1, 5 * ms) > 0);
    while (deliveries == 0) {
        poll(NULL, 0, 1);
        assert_true(aioc_poll_cb(ctx) >= 0);
    }
    aioc_release(ctx);
    assert_int_equal(delivered[0].result, -ETIMEDOUT);
}

/* The descriptor is closed, and the completion comes when open(2) has returned. */
static void running_ends_when_the_kernel_lets_go(void **state) {
    (void)state;
    const int fds = count_fds();
    assert_true(open_fifo_within(300 * ms) > 0);
    const int64_t end = now_ns() + 310 * ms;
    while (now_ns() < end) {
        aioc_poll_wait(ctx, 10);
        aioc_poll_cb(ctx);
    }
    assert_int_equal(deliveries, 0);
    assert_int_equal(timed_out(), 1);
    unblock();
    wait_for_deliveries(1);
    assert_int_equal(delivered[0].result, -ETIMEDOUT);
    assert_true(count_fds() <= fds + 1);
}

static void a_promised_cancel_stays_one(void **state) {
    (void)state;
    const aioc_request id = open_fifo_within(100 * ms);
    for (int tries = 0; tries < 4000 && !a_worker_opens(); ++tries) {
        aioc_poll_wait(ctx, 5);
    }
    const int cancelled = aioc_cancel(ctx, id);
    assert_true(cancelled == 0 || timed_out() == 1); /* a slow machine */
    const int64_t end = now_ns() + 110 * ms;
    while (now_ns() < end) {
        aioc_poll_wait(ctx, 10);
        aioc_poll_cb(ctx);
    }
    unblock();
    wait_for_deliveries(1);
    assert_int_equal(delivered[0].result, cancelled == 0 ? -ECANCELED : -ETIMEDOUT);
}

static void a_chain_ends_with_one_that_is_late(void **state) {
    (void)state;
    aioc_operation ops[4];
    ops[0] = operation(AIOC_OP_OPEN, 1);
    ops[0].path = fifo_path();
    ops[0].operation_flags = O_RDONLY | O_CLOEXEC;
    for (uintptr_t i = 1; i < 4; ++i) {
        ops[i] = operation(AIOC_OP_NOP, i + 1);
    }
    ops[0].flags = ops[1].flags = ops[2].flags = AIOC_LINK;
    ops[2].timeout_ns = 20 * ms;
    assert_int_equal(aioc_submit(ctx, ops, 4, NULL), 4);
    wait_for_deliveries(2);
    assert_int_equal(delivery_of(3)->result, -ETIMEDOUT);
    assert_int_equal(delivery_of(4)->result, -ECANCELED);
    for (int tries = 0; tries < 4000 && !a_worker_opens(); ++tries) {
        aioc_poll_wait(ctx, 5);
    }
    unblock();
    wait_for_deliveries(4);
    close((int)delivery_of(1)->result);
    assert_int_equal(delivery_of(2)->result, 0);
}

static void a_group_that_is_late_cancels_its_members(void **state) {
    (void)state;
    const aioc_request group = submit_within(AIOC_OP_GROUP, 1, 20 * ms);
    aioc_operation op = operation(AIOC_OP_GROUP, 2);
    op.group = group;
    const aioc_request inner = submit_operation(&op);
    assert_true(inner > 0);
    wait_for_deliveries(2);
    assert_int_equal(delivered[0].result, -ECANCELED);
    assert_int_equal((uintptr_t)delivered[0].user_data, 2);
    assert_int_equal(delivered[1].result, -ETIMEDOUT);
}

static void poll_wait_keeps_its_own_time(void **state) {
    (void)state;
    const aioc_request group = submit_within(AIOC_OP_GROUP, 1, 3600000000000);
    const int64_t start = now_ns();
    assert_int_equal(aioc_poll_wait(ctx, 20), 0);
    assert_true(now_ns() - start >= 20 * ms);
    aioc_group_close(ctx, group);
    wait_for_deliveries(1);
}

/* --- Event loops */

static void wait_for_descriptor(int timeout_ms) {
    struct pollfd descriptor = {aioc_poll_fileno(ctx), POLLIN, 0};
    while (deliveries == 0) {
        assert_int_equal(poll(&descriptor, 1, timeout_ms), 1);
        assert_true(aioc_poll_cb(ctx) >= 0);
    }
    assert_int_equal(delivered[0].result, -ETIMEDOUT);
    int tries = 0;
    do { /* and becomes quiet */
        assert_int_equal(aioc_poll_cb(ctx), 0);
        assert_true(++tries <= 100);
    } while (poll(&descriptor, 1, 0) != 0);
    deliveries = 0;
}

static void the_descriptor_becomes_readable_in_time(void **state) {
    (void)state;
    for (int round = 0; round < 5; ++round) {
        const int64_t start = now_ns();
        assert_true(submit_within(AIOC_OP_GROUP, 1, 20 * ms) > 0);
        wait_for_descriptor(10000);
        assert_true(now_ns() - start >= 20 * ms);
    }
}

static void also_for_an_earlier_one_that_comes_later(void **state) {
    (void)state;
    const aioc_request later = submit_within(AIOC_OP_GROUP, 1, 3600000000000);
    assert_true(aioc_poll_fileno(ctx) >= 0);
    assert_true(submit_within(AIOC_OP_GROUP, 2, 20 * ms) > 0);
    wait_for_descriptor(10000);
    aioc_group_close(ctx, later);
    wait_for_deliveries(1);
}

/* The descriptor and the timer are the context's: nothing is left. */
static void descriptors_are_given_back(void **state) {
    (void)state;
    const int fds = count_fds();
    for (int i = 0; i < 20; ++i) {
        aioc_context *other = make_context(1);
        assert_true(aioc_poll_fileno(other) >= 0);
        aioc_operation op = operation(AIOC_OP_GROUP, 1);
        op.timeout_ns = 3600000000000;
        assert_int_equal(aioc_submit(other, &op, 1, NULL), 1);
        assert_int_equal(aioc_destroy(other), 0);
    }
    assert_int_equal(count_fds(), fds);
    assert_int_equal(deliveries, 20);
}

static aioc_context *shared;
static void *submit_elsewhere(void *unused) {
    (void)unused;
    poll(NULL, 0, 20); /* the other thread sleeps by now, or not: either must do */
    aioc_operation op = operation(AIOC_OP_GROUP, 2);
    op.timeout_ns = 10 * ms;
    assert_int_equal(aioc_submit(shared, &op, 1, NULL), 1);
    return NULL;
}
static void a_sleeping_poll_is_told_of_an_earlier_one(void **state) {
    (void)state;
    for (int exported = 0; exported < 2; ++exported) {
        pthread_t thread;
        shared = make_shared_context(1);
        if (exported) {
            aioc_poll_fileno(shared);
        }
        aioc_operation op = operation(AIOC_OP_GROUP, 1);
        op.timeout_ns = 3600000000000;
        assert_int_equal(aioc_submit(shared, &op, 1, NULL), 1);
        assert_int_equal(pthread_create(&thread, NULL, submit_elsewhere, NULL), 0);
        assert_int_equal(aioc_poll_wait(shared, 20000), 1);
        assert_int_equal(aioc_poll_cb(shared), 1);
        assert_int_equal(delivered[2 * exported].result, -ETIMEDOUT);
        pthread_join(thread, NULL);
        assert_int_equal(aioc_destroy(shared), 0);
    }
    assert_int_equal(deliveries, 4);
}

static void many_in_any_order(void **state) {
    (void)state;
    enum { count = 5000 };
    unsigned seed = 7;
    int64_t at[count];
    for (uintptr_t i = 0; i < count; ++i) {
        aioc_operation op = operation(AIOC_OP_GROUP, i);
        at[i] = now_ns() + rand_r(&seed) % (20 * ms);
        op.timeout_ns = (uint64_t)at[i];
        op.flags = AIOC_ABSOLUTE;
        const aioc_request id = submit_operation(&op);
        assert_true(id > 0);
        if (i % 7 == 0) {
            aioc_cancel(ctx, id);
        }
    }
    wait_for_deliveries(count);
    int64_t last = 0;
    int late = 0;
    for (int i = 0; i < count; ++i) {
        const uintptr_t name = (uintptr_t)delivered[i].user_data;
        if (delivered[i].result == -ETIMEDOUT) {
            assert_true(at[name] >= last);
            last = at[name];
            ++late;
        } else {
            assert_int_equal(delivered[i].result, -ECANCELED);
        }
    }
    assert_int_equal(timed_out(), late);
}

int main(void) {
    const struct CMUnitTest tests[] = {SCHEDULE(what_ends_in_time_has_its_own_result),
                                       SCHEDULE(a_deadline_in_the_past_starts_nothing),
                                       SCHEDULE(absolute_ones_are_times),
                                       SCHEDULE_WORKERS(queued_ends_at_once_behind_a_worker_that_hangs),
                                       SCHEDULE(held_ends_too),
                                       SCHEDULE(running_ends_when_the_kernel_lets_go),
                                       SCHEDULE(a_promised_cancel_stays_one),
                                       SCHEDULE(a_chain_ends_with_one_that_is_late),
                                       SCHEDULE(a_group_that_is_late_cancels_its_members),
                                       SCHEDULE(poll_wait_keeps_its_own_time),
                                       SCHEDULE(the_descriptor_becomes_readable_in_time),
                                       SCHEDULE(also_for_an_earlier_one_that_comes_later),
                                       SCHEDULE(descriptors_are_given_back),
                                       SCHEDULE(a_sleeping_poll_is_told_of_an_earlier_one),
                                       SCHEDULE(many_in_any_order)};
    return run_group(tests);
}
