// SPDX-License-Identifier: MIT
#pragma once
#include "sys/inline.hpp"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

// For TSan, which neither sees the kernel's part nor liburing's system calls. Elsewhere nothing.
//
// What a thread wrote before it gave a request to the kernel is there for the one that takes its completion. The
// order is the kernel's, between the two queues.
namespace aioc {

AIOC_INLINE void given_to_kernel([[maybe_unused]] void* request) noexcept {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(request);
#endif
}
AIOC_INLINE void taken_from_kernel([[maybe_unused]] void* request) noexcept {
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(request);
#endif
}
// A ring may be mapped where one of another thread has been.
#if defined(__SANITIZE_THREAD__)
inline char ring_memory;
#endif
AIOC_INLINE void ring_mapped() noexcept {
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(&ring_memory);
#endif
}
AIOC_INLINE void ring_unmapped() noexcept {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(&ring_memory);
#endif
}

} // namespace aioc
