/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { operations_max = 192, no_error_max = 8 };
static struct {
    int good, bad, excused;
} seen[operations_max];
aioc_context *ctx;
struct record record;

int64_t run(aioc_request request) {
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

aioc_operation operation(uint32_t code) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = code;
    op.callback = record_callback;
    op.user_data = &record;
    return op;
}

int64_t run_operation(aioc_operation op) {
    aioc_request id = 0;
    assert_int_equal(aioc_submit(ctx, &op, 1, &id), 1);
    return run(id);
}

void cannot_be_brought_about(uint32_t code, const char *why) {
    printf("not tested here: %s: %s\n", aioc_operation_name(code), why);
    ++seen[code].excused;
}

/* They have nothing that could be wrong. */
static bool cannot_fail(uint32_t code) {
    return code == AIOC_OP_NOP || code == AIOC_OP_SYNC || code == AIOC_OP_MUNLOCKALL || code == AIOC_OP_BUSY;
}

void every_operation_has_cases(void **state) {
    (void)state;
    int found = 0;
    for (uint32_t code = 1; aioc_operation_name(code); ++code) {
        const int runs = seen[code].good + seen[code].bad;
        if (runs > 0 && !seen[code].excused && (!seen[code].good || (!seen[code].bad && !cannot_fail(code)))) {
            fail_msg("operation %s has only one case", aioc_operation_name(code));
        }
        assert_int_equal(aioc_count(ctx, code, 0), runs);
        found += runs > 0;
    }
    assert_true(found > 0);
    assert_null(aioc_operation_name(0));
}

/* --- Engines ---------------------------------------------------------------------- */

static bool kernel_is(int major_wanted, int minor_wanted) {
    struct utsname name;
    int major = 0, minor = 0;
    assert_int_equal(uname(&name), 0);
    assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
    return major > major_wanted || (major == major_wanted && minor >= minor_wanted);
}

/* What has an opcode, from which kernel on (docs/ring.md). */
static bool ring_serves(uint32_t operation) {
    switch (operation) {
    case AIOC_OP_NOP:
    case AIOC_OP_OPEN:
    case AIOC_OP_READ:
    case AIOC_OP_WRITE:
    case AIOC_OP_READV:
    case AIOC_OP_WRITEV:
    case AIOC_OP_STAT:
    case AIOC_OP_LSTAT:
    case AIOC_OP_FSTAT:
    case AIOC_OP_STATX:
    case AIOC_OP_UNLINK:
    case AIOC_OP_RMDIR:
    case AIOC_OP_RENAME:
    case AIOC_OP_FSYNC:
    case AIOC_OP_FDATASYNC:
    case AIOC_OP_FALLOCATE:
    case AIOC_OP_FADVISE:
    case AIOC_OP_MADVISE:
    case AIOC_OP_SYNC_FILE_RANGE:
    case AIOC_OP_SPLICE:
    case AIOC_OP_TEE:
    case AIOC_OP_MKDIR:
    case AIOC_OP_LINK:
    case AIOC_OP_SYMLINK:
        return true;
    case AIOC_OP_GETXATTR:
    case AIOC_OP_FGETXATTR:
    case AIOC_OP_SETXATTR:
    case AIOC_OP_FSETXATTR:
        return kernel_is(5, 19);
    case AIOC_OP_CLOSE:
        return kernel_is(6, 1);
    case AIOC_OP_FTRUNCATE:
        return kernel_is(6, 9);
    default:
        return false;
    }
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

void every_operation_ran_on_the_engine_that_is_forced(void **state) {
    (void)state;
    const uint32_t engine = tested_engine();
    const bool automatic = engine == AIOC_ENGINE_AUTO;
    /* valgrind 3.19 does not know openat2. */
    const bool expects_inline = (engine == AIOC_ENGINE_INLINE || automatic) && !getenv("AIOC_UNDER_VALGRIND") &&
                                file_is_on_local_disk_or_memory();
    for (uint32_t code = 1; aioc_operation_name(code); ++code) {
        if (seen[code].good + seen[code].bad == 0) {
            continue;
        }
        if (engine == AIOC_ENGINE_RING && ring_serves(code)) {
            served_at_least_once(code, AIOC_ENGINE_RING);
        } else if (engine == AIOC_ENGINE_RING || engine == AIOC_ENGINE_WORKERS) {
            served_at_least_once(code, AIOC_ENGINE_WORKERS);
        } else if (expects_inline && inline_serves(code)) {
            served_at_least_once(code, AIOC_ENGINE_INLINE);
        } else if (automatic && (code == AIOC_OP_FSYNC || code == AIOC_OP_FDATASYNC)) {
            served_at_least_once(code, AIOC_ENGINE_WORKERS); /* the router's rule: as long as there is a worker */
        }
        assert_int_equal(aioc_count(ctx, code, AIOC_ENGINE_SYNC), 0);
    }
}

/* --- Files ------------------------------------------------------------------------ */

static char directory[128];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}
static void remove_directory(void) { nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

const char *test_directory(void) {
    if (!directory[0]) {
        const char *const base = getenv("TEST_DIRECTORY");
        snprintf(directory, sizeof directory, "%s/aioclone-matrix-XXXXXX", base ? base : "/tmp");
        assert_non_null(mkdtemp(directory));
        atexit(remove_directory);
    }
    return directory;
}

const char *in_directory(const char *name) {
    enum { kept = 8, longest = 400 };
    static char paths[kept][longest];
    static unsigned next;
    char *const path = paths[next++ % kept];
    snprintf(path, longest, "%s/%s", test_directory(), name);
    return path;
}

const char *file_with(const char *name, const char *content) {
    const char *const path = in_directory(name);
    const int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    return path;
}

bool is_root(void) { return geteuid() == 0; }
