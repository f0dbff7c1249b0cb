// SPDX-License-Identifier: MIT
#include "core/request_slab.hpp"

#include "sys/atomic.hpp"

#include <bit>
#include <new>

namespace aioc {
namespace {

// Chunk k holds first << k slots; slot s is in the chunk of the highest bit of s / first + 1.
size_t chunk_slots(size_t chunk) noexcept { return size_t{512} << chunk; }

} // namespace

RequestSlab::~RequestSlab() {
    for (Request* chunk : chunks_) {
        ::operator delete(chunk, std::align_val_t{alignof(Request)});
    }
}

Request* RequestSlab::at(uint32_t slot) noexcept {
    const uint32_t group = (slot >> first_chunk_bits) + 1;
    const auto chunk = static_cast<size_t>(std::bit_width(group) - 1);
    const size_t first = chunk_slots(chunk) - chunk_slots(0);
    return chunks_[chunk] + (slot - first);
}

bool RequestSlab::grow() noexcept {
    const auto chunk = static_cast<size_t>(std::bit_width((capacity_ >> first_chunk_bits) + 1) - 1);
    if (chunk >= chunks_max) {
        return false;
    }
    void* const memory =
        ::operator new(chunk_slots(chunk) * sizeof(Request), std::align_val_t{alignof(Request)}, std::nothrow);
    if (!memory) {
        return false;
    }
    chunks_[chunk] = static_cast<Request*>(memory);
    capacity_ += static_cast<uint32_t>(chunk_slots(chunk));
    return true;
}

Request* RequestSlab::take() noexcept {
    Request* r = free_;
    if (r) {
        free_ = r->next;
        return r;
    }
    if (fresh_ == capacity_ && !grow()) {
        return nullptr;
    }
    r = new (at(fresh_)) Request{};
    r->id = (uint64_t{1} << slot_bits) | fresh_++;
    return r;
}

void RequestSlab::give_back(Request* r) noexcept {
    r->state = state_free;
    r->next = free_;
    free_ = r;
}

Request* RequestSlab::find(aioc_request id) noexcept {
    if (id <= 0) {
        return nullptr;
    }
    const auto slot = static_cast<uint32_t>(id & ((int64_t{1} << slot_bits) - 1));
    if (slot >= fresh_) {
        return nullptr;
    }
    Request* const r = at(slot);
    const bool live = sys::load_acquire(r->state) != state_free;
    return live && sys::load_acquire(r->id) == static_cast<uint64_t>(id) ? r : nullptr;
}

void RequestSlab::reset() noexcept {
    free_ = nullptr;
    for (uint32_t slot = fresh_; slot-- > 0;) {
        Request* const r = at(slot);
        r->id = next_id(r->id);
        give_back(r);
    }
}

} // namespace aioc
