/* SPDX-License-Identifier: MIT */
/* Each operation of the table with a success and an error; one without a case fails the test. And each was served
 * by the engine that the run forces, where that engine has it. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define OPERATIONS_MAX 64
static struct {
    int good, bad;
} seen[OPERATIONS_MAX];
static aioc_context *ctx;
static struct record record;

static int64_t run(aioc_request request) {
    const int64_t result = result_of(ctx, request, &record);
    if (result < 0) {
        ++seen[record.done.operation].bad;
    } else {
        ++seen[record.done.operation].good;
    }
    if (!engine_is_allowed(record.done.engine)) {
        fail_msg("%s ran on %s", aioc_operation_name(record.done.operation), aioc_engine_name(record.done.engine));
    }
    assert_int_equal(record.done.size, sizeof(aioc_completion));
    return result;
}
#define RUN(name, ...) run(aioc_##name(ctx, __VA_ARGS__, record_callback, &record))

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
    assert_int_equal(RUN(unlink, "/proc"), -EISDIR);
}

static void dirfd_and_rwf_flags(void **state) {
    (void)state;
    struct statx status = {0};
    char text[4] = "";
    aioc_request id;
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = AIOC_OP_STAT;
    op.flags = AIOC_USE_DIRFD;
    op.fd = open("/etc", O_PATH | O_CLOEXEC);
    op.path = "passwd";
    op.buffer = &status;
    op.callback = record_callback;
    op.user_data = &record;
    assert_int_equal(aioc_submit(ctx, &op, 1, &id), 1);
    assert_int_equal(run(id), 0);
    assert_true(S_ISREG(status.stx_mode));
    close(op.fd);
    op.code = AIOC_OP_READ;
    op.flags = 0;
    op.fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    op.buffer = text;
    op.length = sizeof text;
    op.operation_flags = 1u << 30; /* no such RWF flag: the kernel's answer */
    assert_int_equal(aioc_submit(ctx, &op, 1, &id), 1);
    assert_int_equal(run(id), -EOPNOTSUPP);
    close(op.fd);
}

static void every_operation_has_cases(void **state) {
    (void)state;
    record.calls = 0;
    assert_int_equal(run(aioc_nop(ctx, record_callback, &record)), 0);
    uint32_t code = 1;
    for (; aioc_operation_name(code); ++code) {
        if (!seen[code].good || (!seen[code].bad && code != AIOC_OP_NOP)) {
            fail_msg("operation %s has no case", aioc_operation_name(code));
        }
        assert_int_equal(aioc_count(ctx, code, 0), seen[code].good + seen[code].bad);
    }
    assert_int_equal(code, 13);
    assert_null(aioc_operation_name(0));
}

/* --- Engines ---------------------------------------------------------------------- */

/* What the ring leaves to workers: readahead always, close before Linux 6.1 (docs/ring.md). */
static bool ring_serves(uint32_t operation) {
    struct utsname name;
    int major = 0, minor = 0;
    assert_int_equal(uname(&name), 0);
    assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
    const bool has_close = major > 6 || (major == 6 && minor >= 1);
    return operation != AIOC_OP_READAHEAD && (operation != AIOC_OP_CLOSE || has_close);
}

/* By the type of the mount on which the test makes its files, as the kernel lists them. */
static bool file_is_on_local_disk_or_memory(void) {
    static const char *const types[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs"};
    struct statx file;
    char line[1024], device[32], type[32] = "";
    assert_int_equal(statx(AT_FDCWD, make_file("x"), 0, STATX_BASIC_STATS, &file), 0);
    snprintf(device, sizeof device, " %u:%u ", file.stx_dev_major, file.stx_dev_minor);
    FILE *const mounts = fopen("/proc/self/mountinfo", "re");
    assert_non_null(mounts);
    while (fgets(line, sizeof line, mounts) && !type[0]) {
        const char *const rest = strstr(line, " - ");
        if (strstr(line, device) && rest) {
            sscanf(rest, " - %31s", type);
        }
    }
    fclose(mounts);
    for (size_t i = 0; i < sizeof types / sizeof *types; ++i) {
        if (strcmp(type, types[i]) == 0) {
            return true;
        }
    }
    printf("not tested here: inline on %s\n", type[0] ? type : "an unknown mount");
    return false;
}

static bool inline_serves(uint32_t operation) {
    switch (operation) {
    case AIOC_OP_NOP:
    case AIOC_OP_OPEN:
    case AIOC_OP_CLOSE:
    case AIOC_OP_READ:
    case AIOC_OP_STAT:
    case AIOC_OP_LSTAT:
    case AIOC_OP_FSTAT:
        return true;
    default:
        return false;
    }
}

static void served_at_least_once(uint32_t operation, uint32_t engine) {
    if (aioc_count(ctx, operation, engine) == 0) {
        fail_msg("%s was never served by %s", aioc_operation_name(operation), aioc_engine_name(engine));
    }
}

static void every_operation_ran_on_the_engine_that_is_forced(void **state) {
    (void)state;
    const uint32_t engine = tested_engine();
    /* valgrind 3.19 does not know openat2. */
    const bool expects_inline = (engine == AIOC_ENGINE_INLINE || engine == AIOC_ENGINE_AUTO) &&
                                !getenv("AIOC_UNDER_VALGRIND") && file_is_on_local_disk_or_memory();
    for (uint32_t code = 1; aioc_operation_name(code); ++code) {
        if (engine == AIOC_ENGINE_RING && ring_serves(code)) {
            served_at_least_once(code, AIOC_ENGINE_RING);
        } else if (engine == AIOC_ENGINE_RING || engine == AIOC_ENGINE_WORKERS) {
            served_at_least_once(code, AIOC_ENGINE_WORKERS);
        } else if (expects_inline && inline_serves(code)) {
            served_at_least_once(code, AIOC_ENGINE_INLINE);
        }
        assert_int_equal(aioc_count(ctx, code, AIOC_ENGINE_SYNC), 0);
    }
    served_at_least_once(AIOC_OP_READAHEAD, AIOC_ENGINE_WORKERS);
    if (engine == AIOC_ENGINE_AUTO) {
        served_at_least_once(AIOC_OP_FSYNC, AIOC_ENGINE_WORKERS); /* the router's rule: as long as there is a worker */
        served_at_least_once(AIOC_OP_FDATASYNC, AIOC_ENGINE_WORKERS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(open_close_and_their_errors),
                                       CASE(read_write_at_offsets),
                                       CASE(stat_family_agrees_with_stat),
                                       CASE(unlink_removes_a_file_only),
                                       CASE(dirfd_and_rwf_flags),
                                       CASE(every_operation_has_cases),
                                       CASE(every_operation_ran_on_the_engine_that_is_forced)};
    ctx = make_context(0);
    const int failed = run_group(tests);
    return failed || aioc_destroy(ctx) != 0;
}
