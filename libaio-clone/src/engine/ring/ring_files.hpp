// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace aioc {

// Which descriptors have a slot in the ring's table of files. Only the numbers: the table itself is the
// kernel's. Callers hold the context's lock.
class RingFiles {
public:
    static constexpr uint32_t slots_max = 256;

    RingFiles() = default;
    RingFiles(const RingFiles&) = delete;
    RingFiles& operator=(const RingFiles&) = delete;
    ~RingFiles();

    void open(uint32_t slots) noexcept; // a table of so many, all free
    bool is_open() const noexcept { return slots_ > 0; }
    void forget() noexcept;

    // Can it be read and written at an offset? 0, -EBADF or -EINVAL.
    static int suits(int fd) noexcept;

    int slot_of(int fd) const noexcept {
        return fd >= 0 && static_cast<uint32_t>(fd) < known_ ? slot_by_fd_[fd] - 1 : -1;
    }
    // A free slot for it: >= 0, -EEXIST, -ENFILE (all are in use) or -ENOMEM.
    int add(int fd) noexcept;
    void remove(int fd) noexcept;

private:
    int grow(uint32_t fds) noexcept;

    int16_t* slot_by_fd_ = nullptr; // slot + 1; 0: none
    uint32_t known_ = 0;            // length of that array
    uint32_t slots_ = 0;
    bool used_[slots_max] = {};
};

} // namespace aioc
