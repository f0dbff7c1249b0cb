// SPDX-License-Identifier: MIT
#pragma once
#include "sys/atomic.hpp"
#include "sys/syscall.hpp"

#include <linux/futex.h>
#include <stdint.h>

namespace aioc::sys {

struct Timeout { // struct timespec of the 64-bit ABIs
    int64_t seconds;
    int64_t nanoseconds;
};

// Waits while word == expected. Returns 0, -EAGAIN (differs), -EINTR or -ETIMEDOUT.
AIOC_INLINE long futex_wait(const uint32_t& word, uint32_t expected, const Timeout* relative) noexcept {
    return call(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, relative, 0L, 0L);
}

// Without FUTEX_PRIVATE_FLAG: the kernel's wake for CLONE_CHILD_CLEARTID is a shared one.
AIOC_INLINE long futex_wait_shared(const uint32_t& word, uint32_t expected) noexcept {
    return call(SYS_futex, &word, FUTEX_WAIT, expected, 0L, 0L, 0L);
}

AIOC_INLINE void futex_wake(const uint32_t& word, int count) noexcept {
    call(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, 0L, 0L, 0L);
}

// Drepper's three-state futex mutex (0 free, 1 held, 2 held and maybe waited for). Usable by
// workers, which pthread_mutex is not.
class Mutex {
public:
    AIOC_INLINE void lock() noexcept {
        uint32_t seen = 0;
        if (compare_exchange(word_, seen, uint32_t{1})) {
            return;
        }
        // The sections are short: a holder that runs leaves before a sleep would pay off.
        constexpr int looks = 40;
        for (int i = 0; i < looks; ++i) {
            relax();
            seen = 0;
            if (load_relaxed(word_) == 0 && compare_exchange(word_, seen, uint32_t{1})) {
                return;
            }
        }
        while (exchange(word_, uint32_t{2}) != 0) {
            futex_wait(word_, 2, nullptr);
        }
    }
    AIOC_INLINE void unlock() noexcept {
        if (exchange(word_, uint32_t{0}) == 2) {
            futex_wake(word_, 1);
        }
    }

private:
    uint32_t word_ = 0;
};

} // namespace aioc::sys
