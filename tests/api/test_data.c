/* SPDX-License-Identifier: MIT */
/* The matrix of operations on the content of files, on where it lies, and on moving it from file to file. */
#define _GNU_SOURCE
#include "matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RWF_ATOMIC
#define RWF_ATOMIC 0x40
#endif
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif

static int fd;
static char *path;
static char big[64 << 10];

static void fill_file(void) {
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, big, sizeof big, 0), sizeof big);
}
static int open_new(const char *name) {
    const int made = open(in_directory(name), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    assert_true(made >= 0);
    return made;
}

static void readv_fills_one_after_the_other(void **state) {
    (void)state;
    char a[3] = "", b[5] = "";
    struct iovec iov[2] = {{a, sizeof a}, {b, sizeof b}};
    fill_file();
    assert_int_equal(RUN(readv, fd, iov, 2, 10), 8);
    assert_memory_equal(a, big + 10, 3);
    assert_memory_equal(b, big + 13, 5);
    assert_int_equal(RUN(readv, fd, iov, 2, sizeof big - 4), 4); /* the end comes first */
    assert_memory_equal(b, big + sizeof big - 1, 1);
    assert_int_equal(RUN(readv, fd, iov, 2, sizeof big), 0);
    assert_int_equal(RUN(readv, fd, iov, 0, 0), 0);
    assert_int_equal(RUN(readv, -1, iov, 2, 0), -EBADF);
    assert_int_equal(RUN(readv, fd, iov, IOV_MAX + 1, 0), -EINVAL);
    assert_int_equal(aioc_readv(ctx, fd, iov, -1, 0, NULL, NULL), -EINVAL);
    assert_int_equal(aioc_readv(ctx, fd, iov, 1, -1, NULL, NULL), -EINVAL); /* position -1 */
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(RUN(readv, pipes[0], iov, 2, 0), -ESPIPE);
    assert_int_equal(RUN(writev, pipes[1], iov, 2, 0), -ESPIPE);
    close(pipes[0]);
    close(pipes[1]);
}

static void writev_writes_all_vectors(void **state) {
    (void)state;
    enum { vectors = 1000 };
    static struct iovec iov[vectors];
    char text[vectors];
    for (int i = 0; i < vectors; ++i) {
        iov[i].iov_base = big + i;
        iov[i].iov_len = 1;
    }
    fill_file();
    assert_int_equal(RUN(writev, fd, iov, vectors, INT64_C(5) << 32), vectors); /* beyond 4 GiB */
    assert_int_equal(pread(fd, text, vectors, INT64_C(5) << 32), vectors);
    assert_memory_equal(text, big, vectors);
    const int read_only = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(RUN(writev, read_only, iov, 2, 0), -EBADF);
    close(read_only);
    assert_int_equal(aioc_writev(ctx, fd, iov, 1, INT64_MIN, NULL, NULL), -EINVAL);
    fill_file();
}

/* What goes to the device goes to the ring, if there is one, as a read does. */
static void vectors_of_a_direct_file_use_the_ring(void **state) {
    (void)state;
    enum { block = 4096 };
    void *memory = NULL;
    fill_file();
    const int opened = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (opened < 0) {
        printf("not tested here: no O_DIRECT\n");
        return;
    }
    const int direct = fcntl(opened, F_DUPFD_CLOEXEC, 200); /* a number of which nothing is remembered */
    close(opened);
    assert_int_equal(posix_memalign(&memory, block, 2 * block), 0);
    struct iovec iov[2] = {{memory, block}, {(char *)memory + block, block}};
    assert_int_equal(RUN(readv, direct, iov, 2, block), 2 * block);
    assert_memory_equal(memory, big + block, 2 * block);
    const bool ring = tested_engine() == AIOC_ENGINE_RING ||
                      (tested_engine() == AIOC_ENGINE_AUTO && aioc_probe(AIOC_ENGINE_RING) == 0);
    assert_int_equal(record.done.engine, ring ? AIOC_ENGINE_RING : AIOC_ENGINE_WORKERS);
    assert_int_equal(RUN(writev, direct, iov, 2, 0), 2 * block);
    assert_int_equal(record.done.engine, ring ? AIOC_ENGINE_RING : AIOC_ENGINE_WORKERS);
    assert_int_equal(RUN(readv, direct, iov, 2, sizeof big - block), block); /* the end comes first */
    free(memory);
    close(direct);
}

/* RWF_NOWAIT may find the file locked by the kernel's own work at any moment. */
static void expect_same(int64_t result, int64_t plain, uint32_t flags) {
    if (flags != RWF_NOWAIT || (result != -EAGAIN && plain != -EAGAIN)) {
        assert_int_equal(result, plain);
    }
}

/* Flags of preadv2(2): an answer of the kernel's, and the same as the plain call's. */
static void flags_of_transfers(void **state) {
    (void)state;
    static const uint32_t flags[] = {RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND, RWF_HIPRI, RWF_ATOMIC, RWF_DONTCACHE};
    char text[512];
    struct iovec iov = {text, sizeof text};
    fill_file();
    assert_int_equal(pread(fd, text, sizeof text, 0), sizeof text);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) {
        aioc_operation op = operation(AIOC_OP_READ);
        op.fd = fd;
        op.buffer = text;
        op.length = sizeof text;
        op.operation_flags = flags[i];
        ssize_t plain = preadv2(fd, &iov, 1, 0, (int)flags[i]);
        const int64_t expected_read = plain < 0 ? -errno : plain;
        expect_same(run_operation(op), expected_read, flags[i]);
        plain = pwritev2(fd, &iov, 1, 0, (int)flags[i]);
        const int64_t expected_write = plain < 0 ? -errno : plain;
        op.code = AIOC_OP_WRITE;
        expect_same(run_operation(op), expected_write, flags[i]);
        op.buffer = &iov;
        op.length = 1;
        op.code = AIOC_OP_READV;
        expect_same(run_operation(op), expected_read, flags[i]);
        op.code = AIOC_OP_WRITEV;
        expect_same(run_operation(op), expected_write, flags[i]);
    }
    assert_true(RUN(read, fd, text, 4, 0) == 4 && RUN(read, -1, text, 4, 0) == -EBADF);
    assert_true(RUN(write, fd, text, 4, 0) == 4 && RUN(write, -1, text, 4, 0) == -EBADF);
}

static void seek_moves_the_position(void **state) {
    (void)state;
    fill_file();
    assert_int_equal(RUN(seek, fd, 100, SEEK_SET), 100);
    assert_int_equal(RUN(seek, fd, -50, SEEK_CUR), 50);
    assert_int_equal(RUN(seek, fd, 0, SEEK_END), sizeof big);
    assert_int_equal(RUN(seek, fd, -1, SEEK_SET), -EINVAL);
    assert_int_equal(RUN(seek, fd, 0, 99), -EINVAL);
    assert_int_equal(RUN(seek, fd, sizeof big, SEEK_DATA), -ENXIO);
    assert_int_equal(ftruncate(fd, INT64_C(6) << 30), 0);
    assert_int_equal(RUN(seek, fd, INT64_C(5) << 30, SEEK_HOLE), INT64_C(5) << 30);
    assert_int_equal(RUN(seek, fd, 0, SEEK_HOLE), sizeof big);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), sizeof big); /* it is the file's own */
    assert_int_equal(RUN(seek, -1, 0, SEEK_SET), -EBADF);
    fill_file();
}

static void fallocate_reserves_and_punches(void **state) {
    (void)state;
    struct stat status;
    char text[8];
    fill_file();
    assert_int_equal(RUN(fallocate, fd, FALLOC_FL_KEEP_SIZE, sizeof big, 1 << 20), 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, sizeof big);
    assert_true(status.st_blocks * 512 >= (1 << 20));
    assert_int_equal(RUN(fallocate, fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 8192), 0);
    assert_int_equal(pread(fd, text, sizeof text, 4096), sizeof text);
    assert_memory_equal(text, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(RUN(fallocate, fd, 0, INT64_C(5) << 30, 100), 0); /* beyond 4 GiB */
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, (INT64_C(5) << 30) + 100);
    assert_int_equal(RUN(fallocate, fd, 0, 0, 0), -EINVAL);
    assert_int_equal(RUN(fallocate, fd, 0x4000, 0, 1), -EOPNOTSUPP);
    assert_int_equal(RUN(fallocate, -1, 0, 0, 1), -EBADF);
    assert_int_equal(aioc_fallocate(ctx, fd, 0, -1, 1, NULL, NULL), -EINVAL);
    fill_file();
}

static void advice_on_files(void **state) {
    (void)state;
    fill_file();
    assert_int_equal(RUN(fadvise, fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    assert_int_equal(RUN(fadvise, fd, 0, (size_t)5 << 30, POSIX_FADV_WILLNEED), 0); /* beyond 32 bits */
    assert_int_equal(RUN(fadvise, fd, 0, 10, POSIX_FADV_DONTNEED), 0);
    assert_int_equal(RUN(fadvise, fd, 0, 10, 99), -EINVAL);
    assert_int_equal(RUN(fadvise, -1, 0, 10, 0), -EBADF);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(RUN(fadvise, pipes[0], 0, 10, 0), -ESPIPE);
    close(pipes[0]);
    close(pipes[1]);
}

static void syncs(void **state) {
    (void)state;
    int pipes[2];
    fill_file();
    assert_int_equal(RUN(sync_file_range, fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE), 0);
    assert_int_equal(RUN(sync_file_range, fd, 4096, (size_t)5 << 30, SYNC_FILE_RANGE_WAIT_AFTER), 0);
    assert_int_equal(RUN(sync_file_range, fd, 0, 0, 0x100), -EINVAL);
    assert_int_equal(RUN(sync_file_range, -1, 0, 0, 0), -EBADF);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(RUN(sync_file_range, pipes[0], 0, 0, 0), -ESPIPE);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(RUN(syncfs, fd), 0);
    assert_int_equal(RUN(syncfs, -1), -EBADF);
    assert_int_equal(RUN_PLAIN(sync), 0);
}

static void expect_content(int at, int64_t offset, const char *expected, size_t count) {
    char *const text = malloc(count);
    assert_int_equal(pread(at, text, count, offset), count);
    assert_memory_equal(text, expected, count);
    free(text);
}

static void sendfile_to_a_file_and_a_pipe(void **state) {
    (void)state;
    fill_file();
    const int to = open_new("sent");
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(RUN(sendfile, to, fd, 100, 1000), 1000);
    expect_content(to, 0, big + 100, 1000);
    assert_int_equal(RUN(sendfile, to, fd, 0, 10), 10); /* at its position */
    expect_content(to, 1000, big, 10);
    assert_int_equal(RUN(sendfile, pipes[1], fd, sizeof big - 10, 1000), 10); /* the end comes first */
    assert_int_equal(RUN(sendfile, to, fd, sizeof big, 10), 0);
    assert_int_equal(RUN(sendfile, to, pipes[0], 0, 10), -ESPIPE);
    assert_int_equal(RUN(sendfile, -1, fd, 0, 10), -EBADF);
    assert_int_equal(RUN(sendfile, to, -1, 0, 10), -EBADF);
    assert_int_equal(aioc_sendfile(ctx, to, fd, -1, 10, NULL, NULL), -EINVAL);
    close(to);
    close(pipes[0]);
    close(pipes[1]);
}

static void copy_file_range_between_offsets(void **state) {
    (void)state;
    fill_file();
    const int to = open_new("copied");
    const int64_t copied = RUN(copy_file_range, fd, 100, to, INT64_C(5) << 30, 5000, 0);
    assert_int_equal(copied, 5000);
    expect_content(to, INT64_C(5) << 30, big + 100, 5000);
    assert_int_equal(lseek(to, 0, SEEK_CUR), 0);
    assert_int_equal(RUN(copy_file_range, fd, sizeof big, to, 0, 10, 0), 0);
    assert_int_equal(RUN(copy_file_range, fd, 0, to, 0, 10, 1), -EINVAL);
    assert_int_equal(RUN(copy_file_range, fd, 0, fd, 5, 10, 0), -EINVAL); /* they overlap */
    assert_int_equal(RUN(copy_file_range, -1, 0, to, 0, 10, 0), -EBADF);
    assert_int_equal(RUN(copy_file_range, fd, 0, -1, 0, 10, 0), -EBADF);
    assert_int_equal(aioc_copy_file_range(ctx, fd, -1, to, 0, 10, 0, NULL, NULL), -EINVAL);
    assert_int_equal(aioc_copy_file_range(ctx, fd, 0, to, -1, 10, 0, NULL, NULL), -EINVAL);
    close(to);
}

static void splice_and_tee_through_pipes(void **state) {
    (void)state;
    fill_file();
    const int to = open_new("spliced");
    int a[2], b[2];
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    assert_int_equal(RUN(splice, fd, 200, a[1], -1, 4000, 0), 4000);
    assert_int_equal(RUN(tee, a[0], b[1], 4000, 0), 4000);
    assert_int_equal(RUN(splice, a[0], -1, to, 1000, 4000, SPLICE_F_MOVE), 4000);
    expect_content(to, 1000, big + 200, 4000);
    assert_int_equal(RUN(splice, b[0], -1, to, -1, 4000, 0), 4000); /* -1: at its own position */
    expect_content(to, 0, big + 200, 4000);
    assert_int_equal(lseek(to, 0, SEEK_CUR), 4000);
    assert_int_equal(RUN(splice, fd, sizeof big, a[1], -1, 4000, 0), 0);
    assert_int_equal(RUN(splice, fd, 0, a[1], 0, 10, 0), -ESPIPE); /* an offset for a pipe */
    assert_int_equal(RUN(splice, fd, 0, to, 0, 10, 0), -EINVAL);   /* and no pipe at all */
    assert_int_equal(RUN(splice, a[0], -1, to, -1, 10, SPLICE_F_NONBLOCK), -EAGAIN);
    assert_int_equal(RUN(splice, -1, 0, a[1], -1, 10, 0), -EBADF);
    assert_int_equal(RUN(tee, a[0], fd, 10, 0), -EINVAL);
    assert_int_equal(RUN(tee, a[0], b[1], 10, SPLICE_F_NONBLOCK), -EAGAIN);
    assert_int_equal(RUN(tee, -1, b[1], 10, 0), -EBADF);
    for (int i = 0; i < 2; ++i) {
        close(a[i]);
        close(b[i]);
    }
    close(to);
}

static void ficlone_shares_blocks(void **state) {
    (void)state;
    fill_file();
    const int to = open_new("cloned");
    const int64_t all = RUN(ficlone, to, fd);
    if (all == -EOPNOTSUPP) {
        assert_int_equal(RUN(ficlonerange, to, fd, 0, 4096, 0), -EOPNOTSUPP);
        cannot_be_brought_about(AIOC_OP_FICLONE, "not on this file system");
        cannot_be_brought_about(AIOC_OP_FICLONERANGE, "not on this file system");
    } else {
        assert_int_equal(all, 0);
        expect_content(to, 0, big, sizeof big);
        assert_int_equal(RUN(ficlonerange, to, fd, 4096, 8192, INT64_C(5) << 30), 0);
        expect_content(to, INT64_C(5) << 30, big + 4096, 8192);
        assert_int_equal(RUN(ficlonerange, to, fd, 1, 10, 0), -EINVAL); /* not whole blocks */
        assert_int_equal(RUN(ficlonerange, to, fd, 0, 0, 0), 0);        /* to the end */
    }
    assert_int_equal(RUN(ficlone, -1, fd), -EBADF);
    assert_int_equal(RUN(ficlone, to, -1), -EBADF);
    assert_int_equal(RUN(ficlonerange, -1, fd, 0, 0, 0), -EBADF);
    close(to);
}

static void fiemap_tells_extents(void **state) {
    (void)state;
    enum { extents_max = 4 };
    struct fiemap *const map = calloc(1, sizeof *map + extents_max * sizeof map->fm_extents[0]);
    fill_file();
    assert_int_equal(fsync(fd), 0);
    map->fm_length = FIEMAP_MAX_OFFSET;
    map->fm_extent_count = extents_max;
    const int64_t result = RUN(fiemap, fd, map);
    if (result == -EOPNOTSUPP) {
        cannot_be_brought_about(AIOC_OP_FIEMAP, "not on this file system");
    } else {
        assert_int_equal(result, 0);
        assert_in_range(map->fm_mapped_extents, 1, extents_max);
        assert_int_equal(map->fm_extents[0].fe_logical, 0);
        assert_true(map->fm_extents[map->fm_mapped_extents - 1].fe_flags & FIEMAP_EXTENT_LAST);
    }
    assert_int_equal(RUN(fiemap, -1, map), -EBADF);
    free(map);
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(readv_fills_one_after_the_other),
                                       CASE(writev_writes_all_vectors),
                                       CASE(vectors_of_a_direct_file_use_the_ring),
                                       CASE(flags_of_transfers),
                                       CASE(seek_moves_the_position),
                                       CASE(fallocate_reserves_and_punches),
                                       CASE(advice_on_files),
                                       CASE(syncs),
                                       CASE(sendfile_to_a_file_and_a_pipe),
                                       CASE(copy_file_range_between_offsets),
                                       CASE(splice_and_tee_through_pipes),
                                       CASE(ficlone_shares_blocks),
                                       CASE(fiemap_tells_extents),
                                       MATRIX_CASES};
    ctx = make_context(0);
    for (size_t i = 0; i < sizeof big; ++i) {
        big[i] = (char)('a' + i % 23);
    }
    path = strdup(in_directory("data"));
    fd = open_new("data");
    const int failed = run_group(tests);
    close(fd);
    free(path);
    return failed || aioc_destroy(ctx) != 0;
}
