// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace aioc {

// Whether trying is worth it: after a few failures in a row only one occasion of 2, 4 ... 64 is used.
class Patience {
public:
    bool tries() noexcept {
        if (skip_ == 0) {
            return true;
        }
        --skip_;
        return false;
    }
    void failed() noexcept {
        constexpr uint32_t free_failures = 4;
        constexpr uint32_t rises = 6;
        failures_ = failures_ < free_failures + rises ? failures_ + 1 : failures_;
        skip_ = failures_ > free_failures ? (1u << (failures_ - free_failures)) - 1 : 0;
    }
    void succeeded() noexcept { failures_ = skip_ = 0; }

private:
    uint32_t failures_ = 0;
    uint32_t skip_ = 0;
};

} // namespace aioc
