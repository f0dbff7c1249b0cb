/* SPDX-License-Identifier: MIT */
/* What is answered in the submitting call: it never waits, and the answers are those of the plain calls. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static aioc_context *ctx;
static struct record record;
static char fifo[64];

static int setup(void **state) {
    count_one(state);
    ctx = make_context(2);
    memset(&record, 0, sizeof record);
    snprintf(fifo, sizeof fifo, "/tmp/aioclone-fifo-%d", (int)getpid());
    unlink(fifo);
    return mkfifo(fifo, 0600);
}
static int teardown(void **state) {
    (void)state;
    unlink(fifo);
    return aioc_destroy(ctx);
}

#define DONE record_callback, &record
static int64_t result(aioc_request id) { return result_of(ctx, id, &record); }

static double clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
static double now_ms(void) { return clock_ms(CLOCK_MONOTONIC); }
static double thread_ms(void) { return clock_ms(CLOCK_THREAD_CPUTIME_ID); }
static uint64_t misses(void) {
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    assert_int_equal(aioc_stats(ctx, &stats), 0);
    return stats.inline_misses;
}

/* --- open ---------------------------------------------------------------------------- */

static void fifo_open_waits_for_its_other_end(void **state) {
    (void)state;
    struct pollfd descriptor = {aioc_poll_fileno(ctx), POLLIN, 0};
    const int fds = count_fds();
    for (int writes = 0; writes < 2; ++writes) {
        const int flags = (writes ? O_WRONLY : O_RDONLY) | O_CLOEXEC;
        assert_true(aioc_open(ctx, fifo, flags, 0, DONE) > 0);
        for (int tries = 0; tries < 4000 && !a_worker_opens(); ++tries) {
            aioc_poll_wait(ctx, 5);
        }
        assert_true(a_worker_opens());
        assert_int_equal(aioc_poll_cb(ctx), 0);
        assert_int_equal(poll(&descriptor, 1, 0), 0);
        const int other = open(fifo, (writes ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
        wait_all(ctx);
        assert_int_equal(record.calls, 1);
        assert_true(record.done.result >= 0);
        assert_int_equal(fcntl((int)record.done.result, F_GETFL) & O_NONBLOCK, 0);
        close((int)record.done.result);
        close(other);
        record.calls = 0;
    }
    assert_int_equal(count_fds(), fds);
}

/* The reader was tried, its end is held, and its plain open has not begun: nobody waits in open(2) for the writer. */
static void fifo_reader_meets_a_writer_that_came_and_went(void **state) {
    (void)state;
    const int fds = count_fds();
    for (int round = 0; round < 4; ++round) {
        const int writes = round % 2;
        assert_int_equal(aioc_max_parallel(ctx, 1), 0);
        assert_true(aioc_busy(ctx, 100000000, NULL, NULL) > 0); /* the only worker, for 0.1 s */
        assert_true(aioc_open(ctx, fifo, O_RDONLY | O_CLOEXEC, 0, DONE) > 0);
        const int writer = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (writer >= 0) { /* else this engine does not hold one */
            assert_int_equal(writes ? write(writer, "x", 1) : 1, 1);
            close(writer);
        } else {
            assert_int_equal(errno, ENXIO);
            const int late = open(fifo, O_RDWR | O_CLOEXEC);
            assert_int_equal(writes ? write(late, "x", 1) : 1, 1);
            wait_all(ctx);
            close(late);
        }
        wait_all(ctx);
        assert_int_equal(record.calls, 1);
        const int fd = (int)record.done.result;
        char byte = 0;
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(read(fd, &byte, 1), writes);
        close(fd);
        record.calls = 0;
        assert_int_equal(aioc_max_parallel(ctx, 4), 0);
    }
    assert_true(count_fds() <= fds + 1); /* there may be a ring now; four rounds would lose more */
}

static void open_has_the_flags_of_a_plain_open(void **state) {
    (void)state;
    const char *path = make_file("x");
    const int flags[] = {O_RDONLY,
                         O_RDONLY | O_NONBLOCK,
                         O_RDWR,
                         O_WRONLY | O_APPEND,
                         O_RDWR | O_NONBLOCK | O_APPEND,
                         O_RDONLY | O_NOATIME,
                         O_PATH,
                         O_RDWR | O_DSYNC};
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) {
            const int plain = open(path, flags[i] | O_CLOEXEC);
            const int64_t fd = result(aioc_open(ctx, path, flags[i] | O_CLOEXEC, 0, DONE));
            assert_true(plain >= 0 && fd >= 0);
            assert_int_equal(fcntl((int)fd, F_GETFL), fcntl(plain, F_GETFL));
            assert_int_equal(fcntl((int)fd, F_GETFD), fcntl(plain, F_GETFD));
            close(plain);
            assert_int_equal(result(aioc_close(ctx, (int)fd, DONE)), 0);
        }
    }
}

/* Its holder gives the lease up only after the submitting call is back: a call that waited would never return. */
static void leased_file_does_not_hold_the_submitting_call(void **state) {
    (void)state;
    const char *path = make_file("leased");
    const int holder = open(path, O_RDONLY | O_CLOEXEC);
    signal(SIGIO, SIG_IGN);
    if (fcntl(holder, F_SETLEASE, F_RDLCK) != 0) {
        printf("not tested here: no leases (errno %d)\n", errno);
        assert_null(getenv("CI"));
        close(holder);
        return;
    }
    const double start = now_ms();
    const aioc_request id = aioc_open(ctx, path, O_WRONLY | O_CLOEXEC, 0, DONE);
    assert_true(id > 0);
    assert_true(now_ms() - start < 5000); /* /proc/sys/fs/lease-break-time is 45 s */
    assert_int_equal(aioc_poll_wait(ctx, 0) >= 0, 1);
    assert_int_equal(fcntl(holder, F_SETLEASE, F_UNLCK), 0);
    close(holder);
    const int64_t fd = result(id);
    assert_true(fd >= 0);
    assert_int_equal(fcntl((int)fd, F_GETFL) & O_NONBLOCK, 0);
    close((int)fd);
}

static void creating_opens_are_not_inline(void **state) {
    (void)state;
    const char *path = make_file("x");
    const int flags[] = {O_CREAT | O_RDWR, O_TRUNC | O_RDWR};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) {
        const int64_t fd = result(aioc_open(ctx, path, flags[i] | O_CLOEXEC, 0600, DONE));
        assert_true(fd >= 0);
        assert_int_not_equal(record.done.engine, AIOC_ENGINE_INLINE);
        assert_int_equal(result(aioc_close(ctx, (int)fd, DONE)), 0);
        assert_int_not_equal(record.done.engine, AIOC_ENGINE_INLINE); /* open for writing */
    }
    const int unlinked = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    assert_int_equal(result(aioc_close(ctx, unlinked, DONE)), 0);
    assert_int_not_equal(record.done.engine, AIOC_ENGINE_INLINE); /* its last close deletes it */
}

/* A link to another mount, a name beginning there, and a relative one: all the same file as a plain call finds. */
static void other_mounts_and_relative_paths(void **state) {
    (void)state;
    struct statx status;
    struct stat plain;
    char link[128];
    const char *path = make_file("12345");
    snprintf(link, sizeof link, "%.*s", (int)(strrchr(path, '/') - path), path);
    const int directory = open(link, O_PATH | O_CLOEXEC);
    strcat(link, "/link");
    assert_int_equal(symlink("/proc/self/status", link), 0);
    const char *const paths[] = {link, "/proc/self/status", "/dev/null", "/dev/shm", path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) {
        assert_int_equal(stat(paths[i], &plain), 0);
        assert_int_equal(result(aioc_stat(ctx, paths[i], &status, DONE)), 0);
        assert_int_equal(status.stx_ino, plain.st_ino);
        assert_int_equal(lstat(paths[i], &plain), 0);
        assert_int_equal(result(aioc_lstat(ctx, paths[i], &status, DONE)), 0);
        assert_int_equal(status.stx_ino, plain.st_ino);
        const int64_t fd = result(aioc_open(ctx, paths[i], O_RDONLY | O_CLOEXEC, 0, DONE));
        assert_true(fd >= 0);
        assert_true(record.done.engine != AIOC_ENGINE_INLINE || i == 3 || i == 4); /* proc and devtmpfs are not known */
        assert_int_equal(result(aioc_fstat(ctx, (int)fd, &status, DONE)), 0);
        assert_true(fstat((int)fd, &plain) == 0 && status.stx_ino == plain.st_ino);
        assert_int_equal(result(aioc_close(ctx, (int)fd, DONE)), 0);
    }
    aioc_operation op = AIOC_OPERATION_INIT;
    aioc_request id;
    op.code = AIOC_OP_OPEN;
    op.flags = AIOC_USE_DIRFD;
    op.fd = directory;
    op.path = "file";
    op.operation_flags = O_RDONLY | O_CLOEXEC;
    op.callback = record_callback;
    op.user_data = &record;
    assert_int_equal(aioc_submit(ctx, &op, 1, &id), 1);
    const int64_t fd = result(id);
    assert_true(fd >= 0 && stat(path, &plain) == 0);
    assert_int_equal(result(aioc_fstat(ctx, (int)fd, &status, DONE)), 0);
    assert_int_equal(status.stx_ino, plain.st_ino);
    close((int)fd);
    close(directory);
    unlink(link);
}

/* --- read, write ----------------------------------------------------------------------- */

static volatile sig_atomic_t signals;
static void on_signal(int number) {
    (void)number;
    ++signals;
}
/* A write in the submitting thread must not raise what a worker's does not: the default action is the end. */
static void writes_beyond_the_limit_raise_no_signal(void **state) {
    (void)state;
    const char *const directories[] = {"/dev/shm", "/tmp"};
    for (int i = 0; i < 2; ++i) {
        char path[64];
        struct rlimit before = {0, 0}, small;
        snprintf(path, sizeof path, "%s/aioclone-limit-XXXXXX", directories[i]);
        const int fd = mkstemp(path);
        unlink(path);
        assert_true(fd >= 0 && getrlimit(RLIMIT_FSIZE, &before) == 0);
        small = before;
        small.rlim_cur = 4;
        fflush(NULL);
        signal(SIGXFSZ, on_signal);
        for (int j = 0; j < 3; ++j) { /* until it is known how this file system is written to */
            assert_int_equal(result(aioc_write(ctx, fd, "1234", 4, 0, DONE)), 4);
        }
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        const int64_t first = result(aioc_write(ctx, fd, "12345", 5, 4, DONE));
        const int64_t second = result(aioc_write(ctx, fd, "12345", 5, 4, DONE));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(first, -EFBIG);
        assert_int_equal(second, -EFBIG);
        assert_int_equal(signals, 0);
        signal(SIGXFSZ, SIG_DFL);
        close(fd);
    }
}

static void number_that_is_used_again_names_the_new_file(void **state) {
    (void)state;
    char byte = 0;
    int pipes[2];
    const int fd = open(make_file("x"), O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 5; ++i) {
        assert_int_equal(result(aioc_read(ctx, fd, &byte, 1, 0, DONE)), 1);
    }
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(dup2(pipes[0], fd), fd);
    assert_int_equal(result(aioc_read(ctx, fd, &byte, 1, 0, DONE)), -ESPIPE);
    assert_int_equal(dup2(open("/dev/zero", O_RDONLY | O_CLOEXEC), fd), fd);
    assert_int_equal(result(aioc_read(ctx, fd, &byte, 1, 0, DONE)), 1);
    assert_int_equal(byte, 0);
    close(fd);
    assert_int_equal(result(aioc_read(ctx, fd, &byte, 1, 0, DONE)), -EBADF);
    close(pipes[0]);
    close(pipes[1]);
}

/* A burst is answered here for 0.5 ms and the read that is under way then. Of the thread's own time, of which other
 * programs take nothing; the bound is for sanitizers. */
static void burst_of_large_reads_holds_no_submitting_call(void **state) {
    (void)state;
    enum { reads = 1000, mebibyte = 1 << 20, bound_ms = 10 };
    char *const data = mmap(NULL, mebibyte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(data != MAP_FAILED);
    memset(data, 'x', mebibyte);
    const int fd = open(make_file(""), O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, data, mebibyte, 0), mebibyte);
    double largest = 0, most_of_all = 0;
    for (int i = 0; i < reads; ++i) {
        const double start = thread_ms();
        assert_true(aioc_read(ctx, fd, data, mebibyte, 0, DONE) > 0);
        const double took = thread_ms() - start;
        largest = took > largest ? took : largest;
        most_of_all += took;
    }
    wait_all(ctx);
    assert_int_equal(record.calls, reads);
    printf("largest stall %.3f ms, %.3f ms in all 1000 calls; %lld inline, %lld workers, %lld ring\n", largest,
           most_of_all, (long long)aioc_count(ctx, AIOC_OP_READ, AIOC_ENGINE_INLINE),
           (long long)aioc_count(ctx, AIOC_OP_READ, AIOC_ENGINE_WORKERS),
           (long long)aioc_count(ctx, AIOC_OP_READ, AIOC_ENGINE_RING));
    assert_true(largest < bound_ms);
    /* The budget has sent the rest to another engine: all at once are submitted without a poll. */
    assert_true(aioc_count(ctx, AIOC_OP_READ, AIOC_ENGINE_INLINE) < reads / 2);
    aioc_operation ops[64];
    for (int i = 0; i < 64; ++i) {
        const aioc_operation op = AIOC_OPERATION_INIT;
        ops[i] = op;
        ops[i].code = AIOC_OP_READ;
        ops[i].fd = fd;
        ops[i].buffer = data;
        ops[i].length = mebibyte;
    }
    const double start = thread_ms();
    assert_int_equal(aioc_submit(ctx, ops, 64, NULL), 64);
    const double took = thread_ms() - start;
    printf("a batch of 64: %.3f ms\n", took);
    assert_true(took < bound_ms);
    wait_all(ctx);
    close(fd);
    munmap(data, mebibyte);
}

static bool has_cachestat(int fd) {
    uint64_t range[2] = {0, 4096}, pages[5];
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
    return syscall(SYS_cachestat, fd, range, pages, 0) == 0;
}

/* After misses cold reads are looked up first, and go where waiting is done without having been tried. */
static void cold_reads_stop_being_tried(void **state) {
    (void)state;
    enum { pages = 256, page = 4096 };
    static char data[page];
    const int fd = open(make_file(""), O_RDWR | O_CLOEXEC);
    for (int i = 0; i < pages; ++i) {
        assert_int_equal(pwrite(fd, data, page, (off_t)i * page), page);
    }
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
    const uint32_t waits_on =
        expected_ring_status() >= 0 && tested_engine() == AIOC_ENGINE_AUTO && aioc_probe(AIOC_ENGINE_RING) == 0
            ? AIOC_ENGINE_RING
            : AIOC_ENGINE_WORKERS;
    uint64_t after_half = 0;
    for (int i = 0; i < pages; ++i) {
        if (i == pages / 2) {
            after_half = misses();
        }
        assert_int_equal(result(aioc_read(ctx, fd, data, page, (int64_t)i * page, DONE)), page);
    }
    const uint64_t all = misses();
    printf("%llu misses in the first half, %llu in the second\n", (unsigned long long)after_half,
           (unsigned long long)(all - after_half));
    if (!has_cachestat(fd) || after_half == 0) {
        printf("not tested here: no cachestat, or a file system that is never cold\n");
        close(fd);
        return;
    }
    assert_true(all - after_half < pages / 8);
    assert_int_equal(record.done.engine, waits_on);
    assert_true(aioc_count(ctx, AIOC_OP_READ, waits_on) >= pages / 2);
    /* Cached now: inline again, and counted so. */
    aioc_statistics before = AIOC_STATISTICS_INIT, after = AIOC_STATISTICS_INIT;
    aioc_stats(ctx, &before);
    assert_int_equal(result(aioc_read(ctx, fd, data, page, 0, DONE)), page);
    assert_int_equal(record.done.engine, AIOC_ENGINE_INLINE);
    aioc_stats(ctx, &after);
    assert_int_equal(after.inline_hits, before.inline_hits + 1);
    close(fd);
}

/* A small file in memory is loaded where its open is answered, and a large one or one in a pipe's place is not. */
static void small_files_are_loaded_where_they_are_opened(void **state) {
    (void)state;
    const char *const path = make_file("hello");
    void *data = NULL;
    for (int i = 0; i < 2; ++i) { /* the second one knows its directory */
        const int fd = (int)result(aioc_open(ctx, path, O_RDONLY, 0, DONE));
        const uint32_t engine = record.done.engine;
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(result(aioc_load(ctx, path, 0, &data, DONE)), 5);
        assert_string_equal(data, "hello");
        aioc_free(data);
        assert_int_equal(record.done.engine, engine == AIOC_ENGINE_INLINE ? engine : AIOC_ENGINE_WORKERS);
        assert_int_equal(result(aioc_load(ctx, path, 4, &data, DONE)), -EFBIG);
        assert_int_equal(result(aioc_load(ctx, "/tmp/no such file", 0, &data, DONE)), -ENOENT);
    }
    assert_int_equal(truncate(path, 1 << 20), 0);
    assert_int_equal(result(aioc_load(ctx, path, 0, &data, DONE)), 1 << 20);
    assert_int_equal(record.done.engine, AIOC_ENGINE_WORKERS);
    assert_string_equal(data, "hello");
    aioc_free(data);
}

int main(void) {
#define C(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {C(fifo_open_waits_for_its_other_end),
                                       C(fifo_reader_meets_a_writer_that_came_and_went),
                                       C(open_has_the_flags_of_a_plain_open),
                                       C(leased_file_does_not_hold_the_submitting_call),
                                       C(creating_opens_are_not_inline),
                                       C(other_mounts_and_relative_paths),
                                       C(writes_beyond_the_limit_raise_no_signal),
                                       C(number_that_is_used_again_names_the_new_file),
                                       C(burst_of_large_reads_holds_no_submitting_call),
                                       C(cold_reads_stop_being_tried),
                                       C(small_files_are_loaded_where_they_are_opened)};
    return run_group(tests);
}
