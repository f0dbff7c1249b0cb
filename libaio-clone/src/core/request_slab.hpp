// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

#include <array>
#include <stddef.h>

namespace aioc {

// Requests by slot number, in chunks that double and never move, so that an id can be looked up while
// others are made. Callers hold the context's lock.
class RequestSlab {
public:
    RequestSlab() = default;
    RequestSlab(const RequestSlab&) = delete;
    RequestSlab& operator=(const RequestSlab&) = delete;
    ~RequestSlab();

    Request* take() noexcept; // null: no memory
    void give_back(Request* r) noexcept;
    // The live request of this id, or null.
    Request* find(aioc_request id) noexcept;
    // After a fork: every slot is free, and no id of the parent names one.
    void reset() noexcept;
    // The id of the slot's next request: the same slot, another tag, always positive.
    static uint64_t next_id(uint64_t id) noexcept {
        const uint64_t next = (id + (uint64_t{1} << slot_bits)) & INT64_MAX;
        return next >> slot_bits ? next : next | (uint64_t{1} << slot_bits);
    }
    static uint32_t slot_of(const Request& r) noexcept {
        return static_cast<uint32_t>(r.id & ((uint64_t{1} << slot_bits) - 1));
    }

private:
    static constexpr unsigned slot_bits = 28;
    static constexpr unsigned first_chunk_bits = 9;
    static constexpr size_t chunks_max = slot_bits - first_chunk_bits;

    Request* at(uint32_t slot) noexcept;
    bool grow() noexcept;

    std::array<Request*, chunks_max> chunks_{};
    Request* free_ = nullptr;
    uint32_t fresh_ = 0; // slots from here on were never used
    uint32_t capacity_ = 0;
};

} // namespace aioc
