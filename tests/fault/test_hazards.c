/* SPDX-License-Identifier: MIT */
/* What could hurt a host program, one case each, in a forked child with an alarm. */
#define _GNU_SOURCE
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct record record;
static const char *secret;

static void check(int good, int line) {
    if (!good) {
        fprintf(stderr, "child: line %d\n", line);
        _exit(1);
    }
}
#define CHECK(condition) check(condition, __LINE__)
static int64_t open_secret(aioc_context *ctx) {
    const int64_t fd = result_of(ctx, aioc_open(ctx, secret, O_RDONLY, 0, record_callback, &record), &record);
    if (fd >= 0) {
        close((int)fd);
    }
    return fd;
}
static void start_many(aioc_context *ctx) {
    for (int i = 0; i < 64; ++i) {
        CHECK(aioc_nop(ctx, NULL, NULL) > 0);
    }
}

static void drop_ids(void) {
    aioc_context *ctx = make_context(2);
    CHECK(open_secret(ctx) >= 0);
    CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    CHECK(open_secret(ctx) == -EACCES);
    CHECK(aioc_max_parallel(ctx, 0) == 0);
    CHECK(count_workers() == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
static void drop_fsuid(void) {
    aioc_context *ctx = make_context(2);
    CHECK(open_secret(ctx) >= 0);
    setfsuid(65534);
    CHECK(open_secret(ctx) == -EACCES);
    setfsuid(0);
    CHECK(open_secret(ctx) >= 0);
    CHECK(aioc_destroy(ctx) == 0);
}
static void forbid_threads(void) {
    const struct rlimit none = {0, 0};
    CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    aioc_context *ctx = make_context(2);
    CHECK(result_of(ctx, aioc_nop(ctx, record_callback, &record), &record) == 0);
    CHECK(record.done.engine == AIOC_ENGINE_SYNC);
    aioc_engine_report report = AIOC_ENGINE_REPORT_INIT;
    CHECK(aioc_engine_info(ctx, AIOC_ENGINE_WORKERS, &report) == 0 && report.status == -EAGAIN);
    CHECK(aioc_destroy(ctx) == 0);
}
static void limit_file_size(void) {
    char path[] = "/tmp/aioclone-limit-XXXXXX";
    const int fd = mkstemp(path);
    unlink(path);
    const struct rlimit small = {4, 4};
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    aioc_context *ctx = make_context(1);
    CHECK(result_of(ctx, aioc_write(ctx, fd, "12345", 5, 4, record_callback, &record), &record) == -EFBIG);
    CHECK(aioc_destroy(ctx) == 0);
}
static void exit_with_work(void) {
    start_many(make_context(2));
    exit(0);
}
static void end_at_once_with_work(void) {
    start_many(make_context(2));
    _exit(0);
}
static void exec_with_work(void) {
    start_many(make_context(2));
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}
static void leave_main_by_pthread_exit(void) {
    start_many(make_context(2));
    pthread_exit(NULL);
}
static void *create_context(void *ret) {
    *(aioc_context **)ret = make_context(2);
    start_many(*(aioc_context **)ret);
    return NULL;
}
static void creator_thread_ends(void) {
    aioc_context *ctx = NULL;
    pthread_t creator;
    CHECK(pthread_create(&creator, NULL, create_context, &ctx) == 0 && pthread_join(creator, NULL) == 0);
    start_many(ctx);
    wait_all(ctx);
    CHECK(aioc_destroy(ctx) == 0);
}

static void use_in_child(aioc_context *ctx) {
    alarm(20);
    CHECK(aioc_nreqs(ctx) == 0);
    CHECK(aioc_poll_cb(ctx) == 0);
    CHECK(result_of(ctx, aioc_nop(ctx, record_callback, &record), &record) == 0);
    CHECK(record.done.engine == AIOC_ENGINE_WORKERS);
    _exit(aioc_destroy(ctx) == 0 ? 0 : 1);
}
static void expect_child(pid_t child) {
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
static void fork_with_work(void) {
    aioc_context *ctx = make_context(2);
    for (int i = 0; i < 30; ++i) {
        start_many(ctx);
        const pid_t child = i % 3 == 0 ? fork() : i % 3 == 1 ? _Fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0) {
            use_in_child(ctx);
        }
        expect_child(child);
        CHECK(aioc_nreqs(ctx) > 0);
        wait_all(ctx);
    }
    start_many(ctx);
    char *arguments[] = {"true", NULL};
    pid_t spawned;
    CHECK(posix_spawn(&spawned, "/bin/true", NULL, NULL, arguments, NULL) == 0);
    expect_child(spawned);
    const pid_t shared = vfork();
    if (shared == 0) {
        _exit(0);
    }
    expect_child(shared);
    wait_all(ctx);
    CHECK(aioc_destroy(ctx) == 0);
}
static int forked_children;
static void forking_callback(const aioc_completion *done, void *user_data) {
    (void)done;
    (void)user_data;
    const pid_t child = fork();
    if (child == 0) {
        forked_children = 1;
    } else {
        expect_child(child);
    }
}
static void fork_in_a_callback(void) {
    aioc_context *ctx = make_context(1);
    aioc_nop(ctx, forking_callback, NULL);
    start_many(ctx);
    while (aioc_nreqs(ctx) > 0 && !forked_children) {
        aioc_poll_wait(ctx, 10000);
        aioc_poll_cb(ctx);
    }
    if (forked_children) {
        use_in_child(ctx);
    }
    CHECK(aioc_destroy(ctx) == 0);
}

/* Every signal that can be is blocked on workers (not SIGKILL, SIGSTOP); the pthread ones leave libc's internal 32 and 33 open. */
static void workers_block_signals(void) {
    aioc_context *ctx = make_context(1);
    CHECK(aioc_min_parallel(ctx, 1) == 0);
    CHECK(result_of(ctx, aioc_nop(ctx, record_callback, &record), &record) == 0);
    char command[200];
    snprintf(command, sizeof command,
             "for t in /proc/%d/task/*; do grep -q aioc-worker $t/comm && grep -Eq 'SigBlk:.*(fffffffffffbfeff|fffffffe7ffbfeff)' "
             "$t/status && echo yes; done | grep -c yes | grep -qx 1",
             (int)getpid());
    if (system(command) != 0) {
        snprintf(command, sizeof command, "grep -H SigBlk /proc/%d/task/*/status >&2", (int)getpid());
        CHECK(system(command) < 0);
    }
    CHECK(aioc_destroy(ctx) == 0);
}
static volatile sig_atomic_t foreign;
static pid_t main_tid;
static void on_signal(int number) {
    (void)number;
    foreign += syscall(SYS_gettid) != main_tid;
}
static void signals_reach_the_program_only(void) {
    aioc_context *ctx = make_context(4);
    main_tid = (pid_t)syscall(SYS_gettid);
    signal(SIGUSR1, on_signal);
    CHECK(aioc_min_parallel(ctx, 4) == 0);
    for (int i = 0; i < 2000; ++i) {
        aioc_nop(ctx, NULL, NULL);
        kill(getpid(), SIGUSR1);
    }
    wait_all(ctx);
    CHECK(foreign == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
static void errno_is_untouched(void) {
    aioc_context *ctx = make_context(2);
    errno = 77;
    for (int i = 0; i < 1000; ++i) {
        aioc_close(ctx, -1, NULL, NULL); /* errors on the worker */
    }
    CHECK(errno == 77);
    wait_all(ctx);
    CHECK(aioc_destroy(ctx) == 0);
}
static void unload(void) {
    void *library = dlopen("libaioclone.so.1", RTLD_NOW | RTLD_NOLOAD);
    CHECK(library != NULL);
    aioc_context *ctx = make_context(2);
    start_many(ctx);
    CHECK(dlclose(library) == 0);
    library = dlopen("libaioclone.so.1", RTLD_NOW | RTLD_NOLOAD);
    CHECK(library != NULL);
    wait_all(ctx);
}
static void rebind_starts_new_workers(void) {
    aioc_context *ctx = make_context(1);
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    start_many(ctx);
    CHECK(aioc_rebind(ctx) == 0);
    start_many(ctx);
    wait_all(ctx);
    CHECK(aioc_stats(ctx, &stats) == 0 && stats.workers_started == 2);
    /* After unshare(CLONE_FILES) a descriptor names another file for old workers. */
    CHECK(unshare(CLONE_FILES) == 0);
    CHECK(aioc_rebind(ctx) == 0);
    const int fd = open("/dev/null", O_RDONLY);
    char byte;
    CHECK(result_of(ctx, aioc_read(ctx, fd, &byte, 1, 0, record_callback, &record), &record) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
static void *fork_in_thread(void *ret) {
    int *pipes = ret;
    const pid_t child = fork();
    if (child == 0) { /* outlives the thread that forked it */
        char byte;
        aioc_context *ctx = make_context(2);
        start_many(ctx);
        wait_all(ctx);
        if (read(pipes[0], &byte, 1) == 1) {
            _exit(aioc_destroy(ctx) == 0 ? 0 : 1);
        }
        _exit(1);
    }
    pipes[2] = child;
    return NULL;
}
static void no_parent_death_signal(void) {
    int pipes[3];
    pthread_t thread;
    CHECK(pipe(pipes) == 0);
    CHECK(pthread_create(&thread, NULL, fork_in_thread, pipes) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(write(pipes[1], "x", 1) == 1);
    expect_child(pipes[2]);
}

#define CHILD_CASE(body)                                                                                      \
    static void hazard_##body(void **state) {                                                                 \
        (void)state;                                                                                          \
        assert_int_equal(in_child(body), 0);                                                                  \
    }
#define AS_ROOT_CASE(body)                                                                                    \
    static void hazard_##body(void **state) {                                                                 \
        (void)state;                                                                                          \
        if (geteuid() != 0) { /* the workers are root's in CI */                                              \
            assert_null(getenv("CI"));                                                                        \
            return;                                                                                           \
        }                                                                                                     \
        assert_int_equal(in_child(body), 0);                                                                  \
    }
AS_ROOT_CASE(drop_ids)
AS_ROOT_CASE(drop_fsuid)
AS_ROOT_CASE(forbid_threads)
CHILD_CASE(limit_file_size)
CHILD_CASE(exit_with_work)
CHILD_CASE(end_at_once_with_work)
CHILD_CASE(exec_with_work)
CHILD_CASE(creator_thread_ends)
CHILD_CASE(fork_in_a_callback)
CHILD_CASE(workers_block_signals)
CHILD_CASE(signals_reach_the_program_only)
CHILD_CASE(errno_is_untouched)
CHILD_CASE(unload)
CHILD_CASE(rebind_starts_new_workers)
CHILD_CASE(no_parent_death_signal)

/* A fork while ASan registers a new pthread leaves its registry locked in the child (g++ 12): there only clone. */
static void hazard_fork_with_work(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    const char *spawner = getenv("AIOC_SPAWNER");
    if (!spawner || strcmp(spawner, "clone") != 0) {
        return;
    }
#endif
    assert_int_equal(in_child(fork_with_work), 0);
}

/* Only the clone spawner keeps pthread_exit from main working: libc counts the others as threads. */
static void hazard_leave_main_by_pthread_exit(void **state) {
    (void)state;
    const char *spawner = getenv("AIOC_SPAWNER");
    if (spawner && strcmp(spawner, "clone") == 0) {
        assert_int_equal(in_child(leave_main_by_pthread_exit), 0);
    }
}

int main(void) {
    secret = make_file("secret");
    const struct CMUnitTest tests[] = {
        CASE(hazard_drop_ids), CASE(hazard_drop_fsuid), CASE(hazard_forbid_threads), CASE(hazard_limit_file_size),
        CASE(hazard_exit_with_work), CASE(hazard_end_at_once_with_work), CASE(hazard_exec_with_work),
        CASE(hazard_leave_main_by_pthread_exit), CASE(hazard_creator_thread_ends), CASE(hazard_fork_with_work),
        CASE(hazard_fork_in_a_callback), CASE(hazard_workers_block_signals),
        CASE(hazard_signals_reach_the_program_only), CASE(hazard_errno_is_untouched), CASE(hazard_unload),
        CASE(hazard_rebind_starts_new_workers), CASE(hazard_no_parent_death_signal)};
    return run_group(tests);
}
