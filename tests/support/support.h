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

/* The engine that this run forces with AIOC_ENGINE; AIOC_ENGINE_AUTO if none. */
uint32_t tested_engine(void);
/* May a request be served by this engine in this run? */
int engine_is_allowed(uint32_t engine);
/* What the ring must say here: 0, or -errno of the filter that this run is under. 1: nothing is known. */
int expected_ring_status(void);
/* AIOC_TEST_SINGLE_THREADED=1: contexts are for one thread, but those of make_shared_context. When the engine
 * that is forced does not work here, make_context ends the program: as skipped, in CI as failed. */
aioc_options test_options(void);
aioc_context *make_context(uint32_t max_workers);
aioc_context *make_shared_context(uint32_t max_workers);
/* For what is about one engine alone, whatever this run forces. Not beside other threads: it changes the environment.
 */
int create_unforced(aioc_context **ret, const aioc_options *options);
aioc_context *make_workers_context(uint32_t max_workers);
/* Until nothing is outstanding; fails the test when that takes longer than 20 s. */
void wait_all(aioc_context *ctx);
/* The result of a request whose callback is record_callback, after waiting for all. */
int64_t result_of(aioc_context *ctx, aioc_request request, struct record *record);
/* An open of this fifo, for reading, until a worker sits in it: on the other engines it only gets there after them. */
aioc_request block_worker_in(aioc_context *ctx, const char *fifo, aioc_callback callback, void *user_data);
/* Threads of this process that are named aioc-worker. */
int count_workers(void);
/* Does one of them sit in open(2)? */
int a_worker_opens(void);
/* Or in another system call? */
int a_worker_is_in(long number);
int count_fds(void);
/* The number in this line of /proc/self/status, e.g. "VmRSS:" (KiB); -1: there is no such line. */
int64_t process_status(const char *field);
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
