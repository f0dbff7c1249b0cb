// SPDX-License-Identifier: MIT
#pragma once
#include "sys/inline.hpp"

#include <stddef.h>

namespace aioc {

// "/proc/self/fd/N", and "/proc/self/fd/N/PATH" where there is room: by it system calls that take no directory
// descriptor get one. self is the process, whose descriptors a worker shares.
constexpr size_t proc_path_bytes = 32;

// Returns the length.
AIOC_INLINE size_t write_proc_path(int fd, char* to) noexcept {
    constexpr char prefix[] = "/proc/self/fd/";
    size_t length = sizeof prefix - 1;
    for (size_t i = 0; i < sizeof prefix - 1; ++i) {
        to[i] = prefix[i];
    }
    char digits[10];
    size_t count = 0;
    unsigned rest = static_cast<unsigned>(fd);
    do {
        digits[count++] = static_cast<char>('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    while (count > 0) {
        to[length++] = digits[--count];
    }
    to[length] = '\0';
    return length;
}

class ProcPath {
public:
    AIOC_INLINE explicit ProcPath(int fd) noexcept { write_proc_path(fd, text_); }
    AIOC_INLINE const char* text() const noexcept { return text_; }

private:
    char text_[proc_path_bytes];
};

} // namespace aioc
