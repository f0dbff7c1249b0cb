/* SPDX-License-Identifier: MIT */
/* What every test needs: a runner that does not call an empty or skipped group a success, a context, and
 * a bounded wait. The spawner comes from AIOC_SPAWNER, which the library itself reads. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <aioclone.h>

struct record {
    int calls;
    aioc_completion done;
};

void record_callback(const aioc_completion *done, void *user_data);
aioc_context *make_context(uint32_t max_workers);
/* Until nothing is outstanding; fails the test when that takes longer than 20 s. */
void wait_all(aioc_context *ctx);
/* The result of a request whose callback is record_callback, after waiting for all. */
int64_t result_of(aioc_context *ctx, aioc_request request, struct record *record);
/* Threads of this process that are named aioc-worker. */
int count_workers(void);
int count_fds(void);
/* A file in a fresh directory with this content; its path. Both are removed at exit. */
const char *make_file(const char *content);
/* Runs body in a forked child with an alarm; its wait status. */
int in_child(void (*body)(void));
/* Instead of _exit, in a child that ends well. */
void end_child(int status);
/* Cleared by a child that forbade itself threads, which the leak checker needs. */
extern int leaks_can_be_checked;
/* A fifo that the child may make; in_child removes it, however the child ends. */
void child_fifo_path(int child, char *ret, size_t bytes);

#define run_group(tests)                                                                                               \
    finish_group(cmocka_run_group_tests(tests, count_setup, NULL), sizeof(tests) / sizeof(tests[0]))
int count_setup(void **state);
int finish_group(int failed, size_t tests);
#define CASE(name) cmocka_unit_test_setup(name, count_one)
int count_one(void **state);

#endif
