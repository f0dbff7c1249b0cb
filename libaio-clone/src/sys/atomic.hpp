// SPDX-License-Identifier: MIT
#pragma once
#include "sys/inline.hpp"

// The few atomic operations we use, on plain integers and pointers. std::atomic is not used: with
// _GLIBCXX_ASSERTIONS its members call into libstdc++, which the worker zone must not.
namespace aioc::sys {

template <typename T> AIOC_INLINE T load_relaxed(const T& at) noexcept {
    return __atomic_load_n(&at, __ATOMIC_RELAXED);
}
template <typename T> AIOC_INLINE T load_acquire(const T& at) noexcept {
    return __atomic_load_n(&at, __ATOMIC_ACQUIRE);
}
template <typename T> AIOC_INLINE void store_relaxed(T& at, T value) noexcept {
    __atomic_store_n(&at, value, __ATOMIC_RELAXED);
}
template <typename T> AIOC_INLINE void store_release(T& at, T value) noexcept {
    __atomic_store_n(&at, value, __ATOMIC_RELEASE);
}
template <typename T> AIOC_INLINE T exchange(T& at, T value) noexcept {
    return __atomic_exchange_n(&at, value, __ATOMIC_ACQ_REL);
}
template <typename T> AIOC_INLINE bool compare_exchange(T& at, T& expected, T desired) noexcept {
    return __atomic_compare_exchange_n(&at, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
// Orders an earlier store before a later load, which acquire and release do not.
AIOC_INLINE void full_fence() noexcept { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
// In a loop that waits for another core.
AIOC_INLINE void relax() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}
// Of a line that is read soon, and may be another core's.
AIOC_INLINE void prefetch(const void* at) noexcept { __builtin_prefetch(at); }
template <typename T> AIOC_INLINE T add(T& at, T value) noexcept {
    return __atomic_fetch_add(&at, value, __ATOMIC_RELAXED);
}

} // namespace aioc::sys
