// SPDX-License-Identifier: MIT
#pragma once
#include "aioclone.h"
#include "api/sized.hpp"

#include <errno.h>
#include <stdint.h>

namespace aioc {

// The caller's array of operations.
struct Operations {
    const aioc_operation* at;
    uint32_t stride = 0; // bytes between its elements
    uint32_t good = 0;   // so many can be submitted; the next one is refused with `error`
    int error = 0;
};

// `ret` (may be null) is for their ids. 0 or -errno.
inline int check_operations(Operations* ops, uint32_t count, aioc_request* ret) noexcept {
    const int64_t stride = stated_size(ops->at);
    if (stride < 0) {
        return static_cast<int>(stride);
    }
    const auto bytes = static_cast<size_t>(stride);
    if (count > INT32_MAX || !sys::is_readable(ops->at, bytes * count) ||
        (ret && !sys::is_writable(ret, sizeof *ret * count))) {
        return -EFAULT;
    }
    ops->stride = static_cast<uint32_t>(stride);
    while (ops->good < count && ops->error == 0) {
        const char* const op = reinterpret_cast<const char*>(ops->at) + bytes * ops->good;
        ops->error = check_tail(op, bytes, sizeof *ops->at);
        ops->good += ops->error == 0;
    }
    return 0;
}

// The caller's array for completions.
struct Completions {
    aioc_completion* at;
    uint32_t max;
    uint32_t stride = 0;
};

inline int check_completions(Completions* done) noexcept {
    const int64_t stride = stated_size(done->at);
    if (stride < 0) {
        return static_cast<int>(stride);
    }
    done->stride = static_cast<uint32_t>(stride);
    done->max = done->max > INT32_MAX ? INT32_MAX : done->max;
    return sys::is_writable(done->at, size_t{done->stride} * done->max) ? 0 : -EFAULT;
}

// A newer program's elements: what this version does not know is zero.
inline void clear_tails(const Completions& done, int count) noexcept {
    for (int64_t i = 0; i < count && done.stride > sizeof *done.at; ++i) {
        char* const element = reinterpret_cast<char*>(done.at) + i * done.stride;
        memset(element + sizeof *done.at, 0, done.stride - sizeof *done.at);
    }
}

} // namespace aioc
