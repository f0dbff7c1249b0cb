/* SPDX-License-Identifier: MIT */
/* Usage: test_schedule [ROUNDS]. Threads submit chains and groups, with priorities and deadlines, and cancel them at
 * any moment, while one polls: every request completes once, a chain in order, a group after its members. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { threads = 3, members = 6 };
static int rounds = 1500;
static aioc_context *shared;

/* What one round of one thread submits. */
struct round {
    unsigned char chain_calls[members], member_calls[members];
    int64_t chain_results[members];
    unsigned char group_calls;
    int chain_succeeded, chain_out_of_order, early_group;
};

static void chain_done(const aioc_completion *done, void *user_data) {
    unsigned char *const cell = user_data;
    struct round *const round = (struct round *)((uintptr_t)cell & ~(uintptr_t)255);
    const int index = (int)(cell - round->chain_calls);
    ++*cell;
    round->chain_out_of_order |= done->result >= 0 && round->chain_succeeded != index;
    round->chain_results[index] = done->result;
    round->chain_succeeded += done->result >= 0;
}

static void member_done(const aioc_completion *done, void *user_data) {
    unsigned char *const cell = user_data;
    struct round *const round = (struct round *)((uintptr_t)cell & ~(uintptr_t)255);
    ++*cell;
    round->early_group |= round->group_calls;
    (void)done;
}

static void group_done(const aioc_completion *done, void *user_data) {
    struct round *const round = user_data;
    ++round->group_calls;
    (void)done;
}

static void vary(aioc_operation *op, unsigned *seed) {
    static __thread struct statx status;
    const unsigned dice = (unsigned)rand_r(seed);
    op->code = dice % 3 ? AIOC_OP_NOP : AIOC_OP_LSTAT;
    op->path = dice % 11 ? "/" : "/nonexistent";
    op->buffer = &status;
    op->priority = (int)(dice / 16 % 9) - 4;
    op->timeout_ns = dice % 5 ? 0 : 1 + dice / 64 % 100000;
}

static void submit_chain(struct round *round, unsigned *seed) {
    const aioc_operation blank = AIOC_OPERATION_INIT;
    aioc_operation ops[members];
    aioc_request ids[members];
    for (int i = 0; i < members; ++i) {
        ops[i] = blank;
        vary(&ops[i], seed);
        ops[i].flags = i + 1 < members ? AIOC_LINK : 0;
        ops[i].callback = chain_done;
        ops[i].user_data = &round->chain_calls[i];
    }
    if (aioc_submit(shared, ops, members, ids) != members) {
        abort();
    }
    if (rand_r(seed) % 2) {
        const int result = aioc_cancel(shared, ids[rand_r(seed) % members]);
        if (result != 0 && result != -EALREADY && result != -ENOENT) {
            abort();
        }
    }
}

static void submit_group(struct round *round, unsigned *seed) {
    aioc_operation op = AIOC_OPERATION_INIT;
    aioc_request group;
    op.code = AIOC_OP_GROUP;
    op.callback = group_done;
    op.user_data = round;
    op.timeout_ns = rand_r(seed) % 4 ? 0 : 1 + (unsigned)rand_r(seed) % 200000;
    if (aioc_submit(shared, &op, 1, &group) != 1) {
        abort();
    }
    const int cancelled_at = rand_r(seed) % (3 * members);
    for (int i = 0; i < members; ++i) {
        const aioc_operation blank = AIOC_OPERATION_INIT;
        op = blank;
        vary(&op, seed);
        op.group = group;
        op.callback = member_done;
        op.user_data = &round->member_calls[i];
        const int result = aioc_submit(shared, &op, 1, NULL);
        if (result != 1) { /* it is over already */
            if (result != -ECANCELED && result != -ENOENT) {
                abort();
            }
            round->member_calls[i] = 1;
        }
        if (i == cancelled_at) {
            aioc_cancel(shared, group);
        }
    }
    const int closed = aioc_group_close(shared, group);
    if (closed != 0 && closed != -ENOENT) {
        abort();
    }
}

static void *submit(void *memory) {
    struct round *round = memory;
    unsigned seed = (unsigned)((uintptr_t)memory >> 12);
    for (int i = 0; i < rounds; ++i, round = (struct round *)((char *)round + 256)) {
        submit_chain(round, &seed);
        submit_group(round, &seed);
    }
    return NULL;
}

static void each_completes_once_in_order(void **state) {
    (void)state;
    _Static_assert(sizeof(struct round) <= 256, "found by masking an address");
    pthread_t ids[threads];
    shared = make_shared_context(2);
    const size_t bytes = (size_t)rounds * 256;
    char *const all = aligned_alloc(256, threads * bytes);
    memset(all, 0, threads * bytes);
    for (int i = 0; i < threads; ++i) {
        assert_int_equal(pthread_create(&ids[i], NULL, submit, all + (size_t)i * bytes), 0);
    }
    const uint64_t total = (uint64_t)threads * (uint64_t)rounds * (members + 1);
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    while (stats.completed < total) { /* all chains and groups, and then the members that were accepted */
        aioc_poll_wait(shared, 10);
        aioc_poll_cb(shared);
        aioc_stats(shared, &stats);
    }
    for (int i = 0; i < threads; ++i) {
        pthread_join(ids[i], NULL);
    }
    wait_all(shared);
    aioc_stats(shared, &stats);
    printf("%llu timed out\n", (unsigned long long)stats.timed_out);
    assert_int_equal(stats.waiting, 0);
    for (size_t at = 0; at < threads * bytes; at += 256) {
        const struct round *const round = (const struct round *)(all + at);
        int failed = 0;
        for (int i = 0; i < members; ++i) {
            assert_int_equal(round->chain_calls[i], 1);
            assert_int_equal(round->member_calls[i], 1);
            assert_false(failed && round->chain_results[i] >= 0);
            failed |= round->chain_results[i] < 0;
        }
        assert_int_equal(round->group_calls, 1);
        assert_false(round->chain_out_of_order);
        assert_false(round->early_group);
    }
    free(all);
    assert_int_equal(aioc_destroy(shared), 0);
}

int main(int argc, char **argv) {
    rounds = argc > 1 ? atoi(argv[1]) : rounds;
    const struct CMUnitTest tests[] = {CASE(each_completes_once_in_order)};
    return run_group(tests);
}
