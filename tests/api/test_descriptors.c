/* SPDX-License-Identifier: MIT */
/* The matrix of operations on descriptors, locks, handles, and the memory of the process. */
#define _GNU_SOURCE
#include "matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int fd;
static char *path;
static size_t page;

static void dup_and_dup3(void **state) {
    (void)state;
    const int64_t copy = RUN(dup, fd);
    assert_true(copy >= 0 && copy != fd);
    assert_int_equal(RUN(dup3, fd, (int)copy, O_CLOEXEC), copy);
    assert_int_equal(fcntl((int)copy, F_GETFD), FD_CLOEXEC);
    assert_int_equal(RUN(dup3, fd, fd, 0), -EINVAL);
    assert_int_equal(RUN(dup3, -1, (int)copy, 0), -EBADF);
    assert_int_equal(RUN(dup, -1), -EBADF);
    close((int)copy);
}

static void fcntl_takes_integers_and_structs(void **state) {
    (void)state;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(RUN(fcntl, fd, F_GETFL, 0), fcntl(fd, F_GETFL));
    assert_int_equal(RUN(fcntl, fd, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(RUN(fcntl, fd, F_OFD_GETLK, (uintptr_t)&lock), 0);
    assert_int_equal(lock.l_type, F_UNLCK);
    assert_int_equal(RUN(fcntl, fd, 99999, 0), -EINVAL);
    assert_int_equal(RUN(fcntl, -1, F_GETFD, 0), -EBADF);
}

static void ioctl_is_handed_on(void **state) {
    (void)state;
    int available = -1, pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "12345", 5), 5);
    assert_int_equal(RUN(ioctl, pipes[0], FIONREAD, (uintptr_t)&available), 0);
    assert_int_equal(available, 5);
    assert_int_equal(RUN(ioctl, fd, TIOCGWINSZ, (uintptr_t)&available), -ENOTTY);
    assert_int_equal(RUN(ioctl, -1, FIONREAD, (uintptr_t)&available), -EBADF);
    close(pipes[0]);
    close(pipes[1]);
}

static void locks_of_files(void **state) {
    (void)state;
    const int other = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(RUN(flock, fd, LOCK_EX), 0);
    assert_int_equal(RUN(flock, other, LOCK_EX | LOCK_NB), -EAGAIN);
    assert_int_equal(RUN(flock, fd, LOCK_UN), 0);
    assert_int_equal(RUN(flock, fd, 77), -EINVAL);
    assert_int_equal(RUN(ofd_lock, fd, F_OFD_SETLK, F_WRLCK, 10, 10), 0);
    assert_int_equal(RUN(ofd_lock, other, F_OFD_SETLK, F_WRLCK, 20, 0), 0); /* beside it, to the end */
    assert_int_equal(RUN(ofd_lock, other, F_OFD_SETLK, F_RDLCK, 19, 1), -EAGAIN);
    assert_int_equal(RUN(ofd_lock, fd, F_OFD_SETLKW, F_UNLCK, 0, 0), 0);
    assert_int_equal(RUN(ofd_lock, other, F_OFD_SETLK, F_RDLCK, 19, 1), 0);
    assert_int_equal(RUN(ofd_lock, fd, F_SETLK, F_WRLCK, 0, 0), -EINVAL); /* those are of a process */
    assert_int_equal(RUN(ofd_lock, fd, F_OFD_SETLK, 99, 0, 0), -EINVAL);
    assert_int_equal(RUN(ofd_lock, -1, F_OFD_SETLK, F_WRLCK, 0, 0), -EBADF);
    close(other);
}

/* A request that waits for a lock keeps a worker, and no other request waits for it. */
static void a_waiting_lock_keeps_nobody_else(void **state) {
    (void)state;
    struct record waiting = {0}, releasing = {0};
    aioc_context *const own = make_context(0);
    const int other = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(RUN(ofd_lock, fd, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
    assert_true(aioc_ofd_lock(own, other, F_OFD_SETLKW, F_WRLCK, 0, 0, record_callback, &waiting) > 0);
    assert_true(aioc_ofd_lock(own, fd, F_OFD_SETLK, F_UNLCK, 0, 0, record_callback, &releasing) > 0);
    wait_all(own);
    assert_int_equal(waiting.calls + releasing.calls, 2);
    assert_int_equal(waiting.done.result, 0);
    assert_int_equal(releasing.done.result, 0);
    close(other);
    assert_int_equal(aioc_destroy(own), 0);
}

static void handles_of_files(void **state) {
    (void)state;
    struct {
        struct file_handle head;
        unsigned char more[MAX_HANDLE_SZ];
    } handle;
    int mount_id = -1;
    char text[8] = "";
    memset(&handle, 0, sizeof handle);
    if (aioc_probe_operation(AIOC_OP_NAME_TO_HANDLE) != 0) {
        cannot_be_brought_about(AIOC_OP_NAME_TO_HANDLE, "the kernel has it not");
        return;
    }
    assert_int_equal(RUN(name_to_handle, path, &handle.head, &mount_id, 0), -EOVERFLOW); /* asks for the size */
    assert_true(handle.head.handle_bytes > 0 && handle.head.handle_bytes <= MAX_HANDLE_SZ);
    const int64_t named = RUN(name_to_handle, path, &handle.head, &mount_id, 0);
    assert_int_equal(named, 0);
    assert_true(mount_id > 0);
    assert_int_equal(RUN(name_to_handle, "/nonexistent", &handle.head, &mount_id, 0), -ENOENT);
    const int64_t opened = RUN(open_by_handle, fd, &handle.head, O_RDONLY | O_CLOEXEC);
    if (opened == -EPERM) {
        cannot_be_brought_about(AIOC_OP_OPEN_BY_HANDLE, "needs CAP_DAC_READ_SEARCH");
        return;
    }
    assert_true(opened >= 0);
    assert_int_equal(pread((int)opened, text, 4, 0), 4);
    assert_memory_equal(text, "text", 4);
    close((int)opened);
    assert_int_equal(RUN(open_by_handle, -1, &handle.head, O_RDONLY), -EBADF);
    handle.head.handle_bytes = MAX_HANDLE_SZ + 1;
    assert_int_equal(RUN(open_by_handle, fd, &handle.head, O_RDONLY), -EINVAL);
}

static void fsverity_seals_a_file(void **state) {
    (void)state;
    struct fsverity_enable_arg how = {.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256, .block_size = 4096};
    enum { digest_max = 64 };
    struct fsverity_digest *const digest = calloc(1, sizeof *digest + digest_max);
    digest->digest_size = digest_max;
    file_with("sealed", "content");
    const int sealed = open(in_directory("sealed"), O_RDONLY | O_CLOEXEC);
    const int64_t result = RUN(fsverity_enable, sealed, &how);
    if (result == -EOPNOTSUPP || result == -ENOTTY) {
        assert_int_equal(RUN(fsverity_measure, sealed, digest),
                         ioctl(sealed, FS_IOC_MEASURE_VERITY, digest) < 0 ? -errno : 0);
        cannot_be_brought_about(AIOC_OP_FSVERITY_ENABLE, "not on this file system");
        cannot_be_brought_about(AIOC_OP_FSVERITY_MEASURE, "not on this file system");
    } else {
        assert_int_equal(result, 0);
        assert_int_equal(RUN(fsverity_measure, sealed, digest), 0);
        assert_int_equal(digest->digest_size, 32);
        assert_int_equal(open(in_directory("sealed"), O_RDWR | O_CLOEXEC), -1);
        assert_int_equal(RUN(fsverity_enable, sealed, &how), -EEXIST);
        assert_true(RUN(fsverity_measure, fd, digest) < 0);
    }
    close(sealed);
    assert_int_equal(RUN(fsverity_enable, -1, &how), -EBADF);
    assert_int_equal(RUN(fsverity_measure, -1, digest), -EBADF);
    free(digest);
}

static char *map(size_t pages) {
    char *const at = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    return at;
}
static int resident(char *at, size_t pages) {
    unsigned char there[64];
    int count = 0;
    assert_true(pages <= sizeof there && mincore(at, pages * page, there) == 0);
    for (size_t i = 0; i < pages; ++i) {
        count += there[i] & 1;
    }
    return count;
}

static void msync_writes_a_mapping(void **state) {
    (void)state;
    char *const at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(at != MAP_FAILED);
    assert_int_equal(RUN(msync, at, page, MS_SYNC), 0);
    assert_int_equal(RUN(msync, at, page, MS_SYNC | MS_ASYNC), -EINVAL);
    assert_int_equal(RUN(msync, at + 1, page, MS_SYNC), -EINVAL);
    munmap(at, page);
    assert_int_equal(RUN(msync, at, page, MS_SYNC), -ENOMEM);
}

static void madvise_and_mtouch(void **state) {
    (void)state;
    enum { pages = 16 };
    char *const at = map(pages + 1);
    assert_int_equal(mprotect(at + pages * page, page, PROT_NONE), 0);
    assert_int_equal(RUN(mtouch, at + 5, 3 * page - 5, AIOC_MTOUCH_MODIFY), 0); /* rounded to whole pages */
    assert_int_equal(resident(at, pages), 3);
    at[0] = 7;
    assert_int_equal(RUN(mtouch, at, pages * page, 0), 0);
    assert_int_equal(RUN(mtouch, at, pages * page, AIOC_MTOUCH_MODIFY), 0);
    assert_int_equal(resident(at, pages), pages);
    assert_int_equal(at[0], 7);
    assert_int_equal(RUN(madvise, at, pages * page, MADV_DONTNEED), 0);
    assert_int_equal(at[0], 0);
    assert_int_equal(RUN(madvise, at + 1, page, MADV_DONTNEED), -EINVAL);
    assert_int_equal(RUN(madvise, at, page, 9999), -EINVAL);
    assert_int_equal(RUN(mtouch, at, 0, 0), 0);
    assert_int_equal(RUN(mtouch, at, page, 2), -EINVAL);
    const int64_t beyond = RUN(mtouch, at, (pages + 1) * page, 0); /* memory that may not be read */
    assert_true(beyond == -EFAULT || beyond == -ENOMEM);
    const int64_t nowhere = RUN(mtouch, NULL, page, 0);
    assert_true(nowhere == -EFAULT || nowhere == -ENOMEM);
    munmap(at, (pages + 1) * page);
    const int64_t unmapped = RUN(madvise, at, page, MADV_DONTNEED);
    assert_int_equal(unmapped, -ENOMEM);
}

static void mlock_family(void **state) {
    (void)state;
    char *const at = map(4);
    assert_int_equal(RUN(mlock, at, 2 * page, 0), 0);
    assert_int_equal(resident(at, 4), 2);
    assert_int_equal(RUN(mlock, at + 2 * page, page, MLOCK_ONFAULT), 0);
    assert_int_equal(resident(at, 4), 2);
    assert_int_equal(RUN(mlock, at, page, 0x80), -EINVAL);
    assert_int_equal(RUN(munlock, at, 4 * page), 0);
    munmap(at, 4 * page);
    assert_int_equal(RUN(mlock, at, page, 0), -ENOMEM);
    assert_int_equal(RUN(munlock, at, page), -ENOMEM);
    assert_int_equal(RUN(mlockall, 0), -EINVAL);
    const int64_t all = RUN(mlockall, MCL_CURRENT | MCL_ONFAULT);
    if (all == -ENOMEM || all == -EPERM) {
        cannot_be_brought_about(AIOC_OP_MLOCKALL, "RLIMIT_MEMLOCK is too low");
    } else {
        assert_int_equal(all, 0);
    }
    assert_int_equal(RUN_PLAIN(munlockall), 0);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
static void busy_takes_its_time(void **state) {
    (void)state;
    const int64_t before = now_ns();
    assert_int_equal(RUN(busy, 30000000), 0);
    assert_true(now_ns() - before >= 30000000);
    assert_int_equal(RUN(busy, 0), 0);
    assert_int_equal(aioc_busy(ctx, -1, NULL, NULL), -EINVAL);
}

static void probes_say_what_there_is(void **state) {
    (void)state;
    for (uint32_t code = 1; aioc_operation_name(code); ++code) {
        const int there = aioc_probe_operation(code);
        assert_true(there == 0 || there == -ENOSYS || there == -EOPNOTSUPP);
        if (code <= AIOC_OP_FDATASYNC) {
            assert_int_equal(there, 0);
        }
    }
    assert_int_equal(aioc_probe_operation(0), -EINVAL);
    assert_int_equal(aioc_probe_operation(100000), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(dup_and_dup3),
                                       CASE(fcntl_takes_integers_and_structs),
                                       CASE(ioctl_is_handed_on),
                                       CASE(locks_of_files),
                                       CASE(a_waiting_lock_keeps_nobody_else),
                                       CASE(handles_of_files),
                                       CASE(fsverity_seals_a_file),
                                       CASE(msync_writes_a_mapping),
                                       CASE(madvise_and_mtouch),
                                       CASE(mlock_family),
                                       CASE(busy_takes_its_time),
                                       CASE(probes_say_what_there_is),
                                       MATRIX_CASES};
    page = (size_t)sysconf(_SC_PAGESIZE);
    ctx = make_context(0);
    path = strdup(file_with("file", "text"));
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)page), 0);
    const int failed = run_group(tests);
    close(fd);
    free(path);
    return failed || aioc_destroy(ctx) != 0;
}
