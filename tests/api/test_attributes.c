/* SPDX-License-Identifier: MIT */
/* The matrix of operations on attributes: status, modes, owners, times, length, extended attributes. */
#define _GNU_SOURCE
#include "matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *file;
static int fd;

static struct stat status_of(const char *path) {
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status;
}
static aioc_operation below(uint32_t code, const char *path) {
    aioc_operation op = operation(code);
    op.flags = AIOC_USE_DIRFD;
    op.fd = open(test_directory(), O_PATH | O_CLOEXEC);
    op.path = path;
    return op;
}

static void statx_masks_and_flags(void **state) {
    (void)state;
    struct statx got;
    memset(&got, 0, sizeof got);
    assert_int_equal(RUN(statx, file, 0, STATX_SIZE, &got), 0);
    assert_true(got.stx_mask & STATX_SIZE);
    assert_int_equal(got.stx_size, 4);
    const char *const soft = in_directory("soft");
    assert_int_equal(symlink("file", soft), 0);
    assert_int_equal(RUN(statx, soft, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &got), 0);
    assert_true(S_ISLNK(got.stx_mode));
    assert_int_equal(RUN(statx, soft, 0, STATX_BASIC_STATS, &got), 0);
    assert_true(S_ISREG(got.stx_mode));
    assert_int_equal(RUN(statx, file, 0x40000000, STATX_SIZE, &got), -EINVAL);
    assert_int_equal(RUN(statx, "/nonexistent", 0, STATX_SIZE, &got), -ENOENT);
    assert_int_equal(RUN(statx, "", 0, STATX_SIZE, &got), -ENOENT);
    aioc_operation op = operation(AIOC_OP_STATX);
    op.flags = AIOC_USE_DIRFD;
    op.fd = fd;
    op.path = "";
    op.operation_flags = AT_EMPTY_PATH;
    op.mode = STATX_BASIC_STATS;
    op.buffer = &got;
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(got.stx_ino, status_of(file).st_ino);
}

static void same_statvfs(const struct statvfs *a, const struct statvfs *b) {
    assert_int_equal(a->f_bsize, b->f_bsize);
    assert_int_equal(a->f_frsize, b->f_frsize);
    assert_int_equal(a->f_blocks, b->f_blocks);
    assert_int_equal(a->f_files, b->f_files);
    assert_int_equal(a->f_fsid, b->f_fsid);
    assert_int_equal(a->f_flag, b->f_flag);
    assert_int_equal(a->f_namemax, b->f_namemax);
    assert_int_equal(a->f_ffree == 0, b->f_ffree == 0);
    assert_int_equal(a->f_favail, a->f_ffree);
}

static void statvfs_as_the_library_function(void **state) {
    (void)state;
    static const char *const paths[] = {"/", "/proc", "/dev", "/tmp", "/sys"};
    struct statvfs expected, got;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) {
        assert_int_equal(statvfs(paths[i], &expected), 0);
        memset(&got, 0xff, sizeof got);
        assert_int_equal(RUN(statvfs, paths[i], &got), 0);
        same_statvfs(&got, &expected);
    }
    assert_int_equal(statvfs(file, &expected), 0);
    assert_int_equal(RUN(fstatvfs, fd, &got), 0);
    same_statvfs(&got, &expected);
    aioc_operation op = below(AIOC_OP_STATVFS, "file");
    op.buffer = &got;
    memset(&got, 0, sizeof got);
    assert_int_equal(run_operation(op), 0);
    same_statvfs(&got, &expected);
    op.path = "nothing";
    assert_int_equal(run_operation(op), -ENOENT);
    op.path = "";
    assert_int_equal(run_operation(op), -ENOENT);
    close(op.fd);
    assert_int_equal(run_operation(op), -EBADF);
    assert_int_equal(RUN(statvfs, "/nonexistent", &got), -ENOENT);
    assert_int_equal(RUN(fstatvfs, -1, &got), -EBADF);
}

/* The defect of eio.c: it opened the file for reading. Root may read all, so another user asks. */
static void ask_unreadable_file(void) {
    struct statvfs got;
    struct record done = {0};
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
        end_child(3);
    }
    aioc_context *own = NULL;
    if (aioc_create(&own, NULL) != 0 || open(file, O_RDONLY | O_CLOEXEC) >= 0) {
        end_child(4);
    }
    if (aioc_statvfs(own, file, &got, record_callback, &done) <= 0) {
        end_child(5);
    }
    while (aioc_nreqs(own) > 0) {
        aioc_poll_wait(own, 1000);
        aioc_poll_cb(own);
    }
    aioc_destroy(own);
    end_child(done.calls == 1 && done.done.result == 0 ? 0 : 6);
}
static void statvfs_of_an_unreadable_file(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    return; /* no threads in a child of a process that has some */
#endif
    assert_int_equal(chmod(test_directory(), 0711), 0);
    assert_int_equal(chmod(file, 0), 0);
    const pid_t child = fork();
    if (child == 0) {
        setenv("AIOC_SPAWNER", "clone", 1);
        setenv("AIOC_ENGINE", "workers", 1);
        alarm(30);
        ask_unreadable_file();
    }
    int ended = -1;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(ended, 0);
}

static void chmod_family(void **state) {
    (void)state;
    assert_int_equal(RUN(chmod, file, 0640), 0);
    assert_int_equal(status_of(file).st_mode & 07777, 0640);
    assert_int_equal(RUN(fchmod, fd, 04711), 0);
    assert_int_equal(status_of(file).st_mode & 07777, 04711);
    assert_int_equal(RUN(fchmod, fd, 0600), 0);
    assert_int_equal(RUN(chmod, "/nonexistent", 0600), -ENOENT);
    assert_int_equal(RUN(fchmod, -1, 0600), -EBADF);
    aioc_operation op = below(AIOC_OP_CHMOD, "file");
    op.mode = 0604;
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(status_of(file).st_mode & 07777, 0604);
    assert_int_equal(symlink("file", in_directory("soft for chmod")), 0);
    op.path = "soft for chmod";
    op.operation_flags = AT_SYMLINK_NOFOLLOW; /* fchmodat2(2), Linux 6.6; ext4 has no modes of links */
    const int64_t result = run_operation(op);
    assert_true(result == -ENOSYS || result == -EOPNOTSUPP);
    assert_int_equal(status_of(file).st_mode & 07777, 0604);
    close(op.fd);
}

static void chown_family(void **state) {
    (void)state;
    const uint32_t keep = (uint32_t)-1;
    const struct stat before = status_of(file);
    assert_int_equal(RUN(chown, file, keep, keep), 0);
    assert_int_equal(RUN(fchown, fd, before.st_uid, keep), 0);
    assert_int_equal(RUN(lchown, file, keep, before.st_gid), 0);
    assert_int_equal(RUN(chown, "/nonexistent", keep, keep), -ENOENT);
    assert_int_equal(RUN(lchown, "/nonexistent", keep, keep), -ENOENT);
    assert_int_equal(RUN(fchown, -1, keep, keep), -EBADF);
    const char *const soft = in_directory("soft for chown");
    assert_int_equal(symlink("file", soft), 0);
    if (!is_root()) {
        assert_int_equal(RUN(chown, file, 12345, keep), -EPERM);
        return;
    }
    assert_int_equal(RUN(lchown, soft, 4321, 1234), 0);
    assert_int_equal(status_of(soft).st_uid, 4321);
    assert_int_equal(status_of(soft).st_gid, 1234);
    assert_int_equal(status_of(file).st_uid, before.st_uid);
    assert_int_equal(RUN(chown, soft, 4322, keep), 0); /* the target */
    assert_int_equal(status_of(file).st_uid, 4322);
    assert_int_equal(status_of(file).st_gid, before.st_gid);
    assert_int_equal(RUN(fchown, fd, 0x7ffffffe, 0x7ffffffd), 0);
    assert_int_equal(status_of(file).st_uid, 0x7ffffffe);
    assert_int_equal(status_of(file).st_gid, 0x7ffffffd);
    aioc_operation op = below(AIOC_OP_CHOWN, "file");
    op.uid = before.st_uid;
    op.gid = before.st_gid;
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(status_of(file).st_uid, before.st_uid);
    close(op.fd);
}

/* The defects of libeio: nanoseconds came out of a double, and an omitted time was set to -1. */
static void utimes_with_nanoseconds_and_an_omitted_member(void **state) {
    (void)state;
    struct timespec times[2] = {{1000000000, 123456789}, {2000000000, 987654321}};
    assert_int_equal(RUN(utimens, file, times, 0), 0);
    struct stat got = status_of(file);
    assert_int_equal(got.st_atim.tv_sec, 1000000000);
    assert_int_equal(got.st_atim.tv_nsec, 123456789);
    assert_int_equal(got.st_mtim.tv_sec, 2000000000);
    assert_int_equal(got.st_mtim.tv_nsec, 987654321);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = -1; /* a file of 1969 */
    times[1].tv_nsec = 1;
    assert_int_equal(RUN(futimens, fd, times), 0);
    got = status_of(file);
    assert_int_equal(got.st_atim.tv_sec, 1000000000);
    assert_int_equal(got.st_atim.tv_nsec, 123456789);
    assert_int_equal(got.st_mtim.tv_sec, -1);
    assert_int_equal(got.st_mtim.tv_nsec, 1);
    times[0].tv_nsec = UTIME_NOW;
    times[1].tv_nsec = UTIME_OMIT;
    assert_int_equal(RUN(utimens, file, times, 0), 0);
    got = status_of(file);
    assert_true(got.st_atim.tv_sec > 1500000000);
    assert_int_equal(got.st_mtim.tv_sec, -1);
    assert_int_equal(RUN(futimens, fd, NULL), 0); /* now */
    assert_true(status_of(file).st_mtim.tv_sec > 1500000000);
    times[1].tv_nsec = 1000000000;
    assert_int_equal(RUN(utimens, file, times, 0), -EINVAL);
    assert_int_equal(RUN(utimens, "/nonexistent", NULL, 0), -ENOENT);
    assert_int_equal(RUN(futimens, -1, NULL), -EBADF);
    assert_int_equal(RUN(futimens, AT_FDCWD, NULL), -EBADF);
}

static void utimes_of_a_link_and_below_a_descriptor(void **state) {
    (void)state;
    const struct timespec times[2] = {{5, 6}, {7, 8}};
    const char *const soft = in_directory("soft for times");
    assert_int_equal(symlink("file", soft), 0);
    assert_int_equal(RUN(utimens, soft, times, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(status_of(soft).st_mtim.tv_nsec, 8);
    assert_true(status_of(file).st_mtim.tv_sec != 7);
    aioc_operation op = below(AIOC_OP_UTIMENS, "file");
    op.buffer = (void *)(uintptr_t)times;
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(status_of(file).st_atim.tv_nsec, 6);
    close(op.fd);
}

/* The times are copied when the call is made. */
static void utimes_are_the_ones_at_submission(void **state) {
    (void)state;
    struct timespec times[2] = {{50, 60}, {70, 80}};
    assert_int_equal(aioc_hold(ctx), 0);
    const aioc_request id = aioc_futimens(ctx, fd, times, record_callback, &record);
    memset(times, 0x55, sizeof times);
    assert_int_equal(aioc_release(ctx), 0);
    assert_int_equal(run(id), 0);
    assert_int_equal(status_of(file).st_mtim.tv_nsec, 80);
}

static void truncate_and_ftruncate(void **state) {
    (void)state;
    assert_int_equal(RUN(truncate, file, INT64_C(5) << 30), 0); /* beyond 4 GiB */
    assert_int_equal(status_of(file).st_size, INT64_C(5) << 30);
    assert_int_equal(RUN(ftruncate, fd, 3), 0);
    assert_int_equal(status_of(file).st_size, 3);
    assert_int_equal(RUN(ftruncate, fd, 0), 0);
    assert_int_equal(RUN(truncate, "/nonexistent", 0), -ENOENT);
    assert_int_equal(RUN(truncate, test_directory(), 0), -EISDIR);
    assert_int_equal(RUN(ftruncate, -1, 0), -EBADF);
    const int read_only = open(file, O_RDONLY | O_CLOEXEC);
    assert_int_equal(RUN(ftruncate, read_only, 0), -EINVAL);
    close(read_only);
    assert_int_equal(aioc_truncate(ctx, file, -1, NULL, NULL), -EINVAL);
    assert_int_equal(aioc_ftruncate(ctx, fd, -1, NULL, NULL), -EINVAL);
    aioc_operation op = below(AIOC_OP_TRUNCATE, "file");
    op.length = 4;
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(status_of(file).st_size, 4);
    op.path = "./nothing";
    assert_int_equal(run_operation(op), -ENOENT);
    close(op.fd);
    assert_int_equal(run_operation(op), -EBADF);
    op.path = file; /* absolute */
    assert_int_equal(run_operation(op), 0);
}

static void xattrs_of_a_path(void **state) {
    (void)state;
    char value[16] = "";
    assert_int_equal(RUN(setxattr, file, "user.one", "1234", 4, 0), 0);
    assert_int_equal(RUN(setxattr, file, "user.one", "1234", 4, XATTR_CREATE), -EEXIST);
    assert_int_equal(RUN(setxattr, file, "user.two", "x", 1, XATTR_REPLACE), -ENODATA);
    assert_int_equal(RUN(setxattr, file, "user.two", NULL, 0, 0), 0); /* an empty value */
    assert_int_equal(RUN(getxattr, file, "user.one", value, sizeof value), 4);
    assert_memory_equal(value, "1234", 4);
    assert_int_equal(RUN(getxattr, file, "user.one", NULL, 0), 4); /* asks for the length */
    assert_int_equal(RUN(getxattr, file, "user.one", value, 3), -ERANGE);
    assert_int_equal(RUN(getxattr, file, "user.two", value, sizeof value), 0);
    assert_int_equal(RUN(getxattr, file, "user.none", value, sizeof value), -ENODATA);
    assert_int_equal(RUN(getxattr, "/nonexistent", "user.none", value, sizeof value), -ENOENT);
    assert_int_equal(RUN(getxattr, file, "", value, sizeof value), -ERANGE); /* as the call has it */
    char names[64];
    memset(names, 0, sizeof names);
    const int64_t length = RUN(listxattr, file, names, sizeof names);
    assert_int_equal(length, 18);
    assert_int_equal(RUN(listxattr, file, NULL, 0), length);
    assert_int_equal(RUN(listxattr, file, names, 3), -ERANGE);
    assert_int_equal(RUN(removexattr, file, "user.two"), 0);
    assert_int_equal(RUN(removexattr, file, "user.two"), -ENODATA);
    assert_int_equal(RUN(listxattr, file, names, sizeof names), 9);
    assert_string_equal(names, "user.one");
}

static void xattrs_of_a_descriptor(void **state) {
    (void)state;
    char value[16] = "", names[64];
    assert_int_equal(RUN(fsetxattr, fd, "user.fd", "567", 3, XATTR_CREATE), 0);
    assert_int_equal(RUN(fgetxattr, fd, "user.fd", value, sizeof value), 3);
    assert_memory_equal(value, "567", 3);
    assert_true(RUN(flistxattr, fd, names, sizeof names) >= 8);
    assert_int_equal(RUN(fremovexattr, fd, "user.fd"), 0);
    assert_int_equal(RUN(fgetxattr, fd, "user.fd", value, sizeof value), -ENODATA);
    assert_int_equal(RUN(fsetxattr, -1, "user.fd", "567", 3, 0), -EBADF);
    assert_int_equal(RUN(flistxattr, -1, names, sizeof names), -EBADF);
    assert_int_equal(RUN(fremovexattr, -1, "user.fd"), -EBADF);
}

/* User attributes are not for links; trusted ones are, and root's. */
static void xattrs_of_a_link(void **state) {
    (void)state;
    char value[16] = "", names[64];
    const char *const soft = in_directory("soft for xattr");
    assert_int_equal(symlink("file", soft), 0);
    assert_int_equal(RUN(lsetxattr, soft, "user.l", "1", 1, 0), -EPERM);
    assert_int_equal(RUN(lgetxattr, soft, "trusted.l", value, sizeof value), -ENODATA);
    assert_int_equal(RUN(lremovexattr, soft, "user.l"), -EPERM);
    const int64_t set = RUN(lsetxattr, soft, "trusted.l", "89", 2, 0);
    if (set == -EPERM) {
        cannot_be_brought_about(AIOC_OP_LSETXATTR, "trusted attributes need CAP_SYS_ADMIN");
        cannot_be_brought_about(AIOC_OP_LGETXATTR, "trusted attributes need CAP_SYS_ADMIN");
        cannot_be_brought_about(AIOC_OP_LREMOVEXATTR, "trusted attributes need CAP_SYS_ADMIN");
        return;
    }
    assert_int_equal(set, 0);
    assert_int_equal(RUN(lgetxattr, soft, "trusted.l", value, sizeof value), 2);
    assert_memory_equal(value, "89", 2);
    assert_int_equal(RUN(getxattr, soft, "trusted.l", value, sizeof value), -ENODATA); /* the target */
    assert_int_equal(RUN(llistxattr, soft, names, sizeof names), 10);
    assert_string_equal(names, "trusted.l");
    assert_int_equal(RUN(llistxattr, "/nonexistent", names, sizeof names), -ENOENT);
    assert_int_equal(RUN(lremovexattr, soft, "trusted.l"), 0);
}

static void xattrs_below_a_descriptor(void **state) {
    (void)state;
    char value[16] = "";
    aioc_operation op = below(AIOC_OP_SETXATTR, "file");
    op.path2 = "user.below";
    op.buffer = value;
    strcpy(value, "abc");
    op.length = 3;
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(getxattr(file, "user.below", value, sizeof value), 3);
    op.code = AIOC_OP_GETXATTR;
    op.length = sizeof value;
    memset(value, 0, sizeof value);
    assert_int_equal(run_operation(op), 3);
    assert_string_equal(value, "abc");
    op.code = AIOC_OP_REMOVEXATTR;
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(run_operation(op), -ENODATA);
    close(op.fd);
    assert_int_equal(run_operation(op), -EBADF);
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(statx_masks_and_flags),
                                       CASE(statvfs_as_the_library_function),
                                       CASE(statvfs_of_an_unreadable_file),
                                       CASE(chmod_family),
                                       CASE(chown_family),
                                       CASE(utimes_with_nanoseconds_and_an_omitted_member),
                                       CASE(utimes_of_a_link_and_below_a_descriptor),
                                       CASE(utimes_are_the_ones_at_submission),
                                       CASE(truncate_and_ftruncate),
                                       CASE(xattrs_of_a_path),
                                       CASE(xattrs_of_a_descriptor),
                                       CASE(xattrs_of_a_link),
                                       CASE(xattrs_below_a_descriptor),
                                       MATRIX_CASES};
    ctx = make_context(0);
    file = strdup(file_with("file", "text"));
    fd = open(file, O_RDWR | O_CLOEXEC);
    const int failed = run_group(tests);
    close(fd);
    free((void *)(uintptr_t)file);
    return failed || aioc_destroy(ctx) != 0;
}
