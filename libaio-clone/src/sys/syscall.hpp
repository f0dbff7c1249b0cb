// SPDX-License-Identifier: MIT
#pragma once
#include "sys/inline.hpp"

#include <sys/syscall.h> // numbers only

// What headers of Linux 6.1 lack; the same on every architecture.
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 // Linux 6.6
#endif

// System calls without libc: the result is the value or -errno, and errno is never touched.
namespace aioc::sys {

#if defined(__x86_64__)
AIOC_INLINE long syscall6(long number, long a, long b, long c, long d, long e, long f) noexcept {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
AIOC_INLINE long syscall6(long number, long a, long b, long c, long d, long e, long f) noexcept {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
}
#elif defined(__riscv) && __riscv_xlen == 64
AIOC_INLINE long syscall6(long number, long a, long b, long c, long d, long e, long f) noexcept {
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
    return a0;
}
#else
#error "libaio-clone supports x86_64, aarch64 and riscv64"
#endif

template <typename T> AIOC_INLINE long word(T value) noexcept { return (long)value; }

template <typename... Args> AIOC_INLINE long call(long number, Args... args) noexcept {
    static_assert(sizeof...(Args) <= 6);
    const long w[6] = {word(args)...};
    return syscall6(number, w[0], w[1], w[2], w[3], w[4], w[5]);
}

} // namespace aioc::sys
