/* SPDX-License-Identifier: MIT */
/* Priorities, and chains of linked operations. */
#define _GNU_SOURCE
#include "schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static aioc_request submit_with_priority(int priority, uintptr_t name) {
    aioc_operation op = operation(AIOC_OP_NOP, name);
    op.priority = priority;
    return submit_operation(&op);
}

/* Fewer than can pass one that waits: so the order is strict. */
static void queued_start_by_priority_and_in_order_within_one(void **state) {
    (void)state;
    enum { count = 60 };
    block();
    unsigned seed = 1;
    int priorities[count + 1];
    for (uintptr_t name = 1; name <= count; ++name) {
        priorities[name] = (int)(rand_r(&seed) % 9) - 4;
        assert_true(submit_with_priority(priorities[name], name) > 0);
    }
    unblock();
    wait_for_deliveries(count + 1);
    close((int)delivery_of(0)->result);
    for (int i = 2; i <= count; ++i) {
        const uintptr_t before = (uintptr_t)delivered[i - 1].user_data, after = (uintptr_t)delivered[i].user_data;
        assert_true(priorities[before] > priorities[after] ||
                    (priorities[before] == priorities[after] && before < after));
    }
}

static void none_is_passed_by_its_elders(void **state) {
    (void)state;
    enum { each = 40, count = each * 9 };
    block();
    aioc_operation ops[count];
    for (uintptr_t i = 0; i < count; ++i) {
        ops[i] = operation(AIOC_OP_NOP, i + 1);
        ops[i].priority = 4 - (int)(i / each); /* none is ever passed by a later one */
    }
    assert_int_equal(aioc_submit(ctx, ops, count, NULL), count);
    unblock();
    wait_for_deliveries(count + 1);
    close((int)delivery_of(0)->result);
    for (int i = 1; i <= count; ++i) {
        assert_int_equal((uintptr_t)delivered[i].user_data, i);
    }
}

static void later_ones_of_higher_priority_go_first(void **state) {
    (void)state;
    block();
    for (uintptr_t name = 1; name <= 9; ++name) {
        assert_true(submit_with_priority((int)name - 5, name) > 0);
    }
    unblock();
    wait_for_deliveries(10);
    close((int)delivery_of(0)->result);
    for (int i = 1; i <= 9; ++i) {
        assert_int_equal((uintptr_t)delivered[i].user_data, 10 - i);
    }
}

/* The bound of the header: 64. */
static void low_priority_is_passed_by_64_later_ones_and_no_more(void **state) {
    (void)state;
    enum { highs = 300 };
    block();
    assert_true(submit_with_priority(-4, 1001) > 0);
    assert_true(submit_with_priority(-4, 1002) > 0);
    for (uintptr_t name = 1; name <= highs; ++name) {
        assert_true(submit_with_priority(4, name) > 0);
    }
    unblock();
    wait_for_deliveries(highs + 3);
    close((int)delivery_of(0)->result);
    assert_int_equal(delivery_of(1001) - delivered, 1 + 64);
    assert_int_equal(delivery_of(1002) - delivered, 1 + 64 + 1 + 64);
}

static void earlier_ones_of_higher_priority_do_not_count(void **state) {
    (void)state;
    enum { highs = 300 };
    block();
    for (uintptr_t name = 1; name <= highs; ++name) {
        assert_true(submit_with_priority(1, name) > 0);
    }
    assert_true(submit_with_priority(0, 1001) > 0);
    unblock();
    wait_for_deliveries(highs + 2);
    close((int)delivery_of(0)->result);
    assert_int_equal(delivery_of(1001) - delivered, highs + 1);
}

static void held_start_by_priority(void **state) {
    (void)state;
    aioc_hold(ctx);
    for (uintptr_t name = 1; name <= 9; ++name) {
        assert_true(submit_with_priority((int)name - 5, name) > 0);
    }
    aioc_release(ctx);
    wait_for_deliveries(9);
    for (int i = 0; i < 9; ++i) {
        assert_int_equal((uintptr_t)delivered[i].user_data, 9 - i);
    }
}

static void cancel_takes_any_priority_out(void **state) {
    (void)state;
    aioc_request ids[10];
    block();
    for (uintptr_t name = 1; name <= 9; ++name) {
        ids[name] = submit_with_priority((int)(name % 3) * 4 - 4, name);
    }
    for (int name = 1; name <= 9; name += 2) {
        assert_int_equal(aioc_cancel(ctx, ids[name]), 0);
    }
    assert_true(submit_with_priority(0, 10) > 0);
    unblock();
    wait_for_deliveries(11);
    close((int)delivery_of(0)->result);
    const uintptr_t order[] = {2, 8, 4, 10, 6}; /* priorities 4 4 0 0 -4 */
    int at = 0;
    for (int i = 0; i < deliveries; ++i) {
        if (delivered[i].result == 0 && delivered[i].operation == AIOC_OP_NOP) {
            assert_int_equal((uintptr_t)delivered[i].user_data, order[at++]);
        }
    }
    assert_int_equal(at, 5);
}

static void bad_priorities_are_refused(void **state) {
    (void)state;
    assert_int_equal(submit_with_priority(5, 1), -EINVAL);
    assert_int_equal(submit_with_priority(-5, 1), -EINVAL);
    assert_int_equal(submit_with_priority(INT32_MIN, 1), -EINVAL);
    assert_int_equal(aioc_nreqs(ctx), 0);
}

/* --- Chains */

static int submit_chain(aioc_operation *ops, int count, aioc_request *ids) {
    for (int i = 0; i + 1 < count; ++i) {
        ops[i].flags |= AIOC_LINK;
    }
    return aioc_submit(ctx, ops, (uint32_t)count, ids);
}

static void each_starts_after_the_one_before(void **state) {
    (void)state;
    static struct statx status;
    close(open(scratch_path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    enum { rounds = 50, members = 5 };
    for (int round = 0; round < rounds; ++round) {
        aioc_operation ops[members];
        const uint32_t codes[members] = {AIOC_OP_STAT, AIOC_OP_UNLINK, AIOC_OP_OPEN, AIOC_OP_LSTAT, AIOC_OP_STAT};
        for (uintptr_t i = 0; i < members; ++i) {
            ops[i] = operation(codes[i], i + 1);
            ops[i].path = scratch_path();
            ops[i].buffer = &status;
        }
        ops[2].operation_flags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
        ops[2].mode = 0600;
        deliveries = 0;
        assert_int_equal(submit_chain(ops, members, NULL), members);
        wait_for_deliveries(members);
        for (int i = 0; i < members; ++i) {
            assert_int_equal((uintptr_t)delivered[i].user_data, i + 1);
            assert_true(delivered[i].result >= 0);
        }
        close((int)delivered[2].result);
    }
}

static void a_failure_cancels_what_follows_and_nothing_else(void **state) {
    (void)state;
    static struct statx status;
    aioc_operation ops[6];
    for (uintptr_t i = 0; i < 6; ++i) {
        ops[i] = operation(AIOC_OP_NOP, i + 1);
        ops[i].flags = i < 4 ? AIOC_LINK : 0;
    }
    ops[1].code = AIOC_OP_STAT;
    ops[1].path = "/nonexistent";
    ops[1].buffer = &status;
    assert_int_equal(aioc_submit(ctx, ops, 6, NULL), 6);
    wait_for_deliveries(6);
    const int64_t results[] = {0, -ENOENT, -ECANCELED, -ECANCELED, -ECANCELED, 0};
    for (uintptr_t i = 0; i < 6; ++i) {
        assert_int_equal(delivery_of(i + 1)->result, results[i]);
    }
}

static void a_short_read_breaks_no_chain(void **state) {
    (void)state;
    char text[100];
    const int fd = open(make_file("short"), O_RDONLY | O_CLOEXEC);
    aioc_operation ops[2] = {operation(AIOC_OP_READ, 1), operation(AIOC_OP_CLOSE, 2)};
    ops[0].fd = ops[1].fd = fd;
    ops[0].buffer = text;
    ops[0].length = sizeof text;
    assert_int_equal(submit_chain(ops, 2, NULL), 2);
    wait_for_deliveries(2);
    assert_int_equal(delivery_of(1)->result, 5);
    assert_int_equal(delivery_of(2)->result, 0);
}

/* The hazard: a close overtakes a read of the same descriptor. */
static void a_linked_close_does_not_overtake_the_read(void **state) {
    (void)state;
    enum { files = 200, bytes = 100000 };
    static char text[files][bytes];
    char *content = malloc(bytes + 1);
    memset(content, 'x', bytes);
    content[bytes] = 0;
    const char *path = make_file(content);
    free(content);
    aioc_max_parallel(ctx, 4);
    for (uintptr_t i = 0; i < files; ++i) {
        aioc_operation ops[2] = {operation(AIOC_OP_READ, 1000 + i), operation(AIOC_OP_CLOSE, 2000 + i)};
        ops[0].fd = ops[1].fd = open(path, O_RDONLY | O_CLOEXEC);
        posix_fadvise(ops[0].fd, 0, 0, POSIX_FADV_DONTNEED);
        ops[0].buffer = text[i];
        ops[0].length = bytes;
        assert_int_equal(submit_chain(ops, 2, NULL), 2);
    }
    wait_for_deliveries(2 * files);
    for (uintptr_t i = 0; i < files; ++i) {
        assert_int_equal(delivery_of(1000 + i)->result, bytes);
        assert_int_equal(delivery_of(2000 + i)->result, 0);
    }
}

static void wait_until_a_worker_opens(void) {
    for (int tries = 0; tries < 4000 && !a_worker_opens(); ++tries) {
        aioc_poll_wait(ctx, 5); /* the ring gives it up first; and what is inline goes on with the poll */
        if (deliveries == 0) {
            aioc_poll_cb(ctx);
        }
    }
    assert_true(a_worker_opens());
}

/* An open of the fifo and then nops, named 1, 2, ... */
static void start_blocked_chain(int nops, aioc_request *ids) {
    aioc_operation ops[8];
    ops[0] = operation(AIOC_OP_OPEN, 1);
    ops[0].path = fifo_path();
    ops[0].operation_flags = O_RDONLY | O_CLOEXEC;
    for (uintptr_t i = 1; i <= (uintptr_t)nops; ++i) {
        ops[i] = operation(AIOC_OP_NOP, i + 1);
    }
    assert_int_equal(submit_chain(ops, nops + 1, ids), nops + 1);
    wait_until_a_worker_opens();
}

static void none_starts_while_its_predecessor_runs(void **state) {
    (void)state;
    aioc_request ids[8];
    start_blocked_chain(2, ids);
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    assert_int_equal(aioc_stats(ctx, &stats), 0);
    assert_int_equal(stats.waiting, 2);
    assert_int_equal(aioc_poll_wait(ctx, 20), 0);
    unblock();
    wait_for_deliveries(3);
    close((int)delivered[0].result);
    assert_int_equal(delivered[2].result, 0);
    aioc_stats(ctx, &stats);
    assert_int_equal(stats.waiting, 0);
}

static void cancel_of_one_that_waits_ends_it_and_what_follows(void **state) {
    (void)state;
    aioc_request ids[8];
    start_blocked_chain(3, ids);
    assert_int_equal(aioc_cancel(ctx, ids[2]), 0);
    wait_for_deliveries(2); /* at once */
    assert_int_equal(delivery_of(3)->result, -ECANCELED);
    assert_int_equal(delivery_of(4)->result, -ECANCELED);
    assert_int_equal(aioc_cancel(ctx, ids[2]), -ENOENT);
    unblock();
    wait_for_deliveries(4);
    close((int)delivery_of(1)->result);
    assert_int_equal(delivery_of(2)->result, 0);
}

static void cancel_of_a_running_first_one_ends_all(void **state) {
    (void)state;
    aioc_request ids[8];
    const int fds = count_fds();
    start_blocked_chain(3, ids);
    assert_int_equal(aioc_cancel(ctx, ids[0]), 0);
    unblock();
    wait_for_deliveries(4);
    for (uintptr_t i = 1; i <= 4; ++i) {
        assert_int_equal(delivery_of(i)->result, -ECANCELED);
    }
    assert_true(count_fds() <= fds + 1); /* the ring's own */
}

static void cancel_of_a_held_first_one_ends_all(void **state) {
    (void)state;
    aioc_operation ops[3] = {operation(AIOC_OP_NOP, 1), operation(AIOC_OP_NOP, 2), operation(AIOC_OP_NOP, 3)};
    aioc_request ids[3];
    aioc_hold(ctx);
    assert_int_equal(submit_chain(ops, 3, ids), 3);
    assert_int_equal(aioc_cancel(ctx, ids[0]), 0);
    aioc_release(ctx);
    wait_for_deliveries(3);
    for (uintptr_t i = 1; i <= 3; ++i) {
        assert_int_equal(delivery_of(i)->result, -ECANCELED);
    }
}

static void a_refused_member_refuses_its_whole_chain(void **state) {
    (void)state;
    aioc_operation ops[5];
    for (uintptr_t i = 0; i < 5; ++i) {
        ops[i] = operation(AIOC_OP_NOP, i + 1);
        ops[i].flags = i >= 1 && i < 4 ? AIOC_LINK : 0;
    }
    ops[3].priority = 9;
    aioc_request ids[5] = {0, 0, 0, 0, 0};
    assert_int_equal(aioc_submit(ctx, ops, 5, ids), 1);
    assert_int_equal(aioc_nreqs(ctx), 1);
    assert_int_equal(aioc_cancel(ctx, ids[1]), -ENOENT);
    ops[3].priority = 0;
    ops[3].code = AIOC_OP_UNLINK;
    ops[3].path = NULL;
    assert_int_equal(aioc_submit(ctx, ops + 1, 4, ids), -EFAULT);
    wait_for_deliveries(1);
    assert_int_equal(delivered[0].result, 0);
    assert_int_equal(aioc_nreqs(ctx), 0);
}

static void the_last_of_an_array_has_no_next(void **state) {
    (void)state;
    aioc_operation op = operation(AIOC_OP_NOP, 1);
    op.flags = AIOC_LINK;
    assert_true(submit_operation(&op) > 0);
    wait_for_deliveries(1);
    assert_int_equal(delivered[0].result, 0);
}

static void a_long_chain(void **state) {
    (void)state;
    enum { members = 10000 };
    aioc_operation *const ops = calloc(members, sizeof *ops);
    for (uintptr_t i = 0; i < members; ++i) {
        ops[i] = operation(AIOC_OP_NOP, i + 1);
    }
    assert_int_equal(submit_chain(ops, members, NULL), members);
    wait_for_deliveries(members);
    for (int i = 0; i < members; ++i) {
        assert_int_equal((uintptr_t)delivered[i].user_data, i + 1);
    }
    deliveries = 0;
    ops[0].code = AIOC_OP_UNLINK;
    ops[0].path = "/nonexistent";
    assert_int_equal(submit_chain(ops, members, NULL), members);
    wait_for_deliveries(members);
    for (uintptr_t i = 1; i < members; ++i) {
        assert_int_equal(delivered[i].result, -ECANCELED);
    }
    free(ops);
}

static void reap_goes_on_with_a_chain(void **state) {
    (void)state;
    aioc_operation ops[4];
    for (uintptr_t i = 0; i < 4; ++i) {
        ops[i] = operation(AIOC_OP_NOP, i + 1);
    }
    assert_int_equal(submit_chain(ops, 4, NULL), 4);
    for (uintptr_t i = 1; i <= 4; ++i) {
        aioc_completion done;
        memset(&done, 0, sizeof done);
        done.size = sizeof done;
        assert_int_equal(aioc_poll_wait(ctx, 20000), 1);
        assert_int_equal(aioc_reap(ctx, &done, 1), 1);
        assert_int_equal((uintptr_t)done.user_data, i);
    }
}

static void a_hold_does_not_stop_a_chain_that_runs(void **state) {
    (void)state;
    aioc_operation ops[3] = {operation(AIOC_OP_NOP, 1), operation(AIOC_OP_NOP, 2), operation(AIOC_OP_NOP, 3)};
    assert_int_equal(submit_chain(ops, 3, NULL), 3);
    aioc_hold(ctx);
    wait_for_deliveries(3);
    aioc_release(ctx);
}

/* The second one's callback lets the first one end, so that both that follow were cancelled before. */
static int late_writer;
static void open_the_writer(const aioc_completion *done, void *user_data) {
    log_callback(done, user_data);
    late_writer = open(fifo_path(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
}
static void destroy_cancels_what_waits(void **state) {
    (void)state;
    aioc_operation ops[3] = {operation(AIOC_OP_OPEN, 1), operation(AIOC_OP_NOP, 2), operation(AIOC_OP_NOP, 3)};
    ops[0].path = fifo_path();
    ops[0].operation_flags = O_RDONLY | O_CLOEXEC;
    ops[1].callback = open_the_writer;
    assert_int_equal(submit_chain(ops, 3, NULL), 3);
    wait_until_a_worker_opens();
    assert_int_equal(aioc_destroy(ctx), 0);
    ctx = NULL;
    close(late_writer);
    assert_int_equal(deliveries, 3);
    if (delivery_of(1)->result >= 0) {
        close((int)delivery_of(1)->result);
    }
    assert_int_equal(delivery_of(2)->result, -ECANCELED);
    assert_int_equal(delivery_of(3)->result, -ECANCELED);
}

/* --- Going on in the same worker */

static int turns_of_the_poll(int count) {
    int turns = 0;
    for (const time_t limit = time(NULL) + 20; deliveries < count;) {
        const int before = deliveries;
        assert_true(time(NULL) < limit);
        assert_true(aioc_poll_wait(ctx, 1000) >= 0);
        assert_true(aioc_poll_cb(ctx) >= 0);
        turns += deliveries > before;
    }
    return turns;
}

static void a_chain_of_three_is_one_hand_over(void **state) {
    (void)state;
    const int fd = open(scratch_path(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_true(aioc_poll_fileno(ctx) >= 0); /* so that wake-ups of its watcher count */
    enum { rounds = 50 };
    for (int round = 0; round < rounds; ++round) {
        aioc_operation ops[3] = {operation(AIOC_OP_WRITE, 1), operation(AIOC_OP_FDATASYNC, 2),
                                 operation(AIOC_OP_CLOSE, 3)};
        for (int i = 0; i < 3; ++i) {
            ops[i].fd = i > 0 ? ops[0].fd : dup(fd);
        }
        ops[0].buffer = "text";
        ops[0].length = 4;
        aioc_statistics before = AIOC_STATISTICS_INIT, after = AIOC_STATISTICS_INIT;
        aioc_stats(ctx, &before);
        deliveries = 0;
        assert_int_equal(submit_chain(ops, 3, NULL), 3);
        assert_int_equal(turns_of_the_poll(3), 1);
        aioc_stats(ctx, &after);
        assert_in_range(after.worker_wakeups - before.worker_wakeups, 0, 1);
        assert_in_range(after.poll_wakeups - before.poll_wakeups, 0, 1);
        assert_int_equal(after.waiting, 0);
        const int64_t results[] = {4, 0, 0};
        for (int i = 0; i < 3; ++i) {
            assert_int_equal((uintptr_t)delivered[i].user_data, i + 1);
            assert_int_equal(delivered[i].result, results[i]);
            assert_int_equal(delivered[i].engine, AIOC_ENGINE_WORKERS);
        }
    }
    close(fd);
}

/* What has ended is not kept back by what may take for ever. */
static void one_that_may_block_keeps_its_predecessor_from_nobody(void **state) {
    (void)state;
    const int fds = count_fds();
    aioc_request ids[3];
    aioc_operation ops[3] = {operation(AIOC_OP_UNLINK, 1), operation(AIOC_OP_OPEN, 2), operation(AIOC_OP_NOP, 3)};
    close(open(scratch_path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ops[0].path = scratch_path();
    ops[1].path = fifo_path();
    ops[1].operation_flags = O_RDONLY | O_CLOEXEC;
    assert_int_equal(submit_chain(ops, 3, ids), 3);
    wait_until_a_worker_opens();
    wait_for_deliveries(1);
    assert_int_equal(delivered[0].result, 0);
    assert_int_equal(aioc_cancel(ctx, ids[1]), 0); /* it runs, and is undone */
    unblock();
    wait_for_deliveries(3);
    assert_int_equal(delivery_of(2)->result, -ECANCELED);
    assert_int_equal(delivery_of(3)->result, -ECANCELED);
    assert_true(count_fds() <= fds + 1); /* the ring's own */
}

/* Its head is one that is tried where nothing can wait; another such one must not be left to the same worker. */
static void one_that_blocks_behind_a_read_keeps_no_other_read_waiting(void **state) {
    (void)state;
    assert_int_equal(aioc_max_parallel(ctx, 3), 0);
    const int fd = open(scratch_path(), O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "text", 4), 4);
    char text[2][4];
    for (int round = 0; round < 20; ++round) {
        deliveries = 0;
        aioc_operation ops[3] = {operation(AIOC_OP_READ, 1), operation(AIOC_OP_OPEN, 2), operation(AIOC_OP_READ, 3)};
        ops[0].fd = ops[2].fd = fd;
        ops[0].buffer = text[0];
        ops[2].buffer = text[1];
        ops[0].length = ops[2].length = 4;
        ops[1].path = fifo_path();
        ops[1].operation_flags = O_RDONLY | O_CLOEXEC;
        assert_int_equal(submit_chain(ops, 2, NULL), 2);
        wait_until_a_worker_opens();
        assert_true(submit_operation(&ops[2]) > 0);
        wait_for_deliveries(2);
        assert_int_equal(delivery_of(3)->result, 4);
        unblock();
        wait_for_deliveries(3);
        close((int)delivery_of(2)->result);
    }
    close(fd);
}

static void a_deadline_that_passes_while_its_predecessor_runs_ends_it_at_once(void **state) {
    (void)state;
    aioc_operation ops[4] = {operation(AIOC_OP_OPEN, 1), operation(AIOC_OP_NOP, 2), operation(AIOC_OP_NOP, 3),
                             operation(AIOC_OP_NOP, 4)};
    ops[0].path = fifo_path();
    ops[0].operation_flags = O_RDONLY | O_CLOEXEC;
    ops[2].timeout_ns = 20000000;
    assert_int_equal(submit_chain(ops, 4, NULL), 4);
    wait_for_deliveries(2);
    assert_int_equal(delivery_of(3)->result, -ETIMEDOUT);
    assert_int_equal(delivery_of(4)->result, -ECANCELED);
    unblock();
    wait_for_deliveries(4);
    close((int)delivery_of(1)->result);
    assert_int_equal(delivery_of(2)->result, 0);
}

static void nothing_goes_on_behind_one_whose_deadline_passed(void **state) {
    (void)state;
    aioc_operation ops[3] = {operation(AIOC_OP_OPEN, 1), operation(AIOC_OP_UNLINK, 2), operation(AIOC_OP_NOP, 3)};
    close(open(scratch_path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ops[0].path = fifo_path();
    ops[0].operation_flags = O_RDONLY | O_CLOEXEC;
    ops[0].timeout_ns = 20000000;
    ops[1].path = scratch_path();
    assert_int_equal(submit_chain(ops, 3, NULL), 3);
    wait_until_a_worker_opens();
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    for (int tries = 0; tries < 4000 && stats.timed_out == 0; ++tries) {
        aioc_poll_wait(ctx, 5);
        aioc_stats(ctx, &stats);
    }
    assert_int_equal(stats.timed_out, 1);
    unblock();
    wait_for_deliveries(3);
    assert_int_equal(delivery_of(1)->result, -ETIMEDOUT);
    assert_int_equal(delivery_of(2)->result, -ECANCELED);
    assert_int_equal(delivery_of(3)->result, -ECANCELED);
    assert_int_equal(access(scratch_path(), F_OK), 0); /* it was not run */
}

static void cancel_of_its_group_ends_what_waits_in_a_running_chain(void **state) {
    (void)state;
    aioc_operation group = operation(AIOC_OP_GROUP, 9);
    const aioc_request id = submit_operation(&group);
    aioc_operation ops[3] = {operation(AIOC_OP_OPEN, 1), operation(AIOC_OP_NOP, 2), operation(AIOC_OP_NOP, 3)};
    ops[0].path = fifo_path();
    ops[0].operation_flags = O_RDONLY | O_CLOEXEC;
    ops[1].group = ops[2].group = id;
    assert_int_equal(submit_chain(ops, 3, NULL), 3);
    wait_until_a_worker_opens();
    assert_int_equal(aioc_cancel(ctx, id), 0);
    wait_for_deliveries(3);
    assert_int_equal(delivery_of(9)->result, -ECANCELED);
    assert_int_equal(delivery_of(2)->result, -ECANCELED);
    assert_int_equal(delivery_of(3)->result, -ECANCELED);
    unblock();
    wait_for_deliveries(4);
    close((int)delivery_of(1)->result);
}

static void a_chain_that_goes_on_passes_nobody(void **state) {
    (void)state;
    block();
    aioc_operation ops[3] = {operation(AIOC_OP_NOP, 1), operation(AIOC_OP_NOP, 11), operation(AIOC_OP_NOP, 12)};
    ops[0].priority = 1;
    ops[2].priority = 4;
    assert_int_equal(submit_chain(ops, 3, NULL), 3);
    for (uintptr_t name = 2; name <= 10; ++name) {
        assert_true(submit_with_priority(0, name) > 0);
    }
    unblock();
    wait_for_deliveries(13);
    close((int)delivery_of(0)->result);
    for (int i = 1; i < 13; ++i) {
        assert_int_equal((uintptr_t)delivered[i].user_data, i);
    }
}

/* Closed by the first: so what follows must not be asked before it starts. */
static void what_goes_on_sees_what_its_predecessor_did(void **state) {
    (void)state;
    static struct statx status;
    const int fd = open(make_file("some text"), O_RDONLY | O_CLOEXEC);
    aioc_operation ops[4] = {operation(AIOC_OP_UNLINK, 1), operation(AIOC_OP_CLOSE, 2), operation(AIOC_OP_FSTAT, 3),
                             operation(AIOC_OP_NOP, 4)};
    close(open(scratch_path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ops[0].path = scratch_path();
    ops[1].fd = ops[2].fd = fd;
    ops[2].buffer = &status;
    assert_int_equal(submit_chain(ops, 4, NULL), 4);
    wait_for_deliveries(4);
    const int64_t results[] = {0, 0, -EBADF, -ECANCELED};
    for (int i = 0; i < 4; ++i) {
        assert_int_equal((uintptr_t)delivered[i].user_data, i + 1);
        assert_int_equal(delivered[i].result, results[i]);
    }
}

static void chains_from_callbacks(const aioc_completion *done, void *user_data) {
    log_callback(done, user_data);
    aioc_operation ops[3] = {operation(AIOC_OP_NOP, 11), operation(AIOC_OP_NOP, 12), operation(AIOC_OP_NOP, 13)};
    assert_int_equal(submit_chain(ops, 3, NULL), 3);
}
static void a_callback_can_submit_a_chain(void **state) {
    (void)state;
    assert_true(aioc_nop(ctx, chains_from_callbacks, NULL) > 0);
    wait_for_deliveries(4);
    for (int i = 1; i < 4; ++i) {
        assert_int_equal((uintptr_t)delivered[i].user_data, 10 + i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {SCHEDULE_WORKERS(queued_start_by_priority_and_in_order_within_one),
                                       SCHEDULE_WORKERS(none_is_passed_by_its_elders),
                                       SCHEDULE_WORKERS(later_ones_of_higher_priority_go_first),
                                       SCHEDULE_WORKERS(low_priority_is_passed_by_64_later_ones_and_no_more),
                                       SCHEDULE_WORKERS(earlier_ones_of_higher_priority_do_not_count),
                                       SCHEDULE(held_start_by_priority),
                                       SCHEDULE_WORKERS(cancel_takes_any_priority_out),
                                       SCHEDULE(bad_priorities_are_refused),
                                       SCHEDULE(each_starts_after_the_one_before),
                                       SCHEDULE(a_failure_cancels_what_follows_and_nothing_else),
                                       SCHEDULE(a_short_read_breaks_no_chain),
                                       SCHEDULE(a_linked_close_does_not_overtake_the_read),
                                       SCHEDULE(none_starts_while_its_predecessor_runs),
                                       SCHEDULE(cancel_of_one_that_waits_ends_it_and_what_follows),
                                       SCHEDULE(cancel_of_a_running_first_one_ends_all),
                                       SCHEDULE(cancel_of_a_held_first_one_ends_all),
                                       SCHEDULE(a_refused_member_refuses_its_whole_chain),
                                       SCHEDULE(the_last_of_an_array_has_no_next),
                                       SCHEDULE(a_long_chain),
                                       SCHEDULE(reap_goes_on_with_a_chain),
                                       SCHEDULE(a_hold_does_not_stop_a_chain_that_runs),
                                       SCHEDULE(destroy_cancels_what_waits),
                                       SCHEDULE_WORKERS(a_chain_of_three_is_one_hand_over),
                                       SCHEDULE(one_that_may_block_keeps_its_predecessor_from_nobody),
                                       SCHEDULE(one_that_blocks_behind_a_read_keeps_no_other_read_waiting),
                                       SCHEDULE_WORKERS(one_that_blocks_behind_a_read_keeps_no_other_read_waiting),
                                       SCHEDULE(a_deadline_that_passes_while_its_predecessor_runs_ends_it_at_once),
                                       SCHEDULE(nothing_goes_on_behind_one_whose_deadline_passed),
                                       SCHEDULE(cancel_of_its_group_ends_what_waits_in_a_running_chain),
                                       SCHEDULE_WORKERS(a_chain_that_goes_on_passes_nobody),
                                       SCHEDULE(what_goes_on_sees_what_its_predecessor_did),
                                       SCHEDULE(a_callback_can_submit_a_chain)};
    return run_group(tests);
}
