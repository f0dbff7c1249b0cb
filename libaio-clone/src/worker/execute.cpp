// SPDX-License-Identifier: MIT
// Worker zone: no libc, no TLS, no C++ runtime. User memory is touched by the kernel only, so a bad
// pointer gives -EFAULT and never a signal.
#include "worker/job_queue.hpp"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

namespace aioc {
namespace {

AIOC_INLINE long execute_nop(const Request&) noexcept { return 0; }

AIOC_INLINE long execute_open(const Request& r) noexcept {
    const long result = sys::call(SYS_openat, r.fd, r.path, r.operation_flags, r.mode);
    if (r.held_fd >= 0) {
        sys::call(SYS_close, r.held_fd);
    }
    return result;
}

AIOC_INLINE long execute_close(const Request& r) noexcept { return sys::call(SYS_close, r.fd); }

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

AIOC_INLINE long execute_readahead(const Request& r) noexcept {
    return sys::call(SYS_readahead, r.fd, r.offset, r.length);
}

// stat(2): stat and lstat act as with AT_NO_AUTOMOUNT, which statx(2) must be told.
AIOC_INLINE long execute_statx(int fd, const char* path, int flags, void* ret) noexcept {
    return sys::call(SYS_statx, fd, path, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME, ret);
}
AIOC_INLINE long execute_stat(const Request& r) noexcept { return execute_statx(r.fd, r.path, 0, r.buffer); }
AIOC_INLINE long execute_lstat(const Request& r) noexcept {
    return execute_statx(r.fd, r.path, AT_SYMLINK_NOFOLLOW, r.buffer);
}
AIOC_INLINE long execute_fstat(const Request& r) noexcept {
    // AT_EMPTY_PATH with AT_FDCWD would name the working directory.
    return r.fd < 0 ? -EBADF : execute_statx(r.fd, "", AT_EMPTY_PATH, r.buffer);
}

AIOC_INLINE long execute_unlink(const Request& r) noexcept { return sys::call(SYS_unlinkat, r.fd, r.path, 0); }
AIOC_INLINE long execute_fsync(const Request& r) noexcept { return sys::call(SYS_fsync, r.fd); }
AIOC_INLINE long execute_fdatasync(const Request& r) noexcept { return sys::call(SYS_fdatasync, r.fd); }

} // namespace

extern "C" void aioc_zone_execute(Request* r) {
    switch (r->operation) {
#define AIOC_OPERATION(CODE, name, ...)                                                                                \
    case AIOC_OP_##CODE:                                                                                               \
        r->result = execute_##name(*r);                                                                                \
        return;
#include "core/operations.def"
#undef AIOC_OPERATION
    default:
        r->result = -ENOSYS;
    }
}

extern "C" void aioc_zone_finish(Request* r) {
    if (r->operation != AIOC_OP_OPEN) { // only of an open could cancel undo anything
        sys::store_release(r->state, uint32_t{state_done});
        return;
    }
    if (sys::exchange(r->state, uint32_t{state_done}) == state_cancelling) {
        if (r->result >= 0) {
            sys::call(SYS_close, r->result);
        }
        r->result = -ECANCELED;
    }
}

} // namespace aioc
