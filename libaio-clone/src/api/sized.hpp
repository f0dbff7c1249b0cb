// SPDX-License-Identifier: MIT
#pragma once
#include "sys/memory.hpp"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace aioc {

// Structs whose first member is their size, as openat2(2) and clone3(2) extend theirs: what a shorter
// one lacks is zero; what a longer one has beyond ours must be zero, else -E2BIG.

constexpr uint32_t sized_bytes_max = 4096;

// The size that the caller's struct states: > 0 or -EFAULT, -EINVAL.
inline int64_t stated_size(const void* from) noexcept {
    uint32_t size = 0;
    if (!sys::is_readable(from, sizeof size)) {
        return -EFAULT;
    }
    memcpy(&size, from, sizeof size);
    if (size < sizeof size || size > sized_bytes_max) {
        return -EINVAL;
    }
    return sys::is_readable(from, size) ? int64_t{size} : -EFAULT;
}

inline int check_tail(const void* from, size_t size, size_t known) noexcept {
    const auto* const bytes = static_cast<const unsigned char*>(from);
    for (size_t i = known; i < size; ++i) {
        if (bytes[i] != 0) {
            return -E2BIG;
        }
    }
    return 0;
}

template <typename T> int copy_in_sized(const void* from, T* ret) noexcept {
    const int64_t size = stated_size(from);
    if (size < 0) {
        return static_cast<int>(size);
    }
    if (const int error = check_tail(from, static_cast<size_t>(size), sizeof(T)); error < 0) {
        return error;
    }
    *ret = T{};
    memcpy(ret, from, static_cast<size_t>(size) < sizeof(T) ? static_cast<size_t>(size) : sizeof(T));
    return 0;
}

// Writes as much of `from` as fits; zero beyond ours. The caller's size stays.
template <typename T> int copy_out_sized(T from, void* ret) noexcept {
    const int64_t size = stated_size(ret);
    if (size < 0) {
        return static_cast<int>(size);
    }
    const auto bytes = static_cast<size_t>(size);
    if (!sys::is_writable(ret, bytes)) {
        return -EFAULT;
    }
    from.size = static_cast<uint32_t>(bytes);
    memset(ret, 0, bytes);
    memcpy(ret, &from, bytes < sizeof from ? bytes : sizeof from);
    return 0;
}

} // namespace aioc
