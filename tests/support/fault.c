/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

struct record last;

void check_in_child(bool good, const char *text, const char *file, int line) {
    if (!good) {
        fprintf(stderr, "%s:%d: not true: %s (errno %d)\n", file, line, text, errno);
        _exit(1);
    }
}

void cannot_be_tested(const char *what, const char *why) {
    printf("not tested here: %s: %s\n", what, why);
    assert_null(getenv("CI"));
}

bool testing_spawner(const char *name) {
    const char *spawner = getenv("AIOC_SPAWNER");
    return strcmp(spawner ? spawner : "auto", name) == 0;
}

uint32_t fault_engine(void) {
    const char *const name = getenv("AIOC_FAULT_ENGINE");
    for (uint32_t engine = AIOC_ENGINE_AUTO; name && engine <= AIOC_ENGINE_WORKERS; ++engine) {
        if (strcmp(name, aioc_engine_name(engine)) == 0) {
            return engine;
        }
    }
    return AIOC_ENGINE_WORKERS;
}

bool fault_engine_may_be(uint32_t engine) {
    const uint32_t tested = fault_engine();
    return tested == AIOC_ENGINE_AUTO ? engine != AIOC_ENGINE_SYNC : engine == tested || engine == AIOC_ENGINE_WORKERS;
}

static aioc_context *context_with_options(aioc_options options, uint32_t max_workers) {
    aioc_context *ctx = NULL;
    options.engine = fault_engine();
    options.max_workers = max_workers;
    CHECK(aioc_create(&ctx, &options) == 0);
    return ctx;
}
aioc_context *fault_context(uint32_t max_workers) { return context_with_options(test_options(), max_workers); }
aioc_context *shared_fault_context(uint32_t max_workers) {
    const aioc_options options = AIOC_OPTIONS_INIT;
    return context_with_options(options, max_workers);
}

aioc_context *workers_context(uint32_t max_workers, uint32_t idle_timeout_ms) {
    aioc_context *ctx = NULL;
    aioc_options options = AIOC_OPTIONS_INIT;
    options.engine = AIOC_ENGINE_WORKERS;
    options.max_workers = max_workers;
    options.idle_timeout_ms = idle_timeout_ms;
    CHECK(aioc_create(&ctx, &options) == 0);
    return ctx;
}

void drain(aioc_context *ctx) {
    const time_t deadline = time(NULL) + 20;
    while (aioc_nreqs(ctx) > 0) {
        CHECK(time(NULL) < deadline);
        aioc_poll_wait(ctx, 1000);
        CHECK(aioc_poll_cb(ctx) >= 0);
    }
}

int64_t finish(aioc_context *ctx, aioc_request request) {
    last.calls = 0;
    CHECK(request > 0);
    drain(ctx);
    CHECK(last.calls == 1 && last.done.request == request);
    return last.done.result;
}

int64_t try_open(aioc_context *ctx, const char *path) {
    const int64_t fd = finish(ctx, aioc_open(ctx, path, O_RDONLY | O_CLOEXEC, 0, record_callback, &last));
    if (fd >= 0) {
        close((int)fd);
    }
    return fd;
}

void start_many(aioc_context *ctx, int count) {
    for (int i = 0; i < count; ++i) {
        CHECK(aioc_nop(ctx, NULL, NULL) > 0);
    }
}

void wait_until(bool (*condition)(void *), void *argument, const char *text) {
    for (int tries = 0; tries < 2000; ++tries) {
        if (condition(argument)) {
            return;
        }
        poll(NULL, 0, 5);
    }
    check_in_child(false, text, __FILE__, __LINE__);
}

const char *blocking_fifo(void) {
    static char path[64];
    static pid_t owner;
    if (owner != getpid()) {
        owner = getpid();
        child_fifo_path(owner, path, sizeof path);
        unlink(path); /* of a process that was killed, and had the same number */
        CHECK(mkfifo(path, 0666) == 0 && chmod(path, 0666) == 0);
    }
    return path;
}

static bool opens_a_fifo(void *ctx) {
    if (ctx) {
        aioc_poll_wait(ctx, 0); /* the ring gives such an open up when its completion is looked at */
    }
    return a_worker_opens();
}

void wait_for_blocked_worker(void) { wait_until(opens_a_fifo, NULL, "a worker opens the fifo"); }

/* With O_CREAT the ring runs an open in a thread of the kernel's, and does not try it without waiting. */
aioc_request open_blocking_fifo(aioc_context *ctx, aioc_callback callback, void *user_data) {
    const int create = fault_engine() == AIOC_ENGINE_RING ? O_CREAT : 0;
    return aioc_open(ctx, blocking_fifo(), O_RDONLY | O_CLOEXEC | create, 0600, callback, user_data);
}

/* io-wq names its threads so. */
static bool kernel_runs_a_request(void *unused) {
    (void)unused;
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *e; (e = readdir(tasks));) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
        FILE *f = fopen(path, "re");
        if (f) {
            count += fgets(name, sizeof name, f) && strncmp(name, "iou-wrk-", 8) == 0;
            fclose(f);
        }
    }
    closedir(tasks);
    return count > 0;
}

void start_blocked(aioc_context *ctx, aioc_callback callback, void *user_data) {
    CHECK(open_blocking_fifo(ctx, callback, user_data) > 0);
    if (fault_engine() == AIOC_ENGINE_RING) {
        wait_until(kernel_runs_a_request, NULL, "the kernel opens the fifo");
    } else {
        wait_until(opens_a_fifo, ctx, "a worker opens the fifo");
    }
}

void block_worker(aioc_context *ctx, aioc_callback callback, void *user_data) {
    CHECK(aioc_open(ctx, blocking_fifo(), O_RDONLY | O_CLOEXEC, 0, callback, user_data) > 0);
    wait_for_blocked_worker();
}

void release_worker(void) {
    const int fd = open(blocking_fifo(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    CHECK(fd >= 0); /* stays open, so that the worker's open cannot miss it */
}

int find_workers(pid_t *tids) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *e; (e = readdir(tasks)) && count < workers_seen_max;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
        FILE *f = fopen(path, "re");
        if (f) {
            if (fgets(name, sizeof name, f) && strcmp(name, "aioc-worker\n") == 0) {
                tids[count++] = atoi(e->d_name);
            }
            fclose(f);
        }
    }
    closedir(tasks);
    return count;
}

static bool has_workers(void *count) {
    pid_t tids[workers_seen_max];
    return find_workers(tids) == *(int *)count;
}

void wait_for_workers(int count) { wait_until(has_workers, &count, "the expected number of workers"); }

void thread_status(pid_t tid, const char *field, char *ret, size_t bytes) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)tid);
    ret[0] = 0;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, field, strlen(field)) == 0) {
            line[strcspn(line, "\n")] = 0;
            snprintf(ret, bytes, "%s", line + strlen(field) + strspn(line + strlen(field), " \t"));
        }
    }
    if (f) {
        fclose(f);
    }
}

struct sleeper {
    pid_t tid;
    unsigned long long stack_pointer;
};

/* The number of the call, six arguments, stack pointer, program counter: proc(5), /proc/pid/syscall. */
static bool sleeps(void *argument) {
    struct sleeper *sleeper = argument;
    char path[64], text[300] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)sleeper->tid);
    FILE *f = fopen(path, "re");
    if (!f) {
        return false;
    }
    const bool got = fgets(text, sizeof text, f) != NULL;
    fclose(f);
    return got && atoi(text) == SYS_futex &&
           sscanf(text, "%*s %*s %*s %*s %*s %*s %*s %llx", &sleeper->stack_pointer) == 1;
}

uintptr_t sleeping_stack_pointer(pid_t tid) {
    struct sleeper sleeper = {tid, 0};
    wait_until(sleeps, &sleeper, "the worker sleeps");
    return (uintptr_t)sleeper.stack_pointer;
}

void install_filter(const struct sock_filter *filter, size_t count) {
    leaks_can_be_checked = 0;
    const struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))

void refuse_syscall(int number, int error) {
    const struct sock_filter filter[] = {LOAD(nr), JUMP_EQUAL((unsigned)number, 0, 1),
                                         RETURN(SECCOMP_RET_ERRNO | (unsigned)error), RETURN(SECCOMP_RET_ALLOW)};
    install_filter(filter, sizeof filter / sizeof *filter);
}

void refuse_syscall_with(int number, int argument, uint32_t bits, uint32_t value, int error) {
    const uint32_t offset = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)argument);
    const struct sock_filter filter[] = {LOAD(nr),
                                         JUMP_EQUAL((unsigned)number, 0, 4),
                                         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
                                         BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits),
                                         JUMP_EQUAL(value, 0, 1),
                                         RETURN(SECCOMP_RET_ERRNO | (unsigned)error),
                                         RETURN(SECCOMP_RET_ALLOW)};
    install_filter(filter, sizeof filter / sizeof *filter);
}

void refuse_tmpfile(void) {
    const uint32_t tmpfile_only = O_TMPFILE & ~O_DIRECTORY;
    refuse_syscall_with(SYS_openat, 2, tmpfile_only, tmpfile_only, EOPNOTSUPP);
}

/* The flags are the low word of the first argument. */
void allow_clone_with_flags_only(uint32_t flags) {
    const struct sock_filter filter[] = {LOAD(nr),
                                         JUMP_EQUAL(SYS_clone, 0, 2),
                                         LOAD(args[0]),
                                         JUMP_EQUAL(flags, 2, 1),
                                         JUMP_EQUAL(SYS_clone3, 2, 1),
                                         RETURN(SECCOMP_RET_ERRNO | EPERM),
                                         RETURN(SECCOMP_RET_ALLOW),
                                         RETURN(SECCOMP_RET_ERRNO | ENOSYS)};
    install_filter(filter, sizeof filter / sizeof *filter);
}

void refuse_clone_with_any_of(uint32_t flags) {
    const struct sock_filter filter[] = {LOAD(nr),
                                         JUMP_EQUAL(SYS_clone, 0, 2),
                                         LOAD(args[0]),
                                         BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 1, 2),
                                         JUMP_EQUAL(SYS_clone3, 2, 1),
                                         RETURN(SECCOMP_RET_ERRNO | EPERM),
                                         RETURN(SECCOMP_RET_ALLOW),
                                         RETURN(SECCOMP_RET_ERRNO | ENOSYS)};
    install_filter(filter, sizeof filter / sizeof *filter);
}

void be_traced(void) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
}

bool trace(pid_t child, call_observer observe) {
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    CHECK(ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)options) == 0);
    CHECK(ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0);
    for (;;) {
        const pid_t tid = waitpid(-1, &status, __WALL);
        CHECK(tid > 0);
        if (!WIFSTOPPED(status)) {
            if (tid == child) {
                CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
                return false;
            }
            continue;
        }
        int signal = WSTOPSIG(status);
        struct __ptrace_syscall_info info;
        if (signal == (SIGTRAP | 0x80) && ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof info, &info) > 0 &&
            !observe(tid, child, &info)) {
            kill(child, SIGKILL);
            while (waitpid(-1, &status, __WALL) > 0) {
            }
            return true;
        }
        if (signal == SIGTRAP || signal == (SIGTRAP | 0x80) || signal == SIGSTOP) {
            signal = 0;
        }
        ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(long)signal);
    }
}
