// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>
#include <time.h>

inline int64_t nanoseconds(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// The cheapest clock that all threads agree on; its rate is found by calibrate_ticks().
inline uint64_t ticks() {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t value;
    asm volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#else
    return static_cast<uint64_t>(nanoseconds(CLOCK_MONOTONIC));
#endif
}

extern double ns_per_tick;
void calibrate_ticks();
