/* SPDX-License-Identifier: MIT */
/* Structs of older (smaller) and newer (larger) programs. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <string.h>

enum { more_bytes = 24, untouched = 0x5a };
static aioc_context *ctx;

static int setup(void **state) {
    count_one(state);
    ctx = make_context(0);
    return 0;
}
static int teardown(void **state) {
    (void)state;
    return aioc_destroy(ctx);
}

static void options_larger_and_smaller(void **state) {
    (void)state;
    struct {
        aioc_options known;
        unsigned char more[more_bytes];
    } options = {AIOC_OPTIONS_INIT, {0}};
    aioc_context *other = NULL;
    options.known.size = sizeof options;
    assert_int_equal(aioc_create(&other, &options.known), 0);
    assert_int_equal(aioc_destroy(other), 0);
    options.more[more_bytes - 1] = 1;
    assert_int_equal(aioc_create(&other, &options.known), -E2BIG);
    options.known.size = 8;
    options.known.max_workers = 5000; /* beyond what it states: taken as zero */
    assert_int_equal(aioc_create(&other, &options.known), 0);
    assert_int_equal(aioc_destroy(other), 0);
    const uint32_t wrong[] = {0, 3, 4097, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        options.known.size = wrong[i];
        assert_int_equal(aioc_create(&other, &options.known), -EINVAL);
    }
}

static void operations_larger(void **state) {
    (void)state;
    struct {
        aioc_operation known;
        unsigned char more[more_bytes];
    } ops[2] = {{AIOC_OPERATION_INIT, {0}}, {AIOC_OPERATION_INIT, {0}}};
    aioc_request ids[2] = {0, 0};
    struct record records[2] = {{0}, {0}};
    for (int i = 0; i < 2; ++i) {
        ops[i].known.size = sizeof ops[i];
        ops[i].known.code = AIOC_OP_NOP;
        ops[i].known.callback = record_callback;
        ops[i].known.user_data = &records[i];
    }
    assert_int_equal(aioc_submit(ctx, &ops[0].known, 2, ids), 2);
    wait_all(ctx);
    assert_int_equal(records[0].done.request, ids[0]);
    assert_int_equal(records[1].done.request, ids[1]);
    ops[1].more[0] = 1;
    assert_int_equal(aioc_submit(ctx, &ops[0].known, 2, ids), 1);
    ops[0].more[more_bytes - 1] = 1;
    assert_int_equal(aioc_submit(ctx, &ops[0].known, 2, ids), -E2BIG);
    ops[0].more[more_bytes - 1] = 0;
    ops[1].more[0] = 0;
    ops[1].known.size = sizeof(aioc_operation); /* not the same in the whole array */
    assert_int_equal(aioc_submit(ctx, &ops[0].known, 2, ids), 1);
    wait_all(ctx);
}

/* An operation that ends behind its code, 8 bytes long, of an older program: no callback, no flags. */
static void operations_smaller(void **state) {
    (void)state;
    const uint32_t ops[2][2] = {{8, AIOC_OP_NOP}, {8, AIOC_OP_NOP}};
    aioc_request ids[2] = {0, 0};
    assert_int_equal(aioc_submit(ctx, (const aioc_operation *)(const void *)ops, 2, ids), 2);
    assert_true(ids[0] > 0 && ids[1] > 0);
    wait_all(ctx);
    assert_int_equal(aioc_count(ctx, AIOC_OP_NOP, 0), 2);
    const uint32_t only_size[1] = {4}; /* code 0 */
    assert_int_equal(aioc_submit(ctx, (const aioc_operation *)(const void *)only_size, 1, ids), -EINVAL);
}

/* A larger element is filled as far as this version knows; what it does not know is zero. */
static void completions_larger(void **state) {
    (void)state;
    struct {
        aioc_completion known;
        unsigned char more[more_bytes];
    } done[3];
    memset(done, untouched, sizeof done);
    done[0].known.size = sizeof done[0];
    const aioc_request first = aioc_nop(ctx, NULL, (void *)1), second = aioc_nop(ctx, NULL, (void *)2);
    int64_t got = 0;
    while (got < 2) {
        assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
        got += aioc_reap(ctx, &done[got].known, (uint32_t)(3 - got));
        done[got].known.size = sizeof done[got];
    }
    assert_int_equal(got, 2);
    static const unsigned char zero[more_bytes];
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(done[i].known.size, sizeof done[i]);
        assert_int_equal(done[i].known.operation, AIOC_OP_NOP);
        assert_int_equal(done[i].known.result, 0);
        assert_memory_equal(done[i].more, zero, more_bytes);
    }
    assert_int_equal(done[0].known.request + done[1].known.request, first + second);
    assert_int_equal(done[2].more[0], untouched); /* not delivered: not written */
}

/* A smaller one gets what fits, and nothing beyond it is written. */
static void completions_smaller(void **state) {
    (void)state;
    enum { stated = offsetof(aioc_completion, user_data) };
    unsigned char memory[2 * sizeof(aioc_completion)];
    memset(memory, untouched, sizeof memory);
    uint32_t size = stated;
    memcpy(memory, &size, sizeof size);
    const aioc_request request = aioc_nop(ctx, NULL, (void *)1);
    assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
    assert_int_equal(aioc_reap(ctx, (aioc_completion *)(void *)memory, 1), 1);
    aioc_request seen = 0;
    memcpy(&seen, memory + offsetof(aioc_completion, request), sizeof seen);
    assert_int_equal(seen, request);
    assert_int_equal(memory[stated], untouched);
    memcpy(&size, memory, sizeof size);
    assert_int_equal(size, stated);
}

static int fill_statistics(void *ret) { return aioc_stats(ctx, ret); }
static int fill_report(void *ret) { return aioc_engine_info(ctx, AIOC_ENGINE_WORKERS, ret); }

/* Out-structs: a smaller one gets what fits; a larger one zero beyond what this version knows. */
static void fill_larger_and_smaller(int (*fill)(void *), uint32_t known) {
    unsigned char whole[256], larger[256], smaller[256];
    uint32_t size = known;
    memset(whole, untouched, sizeof whole);
    memset(larger, untouched, sizeof larger);
    memset(smaller, untouched, sizeof smaller);
    memcpy(whole, &size, sizeof size);
    assert_int_equal(fill(whole), 0);
    assert_int_equal(whole[known], untouched);

    size = known + more_bytes;
    memcpy(larger, &size, sizeof size);
    memset(larger + known, 0, more_bytes);
    assert_int_equal(fill(larger), 0);
    assert_memory_equal(larger, &size, sizeof size);
    assert_memory_equal(larger + sizeof size, whole + sizeof size, known - sizeof size);
    for (uint32_t i = known; i < size; ++i) {
        assert_int_equal(larger[i], 0);
    }
    assert_int_equal(larger[size], untouched);

    size = 8;
    memcpy(smaller, &size, sizeof size);
    assert_int_equal(fill(smaller), 0);
    assert_memory_equal(smaller, &size, sizeof size);
    assert_memory_equal(smaller + 4, whole + 4, 4);
    assert_int_equal(smaller[8], untouched);

    for (size = 0; size < 4; ++size) {
        memcpy(smaller, &size, sizeof size);
        assert_int_equal(fill(smaller), -EINVAL);
    }
    size = 4097;
    memcpy(smaller, &size, sizeof size);
    assert_int_equal(fill(smaller), -EINVAL);
}

static void statistics_larger_and_smaller(void **state) {
    (void)state;
    aioc_nop(ctx, NULL, NULL);
    wait_all(ctx);
    assert_int_equal(aioc_max_parallel(ctx, 0), 0); /* numbers that stand still */
    fill_larger_and_smaller(fill_statistics, sizeof(aioc_statistics));
}
static void engine_report_larger_and_smaller(void **state) {
    (void)state;
    fill_larger_and_smaller(fill_report, sizeof(aioc_engine_report));
}

int main(void) {
#define C(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {C(options_larger_and_smaller),
                                       C(operations_larger),
                                       C(operations_smaller),
                                       C(completions_larger),
                                       C(completions_smaller),
                                       C(statistics_larger_and_smaller),
                                       C(engine_report_larger_and_smaller)};
    return run_group(tests);
}
