// SPDX-License-Identifier: MIT
// Worker zone (see execute.cpp): what needs a path on the stack. Functions of their own, so that no other operation
// pays for that with its stack.
#include "worker/job_queue.hpp"
#include "worker/proc_path.hpp"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

namespace aioc {
namespace {

AIOC_INLINE bool same_file(const struct statx& a, const struct statx& b) noexcept {
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the kernel has filled them
    return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;
}

// What the kernel says of a descriptor in /proc is a path only if it leads there: it says "(deleted)" and
// "(unreachable)" too.
AIOC_INLINE long check_path(long fd, const char* path) noexcept {
    struct statx file;
    struct statx there;
    constexpr unsigned flags = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    long error = sys::call(SYS_statx, fd, "", AT_EMPTY_PATH | flags, STATX_INO, &file);
    if (error == 0) {
        error = sys::call(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | flags, STATX_INO, &there);
    }
    if (error < 0) {
        return error;
    }
    return path[0] == '/' && same_file(file, there) ? 0 : -ENOENT;
}

AIOC_INLINE long resolve(const Request& r, long fd) noexcept {
    char path[PATH_MAX];
    const ProcPath link(static_cast<int>(fd));
    const long length = sys::call(SYS_readlinkat, AT_FDCWD, link.text(), path, sizeof path);
    if (length < 0) {
        return length == -ENOENT ? -ENOSYS : length; // no /proc
    }
    if (length >= static_cast<long>(sizeof path)) {
        return -ENAMETOOLONG;
    }
    path[length] = '\0';
    if (const long error = check_path(fd, path); error < 0) {
        return error;
    }
    if (static_cast<uint64_t>(length) > r.length) {
        return -ERANGE;
    }
    // Once more, for the kernel writes to the user's memory and we don't.
    const long copied = sys::call(SYS_readlinkat, AT_FDCWD, link.text(), r.buffer, length);
    return copied == length || copied < 0 ? copied : -ENOENT; // it was moved meanwhile
}

} // namespace

// realpath(3) in one step: no link that changes meanwhile is followed half.
extern "C" long aioc_zone_realpath(const Request* r) {
    const long fd = sys::call(SYS_openat, r->fd, r->path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0) {
        return fd;
    }
    const long result = resolve(*r, fd);
    sys::call(SYS_close, fd);
    return result;
}

// For calls that have no *at form: number(path, a, b, c, d), the path relative to r.fd.
extern "C" long aioc_zone_call_by_proc(const Request* r, long number, const long* arguments) {
    if (r->fd == AT_FDCWD || r->path[0] == '/') {
        return sys::syscall6(number, sys::word(r->path), arguments[0], arguments[1], arguments[2], arguments[3], 0);
    }
    if (r->fd < 0 || sys::call(SYS_fcntl, r->fd, F_GETFD) < 0) { // /proc would say ENOENT
        return -EBADF;
    }
    if (r->path[0] == '\0') {
        return -ENOENT;
    }
    char path[proc_path_bytes + PATH_MAX];
    size_t at = write_proc_path(r->fd, path);
    path[at++] = '/';
    for (const char* from = r->path; (path[at] = *from) != '\0'; ++from) {
        ++at;
    }
    return sys::syscall6(number, sys::word(path), arguments[0], arguments[1], arguments[2], arguments[3], 0);
}

} // namespace aioc
