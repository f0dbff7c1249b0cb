// SPDX-License-Identifier: MIT
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace aioc {

// A pool of buffers of one size in one mapping, each aligned to a page, so that they serve O_DIRECT. The
// ring can have it registered, in slices, for the kernel takes at most 1 GiB at once. Callers hold the
// context's lock.
class RingBuffers {
public:
    RingBuffers() = default;
    RingBuffers(const RingBuffers&) = delete;
    RingBuffers& operator=(const RingBuffers&) = delete;
    ~RingBuffers();

    // 0, -EINVAL (a number that is 0 or too large), -EEXIST (there is a pool), -ENOMEM.
    int create(uint64_t size, uint32_t count) noexcept;
    bool exists() const noexcept { return base_ != nullptr; }
    int get(void** ret) noexcept; // -ENOENT: no pool; -ENOBUFS: all are taken
    // -ENOENT: no pool; -EINVAL: no buffer begins there; -EALREADY: it is not taken.
    int put(const void* buffer) noexcept;

    uint64_t size() const noexcept { return size_; }
    uint32_t count() const noexcept { return count_; }
    uint32_t taken() const noexcept { return count_ - free_; }

    // For registration.
    uint32_t slices() const noexcept;
    void* slice_start(uint32_t slice) const noexcept;
    size_t slice_bytes(uint32_t slice) const noexcept;
    void set_status(int status) noexcept { status_ = status; }
    int status() const noexcept { return status_; } // 0: registered, else -errno why not

    // The slice in which all of these bytes lie, if it is registered, else -1.
    int registered_index(const void* at, uint64_t length) const noexcept;

    // In a forked child: the parent's pool is none of ours, but stays readable.
    void forget() noexcept;

private:
    static constexpr uint64_t slice_max = uint64_t{1} << 30;
    uint64_t per_slice() const noexcept { return slice_max / size_; }

    char* base_ = nullptr;
    uint64_t size_ = 0; // of one, in whole pages
    uint32_t count_ = 0;
    uint32_t free_ = 0;
    uint32_t* stack_ = nullptr; // numbers of free buffers; the one used last is taken first, its pages are warm
    bool* is_taken_ = nullptr;
    int status_ = -1;
};

} // namespace aioc
