// SPDX-License-Identifier: MIT
// Worker zone: no libc, no TLS, no C++ runtime. User memory is touched by the kernel only, so a bad
// pointer gives -EFAULT and never a signal.
#include "worker/job_queue.hpp"

#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/errno.h>
#include <linux/fs.h>

namespace aioc {
namespace {

// IOV of preadv2; split offsets as the kernel's generic ABI wants them (64-bit: high part 0).
struct Iov {
    void* base;
    uint64_t length;
};

AIOC_INLINE long execute_nop(const Request&) noexcept { return 0; }

AIOC_INLINE long execute_open(const Request& r) noexcept {
    const long result = sys::call(SYS_openat, r.fd, r.path, r.operation_flags, r.mode);
    if (r.held_fd >= 0) {
        sys::call(SYS_close, r.held_fd);
    }
    return result;
}

AIOC_INLINE long execute_close(const Request& r) noexcept { return sys::call(SYS_close, r.fd); }

AIOC_INLINE long execute_read(const Request& r) noexcept {
    const Iov iov{static_cast<char*>(r.buffer) + r.partial, r.length - r.partial};
    const uint64_t offset = static_cast<uint64_t>(r.offset) + r.partial;
    const long result = r.operation_flags == 0
                            ? sys::call(SYS_pread64, r.fd, iov.base, iov.length, offset)
                            : sys::call(SYS_preadv2, r.fd, &iov, 1, offset, 0, r.operation_flags);
    if (r.partial == 0) {
        return result;
    }
    return static_cast<long>(r.partial) + (result > 0 ? result : 0);
}

AIOC_INLINE long execute_write(const Request& r) noexcept {
    if (r.operation_flags == 0) {
        return sys::call(SYS_pwrite64, r.fd, r.buffer, r.length, r.offset);
    }
    const Iov iov{r.buffer, r.length};
    return sys::call(SYS_pwritev2, r.fd, &iov, 1, r.offset, 0, r.operation_flags);
}

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

AIOC_INLINE long execute_unlink(const Request& r) noexcept {
    return sys::call(SYS_unlinkat, r.fd, r.path, 0);
}
AIOC_INLINE long execute_fsync(const Request& r) noexcept { return sys::call(SYS_fsync, r.fd); }
AIOC_INLINE long execute_fdatasync(const Request& r) noexcept { return sys::call(SYS_fdatasync, r.fd); }

} // namespace

extern "C" void aioc_zone_execute(Request* r) {
    switch (r->operation) {
#define AIOC_OPERATION(CODE, name, ...)                                                                \
    case AIOC_OP_##CODE:                                                                               \
        r->result = execute_##name(*r);                                                                \
        return;
#include "core/operations.def"
#undef AIOC_OPERATION
    default:
        r->result = -ENOSYS;
    }
}

// What it has read when the rest would wait is kept: the plain call goes on from there, so that the
// answer is not shorter than on any other engine.
extern "C" int aioc_zone_try(Request* r) {
    if (r->attempt == attempt_direct) {
        aioc_zone_execute(r);
        return 1;
    }
    for (;;) {
        const Iov iov{static_cast<char*>(r->buffer) + r->partial, r->length - r->partial};
        const long n = sys::call(SYS_preadv2, r->fd, &iov, 1, static_cast<uint64_t>(r->offset) + r->partial, 0, RWF_NOWAIT);
        r->result = n;
        if (n == -EAGAIN || n == -EOPNOTSUPP || n == -EINTR || n == -ENOSYS) {
            return 0;
        }
        if (n > 0) {
            r->partial += static_cast<uint64_t>(n);
        }
        // Short, but not at the end of the file or a fault: the next page may be on its way. Ask again.
        if (n <= 0 || r->partial == r->length) {
            r->result = r->partial > 0 ? static_cast<int64_t>(r->partial) : n;
            return 1;
        }
    }
}

extern "C" void aioc_zone_finish(Request* r) {
    if (sys::exchange(r->state, uint32_t{state_done}) == state_cancelling) {
        if (r->operation == AIOC_OP_OPEN && r->result >= 0) {
            sys::call(SYS_close, r->result);
        }
        r->result = -ECANCELED;
    }
}

} // namespace aioc
