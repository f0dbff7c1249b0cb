// SPDX-License-Identifier: MIT
#pragma once
#include "composite/zone.hpp"

namespace aioc::zone {

// Names for what is not complete yet, beside what it becomes: ".aioc-" and 16 hexadecimal digits.
struct TemporaryName {
    static constexpr uint64_t prefix_bytes = 6;
    char text[prefix_bytes + 16 + 1];
};
constexpr int temporary_attempts = 100;

AIOC_INLINE void draw_name(TemporaryName* ret) noexcept {
    uint64_t number = 0;
    if (sys::call(SYS_getrandom, &number, sizeof number, 1 /* GRND_NONBLOCK */) != sizeof number) {
        number = reinterpret_cast<uintptr_t>(ret) ^ static_cast<uint64_t>(sys::call(SYS_gettid)) << 32;
    }
    copy_bytes(ret->text, ".aioc-", TemporaryName::prefix_bytes);
    for (uint64_t i = 0; i < 16; ++i) {
        ret->text[TemporaryName::prefix_bytes + i] = "0123456789abcdef"[number >> (4 * i) & 15];
    }
    ret->text[TemporaryName::prefix_bytes + 16] = '\0';
}

// A file that is open under such a name.
AIOC_INLINE long open_temporary(long dir, unsigned mode, TemporaryName* ret) noexcept {
    long fd = -EEXIST;
    for (int i = 0; i < temporary_attempts && fd == -EEXIST; ++i) {
        draw_name(ret);
        fd = open_at(dir, ret->text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    }
    return fd;
}

} // namespace aioc::zone
