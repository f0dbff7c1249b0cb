/* SPDX-License-Identifier: MIT */
/* Groups: members, cancel, nesting, feeders. */
#define _GNU_SOURCE
#include "schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { group_name = 9999 };

static aioc_request make_group(uintptr_t name, aioc_request parent) {
    aioc_operation op = operation(AIOC_OP_GROUP, name);
    op.group = parent;
    return submit_operation(&op);
}

static aioc_request add_to(aioc_request group, uint32_t code, uintptr_t name) {
    static struct statx status;
    aioc_operation op = operation(code, name);
    op.group = group;
    op.path = "/nonexistent";
    op.buffer = &status;
    return submit_operation(&op);
}

static void an_empty_group_completes_when_closed(void **state) {
    (void)state;
    const aioc_request group = aioc_group(ctx, log_callback, (void *)(uintptr_t)group_name);
    assert_true(group > 0);
    assert_int_equal(aioc_poll_wait(ctx, 5), 0);
    assert_int_equal(aioc_nreqs(ctx), 1);
    assert_int_equal(aioc_group_close(ctx, group), 0);
    wait_for_deliveries(1);
    assert_int_equal(delivered[0].result, 0);
    assert_int_equal(delivered[0].operation, AIOC_OP_GROUP);
    assert_int_equal(delivered[0].request, group);
    assert_string_equal(aioc_operation_name(AIOC_OP_GROUP), "group");
    assert_int_equal(aioc_count(ctx, AIOC_OP_GROUP, 0), 1);
}

static void completes_after_all_its_members(void **state) {
    (void)state;
    const aioc_request group = make_group(group_name, 0);
    for (uintptr_t i = 1; i <= 20; ++i) {
        assert_true(add_to(group, i % 2 ? AIOC_OP_NOP : AIOC_OP_LSTAT, i) > 0);
    }
    assert_true(add_to(0, AIOC_OP_NOP, 50) > 0); /* no member */
    assert_int_equal(aioc_group_close(ctx, group), 0);
    wait_for_deliveries(22);
    int at = (int)(delivery_of(group_name) - delivered);
    for (uintptr_t i = 1; i <= 20; ++i) {
        assert_true(delivery_of(i) - delivered < at);
    }
    assert_int_equal(delivered[at].result, -ENOENT);
}

static void counts_those_that_succeeded(void **state) {
    (void)state;
    const aioc_request group = make_group(group_name, 0);
    for (uintptr_t i = 1; i <= 7; ++i) {
        add_to(group, AIOC_OP_NOP, i);
    }
    aioc_group_close(ctx, group);
    wait_for_deliveries(8);
    assert_int_equal(delivery_of(group_name)->result, 7);
}

static void reports_the_first_error(void **state) {
    (void)state;
    const aioc_request group = make_group(group_name, 0);
    add_to(group, AIOC_OP_NOP, 1);
    const aioc_request failing = add_to(group, AIOC_OP_STAT, 2);
    wait_for_deliveries(2);
    aioc_operation op = operation(AIOC_OP_CLOSE, 3);
    op.fd = -1;
    op.group = group;
    submit_operation(&op);
    wait_for_deliveries(3);
    aioc_group_report report = AIOC_GROUP_REPORT_INIT;
    assert_int_equal(aioc_group_info(ctx, group, &report), 0);
    assert_int_equal(report.outstanding, 0);
    assert_int_equal(report.succeeded, 1);
    assert_int_equal(report.failed, 2);
    assert_int_equal(report.first_error, -ENOENT);
    assert_int_equal(report.first_failed, failing);
    assert_int_equal(report.flags, 0);
    aioc_group_close(ctx, group);
    wait_for_deliveries(4);
    assert_int_equal(delivery_of(group_name)->result, -ENOENT);
    assert_int_equal(aioc_group_info(ctx, group, &report), -ENOENT);
}

/* In libeio this is a use after free. */
static void a_group_added_to_after_it_finished_refuses(void **state) {
    (void)state;
    const aioc_request group = make_group(group_name, 0);
    aioc_group_close(ctx, group);
    assert_int_equal(add_to(group, AIOC_OP_NOP, 1), -ESHUTDOWN); /* not yet delivered */
    wait_for_deliveries(1);
    assert_int_equal(add_to(group, AIOC_OP_NOP, 1), -ENOENT);
    assert_int_equal(aioc_group_close(ctx, group), -ENOENT);
    assert_int_equal(aioc_group_feed(ctx, group, 1, NULL, NULL), -ENOENT);
    assert_int_equal(aioc_cancel(ctx, group), -ENOENT);
    assert_int_equal(aioc_nreqs(ctx), 0);
}

static aioc_request late_group;
static int64_t late_result;
static void add_late(const aioc_completion *done, void *user_data) {
    log_callback(done, user_data);
    late_result = add_to(late_group, AIOC_OP_NOP, 1);
}
static void the_callback_of_a_group_cannot_add_to_it(void **state) {
    (void)state;
    late_group = aioc_group(ctx, add_late, NULL);
    aioc_group_close(ctx, late_group);
    wait_for_deliveries(1);
    assert_int_equal(late_result, -ENOENT);
}

static void member_adds_until_closed(const aioc_completion *done, void *user_data) {
    log_callback(done, user_data);
    if (deliveries < 10) {
        aioc_operation op = operation(AIOC_OP_NOP, (uintptr_t)deliveries);
        op.callback = member_adds_until_closed;
        op.group = late_group;
        assert_true(submit_operation(&op) > 0);
    } else {
        assert_int_equal(aioc_group_close(ctx, late_group), 0);
    }
}
static void members_are_added_until_it_is_closed(void **state) {
    (void)state;
    late_group = make_group(group_name, 0);
    aioc_operation op = operation(AIOC_OP_NOP, 0);
    op.callback = member_adds_until_closed;
    op.group = late_group;
    assert_true(submit_operation(&op) > 0);
    wait_for_deliveries(11);
    assert_int_equal(delivered[10].operation, AIOC_OP_GROUP);
    assert_int_equal(delivered[10].result, 10);
}

static void only_groups_have_members(void **state) {
    (void)state;
    aioc_hold(ctx);
    const aioc_request no_group = add_to(0, AIOC_OP_NOP, 1);
    assert_int_equal(add_to(no_group, AIOC_OP_NOP, 2), -EINVAL);
    assert_int_equal(add_to(12345, AIOC_OP_NOP, 2), -ENOENT);
    assert_int_equal(add_to(-1, AIOC_OP_NOP, 2), -ENOENT);
    assert_int_equal(aioc_group_close(ctx, no_group), -EINVAL);
    aioc_release(ctx);
    wait_for_deliveries(1);
}

static void cancel_ends_all_members(void **state) {
    (void)state;
    const int fds = count_fds();
    const aioc_request group = make_group(group_name, 0);
    aioc_operation op = operation(AIOC_OP_OPEN, 1);
    op.path = fifo_path();
    op.operation_flags = O_RDONLY | O_CLOEXEC;
    op.group = group;
    assert_true(submit_operation(&op) > 0);
    for (int tries = 0; tries < 4000 && !a_worker_opens(); ++tries) {
        aioc_poll_wait(ctx, 5);
    }
    aioc_operation chain[3];
    for (uintptr_t i = 0; i < 3; ++i) {
        chain[i] = operation(AIOC_OP_FSYNC, i + 2);
        chain[i].fd = -1;
        chain[i].group = group;
        chain[i].flags = i < 2 ? AIOC_LINK : 0;
    }
    aioc_hold(ctx);
    assert_int_equal(aioc_submit(ctx, chain, 3, NULL), 3);
    assert_int_equal(aioc_cancel(ctx, group), 0);
    assert_int_equal(aioc_cancel(ctx, group), -EALREADY);
    assert_int_equal(add_to(group, AIOC_OP_NOP, 5), -ECANCELED);
    assert_int_equal(aioc_group_feed(ctx, group, 1, NULL, NULL), -ECANCELED);
    aioc_release(ctx);
    wait_for_deliveries(3);
    assert_false(was_delivered(group_name)); /* its first member runs */
    unblock();
    wait_for_deliveries(5);
    for (int i = 0; i < 5; ++i) {
        assert_int_equal(delivered[i].result, -ECANCELED);
    }
    assert_int_equal((uintptr_t)delivered[4].user_data, group_name);
    assert_true(count_fds() <= fds + 1);
}

static void groups_nest(void **state) {
    (void)state;
    const aioc_request outer = make_group(1, 0), inner = make_group(2, outer), innermost = make_group(3, inner);
    for (uintptr_t i = 10; i < 20; ++i) {
        add_to(innermost, AIOC_OP_NOP, i);
    }
    aioc_group_close(ctx, outer);
    aioc_group_close(ctx, inner);
    wait_for_deliveries(10);
    add_to(innermost, AIOC_OP_STAT, 20);
    aioc_group_close(ctx, innermost);
    wait_for_deliveries(14);
    assert_int_equal((uintptr_t)delivered[11].user_data, 3);
    assert_int_equal((uintptr_t)delivered[12].user_data, 2);
    assert_int_equal((uintptr_t)delivered[13].user_data, 1);
    for (int i = 11; i < 14; ++i) {
        assert_int_equal(delivered[i].result, -ENOENT); /* the error of an inner group is one of the outer */
    }
}

static void cancel_reaches_the_deepest_group(void **state) {
    (void)state;
    enum { depth = 5000 };
    aioc_request group = make_group(1, 0);
    const aioc_request outermost = group;
    for (uintptr_t i = 2; i <= depth; ++i) {
        group = make_group(i, group);
        assert_true(group > 0);
    }
    assert_int_equal(aioc_cancel(ctx, outermost), 0);
    wait_for_deliveries(depth);
    for (int i = 0; i < depth; ++i) {
        assert_int_equal(delivered[i].result, -ECANCELED);
        assert_int_equal((uintptr_t)delivered[i].user_data, depth - i);
    }
}

static void a_chain_can_begin_with_a_group(void **state) {
    (void)state;
    aioc_operation ops[2] = {operation(AIOC_OP_GROUP, 1), operation(AIOC_OP_NOP, 2)};
    aioc_request ids[2];
    ops[0].flags = AIOC_LINK;
    assert_int_equal(aioc_submit(ctx, ops, 2, ids), 2);
    add_to(ids[0], AIOC_OP_NOP, 3);
    wait_for_deliveries(1);
    aioc_group_close(ctx, ids[0]);
    wait_for_deliveries(3);
    assert_int_equal((uintptr_t)delivered[2].user_data, 2);
    ops[0].code = AIOC_OP_NOP;
    ops[1].code = AIOC_OP_GROUP;
    assert_int_equal(aioc_submit(ctx, ops, 2, ids), -EINVAL); /* and not end with one */
    assert_int_equal(aioc_nreqs(ctx), 0);
}

/* --- Feeders */

struct feeding {
    int left, limit, most, calls;
    int result;
};
static int feed_one(aioc_context *c, aioc_request group, void *user_data) {
    struct feeding *feeding = user_data;
    ++feeding->calls;
    aioc_group_report report = AIOC_GROUP_REPORT_INIT;
    assert_int_equal(aioc_group_info(c, group, &report), 0);
    assert_true(report.outstanding < (uint64_t)feeding->limit);
    if (feeding->left == 0) {
        return feeding->result;
    }
    --feeding->left;
    assert_true(add_to(group, feeding->left % 3 ? AIOC_OP_NOP : AIOC_OP_STAT, 1) > 0);
    aioc_group_info(c, group, &report);
    feeding->most = (int)report.outstanding > feeding->most ? (int)report.outstanding : feeding->most;
    return 1;
}

static void a_feeder_keeps_the_limit(void **state) {
    (void)state;
    enum { members = 1000, limit = 5 };
    struct feeding feeding = {members, limit, 0, 0, 0};
    const aioc_request group = make_group(group_name, 0);
    assert_int_equal(aioc_group_feed(ctx, group, limit, feed_one, &feeding), 0);
    assert_int_equal(feeding.left, members - limit);
    wait_for_deliveries(members + 1);
    assert_int_equal(feeding.most, limit);
    assert_int_equal(feeding.calls, members + 1);
    assert_int_equal((uintptr_t)delivered[members].user_data, group_name);
    assert_int_equal(delivered[members].result, -ENOENT);
}

static void reap_calls_the_feeder(void **state) {
    (void)state;
    struct feeding feeding = {50, 3, 0, 0, 0};
    const aioc_request group = make_group(group_name, 0);
    assert_int_equal(aioc_group_feed(ctx, group, 3, feed_one, &feeding), 0);
    for (int taken = 0; taken < 51;) {
        aioc_completion done[2];
        memset(done, 0, sizeof done);
        done[0].size = sizeof done[0];
        assert_int_equal(aioc_poll_wait(ctx, 20000), 1);
        const int n = aioc_reap(ctx, done, 2);
        assert_true(n >= 0);
        taken += n;
    }
    assert_int_equal(aioc_nreqs(ctx), 0);
    assert_int_equal(feeding.left, 0);
}

static void limit_zero_pauses(void **state) {
    (void)state;
    struct feeding feeding = {10, 2, 0, 0, 0};
    const aioc_request group = make_group(group_name, 0);
    assert_int_equal(aioc_group_feed(ctx, group, 0, feed_one, &feeding), 0);
    assert_int_equal(feeding.calls, 0);
    assert_int_equal(aioc_group_feed(ctx, group, 2, NULL, NULL), 0);
    assert_int_equal(feeding.left, 8);
    assert_int_equal(aioc_group_feed(ctx, group, 0, NULL, NULL), 0);
    wait_for_deliveries(2);
    assert_int_equal(feeding.left, 8);
    assert_int_equal(aioc_poll_wait(ctx, 5), 0);
    assert_int_equal(aioc_group_feed(ctx, group, 2, NULL, NULL), 0);
    wait_for_deliveries(11);
    assert_int_equal(feeding.left, 0);
}

static void the_error_of_a_feeder_is_the_groups(void **state) {
    (void)state;
    struct feeding feeding = {4, 2, 0, 0, -EBADMSG};
    const aioc_request group = make_group(group_name, 0);
    assert_int_equal(aioc_group_feed(ctx, group, 2, feed_one, &feeding), 0);
    while (!was_delivered(group_name)) {
        assert_int_equal(aioc_poll_wait(ctx, 20000), 1);
        aioc_poll_cb(ctx);
    }
    assert_int_equal(deliveries, 5);
    assert_true(delivery_of(group_name)->result == -ENOENT || delivery_of(group_name)->result == -EBADMSG);
    struct feeding nothing = {0, 2, 0, 0, -EBADMSG};
    assert_int_equal(aioc_group_feed(ctx, make_group(1001, 0), 2, feed_one, &nothing), 0);
    wait_for_deliveries(6);
    assert_int_equal(delivery_of(1001)->result, -EBADMSG);
}

static int feed_nothing_once(aioc_context *c, aioc_request group, void *user_data) {
    (void)c;
    (void)group;
    return (*(int *)user_data)++ == 0;
}
static void a_feeder_that_adds_nothing_is_asked_again_later(void **state) {
    (void)state;
    int calls = 0;
    const aioc_request group = make_group(group_name, 0);
    assert_int_equal(aioc_group_feed(ctx, group, 2, feed_nothing_once, &calls), 0);
    assert_int_equal(calls, 1);
    assert_int_equal(aioc_poll_wait(ctx, 5), 0);
    assert_true(add_to(group, AIOC_OP_NOP, 1) > 0);
    wait_for_deliveries(2);
    assert_int_equal(calls, 2);
    assert_int_equal(delivery_of(group_name)->result, 1);
}

static int cancelling_feeder(aioc_context *c, aioc_request group, void *user_data) {
    (void)user_data;
    assert_true(add_to(group, AIOC_OP_NOP, 1) > 0);
    assert_int_equal(aioc_cancel(c, group), 0);
    return 1;
}
static void a_feeder_can_cancel_its_group(void **state) {
    (void)state;
    const aioc_request group = make_group(group_name, 0);
    assert_int_equal(aioc_group_feed(ctx, group, 4, cancelling_feeder, NULL), 0);
    wait_for_deliveries(2);
    assert_int_equal(delivered[1].result, -ECANCELED);
    assert_int_equal((uintptr_t)delivered[1].user_data, group_name);
}

static void broken_off(const aioc_completion *done, void *user_data) {
    log_callback(done, user_data);
    aioc_poll_break(ctx);
}
static int feed_breaking(aioc_context *c, aioc_request group, void *user_data) {
    (void)c;
    int *left = user_data;
    if (*left == 0) {
        return 0;
    }
    --*left;
    aioc_operation op = operation(AIOC_OP_NOP, 1);
    op.callback = broken_off;
    op.group = group;
    assert_true(submit_operation(&op) > 0);
    return 1;
}
static void a_broken_poll_feeds_next_time(void **state) {
    (void)state;
    int left = 20;
    const aioc_request group = make_group(group_name, 0);
    assert_int_equal(aioc_group_feed(ctx, group, 1, feed_breaking, &left), 0);
    assert_int_equal(left, 19);
    assert_int_equal(aioc_poll_wait(ctx, 20000), 1);
    assert_int_equal(aioc_poll_cb(ctx), 1);
    assert_int_equal(left, 19); /* nothing was called after the break */
    wait_for_deliveries(21);
}

static void exchange_knows_groups_and_chains(void **state) {
    (void)state;
    const aioc_request group = make_group(group_name, 0);
    aioc_operation ops[2] = {operation(AIOC_OP_NOP, 1), operation(AIOC_OP_NOP, 2)};
    aioc_completion done[4];
    uint32_t taken = 0;
    int total = 0;
    memset(done, 0, sizeof done);
    done[0].size = sizeof done[0];
    ops[0].flags = AIOC_LINK;
    ops[0].group = ops[1].group = group;
    assert_int_equal(aioc_exchange(ctx, ops, 2, NULL, done, 4, &taken), 2);
    total += (int)taken;
    assert_int_equal(aioc_exchange(ctx, ops, 1, NULL, done, 4, &taken), 1); /* a chain of one */
    total += (int)taken;
    assert_int_equal(aioc_group_close(ctx, group), 0);
    for (int tries = 0; total < 4 && tries < 1000; ++tries) {
        aioc_poll_wait(ctx, 1000);
        aioc_exchange(ctx, NULL, 0, NULL, done, 4, &taken);
        total += (int)taken;
    }
    assert_int_equal(total, 4);
    assert_int_equal(done[taken - 1].operation, AIOC_OP_GROUP);
    assert_int_equal(done[taken - 1].result, 3);
}

static void destroy_cancels_groups(void **state) {
    (void)state;
    struct feeding feeding = {1000, 2, 0, 0, 0};
    const aioc_request outer = make_group(1, 0), inner = make_group(2, outer);
    assert_int_equal(aioc_group_feed(ctx, inner, 2, feed_one, &feeding), 0);
    assert_int_equal(aioc_destroy(ctx), 0);
    ctx = NULL;
    assert_int_equal(deliveries, 4);
    assert_int_equal((uintptr_t)delivered[2].user_data, 2);
    assert_int_equal(delivered[2].result, -ECANCELED);
    assert_int_equal((uintptr_t)delivered[3].user_data, 1);
    assert_int_equal(delivered[3].result, -ECANCELED);
}

static void bad_arguments(void **state) {
    (void)state;
    aioc_group_report report = AIOC_GROUP_REPORT_INIT;
    const aioc_request group = make_group(group_name, 0);
    assert_int_equal(aioc_group(NULL, NULL, NULL), -EINVAL);
    assert_int_equal(aioc_group_close(NULL, group), -EINVAL);
    assert_int_equal(aioc_group_feed(NULL, group, 1, feed_one, NULL), -EINVAL);
    assert_int_equal(aioc_group_info(NULL, group, &report), -EINVAL);
    assert_int_equal(aioc_group_info(ctx, group, NULL), -EFAULT);
    report.size = 1;
    assert_int_equal(aioc_group_info(ctx, group, &report), -EINVAL);
    aioc_group_close(ctx, group);
    assert_int_equal(aioc_group_feed(ctx, group, 1, feed_one, NULL), -ESHUTDOWN);
    wait_for_deliveries(1);
}

int main(void) {
    const struct CMUnitTest tests[] = {SCHEDULE(an_empty_group_completes_when_closed),
                                       SCHEDULE(completes_after_all_its_members),
                                       SCHEDULE(counts_those_that_succeeded),
                                       SCHEDULE(reports_the_first_error),
                                       SCHEDULE(a_group_added_to_after_it_finished_refuses),
                                       SCHEDULE(the_callback_of_a_group_cannot_add_to_it),
                                       SCHEDULE(members_are_added_until_it_is_closed),
                                       SCHEDULE(only_groups_have_members),
                                       SCHEDULE(cancel_ends_all_members),
                                       SCHEDULE(groups_nest),
                                       SCHEDULE(cancel_reaches_the_deepest_group),
                                       SCHEDULE(a_chain_can_begin_with_a_group),
                                       SCHEDULE(a_feeder_keeps_the_limit),
                                       SCHEDULE(reap_calls_the_feeder),
                                       SCHEDULE(limit_zero_pauses),
                                       SCHEDULE(the_error_of_a_feeder_is_the_groups),
                                       SCHEDULE(a_feeder_that_adds_nothing_is_asked_again_later),
                                       SCHEDULE(a_feeder_can_cancel_its_group),
                                       SCHEDULE(a_broken_poll_feeds_next_time),
                                       SCHEDULE(exchange_knows_groups_and_chains),
                                       SCHEDULE(destroy_cancels_groups),
                                       SCHEDULE(bad_arguments)};
    return run_group(tests);
}
