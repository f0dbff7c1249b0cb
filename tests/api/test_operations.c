/* SPDX-License-Identifier: MIT */
/* The matrix of the operations that the module of 2005 had, and nop. */
#define _GNU_SOURCE
#include "matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_close_and_their_errors(void **state) {
    (void)state;
    const int64_t fd = RUN(open, make_file("x"), O_RDONLY | O_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(fcntl((int)fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(RUN(close, (int)fd), 0);
    assert_int_equal(RUN(close, (int)fd), -EBADF);
    assert_int_equal(RUN(open, "/nonexistent/x", O_RDONLY, 0), -ENOENT);
    assert_int_equal(RUN(open, "/etc", O_WRONLY, 0), -EISDIR);
    const int64_t created = RUN(open, make_file("x"), O_CREAT | O_EXCL | O_RDWR, 0600);
    assert_int_equal(created, -EEXIST);
    const int plain = open(make_file("x"), O_RDONLY | O_CLOEXEC); /* one that was not opened here */
    assert_int_equal(RUN(close, plain), 0);
    assert_int_equal(fcntl(plain, F_GETFD), -1);
}

static void read_write_at_offsets(void **state) {
    (void)state;
    char text[16] = "";
    const int fd = open(make_file("0123456789"), O_RDWR | O_CLOEXEC);
    assert_int_equal(RUN(read, fd, text, 4, 3), 4);
    assert_memory_equal(text, "3456", 4);
    assert_int_equal(RUN(read, fd, text, 4, 10), 0); /* past the end */
    assert_int_equal(RUN(write, fd, "AB", 2, 4), 2);
    assert_int_equal(RUN(read, fd, text, 16, 0), 10);
    assert_memory_equal(text, "0123AB6789", 10);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    assert_int_equal(RUN(write, fd, "z", 1, INT64_C(5) << 32), 1); /* beyond 4 GiB */
    assert_int_equal(RUN(read, fd, text, 2, INT64_C(5) << 32), 1);
    assert_int_equal(text[0], 'z');
    assert_int_equal(RUN(read, -1, text, 1, 0), -EBADF);
    assert_int_equal(RUN(write, -1, text, 1, 0), -EBADF);
    if (!getenv("AIOC_UNDER_VALGRIND")) { /* which reports each of these, rightly */
        assert_int_equal(RUN(read, fd, NULL, 4, 0), -EFAULT);
        assert_int_equal(RUN(write, fd, (void *)1, 4, 0), -EFAULT);
        assert_int_equal(RUN(fstat, fd, (struct statx *)1), -EFAULT);
        assert_int_equal(RUN(stat, "/", NULL), -EFAULT);
    }
    assert_int_equal(RUN(read, fd, text, 0, 0), 0);
    assert_int_equal(RUN(readahead, fd, 0, 10), 0);
    assert_int_equal(RUN(readahead, -1, 0, 10), -EBADF);
    assert_int_equal(RUN(fsync, fd), 0);
    assert_int_equal(RUN(fdatasync, fd), 0);
    assert_int_equal(RUN(fsync, -1), -EBADF);
    assert_int_equal(RUN(fdatasync, -1), -EBADF);
    close(fd);
    const int directory = open("/etc", O_RDONLY | O_CLOEXEC);
    assert_int_equal(RUN(read, directory, text, 1, 0), -EISDIR);
    close(directory);
}

static void stat_family_agrees_with_stat(void **state) {
    (void)state;
    struct stat plain;
    struct statx status;
    const char *path = make_file("12345");
    assert_int_equal(stat(path, &plain), 0);
    memset(&status, 0xff, sizeof status);
    assert_int_equal(RUN(stat, path, &status), 0);
    assert_int_equal(status.stx_size, 5);
    assert_int_equal(status.stx_ino, plain.st_ino);
    assert_int_equal(status.stx_mtime.tv_nsec, plain.st_mtim.tv_nsec);
    assert_int_equal(RUN(lstat, "/proc/self", &status), 0);
    assert_true(S_ISLNK(status.stx_mode));
    assert_int_equal(RUN(stat, "/proc/self", &status), 0);
    assert_true(S_ISDIR(status.stx_mode));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(RUN(fstat, fd, &status), 0);
    assert_int_equal(status.stx_ino, plain.st_ino);
    close(fd);
    assert_int_equal(RUN(fstat, AT_FDCWD, &status), -EBADF);
    assert_int_equal(RUN(stat, "", &status), -ENOENT);
    assert_int_equal(RUN(lstat, "/nonexistent", &status), -ENOENT);
}

static void unlink_removes_a_file_only(void **state) {
    (void)state;
    const char *path = make_file("x");
    assert_int_equal(RUN(unlink, path), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(RUN(unlink, path), -ENOENT);
    assert_int_equal(mkdir(path, 0700), 0); /* one of the user's own: others give EACCES */
    assert_int_equal(RUN(unlink, path), -EISDIR);
    assert_int_equal(rmdir(path), 0);
}

static void dirfd_and_rwf_flags(void **state) {
    (void)state;
    struct statx status = {0};
    char text[4] = "";
    aioc_operation op = operation(AIOC_OP_STAT);
    op.flags = AIOC_USE_DIRFD;
    op.fd = open("/etc", O_PATH | O_CLOEXEC);
    op.path = "passwd";
    op.buffer = &status;
    assert_int_equal(run_operation(op), 0);
    assert_true(S_ISREG(status.stx_mode));
    close(op.fd);
    op = operation(AIOC_OP_READ);
    op.fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    op.buffer = text;
    op.length = sizeof text;
    op.operation_flags = 1u << 30; /* no such RWF flag: the kernel's answer */
    assert_int_equal(run_operation(op), -EOPNOTSUPP);
    close(op.fd);
}

static void nop_does_nothing(void **state) {
    (void)state;
    record.calls = 0;
    assert_int_equal(RUN_PLAIN(nop), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(open_close_and_their_errors),
                                       CASE(read_write_at_offsets),
                                       CASE(stat_family_agrees_with_stat),
                                       CASE(unlink_removes_a_file_only),
                                       CASE(dirfd_and_rwf_flags),
                                       CASE(nop_does_nothing),
                                       MATRIX_CASES};
    ctx = make_context(0);
    const int failed = run_group(tests);
    return failed || aioc_destroy(ctx) != 0;
}
