// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>
#include <time.h>

// Main side only: they may be served by the vDSO, which the worker zone does not use.
namespace aioc::sys {

inline int64_t clock_ns(clockid_t clock) noexcept {
    timespec now{};
    clock_gettime(clock, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
inline int64_t now_ns() noexcept { return clock_ns(CLOCK_MONOTONIC); }
// Of the last tick, up to 10 ms ago.
inline int64_t coarse_now_ns() noexcept { return clock_ns(CLOCK_MONOTONIC_COARSE); }

} // namespace aioc::sys
