// SPDX-License-Identifier: MIT
#pragma once
#include "sys/inline.hpp"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

// What a thread wrote before it gave a request to the kernel is there for the one that takes its completion. The
// order is the kernel's, between the two queues; TSan does not see it and is told.
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

} // namespace aioc
