/* SPDX-License-Identifier: MIT */
/* What a worker is to the process around it: its name, signals, stack, kernel state; and what it must leave alone. */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static const char *file;

static aioc_context *context_with_workers(uint32_t count) {
    aioc_context *ctx = workers_context(count, 0);
    CHECK(aioc_min_parallel(ctx, count) == 0);
    wait_for_workers((int)count);
    return ctx;
}

/* --- Name, end, signals ---------------------------------------------------------- */

static void workers_are_named_and_end_with_the_context(void) {
    aioc_context *ctx = context_with_workers(3); /* by the name aioc-worker */
    start_many(ctx, 100);
    drain(ctx);
    CHECK(aioc_destroy(ctx) == 0);
    wait_for_workers(0);
}
CHILD_CASE(workers_are_named_and_end_with_the_context)

/* All that can be; libc's pthreads keep its internal 32 and 33 open, which setuid() needs. */
static void workers_block_all_signals(void) {
    const uint64_t internal = UINT64_C(3) << 31; /* signals 32 and 33 */
    const uint64_t unblockable = UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1);
    aioc_context *ctx = context_with_workers(2);
    pid_t tids[workers_seen_max];
    CHECK(find_workers(tids) == 2);
    for (int i = 0; i < 2; ++i) {
        char blocked[64];
        thread_status(tids[i], "SigBlk:", blocked, sizeof blocked);
        const uint64_t open = ~strtoull(blocked, NULL, 16) & ~unblockable;
        CHECK(open == (testing_spawner("clone") ? 0 : internal));
    }
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(workers_block_all_signals)

static volatile sig_atomic_t on_main, elsewhere;
static pid_t main_tid;
static void on_signal(int number) {
    (void)number;
    if (syscall(SYS_gettid) == main_tid) {
        ++on_main;
    } else {
        ++elsewhere;
    }
}

static void signal_storm_reaches_the_program_only(void) {
    aioc_context *ctx = context_with_workers(4);
    main_tid = (pid_t)syscall(SYS_gettid);
    signal(SIGUSR1, on_signal);
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    for (int i = 0; i < 2000; ++i) {
        /* Main takes a signal first if it can: while it does not, a worker that could would. */
        CHECK(pthread_sigmask(i % 2 ? SIG_BLOCK : SIG_UNBLOCK, &usr1, NULL) == 0);
        CHECK(aioc_nop(ctx, NULL, NULL) > 0);
        kill(getpid(), SIGUSR1);
    }
    drain(ctx);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL) == 0);
    CHECK(on_main > 0 && elsewhere == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(signal_storm_reaches_the_program_only)

/* The profiling timer counts the workers' time too, and would interrupt whoever takes its signal. */
static void profiling_timer_reaches_the_program_only(void) {
    static char data[1 << 16];
    const int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    aioc_context *ctx = context_with_workers(4);
    const struct itimerval every_millisecond = {{0, 1000}, {0, 1000}};
    const time_t deadline = time(NULL) + 15;
    main_tid = (pid_t)syscall(SYS_gettid);
    signal(SIGPROF, on_signal);
    CHECK(setitimer(ITIMER_PROF, &every_millisecond, NULL) == 0);
    while (on_main < 20 && time(NULL) < deadline) {
        for (int i = 0; i < 64; ++i) {
            CHECK(aioc_read(ctx, fd, data, sizeof data, 0, NULL, NULL) > 0);
        }
        drain(ctx);
    }
    CHECK(on_main >= 20 && elsewhere == 0);
    signal(SIGPROF, SIG_IGN);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(profiling_timer_reaches_the_program_only)

static void *fork_in_thread(void *ret) {
    int *pipes = ret;
    const pid_t child = fork();
    if (child == 0) { /* outlives the thread that forked it */
        char byte;
        aioc_context *ctx = workers_context(2, 0);
        start_many(ctx, 64);
        drain(ctx);
        if (read(pipes[0], &byte, 1) == 1) {
            _exit(aioc_destroy(ctx) == 0 ? 0 : 1);
        }
        _exit(1);
    }
    pipes[2] = child;
    return NULL;
}
static void no_parent_death_signal(void) {
    int pipes[3], status = -1;
    pthread_t thread;
    CHECK(pipe(pipes) == 0);
    CHECK(pthread_create(&thread, NULL, fork_in_thread, pipes) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(write(pipes[1], "x", 1) == 1);
    CHECK(waitpid(pipes[2], &status, 0) == pipes[2] && status == 0);
}
#if defined(__SANITIZE_THREAD__)
static void no_parent_death_signal_in_child(void **state) {
    (void)state;
    (void)no_parent_death_signal; /* its runtime allows no thread in the child of a process with threads */
}
#else
CHILD_CASE(no_parent_death_signal)
#endif

/* --- The thread that made it, and its errno --------------------------------------- */

static void *create_context(void *ret) {
    *(aioc_context **)ret = context_with_workers(2);
    start_many(*(aioc_context **)ret, 64);
    return NULL;
}
static void creator_thread_ends(void) {
    aioc_context *ctx = NULL;
    pthread_t creator;
    CHECK(pthread_create(&creator, NULL, create_context, &ctx) == 0 && pthread_join(creator, NULL) == 0);
    start_many(ctx, 64);
    drain(ctx);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(creator_thread_ends)

static void errno_of_the_program_is_untouched(void) {
    aioc_context *ctx = context_with_workers(2);
    errno = 77;
    for (int i = 0; i < 1000; ++i) {
        CHECK(aioc_close(ctx, -1, NULL, NULL) > 0); /* errors on the worker */
    }
    CHECK(errno == 77);
    drain(ctx);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(errno_of_the_program_is_untouched)

/* --- The stack of a raw worker ----------------------------------------------------- */

struct mapping {
    uintptr_t start, end;
    char rights[5];
};

/* The mapping around an address, and its neighbours. */
static void find_mapping(uintptr_t address, struct mapping *below, struct mapping *at, struct mapping *above) {
    char line[400];
    FILE *f = fopen("/proc/self/maps", "re");
    CHECK(f != NULL);
    memset(at, 0, sizeof *at);
    memset(above, 0, sizeof *above);
    struct mapping previous = {0}, m = {0};
    while (fgets(line, sizeof line, f)) {
        CHECK(sscanf(line, "%lx-%lx %4s", &m.start, &m.end, m.rights) == 3);
        if (at->end) {
            *above = m;
            break;
        }
        if (m.start <= address && address < m.end) {
            *below = previous;
            *at = m;
        }
        previous = m;
    }
    fclose(f);
    CHECK(at->end != 0);
}

static void stack_is_small_and_guarded_on_both_sides(void) {
    aioc_context *ctx = context_with_workers(1);
    pid_t tid;
    struct mapping below, stack, above;
    CHECK(find_workers(&tid) == 1);
    find_mapping(sleeping_stack_pointer(tid), &below, &stack, &above);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    CHECK(stack.end - stack.start == (page > (16u << 10) ? page : 16u << 10));
    CHECK(strncmp(stack.rights, "rw-p", 4) == 0);
    CHECK(below.end == stack.start && strncmp(below.rights, "---p", 4) == 0 && below.end - below.start >= page);
    CHECK(above.start == stack.end && strncmp(above.rights, "---p", 4) == 0 && above.end - above.start >= page);
    CHECK(aioc_destroy(ctx) == 0);
}

/* Paints the part of the sleeping worker's stack that is not in use, and looks how far it gets overwritten. */
static void worker_uses_less_than_a_quarter_of_its_stack(void) {
    enum { red_zone = 256, paint = 0xa5, use_max = 4096 };
    aioc_context *ctx = context_with_workers(1);
    pid_t tid;
    struct mapping below, stack, above;
    static struct statx status;
    static char data[4096];
    CHECK(find_workers(&tid) == 1);
    const uintptr_t top = sleeping_stack_pointer(tid);
    find_mapping(top, &below, &stack, &above);
    memset((void *)stack.start, paint, top - red_zone - stack.start);
    const int fd = open(file, O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 100; ++i) {
        CHECK(try_open(ctx, file) >= 0);
        CHECK(aioc_read(ctx, fd, data, sizeof data, 0, NULL, NULL) > 0 &&
              aioc_write(ctx, fd, "x", 1, 0, NULL, NULL) > 0);
        CHECK(aioc_readahead(ctx, fd, 0, 10, NULL, NULL) > 0 && aioc_fsync(ctx, fd, NULL, NULL) > 0);
        CHECK(aioc_stat(ctx, file, &status, NULL, NULL) > 0 && aioc_lstat(ctx, file, &status, NULL, NULL) > 0);
        CHECK(aioc_fstat(ctx, fd, &status, NULL, NULL) > 0 && aioc_fdatasync(ctx, fd, NULL, NULL) > 0);
        CHECK(aioc_unlink(ctx, "/nonexistent/x", NULL, NULL) > 0 && aioc_close(ctx, -1, NULL, NULL) > 0);
        start_many(ctx, 10);
        drain(ctx);
    }
    close(fd);
    (void)sleeping_stack_pointer(tid);
    const unsigned char *lowest = (const unsigned char *)stack.start;
    while (*lowest == paint) {
        ++lowest;
    }
    const size_t use = stack.end - (uintptr_t)lowest;
    printf("%zu bytes of stack used\n", use);
    fflush(stdout);
    CHECK(use > 0 && use < use_max);
    CHECK(aioc_destroy(ctx) == 0);
}

static uintptr_t rseq_area_of(pid_t tid) {
    struct __ptrace_rseq_configuration rseq = {0};
    CHECK(ptrace(PTRACE_SEIZE, tid, 0, 0) == 0 && ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0);
    CHECK(waitpid(tid, NULL, __WALL) == tid);
    CHECK(ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid, sizeof rseq, &rseq) > 0);
    CHECK(ptrace(PTRACE_DETACH, tid, 0, 0) == 0);
    return (uintptr_t)rseq.rseq_abi_pointer;
}

/* Nothing of libc's is registered for it in the kernel: no robust list and no rseq area of the thread that made it. */
static void kernel_state_of_the_creator_is_not_inherited(void) {
    aioc_context *ctx = context_with_workers(1);
    pid_t tid;
    void *head = &tid;
    size_t bytes = 0;
    CHECK(find_workers(&tid) == 1);
    CHECK(syscall(SYS_get_robust_list, 0, &head, &bytes) == 0 && head != NULL); /* main has one */
    CHECK(syscall(SYS_get_robust_list, tid, &head, &bytes) == 0 && head == NULL);
    (void)sleeping_stack_pointer(tid);
    const pid_t tracer = fork();
    if (tracer == 0) { /* a thread of one's own process cannot be traced */
        alarm(20);
        CHECK(rseq_area_of(getppid()) != 0); /* main has one */
        CHECK(rseq_area_of(tid) == 0);
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(tracer, &status, 0) == tracer && status == 0);
    CHECK(finish(ctx, aioc_nop(ctx, record_callback, &last)) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}

/* libc gives its own threads stacks, guards and areas. */
#define RAW_CASE(body)                                                                                                 \
    static void body##_in_child(void **state) {                                                                        \
        (void)state;                                                                                                   \
        if (!testing_spawner("clone")) {                                                                               \
            printf("not for this spawner\n");                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        assert_int_equal(in_child(body), 0);                                                                           \
    }
RAW_CASE(stack_is_small_and_guarded_on_both_sides)
RAW_CASE(worker_uses_less_than_a_quarter_of_its_stack)
RAW_CASE(kernel_state_of_the_creator_is_not_inherited)

int main(void) {
    file = make_file("content");
    const struct CMUnitTest tests[] = {
        CHILD(workers_are_named_and_end_with_the_context),
        CHILD(workers_block_all_signals),
        CHILD(signal_storm_reaches_the_program_only),
        CHILD(profiling_timer_reaches_the_program_only),
        CHILD(no_parent_death_signal),
        CHILD(creator_thread_ends),
        CHILD(errno_of_the_program_is_untouched),
        CHILD(stack_is_small_and_guarded_on_both_sides),
        CHILD(worker_uses_less_than_a_quarter_of_its_stack),
        CHILD(kernel_state_of_the_creator_is_not_inherited),
    };
    return run_group(tests);
}
