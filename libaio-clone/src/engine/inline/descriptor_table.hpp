// SPDX-License-Identifier: MIT
#pragma once
#include "engine/inline/file_class.hpp"

#include <array>
#include <stddef.h>

namespace aioc {

// What is known of an open descriptor. It can be closed and reused without our knowledge, so it is looked
// at again now and then, and always before a call that could wait if it were another file.
struct Descriptor {
    int32_t fd = -1;
    uint32_t flags = 0; // of fcntl(F_GETFL)
    FileClass type = class_unknown;
    bool type_known = false;
    uint8_t uses_left = 0;
    uint8_t no_nowait = 0; // of this file system: 1: RWF_NOWAIT gave EOPNOTSUPP for reads, 2: for writes
    int64_t linked_ns = 0; // when it was seen to have a name
    uint64_t device = 0;   // device_key, once the type is known
    // What was known before it was looked at again, valid if it is still on that device.
    uint8_t had_no_nowait = 0;
    uint64_t had_device = 0;
};

// Direct-mapped by number. Callers hold the context's lock.
class DescriptorTable {
public:
    // Null: not open.
    Descriptor* look_at(int fd) noexcept;
    // If it is known: what is known.
    Descriptor* find(int fd) noexcept;
    void opened(int fd, uint32_t flags) noexcept;
    void reset() noexcept { table_ = {}; }

private:
    static constexpr size_t descriptors = 256;
    static constexpr uint8_t uses = 32; // before it is looked at again
    Descriptor& at(int fd) noexcept { return table_[static_cast<uint32_t>(fd) % descriptors]; }

    std::array<Descriptor, descriptors> table_;
};

} // namespace aioc
