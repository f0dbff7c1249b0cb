/* SPDX-License-Identifier: MIT */
/* For hazards to a host program: each body runs in a forked child with an alarm, where cmocka's asserts must
 * not be used (they would go on with the parent's next case); CHECK ends the child instead. */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

struct __ptrace_syscall_info;

#define CHECK(condition) check_in_child((condition), #condition, __FILE__, __LINE__)
void check_in_child(bool good, const char *text, const char *file, int line);

/* A case that runs body in a child, which must end with status 0. */
#define CHILD_CASE(body)                                                                                               \
    static void body##_in_child(void **state) {                                                                        \
        (void)state;                                                                                                   \
        assert_int_equal(in_child(body), 0);                                                                           \
    }
/* The same, for root only. */
#define ROOT_CASE(body)                                                                                                \
    static void body##_in_child(void **state) {                                                                        \
        (void)state;                                                                                                   \
        if (geteuid() != 0) {                                                                                          \
            cannot_be_tested(#body, "not root");                                                                       \
            return;                                                                                                    \
        }                                                                                                              \
        assert_int_equal(in_child(body), 0);                                                                           \
    }
#define CHILD(body) CASE(body##_in_child)
/* Says so; fails the case in CI, where everything must be tested. */
void cannot_be_tested(const char *what, const char *why);

/* The spawner that this run tests, from AIOC_SPAWNER. */
bool testing_spawner(const char *name);
/* The engine that this run tests, from AIOC_FAULT_ENGINE: workers if it is not set. Not by AIOC_ENGINE, which would
 * also change the contexts that are about workers alone. */
uint32_t fault_engine(void);
bool fault_engine_may_be(uint32_t engine);
/* A context of that engine, for one thread with AIOC_TEST_SINGLE_THREADED. */
aioc_context *fault_context(uint32_t max_workers);
aioc_context *shared_fault_context(uint32_t max_workers);
/* A context of the workers engine, with an idle timeout in milliseconds (0: the default). */
aioc_context *workers_context(uint32_t max_workers, uint32_t idle_timeout_ms);
/* A case that is about workers alone, in the runs of the workers engine. */
#define WORKERS_ONLY(body)                                                                                             \
    do {                                                                                                               \
        if (fault_engine() != AIOC_ENGINE_WORKERS) {                                                                   \
            printf("%s: about workers alone\n", body);                                                                 \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)
/* One request with record_callback(&last): waits for all and returns its result. */
extern struct record last;
int64_t finish(aioc_context *ctx, aioc_request request);
/* Polls until nothing is outstanding; ends the child after 20 s. */
void drain(aioc_context *ctx);
/* open(2) through ctx, closed again: >= 0 or -errno. */
int64_t try_open(aioc_context *ctx, const char *path);
void start_many(aioc_context *ctx, int count);
/* Until the condition holds; ends the child after 10 s. */
void wait_until(bool (*condition)(void *), void *argument, const char *text);

/* An open of a fifo that waits for its other end, until release_worker: with the ring in a thread of the kernel's, else
 * in a worker. */
void start_blocked(aioc_context *ctx, aioc_callback callback, void *user_data);
aioc_request open_blocking_fifo(aioc_context *ctx, aioc_callback callback, void *user_data);
/* A worker that sits in open(2) of a fifo, until release_worker lets it go on. */
void block_worker(aioc_context *ctx, aioc_callback callback, void *user_data);
void wait_for_blocked_worker(void); /* the second half of it, for a request that the case submits itself */
void release_worker(void);
const char *blocking_fifo(void);

/* Thread ids of this process's threads named aioc-worker; their number. */
enum { workers_seen_max = 64 };
int find_workers(pid_t *tids);
void wait_for_workers(int count);
/* The rest of a line of /proc/self/task/TID/status, e.g. "Uid:"; "" when the thread is gone. */
void thread_status(pid_t tid, const char *field, char *ret, size_t bytes);

/* Until the worker sleeps in the kernel; its stack pointer there. */
uintptr_t sleeping_stack_pointer(pid_t tid);

/* In a child: from here on its system calls and those of its threads are its parent's to see. */
void be_traced(void);
/* Sees each entry to a system call and each return from one; false: the child is to be killed there. */
typedef bool (*call_observer)(pid_t tid, pid_t child, const struct __ptrace_syscall_info *info);
/* Runs the child to its end, which must be a good one. True: it was killed. */
bool trace(pid_t child, call_observer observe);

struct sock_filter;
/* Installs a seccomp filter for this thread. */
void install_filter(const struct sock_filter *filter, size_t count);
/* Answers -error to this system call. */
void refuse_syscall(int number, int error);
/* Answers -error to this system call where the low word of that argument, of these bits, has that value. */
void refuse_syscall_with(int number, int argument, uint32_t bits, uint32_t value, int error);
/* A file system has no O_TMPFILE. */
void refuse_tmpfile(void);
/* Lets clone(2) pass only with exactly these flags (EPERM); clone3 gives ENOSYS. */
void allow_clone_with_flags_only(uint32_t flags);
/* Refuses clone(2) with any of these flags (EPERM); clone3 gives ENOSYS. */
void refuse_clone_with_any_of(uint32_t flags);
#endif
