// SPDX-License-Identifier: MIT
#pragma once
// Worker zone (see execute.cpp): names of files, and opening them.
#include "worker/job_queue.hpp"
#include "worker/proc_path.hpp"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/poll.h>

namespace aioc {

// Of a FIFO's reading end, open since before: has a writer come, and maybe gone? (One that is there and has written
// nothing does not show; the plain open finds it.)
AIOC_INLINE bool writer_has_been(int fd) noexcept {
    pollfd end;
    end.fd = fd;
    end.events = POLLIN;
    end.revents = 0;
    const sys::Timeout at_once{0, 0};
    return sys::call(SYS_ppoll, &end, 1, &at_once, 0L, 8) == 1;
}

AIOC_INLINE long execute_open(const Request& r) noexcept {
    if (r.held_fd >= 0 && writer_has_been(r.held_fd)) {
        sys::call(SYS_fcntl, r.held_fd, F_SETFL, r.operation_flags); // without the O_NONBLOCK of the attempt
        return r.held_fd;
    }
    const long result = sys::call(SYS_openat, r.fd, r.path, r.operation_flags, r.mode);
    if (r.held_fd >= 0) {
        sys::call(SYS_close, r.held_fd);
    }
    return result;
}
AIOC_INLINE long execute_openat2(const Request& r) noexcept {
    open_how how;
    how.flags = r.operation_flags;
    how.mode = r.mode;
    how.resolve = extra_of(r).argument;
    return sys::call(SYS_openat2, r.fd, r.path, &how, sizeof how);
}

AIOC_INLINE long execute_unlink(const Request& r) noexcept { return sys::call(SYS_unlinkat, r.fd, r.path, 0); }
AIOC_INLINE long execute_rmdir(const Request& r) noexcept {
    return sys::call(SYS_unlinkat, r.fd, r.path, AT_REMOVEDIR);
}
AIOC_INLINE long execute_mkdir(const Request& r) noexcept { return sys::call(SYS_mkdirat, r.fd, r.path, r.mode); }
AIOC_INLINE long execute_mknod(const Request& r) noexcept {
    const uint64_t device = extra_of(r).argument;
    return device > UINT32_MAX ? -EINVAL : sys::call(SYS_mknodat, r.fd, r.path, r.mode, device); // as mknod(3)
}
AIOC_INLINE long execute_rename(const Request& r) noexcept {
    const Extra& e = extra_of(r);
    return sys::call(SYS_renameat2, r.fd, r.path, e.fd2, e.path2, r.operation_flags);
}
AIOC_INLINE long execute_link(const Request& r) noexcept {
    const Extra& e = extra_of(r);
    return sys::call(SYS_linkat, r.fd, r.path, e.fd2, e.path2, r.operation_flags);
}
AIOC_INLINE long execute_symlink(const Request& r) noexcept {
    const Extra& e = extra_of(r);
    return sys::call(SYS_symlinkat, r.path, e.fd2, e.path2);
}
// By AT_EMPTY_PATH only the privileged may (before Linux 6.10).
AIOC_INLINE long execute_flink(const Request& r) noexcept {
    if (r.fd < 0) {
        return -EBADF;
    }
    const Extra& e = extra_of(r);
    ProcPath from(r.fd);
    return sys::call(SYS_linkat, AT_FDCWD, from.text(), e.fd2, e.path2, AT_SYMLINK_FOLLOW);
}
AIOC_INLINE long execute_readlink(const Request& r) noexcept {
    const uint64_t room = r.length < INT32_MAX ? r.length : INT32_MAX;
    return sys::call(SYS_readlinkat, r.fd, r.path, r.buffer, room);
}
AIOC_INLINE long execute_realpath(const Request& r) noexcept { return aioc_zone_realpath(&r); }
AIOC_INLINE long execute_readdir(Request& r) noexcept { return aioc_zone_read_directory(&r); }

AIOC_INLINE long execute_name_to_handle(const Request& r) noexcept {
    return sys::call(SYS_name_to_handle_at, r.fd, r.path, r.buffer, extra_of(r).argument, r.operation_flags);
}
AIOC_INLINE long execute_open_by_handle(const Request& r) noexcept {
    return sys::call(SYS_open_by_handle_at, r.fd, r.buffer, r.operation_flags);
}

} // namespace aioc
