// SPDX-License-Identifier: MIT
#pragma once
#include "sys/syscall.hpp"

#include <linux/mman.h>
#include <stddef.h>
#include <stdint.h>

// Anonymous memory for the worker zone, which has no allocator. TSan must be told of memory that comes and goes, so
// there libc is asked (its workers are pthreads).
#if defined(__SANITIZE_THREAD__)
extern "C" void* mmap(void*, size_t, int, int, int, long);
extern "C" int munmap(void*, size_t);
#endif

namespace aioc::sys {

// Null: no memory.
AIOC_INLINE void* map_memory(size_t bytes) noexcept {
    constexpr int protection = PROT_READ | PROT_WRITE;
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(__SANITIZE_THREAD__)
    void* const at = mmap(nullptr, bytes, protection, flags, -1, 0);
    return at == reinterpret_cast<void*>(-1) ? nullptr : at;
#else
    const long at = call(SYS_mmap, 0L, bytes, protection, flags, -1, 0L);
    return at < 0 && at > -4096 ? nullptr : reinterpret_cast<void*>(at);
#endif
}

AIOC_INLINE void unmap_memory(void* at, size_t bytes) noexcept {
#if defined(__SANITIZE_THREAD__)
    munmap(at, bytes);
#else
    call(SYS_munmap, at, bytes);
#endif
}

// It may move. Null: no memory, and the old one stays.
AIOC_INLINE void* resize_memory(void* at, size_t bytes, size_t wanted) noexcept {
#if defined(__SANITIZE_THREAD__)
    char* const to = static_cast<char*>(map_memory(wanted));
    for (size_t i = 0; to && i < bytes && i < wanted; ++i) {
        to[i] = static_cast<const char*>(at)[i];
    }
    if (to) {
        unmap_memory(at, bytes);
    }
    return to;
#else
    const long moved = call(SYS_mremap, at, bytes, wanted, MREMAP_MAYMOVE, 0L);
    return moved < 0 && moved > -4096 ? nullptr : reinterpret_cast<void*>(moved);
#endif
}

} // namespace aioc::sys
