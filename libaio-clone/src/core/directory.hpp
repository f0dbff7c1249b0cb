// SPDX-License-Identifier: MIT
#pragma once
#include "sys/inline.hpp"

#include <stddef.h>
#include <stdint.h>

namespace aioc {

// One entry, in a multiple of 4 bytes: the inode number in two halves, so that 4 are enough for its alignment.
struct DirectoryEntry {
    uint32_t inode_low;
    uint32_t inode_high;
    uint16_t name_length;
    uint8_t type; // DT_*
    char name[1]; // and its NUL

    AIOC_INLINE uint64_t inode() const noexcept { return uint64_t{inode_high} << 32 | inode_low; }
    AIOC_INLINE static size_t bytes_for(size_t name_length) noexcept {
        return (offsetof(DirectoryEntry, name) + name_length + 1 + 3) & ~size_t{3};
    }
};

// What aioc_directory is: one mapping, made by a worker, with this in front, then the entries, then their order:
// where each begins, in units of 4 bytes from the start of the mapping.
struct Directory {
    uint64_t mapped; // bytes
    uint64_t count;
    uint64_t unknown; // types
    uint64_t order;   // where that begins, in bytes

    AIOC_INLINE uint32_t* places() noexcept {
        return reinterpret_cast<uint32_t*>(reinterpret_cast<char*>(this) + order);
    }
    AIOC_INLINE const uint32_t* places() const noexcept {
        return reinterpret_cast<const uint32_t*>(reinterpret_cast<const char*>(this) + order);
    }
    AIOC_INLINE const DirectoryEntry* at_place(uint32_t place) const noexcept {
        return reinterpret_cast<const DirectoryEntry*>(reinterpret_cast<const char*>(this) + size_t{place} * 4);
    }
    AIOC_INLINE const DirectoryEntry* entry(uint64_t index) const noexcept { return at_place(places()[index]); }
};

} // namespace aioc
