// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

#include <stdint.h>

namespace aioc {

// What is checked and copied at submission, and what is ours until the completion is delivered.
enum OperationUse : uint16_t {
    use_path = 0x1,
    use_length = 0x2,        // at most INT64_MAX
    use_offset = 0x4,        // not negative
    use_offset2 = 0x8,       // not negative
    use_path2 = 0x10,        // a second path, whose directory may be fd2
    use_name = 0x20,         // the same field, but a name
    use_more = 0x40,         // fd2, offset2, argument, uid, gid
    use_times = 0x80,        // buffer: two struct timespec, copied
    gives_fd = 0x100,        // the result is a new descriptor
    gives_directory = 0x200, // an object, whose address goes to buffer
    gives_statvfs = 0x400,   // buffer: a struct statvfs, which we fill ourselves
    use_composite = 0x800,   // a composite, with its second part
    gives_object = 0x1000,   // the same, and an object, whose address goes to buffer when it is delivered
    gives_report = 0x2000,   // the same, but buffer may be null
};
constexpr uint32_t uses_extra = use_path2 | use_name | use_more | use_times;

constexpr uint32_t operations_max = 192;

// A bit for each. (Not std::bitset, and no inline variable below: the worker zone shares no symbol with other files.)
struct OperationSet {
    uint64_t words[operations_max / 64] = {};
    constexpr void add(uint32_t code) noexcept { words[code / 64] |= uint64_t{1} << code % 64; }
    AIOC_INLINE constexpr bool has(uint32_t code) const noexcept { return (words[code / 64] >> code % 64 & 1) != 0; }
};

constexpr OperationSet make_undoable_operations() {
    OperationSet set;
#define AIOC_OPERATION(CODE, name, uses, ...)                                                                          \
    if (((uses) & (gives_fd | gives_directory)) != 0) {                                                                \
        set.add(AIOC_OP_##CODE);                                                                                       \
    }
#include "core/operations.def"
#undef AIOC_OPERATION
    return set;
}
constexpr OperationSet undoable_operations = make_undoable_operations();

// Gives something new to the user, so that a cancel can be promised while it runs: it is closed or freed.
AIOC_INLINE bool is_undoable(const Request& r) noexcept { return undoable_operations.has(r.operation); }

} // namespace aioc
