/* SPDX-License-Identifier: MIT */
/* Forks, ends and execs of a process with requests in flight: 64, beside one that waits for the other end of a fifo. On
 * workers the others are queued behind it; else they are with the kernel, or done and not yet delivered. */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { in_flight = 64 };
static int delivered;

static void count_delivery(const aioc_completion *done, void *user_data) {
    (void)done;
    (void)user_data;
    ++delivered;
}

static aioc_request start_one_of_several_kinds(aioc_context *ctx, int i) {
    static char bytes[16];
    static struct statx status;
    switch (i % 4) {
    case 0:
        return aioc_fdatasync(ctx, 0, count_delivery, NULL); /* whatever that is */
    case 1:
        return aioc_read(ctx, 0, bytes, sizeof bytes, 0, count_delivery, NULL);
    case 2:
        return aioc_stat(ctx, "/etc/passwd", &status, count_delivery, NULL);
    default:
        return aioc_nop(ctx, count_delivery, NULL);
    }
}

static aioc_context *context_with_work(void) {
    aioc_context *ctx = fault_context(1);
    delivered = 0;
    start_blocked(ctx, count_delivery, NULL);
    for (int i = 1; i < in_flight; ++i) {
        CHECK(start_one_of_several_kinds(ctx, i) > 0);
    }
    CHECK(aioc_nreqs(ctx) == in_flight);
    return ctx;
}

static void finish_work(aioc_context *ctx) {
    CHECK(aioc_nreqs(ctx) == in_flight && delivered == 0);
    release_worker();
    drain(ctx);
    CHECK(delivered == in_flight);
    CHECK(aioc_destroy(ctx) == 0);
}

/* --- Forks ---------------------------------------------------------------------- */

static void expect_success_of(pid_t child) {
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

/* The inherited context is empty and works, with a worker of its own. */
static void use_in_forked_child(aioc_context *ctx) {
    alarm(20);
    CHECK(aioc_nreqs(ctx) == 0);
    CHECK(aioc_poll_cb(ctx) == 0 && aioc_poll_wait(ctx, -1) == 0);
    CHECK(finish(ctx, aioc_nop(ctx, record_callback, &last)) == 0);
    CHECK(fault_engine_may_be(last.done.engine));
    CHECK(fault_engine() != AIOC_ENGINE_RING || last.done.engine == AIOC_ENGINE_RING); /* one of its own */
    CHECK(finish(ctx, aioc_fsync(ctx, -1, record_callback, &last)) == -EBADF);
    CHECK(delivered == 0);
    end_child(aioc_destroy(ctx) == 0 ? 0 : 1);
}

static pid_t raw_fork(void) { return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }

static void fork_by(pid_t (*call)(void)) {
    aioc_context *ctx = context_with_work();
    for (int i = 0; i < 10; ++i) {
        const pid_t child = call();
        if (child == 0) {
            use_in_forked_child(ctx);
        }
        expect_success_of(child);
    }
    finish_work(ctx);
}

static void fork_leaves_parent_and_child_whole(void) { fork_by(fork); }
static void _Fork_leaves_parent_and_child_whole(void) { fork_by(_Fork); }
static void raw_fork_leaves_parent_and_child_whole(void) { fork_by(raw_fork); }

/* The queue is in motion at the moment of the fork: its locks may be held by threads that the child lacks. */
static void fork_while_workers_run(void) {
    aioc_context *ctx = fault_context(2);
    for (int i = 0; i < 60; ++i) {
        start_many(ctx, in_flight);
        const pid_t child = i % 2 ? fork() : raw_fork();
        if (child == 0) {
            use_in_forked_child(ctx);
        }
        expect_success_of(child);
        CHECK(aioc_nreqs(ctx) == in_flight);
        drain(ctx);
    }
    CHECK(aioc_destroy(ctx) == 0);
}

static void fork_while_requests_are_held(void) {
    aioc_context *ctx = fault_context(2);
    CHECK(aioc_hold(ctx) == 0);
    start_many(ctx, in_flight);
    const pid_t child = fork();
    if (child == 0) {
        use_in_forked_child(ctx);
    }
    expect_success_of(child);
    CHECK(aioc_release(ctx) == 0);
    drain(ctx);
    CHECK(aioc_destroy(ctx) == 0);
}

static bool in_forked_child;
static void forking_callback(const aioc_completion *done, void *user_data) {
    (void)done;
    (void)user_data;
    const pid_t child = fork();
    in_forked_child = child == 0;
    if (child != 0) {
        expect_success_of(child);
    }
}
static void fork_in_a_callback(void) {
    aioc_context *ctx = fault_context(1);
    CHECK(aioc_nop(ctx, forking_callback, NULL) > 0);
    start_many(ctx, in_flight);
    while (aioc_nreqs(ctx) > 0 && !in_forked_child) {
        aioc_poll_wait(ctx, 10000);
        aioc_poll_cb(ctx);
    }
    if (in_forked_child) {
        use_in_forked_child(ctx);
    }
    CHECK(aioc_destroy(ctx) == 0);
}

/* The parent's ids name nothing in the child, and its descriptor's counter is not the child's. */
static void forked_child_does_not_touch_the_parents_requests(void) {
    aioc_context *ctx = fault_context(1);
    start_blocked(ctx, NULL, NULL);
    const aioc_request queued = open_blocking_fifo(ctx, record_callback, &last);
    const int descriptor = aioc_poll_fileno(ctx);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        CHECK(aioc_cancel(ctx, queued) == -ENOENT);
        CHECK(aioc_poll_fileno(ctx) == descriptor);
        start_many(ctx, 3);
        drain(ctx);
        end_child(aioc_destroy(ctx) == 0 ? 0 : 1);
    }
    expect_success_of(child);
    CHECK(aioc_poll_wait(ctx, 0) == 0);
    release_worker();
    CHECK(finish(ctx, queued) >= 0);
    CHECK(aioc_destroy(ctx) == 0);
}

/* A vfork child shares the parent's memory: what looks like a fork there must not start the context afresh. */
static void vfork_child_changes_nothing(void) {
    aioc_context *ctx = context_with_work();
    static volatile int64_t seen;
    const pid_t child = vfork();
    if (child == 0) {
        seen = aioc_nreqs(ctx);
        _exit(0);
    }
    expect_success_of(child);
    CHECK(seen == in_flight);
    finish_work(ctx);
}

static void posix_spawn_changes_nothing(void) {
    aioc_context *ctx = context_with_work();
    char *arguments[] = {"true", NULL};
    pid_t spawned;
    CHECK(posix_spawn(&spawned, "/bin/true", NULL, NULL, arguments, NULL) == 0);
    expect_success_of(spawned);
    CHECK(system("exit 0") == 0);
    finish_work(ctx);
}

#if defined(__SANITIZE_ADDRESS__)
void __lsan_disable(void);
#else
static void __lsan_disable(void) {}
#endif

/* --- Ends ----------------------------------------------------------------------- */

static void abandon_work(void) {
    __lsan_disable(); /* what it leaves behind is no leak */
    context_with_work();
}
static void exit_with_work(void) {
    abandon_work();
    exit(0);
}
static void _exit_with_work(void) {
    abandon_work();
    _exit(0);
}
static void exec_with_work(void) {
    abandon_work();
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}
/* The program that exec starts has one thread, and the descriptors of the context are closed in it. */
static void exec_inherits_nothing(void) {
    char command[200];
    aioc_context *ctx = context_with_work();
    snprintf(command, sizeof command,
             "test ! -e /proc/self/fd/%d && test $(ls /proc/$$/task | wc -l) = 1 && "
             "! ls -l /proc/$$/fd | grep -q anon_inode",
             aioc_poll_fileno(ctx));
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(1);
}
static void *exec_elsewhere(void *unused) {
    (void)unused;
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}
static void exec_of_another_thread_with_work(void) {
    pthread_t thread;
    abandon_work();
    CHECK(pthread_create(&thread, NULL, exec_elsewhere, NULL) == 0);
    pthread_join(thread, NULL);
    _exit(1);
}
static void sigterm_ends_the_process(void) {
    abandon_work();
    kill(getpid(), SIGTERM);
    _exit(1);
}

/* Ends of main itself need a program of their own: this one again. */
static void return_from_main_with_work(void) {
    execl("/proc/self/exe", "test_process", "return", (char *)NULL);
    _exit(1);
}
static void pthread_exit_from_main_with_work(void) {
    execl("/proc/self/exe", "test_process", "pthread_exit", (char *)NULL);
    _exit(1);
}

CHILD_CASE(exit_with_work)
CHILD_CASE(_exit_with_work)
CHILD_CASE(exec_with_work)
CHILD_CASE(exec_inherits_nothing)
CHILD_CASE(exec_of_another_thread_with_work)
CHILD_CASE(return_from_main_with_work)

static void sigterm_ends_the_process_in_child(void **state) {
    (void)state;
    const int status = in_child(sigterm_ends_the_process);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

/* libc counts pthread workers as threads of the program, which goes on until they end. */
static void pthread_exit_from_main_with_work_in_child(void **state) {
    (void)state;
    if (!testing_spawner("clone")) {
        printf("not for this spawner: its workers keep the process\n");
        return;
    }
    assert_int_equal(in_child(pthread_exit_from_main_with_work), 0);
}

#if defined(__SANITIZE_THREAD__)
static void vfork_child_changes_nothing_in_child(void **state) {
    (void)state;
    (void)vfork_child_changes_nothing; /* TSan makes a fork of it */
}
#else
CHILD_CASE(vfork_child_changes_nothing)
#endif
CHILD_CASE(posix_spawn_changes_nothing)

/* ASan's and TSan's runtimes allow no allocation, or no thread, in the child of a process with pthreads. */
#define FORK_CASE(body)                                                                                                \
    static void body##_in_child(void **state) {                                                                        \
        (void)state;                                                                                                   \
        if (runtime_forbids_forks()) {                                                                                 \
            printf("not under this sanitizer with pthread workers\n");                                                 \
            return;                                                                                                    \
        }                                                                                                              \
        assert_int_equal(in_child(body), 0);                                                                           \
    }
static bool runtime_forbids_forks(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return !testing_spawner("clone");
#else
    return false;
#endif
}
FORK_CASE(fork_leaves_parent_and_child_whole)
FORK_CASE(_Fork_leaves_parent_and_child_whole)
FORK_CASE(raw_fork_leaves_parent_and_child_whole)
FORK_CASE(fork_while_workers_run)
FORK_CASE(fork_while_requests_are_held)
FORK_CASE(fork_in_a_callback)
FORK_CASE(forked_child_does_not_touch_the_parents_requests)

int main(int argc, char **argv) {
    if (argc == 2) {
        abandon_work();
        if (strcmp(argv[1], "pthread_exit") == 0) {
            pthread_exit(NULL);
        }
        return 0;
    }
    const struct CMUnitTest tests[] = {
        CHILD(fork_leaves_parent_and_child_whole),
        CHILD(_Fork_leaves_parent_and_child_whole),
        CHILD(raw_fork_leaves_parent_and_child_whole),
        CHILD(fork_while_workers_run),
        CHILD(fork_while_requests_are_held),
        CHILD(fork_in_a_callback),
        CHILD(forked_child_does_not_touch_the_parents_requests),
        CHILD(vfork_child_changes_nothing),
        CHILD(posix_spawn_changes_nothing),
        CHILD(exit_with_work),
        CHILD(_exit_with_work),
        CHILD(exec_with_work),
        CHILD(exec_inherits_nothing),
        CHILD(exec_of_another_thread_with_work),
        CHILD(sigterm_ends_the_process),
        CHILD(return_from_main_with_work),
        CHILD(pthread_exit_from_main_with_work),
    };
    return run_group(tests);
}
