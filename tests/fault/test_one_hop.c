/* SPDX-License-Identifier: MIT */
/* A composite is one hop: all of its system calls are made by one worker that does not sleep between them, and none by
 * the submitting thread. A child runs them, and ptrace(2) tells who makes which call. */
#define _GNU_SOURCE
#include "fault.h"
#include "tree.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { composites = 4 };
static const char *const names[composites] = {"load", "replace", "pathsync", "move"};
static const int calls_min[composites] = {4 /* open, fstat, read, close */, 6, 6, 1 /* rename */};

static struct {
    int calls;  /* on files, by workers */
    int hops;   /* runs of them without a sleep in between */
    int own;    /* by the submitting thread */
    pid_t last; /* who made the last one; 0: it has slept since */
} seen[composites + 1];
static int at; /* 1 to composites; 0: before, and between */

static bool is_on_files(uint64_t number) {
    static const long on_files[] = {SYS_openat, SYS_openat2, SYS_statx,    SYS_newfstatat, SYS_fstat,     SYS_read,
                                    SYS_write,  SYS_pread64, SYS_pwrite64, SYS_close,      SYS_fsync,     SYS_fchmod,
                                    SYS_linkat, SYS_lseek,   SYS_unlinkat, SYS_renameat2,  SYS_getdents64};
    for (size_t i = 0; i < sizeof on_files / sizeof *on_files; ++i) {
        if (number == (uint64_t)on_files[i]) {
            return true;
        }
    }
    return false;
}

/* The child says by getppid where it is. */
static void begin_section(void) { syscall(SYS_getppid); }

static bool note(pid_t tid, pid_t child, const struct __ptrace_syscall_info *info) {
    if (info->op != PTRACE_SYSCALL_INFO_ENTRY) {
        return true;
    }
    const uint64_t number = info->entry.nr;
    if (tid == child && number == SYS_getppid) {
        ++at;
    } else if (at < 1 || at > composites) {
        return true;
    } else if (number == SYS_futex && (info->entry.args[1] & FUTEX_CMD_MASK) == FUTEX_WAIT) {
        seen[at].last = tid == seen[at].last ? 0 : seen[at].last;
    } else if (is_on_files(number) && tid == child) {
        ++seen[at].own;
    } else if (is_on_files(number)) {
        ++seen[at].calls;
        seen[at].hops += tid != seen[at].last;
        seen[at].last = tid;
    }
    return true;
}

static void run_composites(void) {
    char *data = NULL;
    aioc_context *ctx = workers_context(4, 0);
    be_traced();
    CHECK(try_open(ctx, in_tree("small")) >= 0); /* starts a worker, which takes calls of its own */
    begin_section();
    CHECK(finish(ctx, aioc_load(ctx, in_tree("small"), 0, (void **)&data, record_callback, &last)) == 7);
    begin_section();
    CHECK(finish(ctx, aioc_replace(ctx, in_tree("other"), "new", 3, 0, record_callback, &last)) == 3);
    begin_section();
    CHECK(finish(ctx, aioc_pathsync(ctx, in_tree("other"), record_callback, &last)) == 0);
    begin_section();
    CHECK(finish(ctx, aioc_move(ctx, in_tree("other"), in_tree("moved"), 0, NULL, record_callback, &last)) == 1);
    begin_section();
    CHECK(data && memcmp(data, "content", 7) == 0);
    _exit(0);
}

static void each_composite_is_one_hop(void) {
    put_file("small", "content");
    put_file("other", "old");
    const pid_t child = fork();
    if (child == 0) {
        run_composites();
    }
    CHECK(!trace(child, note));
    CHECK(at == composites + 1);
    for (int i = 1; i <= composites; ++i) {
        printf("%s: %d calls, %d hops, %d by the submitter\n", names[i - 1], seen[i].calls, seen[i].hops, seen[i].own);
        fflush(stdout);
        CHECK(seen[i].calls >= calls_min[i - 1]);
        CHECK(seen[i].hops == 1);
        CHECK(seen[i].own == 0);
    }
}

static void composites_are_one_hop(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    const bool runtime_calls = true;
#else
    const bool runtime_calls = false;
#endif
    if (runtime_calls) {
        printf("not tested here: the sanitizer's runtime makes calls of its own\n");
        return;
    }
    assert_int_equal(in_child(each_composite_is_one_hop), 0);
}

int main(void) {
    in_tree("."); /* this process's, which outlives the cases */
    const struct CMUnitTest tests[] = {CASE(composites_are_one_hop)};
    return run_group(tests);
}
