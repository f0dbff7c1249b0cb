/* SPDX-License-Identifier: MIT */
/* Usage: test_stress [CYCLES [OUTSTANDING]]. Longer by its arguments; the defaults suit every run. */
#define _GNU_SOURCE
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static long cycles = 500;
static long outstanding = 100000;

static int count_mappings(void) {
    int lines = 0, c;
    FILE *f = fopen("/proc/self/maps", "re");
    while (f && (c = fgetc(f)) != EOF) {
        lines += c == '\n';
    }
    fclose(f);
    return lines;
}

static void cycle(long i) {
    static struct statx status;
    aioc_context *ctx = make_context(2);
    if (i % 3) {
        aioc_nop(ctx, NULL, NULL);
        aioc_stat(ctx, "/", &status, NULL, NULL);
    }
    if (i % 5 == 0) {
        aioc_rebind(ctx);
        aioc_nop(ctx, NULL, NULL);
    }
    assert_int_equal(aioc_destroy(ctx), 0);
}

static void create_and_destroy_leaves_nothing(void **state) {
    (void)state;
    for (long i = 0; i < 50; ++i) {
        cycle(i); /* the allocators' and libc's own caches */
    }
    const int fds = count_fds(), mappings = count_mappings();
    for (long i = 0; i < cycles; ++i) {
        cycle(i);
    }
    assert_int_equal(count_fds(), fds);
    assert_int_equal(process_status("Threads:"), 1 + (getenv("AIOC_THREADS_OF_RUNTIME") ? 1 : 0));
    assert_int_equal(count_workers(), 0);
    assert_in_range(count_mappings(), 0, mappings + 10);
}

static void many_outstanding_in_bounded_memory(void **state) {
    (void)state;
    aioc_context *ctx = make_context(2);
    const long before = process_status("VmRSS:");
    aioc_hold(ctx);
    for (long i = 0; i < outstanding; ++i) {
        assert_true(aioc_unlink(ctx, "/nonexistent/a-path-of-forty-characters", NULL, NULL) > 0);
    }
    const double bytes = (double)(process_status("VmRSS:") - before) * 1024 / (double)outstanding;
    printf("%.0f bytes a request\n", bytes);
    assert_int_equal(aioc_nreqs(ctx), outstanding);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(bytes <= 200);
#endif
    aioc_release(ctx);
    wait_all(ctx);
    assert_int_equal(aioc_destroy(ctx), 0);
}

static void steady_state_allocates_nothing_more(void **state) {
    (void)state;
    aioc_context *ctx = make_context(2);
    long warm = 0;
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 1000; ++i) {
            aioc_unlink(ctx, "/nonexistent/x", NULL, NULL);
        }
        wait_all(ctx);
        if (round == 4) {
            warm = process_status("VmRSS:");
        }
    }
    assert_in_range(process_status("VmRSS:"), 0, warm + 256);
    assert_int_equal(aioc_destroy(ctx), 0);
}

int main(int argc, char **argv) {
    cycles = argc > 1 ? atol(argv[1]) : cycles;
    outstanding = argc > 2 ? atol(argv[2]) : outstanding;
    const struct CMUnitTest tests[] = {CASE(create_and_destroy_leaves_nothing),
                                       CASE(many_outstanding_in_bounded_memory),
                                       CASE(steady_state_allocates_nothing_more)};
    return run_group(tests);
}
