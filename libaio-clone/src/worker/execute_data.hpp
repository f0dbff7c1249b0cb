// SPDX-License-Identifier: MIT
#pragma once
// Worker zone (see execute.cpp): the content of files, and where it lies.
#include "worker/job_queue.hpp"

#include <linux/fiemap.h>
#include <linux/fs.h>

namespace aioc {

// Goes on where an attempt ended. Offsets are split as the kernel's generic ABI wants them (64-bit: the high part is
// 0).
AIOC_INLINE long transfer(const Request& r, long plain, long with_flags) noexcept {
    const Iov iov{static_cast<char*>(r.buffer) + r.partial, r.length - r.partial};
    const uint64_t offset = static_cast<uint64_t>(r.offset) + r.partial;
    const long result = r.operation_flags == 0 ? sys::call(plain, r.fd, iov.base, iov.length, offset)
                                               : sys::call(with_flags, r.fd, &iov, 1, offset, 0, r.operation_flags);
    if (r.partial == 0) {
        return result;
    }
    return static_cast<long>(r.partial) + (result > 0 ? result : 0);
}
AIOC_INLINE long execute_read(const Request& r) noexcept { return transfer(r, SYS_pread64, SYS_preadv2); }
AIOC_INLINE long execute_write(const Request& r) noexcept { return transfer(r, SYS_pwrite64, SYS_pwritev2); }
AIOC_INLINE long execute_readv(const Request& r) noexcept {
    return sys::call(SYS_preadv2, r.fd, r.buffer, r.length, r.offset, 0, r.operation_flags);
}
AIOC_INLINE long execute_writev(const Request& r) noexcept {
    return sys::call(SYS_pwritev2, r.fd, r.buffer, r.length, r.offset, 0, r.operation_flags);
}
AIOC_INLINE long execute_seek(const Request& r) noexcept {
    return sys::call(SYS_lseek, r.fd, r.offset, r.operation_flags);
}

AIOC_INLINE long execute_readahead(const Request& r) noexcept {
    return sys::call(SYS_readahead, r.fd, r.offset, r.length);
}
AIOC_INLINE long execute_fadvise(const Request& r) noexcept {
    return sys::call(SYS_fadvise64, r.fd, r.offset, r.length, r.operation_flags);
}
AIOC_INLINE long execute_fallocate(const Request& r) noexcept {
    return sys::call(SYS_fallocate, r.fd, r.operation_flags, r.offset, r.length);
}
AIOC_INLINE long execute_fiemap(const Request& r) noexcept {
    return sys::call(SYS_ioctl, r.fd, FS_IOC_FIEMAP, r.buffer);
}

AIOC_INLINE long execute_fsync(const Request& r) noexcept { return sys::call(SYS_fsync, r.fd); }
AIOC_INLINE long execute_fdatasync(const Request& r) noexcept { return sys::call(SYS_fdatasync, r.fd); }
AIOC_INLINE long execute_sync(const Request&) noexcept { return sys::call(SYS_sync); }
AIOC_INLINE long execute_syncfs(const Request& r) noexcept { return sys::call(SYS_syncfs, r.fd); }
AIOC_INLINE long execute_sync_file_range(const Request& r) noexcept {
    return sys::call(SYS_sync_file_range, r.fd, r.offset, r.length, r.operation_flags);
}

// From fd to fd2.
AIOC_INLINE long execute_sendfile(const Request& r) noexcept {
    int64_t from = r.offset;
    return sys::call(SYS_sendfile, extra_of(r).fd2, r.fd, &from, r.length);
}
AIOC_INLINE long execute_copy_file_range(const Request& r) noexcept {
    const Extra& e = extra_of(r);
    int64_t from = r.offset;
    int64_t to = e.offset2;
    return sys::call(SYS_copy_file_range, r.fd, &from, e.fd2, &to, r.length, r.operation_flags);
}
AIOC_INLINE long execute_splice(const Request& r) noexcept {
    const Extra& e = extra_of(r);
    int64_t from = r.offset;
    int64_t to = e.offset2;
    return sys::call(SYS_splice, r.fd, from == -1 ? nullptr : &from, e.fd2, to == -1 ? nullptr : &to, r.length,
                     r.operation_flags);
}
AIOC_INLINE long execute_tee(const Request& r) noexcept {
    return sys::call(SYS_tee, r.fd, extra_of(r).fd2, r.length, r.operation_flags);
}
AIOC_INLINE long execute_ficlone(const Request& r) noexcept {
    return sys::call(SYS_ioctl, extra_of(r).fd2, FICLONE, r.fd);
}
AIOC_INLINE long execute_ficlonerange(const Request& r) noexcept {
    const Extra& e = extra_of(r);
    file_clone_range range;
    range.src_fd = r.fd;
    range.src_offset = static_cast<uint64_t>(r.offset);
    range.src_length = r.length;
    range.dest_offset = static_cast<uint64_t>(e.offset2);
    return sys::call(SYS_ioctl, e.fd2, FICLONERANGE, &range);
}

} // namespace aioc
