/* SPDX-License-Identifier: MIT */
/* Sandboxes and namespaces: those that refuse threads, and those that come after the workers, which aioc_rebind
 * makes the workers follow. */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
    glibc_thread_flags = 0x3d0f00,
    docker_refuses_flags = 0x7e020000, /* CLONE_NEW*, as in its default profile */
    any_flag = -1,
};
static const char *file;

static void expect_engine(aioc_context *ctx, uint32_t engine, int status) {
    aioc_engine_report report = AIOC_ENGINE_REPORT_INIT;
    CHECK(finish(ctx, aioc_nop(ctx, record_callback, &last)) == 0);
    CHECK(last.done.engine == engine);
    CHECK(aioc_engine_info(ctx, AIOC_ENGINE_WORKERS, &report) == 0);
    CHECK(report.status == status && report.reason != NULL);
}

/* --- Where a worker can be started, and where not -------------------------------- */

static void filter_for_exactly_glibcs_clone_flags_lets_workers_start(void) {
    allow_clone_with_flags_only(glibc_thread_flags);
    aioc_context *ctx = workers_context(2, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(filter_for_exactly_glibcs_clone_flags_lets_workers_start)

static void container_filter_lets_workers_start(void) {
    refuse_clone_with_any_of(docker_refuses_flags);
    aioc_context *ctx = workers_context(2, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(container_filter_lets_workers_start)

static void refused_clone3_is_not_needed(void) {
    refuse_syscall(SYS_clone3, ENOSYS);
    aioc_context *ctx = workers_context(2, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(refused_clone3_is_not_needed)

static void refused_clone_runs_requests_synchronously(void) {
    refuse_clone_with_any_of((uint32_t)any_flag);
    aioc_context *ctx = workers_context(2, 0);
    expect_engine(ctx, AIOC_ENGINE_SYNC, -EPERM);
    CHECK(try_open(ctx, file) >= 0 && last.done.engine == AIOC_ENGINE_SYNC);
    CHECK(try_open(ctx, "/nonexistent/x") == -ENOENT);
    start_many(ctx, 100);
    CHECK(aioc_poll_wait(ctx, 0) == 1 && aioc_poll_cb(ctx) == 100);
    CHECK(aioc_min_parallel(ctx, 2) == -EPERM);
    CHECK(aioc_max_parallel(ctx, 0) == 0);
    CHECK(aioc_rebind(ctx) == 0);
    expect_engine(ctx, AIOC_ENGINE_SYNC, -EPERM);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(refused_clone_runs_requests_synchronously)

static void process_limit_runs_requests_synchronously(void) {
    const struct rlimit none = {0, 0};
    CHECK(setgroups(0, NULL) == 0);
    CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    leaks_can_be_checked = 0;
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    aioc_context *ctx = workers_context(2, 0);
    expect_engine(ctx, AIOC_ENGINE_SYNC, -EAGAIN);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(process_limit_runs_requests_synchronously)

/* The limit comes after the first worker: it serves everything alone. */
static void process_limit_keeps_the_workers_that_are_there(void) {
    CHECK(setgroups(0, NULL) == 0);
    CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    aioc_context *ctx = workers_context(4, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    const struct rlimit none = {0, 0};
    leaks_can_be_checked = 0;
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    start_many(ctx, 1000);
    drain(ctx);
    CHECK(aioc_count(ctx, AIOC_OP_NOP, AIOC_ENGINE_WORKERS) == 1001);
    CHECK(count_workers() == 1);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(process_limit_keeps_the_workers_that_are_there)

/* After unshare(CLONE_NEWPID) clone(CLONE_THREAD) gives EINVAL. */
static void new_process_namespace_runs_requests_synchronously(void) {
    leaks_can_be_checked = 0;
    CHECK(unshare(CLONE_NEWPID) == 0);
    aioc_context *ctx = workers_context(2, 0);
    expect_engine(ctx, AIOC_ENGINE_SYNC, -EINVAL);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(new_process_namespace_runs_requests_synchronously)

static void new_process_namespace_after_workers_then_rebind(void) {
    aioc_context *ctx = workers_context(2, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    leaks_can_be_checked = 0;
    CHECK(unshare(CLONE_NEWPID) == 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    CHECK(aioc_rebind(ctx) == 0);
    expect_engine(ctx, AIOC_ENGINE_SYNC, -EINVAL);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(new_process_namespace_after_workers_then_rebind)

/* --- What a write raises in the submitting thread -------------------------------- */

static volatile sig_atomic_t signals;
static void on_signal(int number) {
    (void)number;
    ++signals;
}

static void synchronous_writes_raise_no_signal(void) {
    char path[] = "/tmp/aioclone-limit-XXXXXX";
    int pipes[2];
    const int fd = mkstemp(path);
    const struct rlimit small = {4, RLIM_INFINITY}, unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    unlink(path);
    CHECK(fd >= 0 && pipe(pipes) == 0 && close(pipes[0]) == 0);
    signal(SIGXFSZ, on_signal);
    signal(SIGPIPE, on_signal);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    refuse_clone_with_any_of((uint32_t)any_flag);
    aioc_context *ctx = workers_context(2, 0);
    CHECK(finish(ctx, aioc_write(ctx, fd, "12345", 5, 4, record_callback, &last)) == -EFBIG);
    CHECK(last.done.engine == AIOC_ENGINE_SYNC);
    /* pwrite(2) on a pipe is refused before it could raise SIGPIPE. */
    CHECK(finish(ctx, aioc_write(ctx, pipes[1], "1", 1, 0, record_callback, &last)) == -ESPIPE);
    CHECK(signals == 0);
    /* The plain call would have raised one: the case can fail. */
    CHECK(pwrite(fd, "12345", 5, 4) < 0 && errno == EFBIG && signals == 1);
    /* One that the program had blocked and pending itself stays. */
    sigset_t xfsz, pending;
    sigemptyset(&xfsz);
    sigaddset(&xfsz, SIGXFSZ);
    CHECK(sigprocmask(SIG_BLOCK, &xfsz, NULL) == 0 && raise(SIGXFSZ) == 0);
    CHECK(finish(ctx, aioc_write(ctx, fd, "12345", 5, 4, record_callback, &last)) == -EFBIG);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) && signals == 1);
    CHECK(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(synchronous_writes_raise_no_signal)

static void workers_writes_raise_no_signal(void) {
    char path[] = "/tmp/aioclone-limit-XXXXXX";
    const int fd = mkstemp(path);
    const struct rlimit small = {4, RLIM_INFINITY}, unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    unlink(path);
    CHECK(fd >= 0 && setrlimit(RLIMIT_FSIZE, &small) == 0); /* SIGXFSZ would kill */
    aioc_context *ctx = workers_context(1, 0);
    CHECK(finish(ctx, aioc_write(ctx, fd, "12345", 5, 4, record_callback, &last)) == -EFBIG);
    CHECK(last.done.engine == AIOC_ENGINE_WORKERS);
    CHECK(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(workers_writes_raise_no_signal)

/* --- Sandboxes that come later: rebind ------------------------------------------- */

static int64_t try_unlink(aioc_context *ctx, const char *path) {
    return finish(ctx, aioc_unlink(ctx, path, record_callback, &last));
}

static void rebind_brings_workers_into_a_seccomp_filter(void) {
    char first[] = "/tmp/aioclone-first-XXXXXX", second[] = "/tmp/aioclone-second-XXXXXX";
    close(mkstemp(first));
    close(mkstemp(second));
    aioc_context *ctx = workers_context(2, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    refuse_syscall(SYS_unlinkat, EPERM);
    CHECK(try_unlink(ctx, first) == 0); /* without TSYNC the filter is not the old worker's */
    CHECK(aioc_rebind(ctx) == 0);
    CHECK(try_unlink(ctx, second) == -EPERM);
    CHECK(last.done.engine == AIOC_ENGINE_WORKERS);
    wait_for_workers(1);
    CHECK(rename(second, first) == 0); /* a new name for what this child may not remove */
    CHECK(aioc_destroy(ctx) == 0);
}
static void rebind_brings_workers_into_a_seccomp_filter_in_child(void **state) {
    (void)state;
    assert_int_equal(in_child(rebind_brings_workers_into_a_seccomp_filter), 0);
    assert_int_equal(system("rm -f /tmp/aioclone-first-??????"), 0);
}

static void enter_landlock(void) {
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE};
    leaks_can_be_checked = 0;
    const int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    CHECK(ruleset >= 0);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(syscall(SYS_landlock_restrict_self, ruleset, 0) == 0);
    close(ruleset);
}
static void rebind_brings_workers_into_landlock(void) {
    aioc_context *ctx = workers_context(2, 0);
    CHECK(try_open(ctx, file) >= 0);
    enter_landlock();
    CHECK(open(file, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
    CHECK(try_open(ctx, file) >= 0); /* the old worker is outside */
    CHECK(aioc_rebind(ctx) == 0);
    CHECK(try_open(ctx, file) == -EACCES);
    CHECK(last.done.engine == AIOC_ENGINE_WORKERS);
    CHECK(aioc_destroy(ctx) == 0);
}
static void rebind_brings_workers_into_landlock_in_child(void **state) {
    (void)state;
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
        printf("not tested here: this kernel has no landlock\n"); /* allowed, also in CI */
        return;
    }
    assert_int_equal(in_child(rebind_brings_workers_into_landlock), 0);
}

/* On the ring and inline a request runs with what its submitter is confined to at that moment: they follow at once,
 * also a filter that refuses the ring itself. What has gone to a worker before does not: see the cases above. */
static void landlock_is_followed_at_once(void) {
    aioc_context *ctx = fault_context(2);
    CHECK(try_open(ctx, file) >= 0);
    const uint32_t engine = last.done.engine;
    enter_landlock();
    CHECK(try_open(ctx, file) == -EACCES);
    CHECK(last.done.engine == engine && engine != AIOC_ENGINE_WORKERS);
    CHECK(finish(ctx, aioc_open(ctx, file, O_RDWR | O_CREAT | O_CLOEXEC, 0600, record_callback, &last)) == -EACCES ||
          last.done.engine == AIOC_ENGINE_WORKERS);
    CHECK(aioc_destroy(ctx) == 0);
}
static void landlock_is_followed_at_once_in_child(void **state) {
    (void)state;
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (fault_engine() == AIOC_ENGINE_WORKERS) {
        printf("workers follow after aioc_rebind\n");
        return;
    }
    if (version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
        printf("not tested here: this kernel has no landlock\n"); /* allowed, also in CI */
        return;
    }
    assert_int_equal(in_child(landlock_is_followed_at_once), 0);
}

/* seccomp(2) does not see what a ring is asked for, only io_uring_enter(2): refused, workers serve. */
static void ring_that_is_refused_later_is_replaced_by_workers(void) {
    aioc_context *ctx = fault_context(2);
    CHECK(finish(ctx, aioc_fsync(ctx, -1, record_callback, &last)) == -EBADF);
    refuse_syscall(SYS_io_uring_enter, EPERM);
    for (int i = 0; i < 10; ++i) {
        CHECK(finish(ctx, aioc_fsync(ctx, -1, record_callback, &last)) == -EBADF);
        CHECK(last.done.engine == AIOC_ENGINE_WORKERS);
        CHECK(try_open(ctx, file) >= 0 && last.done.engine != AIOC_ENGINE_RING);
    }
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(ring_that_is_refused_later_is_replaced_by_workers)

/* With another descriptor table the same number names another file for an old worker. */
static void rebind_brings_workers_to_the_new_descriptors(void) {
    char old_path[] = "/tmp/aioclone-old-XXXXXX", new_path[] = "/tmp/aioclone-new-XXXXXX", byte = 0;
    const int old_fd = mkstemp(old_path), prepared = mkstemp(new_path);
    unlink(old_path);
    unlink(new_path);
    CHECK(write(old_fd, "o", 1) == 1 && write(prepared, "n", 1) == 1);
    aioc_context *ctx = workers_context(1, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    CHECK(unshare(CLONE_FILES) == 0);
    CHECK(dup2(prepared, old_fd) == old_fd);
    CHECK(finish(ctx, aioc_read(ctx, old_fd, &byte, 1, 0, record_callback, &last)) == 1);
    CHECK(byte == 'o'); /* the hazard */
    CHECK(aioc_rebind(ctx) == 0);
    CHECK(finish(ctx, aioc_read(ctx, old_fd, &byte, 1, 0, record_callback, &last)) == 1);
    CHECK(byte == 'n' && last.done.engine == AIOC_ENGINE_WORKERS);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(rebind_brings_workers_to_the_new_descriptors)

static void rebind_brings_workers_into_a_mount_namespace(void) {
    char path[] = "/tmp/aioclone-mount-XXXXXX", inside[64];
    CHECK(mkdtemp(path) != NULL);
    snprintf(inside, sizeof inside, "%s/inside", path);
    aioc_context *ctx = workers_context(1, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    CHECK(unshare(CLONE_NEWNS) == 0);
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    CHECK(mount("none", path, "tmpfs", 0, NULL) == 0);
    CHECK(mkdir(inside, 0700) == 0);
    CHECK(try_open(ctx, inside) == -ENOENT);
    CHECK(aioc_rebind(ctx) == 0);
    CHECK(try_open(ctx, inside) >= 0 && last.done.engine == AIOC_ENGINE_WORKERS);
    CHECK(umount2(path, MNT_DETACH) == 0 && rmdir(path) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(rebind_brings_workers_into_a_mount_namespace)

/* What the threads of a program share needs no rebind. */
static void working_directory_and_umask_are_followed(void) {
    char path[] = "/tmp/aioclone-cwd-XXXXXX";
    struct stat status;
    CHECK(mkdtemp(path) != NULL);
    aioc_context *ctx = workers_context(1, 0);
    expect_engine(ctx, AIOC_ENGINE_WORKERS, 0);
    CHECK(chdir(path) == 0);
    umask(0077);
    const int64_t fd = finish(ctx, aioc_open(ctx, "made", O_CREAT | O_RDWR | O_CLOEXEC, 0666, record_callback, &last));
    CHECK(fd >= 0 && fstat((int)fd, &status) == 0 && (status.st_mode & 0777) == 0600);
    close((int)fd);
    CHECK(unlink("made") == 0 && rmdir(path) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(working_directory_and_umask_are_followed)

static void rebind_serves_the_queue_first_and_starts_new_workers(void) {
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    aioc_context *ctx = workers_context(1, 0);
    start_many(ctx, 64);
    CHECK(aioc_rebind(ctx) == 0);
    start_many(ctx, 64);
    drain(ctx);
    CHECK(aioc_stats(ctx, &stats) == 0 && stats.workers_started == 2 && stats.completed == 128);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(rebind_serves_the_queue_first_and_starts_new_workers)

int main(void) {
    file = make_file("content");
    const struct CMUnitTest tests[] = {
        CHILD(filter_for_exactly_glibcs_clone_flags_lets_workers_start),
        CHILD(container_filter_lets_workers_start),
        CHILD(refused_clone3_is_not_needed),
        CHILD(refused_clone_runs_requests_synchronously),
        CHILD(process_limit_runs_requests_synchronously),
        CHILD(process_limit_keeps_the_workers_that_are_there),
        CHILD(new_process_namespace_runs_requests_synchronously),
        CHILD(new_process_namespace_after_workers_then_rebind),
        CHILD(synchronous_writes_raise_no_signal),
        CHILD(workers_writes_raise_no_signal),
        CHILD(rebind_brings_workers_into_a_seccomp_filter),
        CHILD(rebind_brings_workers_into_landlock),
        CHILD(landlock_is_followed_at_once),
        CHILD(ring_that_is_refused_later_is_replaced_by_workers),
        CHILD(rebind_brings_workers_to_the_new_descriptors),
        CHILD(rebind_brings_workers_into_a_mount_namespace),
        CHILD(working_directory_and_umask_are_followed),
        CHILD(rebind_serves_the_queue_first_and_starts_new_workers),
    };
    return run_group(tests);
}
