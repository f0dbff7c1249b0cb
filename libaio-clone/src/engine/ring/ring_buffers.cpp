// SPDX-License-Identifier: MIT
#include "engine/ring/ring_buffers.hpp"

#include "sys/memory.hpp"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

namespace aioc {

RingBuffers::~RingBuffers() {
    if (base_) {
        munmap(base_, size_ * count_);
    }
    forget();
}

void RingBuffers::forget() noexcept {
    free(stack_);
    free(is_taken_);
    base_ = nullptr;
    stack_ = nullptr;
    is_taken_ = nullptr;
    size_ = count_ = free_ = 0;
    status_ = -ENOSYS;
}

int RingBuffers::create(uint64_t size, uint32_t count) noexcept {
    if (base_) {
        return -EEXIST;
    }
    const uint64_t page = sys::page_bytes();
    constexpr uint64_t most = uint64_t{1} << 46;
    if (size == 0 || count == 0 || size > most || (size + page - 1) / page * page > most / count) {
        return -EINVAL;
    }
    const uint64_t rounded = (size + page - 1) / page * page;
    auto* const stack = static_cast<uint32_t*>(malloc(sizeof(uint32_t) * count));
    auto* const is_taken = static_cast<bool*>(calloc(count, sizeof(bool)));
    void* const base = mmap(nullptr, rounded * count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!stack || !is_taken || base == MAP_FAILED) {
        free(stack);
        free(is_taken);
        if (base != MAP_FAILED) {
            munmap(base, rounded * count);
        }
        return -ENOMEM;
    }
    base_ = static_cast<char*>(base);
    size_ = rounded;
    count_ = free_ = count;
    stack_ = stack;
    is_taken_ = is_taken;
    for (uint32_t i = 0; i < count; ++i) {
        stack_[i] = count - 1 - i;
    }
    status_ = -ENOSYS;
    return 0;
}

int RingBuffers::get(void** ret) noexcept {
    if (!base_) {
        return -ENOENT;
    }
    if (free_ == 0) {
        return -ENOBUFS;
    }
    const uint32_t number = stack_[--free_];
    is_taken_[number] = true;
    *ret = base_ + number * size_;
    return 0;
}

int RingBuffers::put(const void* buffer) noexcept {
    if (!base_) {
        return -ENOENT;
    }
    const uintptr_t from_base = reinterpret_cast<uintptr_t>(buffer) - reinterpret_cast<uintptr_t>(base_);
    if (from_base >= size_ * count_ || from_base % size_ != 0) {
        return -EINVAL;
    }
    const auto number = static_cast<uint32_t>(from_base / size_);
    if (!is_taken_[number]) {
        return -EALREADY;
    }
    is_taken_[number] = false;
    stack_[free_++] = number;
    return 0;
}

uint32_t RingBuffers::slices() const noexcept {
    if (!base_ || size_ > slice_max) {
        return 0;
    }
    return static_cast<uint32_t>((count_ + per_slice() - 1) / per_slice());
}

void* RingBuffers::slice_start(uint32_t slice) const noexcept { return base_ + slice * per_slice() * size_; }

size_t RingBuffers::slice_bytes(uint32_t slice) const noexcept {
    const uint64_t before = slice * per_slice();
    const uint64_t rest = count_ - before;
    return (rest < per_slice() ? rest : per_slice()) * size_;
}

int RingBuffers::registered_index(const void* at, uint64_t length) const noexcept {
    const uintptr_t from_base = reinterpret_cast<uintptr_t>(at) - reinterpret_cast<uintptr_t>(base_);
    const uint64_t all = size_ * count_;
    if (status_ != 0 || length == 0 || from_base >= all || length > all - from_base) {
        return -1;
    }
    const uint64_t bytes = per_slice() * size_;
    const uint64_t slice = from_base / bytes;
    return (from_base + length - 1) / bytes == slice ? static_cast<int>(slice) : -1;
}

} // namespace aioc
