// SPDX-License-Identifier: MIT
#pragma once
// Worker zone (see execute.cpp): descriptors, locks, and the memory of the process.
#include "sys/futex.hpp"
#include "worker/job_queue.hpp"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fsverity.h>
#include <linux/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 // Linux 5.14
#define MADV_POPULATE_WRITE 23
#endif

namespace aioc {

AIOC_INLINE long execute_nop(const Request&) noexcept { return 0; }
AIOC_INLINE long execute_busy(const Request& r) noexcept {
    constexpr uint64_t second = 1'000'000'000;
    const sys::Timeout time{static_cast<int64_t>(r.length / second), static_cast<int64_t>(r.length % second)};
    constexpr int clock_monotonic = 1;
    return sys::call(SYS_clock_nanosleep, clock_monotonic, 0, &time, 0L);
}

AIOC_INLINE long execute_close(const Request& r) noexcept { return sys::call(SYS_close, r.fd); }
AIOC_INLINE long execute_dup(const Request& r) noexcept { return sys::call(SYS_dup, r.fd); }
AIOC_INLINE long execute_dup3(const Request& r) noexcept {
    return sys::call(SYS_dup3, r.fd, extra_of(r).fd2, r.operation_flags);
}
AIOC_INLINE long execute_fcntl(const Request& r) noexcept {
    return sys::call(SYS_fcntl, r.fd, r.operation_flags, extra_of(r).argument);
}
AIOC_INLINE long execute_ioctl(const Request& r) noexcept {
    return sys::call(SYS_ioctl, r.fd, r.operation_flags, extra_of(r).argument);
}
AIOC_INLINE long execute_flock(const Request& r) noexcept { return sys::call(SYS_flock, r.fd, r.operation_flags); }
AIOC_INLINE long execute_ofd_lock(const Request& r) noexcept {
    if (r.operation_flags != F_OFD_SETLK && r.operation_flags != F_OFD_SETLKW) {
        return -EINVAL;
    }
    constexpr short from_start = 0; // SEEK_SET
    struct flock lock;
    lock.l_type = static_cast<short>(r.mode);
    lock.l_whence = from_start;
    lock.l_start = r.offset;
    lock.l_len = static_cast<int64_t>(r.length);
    lock.l_pid = 0;
    return sys::call(SYS_fcntl, r.fd, r.operation_flags, &lock);
}
AIOC_INLINE long execute_fsverity_enable(const Request& r) noexcept {
    return sys::call(SYS_ioctl, r.fd, FS_IOC_ENABLE_VERITY, r.buffer);
}
AIOC_INLINE long execute_fsverity_measure(const Request& r) noexcept {
    return sys::call(SYS_ioctl, r.fd, FS_IOC_MEASURE_VERITY, r.buffer);
}

AIOC_INLINE long execute_msync(const Request& r) noexcept {
    return sys::call(SYS_msync, r.buffer, r.length, r.operation_flags);
}
AIOC_INLINE long execute_madvise(const Request& r) noexcept {
    return sys::call(SYS_madvise, r.buffer, r.length, r.operation_flags);
}
AIOC_INLINE long execute_mlock(const Request& r) noexcept {
    return r.operation_flags == 0 ? sys::call(SYS_mlock, r.buffer, r.length)
                                  : sys::call(SYS_mlock2, r.buffer, r.length, r.operation_flags);
}
AIOC_INLINE long execute_munlock(const Request& r) noexcept { return sys::call(SYS_munlock, r.buffer, r.length); }
AIOC_INLINE long execute_mlockall(const Request& r) noexcept { return sys::call(SYS_mlockall, r.operation_flags); }
AIOC_INLINE long execute_munlockall(const Request&) noexcept { return sys::call(SYS_munlockall); }

// One word of a page, by the kernel, which answers -EFAULT where we would get a signal: sys::word_is_readable and
// word_is_writable (sys/memory.hpp) say how.
AIOC_INLINE bool touch(uintptr_t at, bool modify) noexcept {
    if (!modify) {
        return sys::call(SYS_rt_sigprocmask, -1, at, 0L, 8) != -EFAULT;
    }
    uint32_t nobody = 0;
    constexpr uint32_t or_nothing = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0);
    return sys::call(SYS_futex, &nobody, FUTEX_WAKE_OP_PRIVATE, 0, 0L, at, or_nothing) != -EFAULT;
}
AIOC_INLINE long execute_mtouch(const Request& r) noexcept {
    if ((r.operation_flags & ~uint32_t{AIOC_MTOUCH_MODIFY}) != 0) {
        return -EINVAL;
    }
    constexpr uintptr_t page = 4096; // or more: then some are touched twice
    const auto at = reinterpret_cast<uintptr_t>(r.buffer);
    const uintptr_t begin = at & ~(page - 1);
    const uintptr_t end = (at + r.length + page - 1) & ~(page - 1);
    if (r.length == 0) {
        return 0;
    }
    if (end <= begin) {
        return -EFAULT;
    }
    const bool modify = (r.operation_flags & AIOC_MTOUCH_MODIFY) != 0;
    const long result = sys::call(SYS_madvise, begin, end - begin, modify ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
    if (result != -EINVAL) { // before Linux 5.14, or a mapping that is not of memory
        return result;
    }
    for (uintptr_t p = begin; p < end; p += page) {
        if (p == 0 || !touch(p, modify)) {
            return -EFAULT;
        }
    }
    return 0;
}

} // namespace aioc
