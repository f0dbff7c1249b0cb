// SPDX-License-Identifier: MIT
// Log-linear: 32 steps to each power of two, so that a quantile is right within 3 %.
#pragma once
#include <algorithm>
#include <bit>
#include <stdint.h>
#include <string.h>

class Histogram {
public:
    void record(uint64_t value) {
        ++counts_[index_of(value)];
        max_ = std::max(max_, value);
    }
    void clear() { memset(this, 0, sizeof *this); }
    uint64_t max() const { return max_; }

    uint64_t count() const {
        uint64_t sum = 0;
        for (const uint32_t n : counts_) {
            sum += n;
        }
        return sum;
    }

    // The value below which this part of all lies: the middle of its step.
    uint64_t quantile(double part) const {
        const auto wanted = static_cast<uint64_t>(part * static_cast<double>(count()));
        uint64_t sum = 0;
        for (unsigned i = 0; i < buckets; ++i) {
            sum += counts_[i];
            if (sum > wanted) {
                return std::min(max_, (first_of(i) + first_of(i + 1)) / 2);
            }
        }
        return max_;
    }

    // Calls f(first value of the step, how many) for the steps that are not empty.
    template <class F> void each(F f) const {
        for (unsigned i = 0; i < buckets; ++i) {
            if (counts_[i] != 0) {
                f(first_of(i), counts_[i]);
            }
        }
    }

private:
    static constexpr unsigned bits = 5;
    static constexpr unsigned steps = 1u << bits;
    static constexpr unsigned buckets = (44 - bits) * steps;

    static unsigned index_of(uint64_t value) {
        if (value < steps) {
            return static_cast<unsigned>(value);
        }
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - bits - 1;
        return std::min(buckets - 1, shift * steps + static_cast<unsigned>(value >> shift));
    }
    static uint64_t first_of(unsigned index) {
        if (index < 2 * steps) {
            return index;
        }
        const unsigned shift = index / steps - 1;
        return uint64_t{index - shift * steps} << shift;
    }

    uint32_t counts_[buckets];
    uint64_t max_;
};
