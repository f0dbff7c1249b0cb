// SPDX-License-Identifier: MIT
#pragma once
#include "sys/syscall.hpp"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace aioc::sys {

inline size_t page_bytes() noexcept {
    static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

// In the program's own writable data, or its heap of brk(2), where most paths are: they stay mapped for the
// program's life (one that forbids itself to read a page there is not asked for).
bool is_surely_mapped(const void* at) noexcept;

// Can the 8 aligned bytes around `at` be read? rt_sigprocmask(2) copies the set in before it refuses
// an invalid `how`, so it answers -EFAULT or -EINVAL and changes nothing. It is allowed in every
// sandbox that lets threads live. Not asked under valgrind, which would report the bytes beside.
inline bool word_is_readable(const void* at) noexcept {
#ifdef RUNNING_ON_VALGRIND
    if (RUNNING_ON_VALGRIND) {
        return true;
    }
#endif
    if (is_surely_mapped(at)) {
        return true;
    }
    const auto aligned = reinterpret_cast<uintptr_t>(at) & ~uintptr_t{7};
    // A null set means "no set" there: the first word is never mapped anyway.
    return aligned != 0 && call(SYS_rt_sigprocmask, -1, aligned, 0L, 8) != -EFAULT;
}

// Can every page of [at, at + bytes) be read?
inline bool is_readable(const void* at, size_t bytes) noexcept {
    const auto* const first = static_cast<const char*>(at);
    const auto start = reinterpret_cast<uintptr_t>(at);
    if (!at || start + bytes < start) {
        return false;
    }
    for (size_t done = 0; done < bytes;) {
        if (!word_is_readable(first + done)) {
            return false;
        }
        done += page_bytes() - ((start + done) & (page_bytes() - 1));
    }
    return true;
}

// Can the 4 aligned bytes around `at` be written? futex(2) with FUTEX_WAKE_OP ors 0 into them, atomically.
inline bool word_is_writable(void* at) noexcept {
#ifdef RUNNING_ON_VALGRIND
    if (RUNNING_ON_VALGRIND) { // which would report what is not written yet
        return true;
    }
#endif
    if (is_surely_mapped(at)) {
        return true;
    }
    uint32_t nobody = 0;
    const auto aligned = reinterpret_cast<uintptr_t>(at) & ~uintptr_t{3};
    return call(SYS_futex, &nobody, FUTEX_WAKE_OP_PRIVATE, 0, 0L, aligned,
                FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0)) != -EFAULT;
}

// Can every page of [at, at + bytes) be written?
inline bool is_writable(void* at, size_t bytes) noexcept {
    if (!is_readable(at, bytes)) {
        return false;
    }
    const auto start = reinterpret_cast<uintptr_t>(at);
    for (size_t done = 0; done < bytes;) {
        if (!word_is_writable(static_cast<char*>(at) + done)) {
            return false;
        }
        done += page_bytes() - ((start + done) & (page_bytes() - 1));
    }
    return true;
}

// Length of the string at `path`: below `limit`, else -ENAMETOOLONG; -EFAULT if it can't be read.
inline long readable_string_length(const char* path, size_t limit) noexcept {
    for (size_t length = 0; length < limit;) {
        if (!path || !word_is_readable(path + length)) {
            return -EFAULT;
        }
        const auto at = reinterpret_cast<uintptr_t>(path + length);
        const size_t in_page = page_bytes() - (at & (page_bytes() - 1));
        const size_t span = in_page < limit - length ? in_page : limit - length;
        if (const void* const end = memchr(path + length, 0, span)) {
            return static_cast<const char*>(end) - path;
        }
        length += span;
    }
    return -ENAMETOOLONG;
}

} // namespace aioc::sys
