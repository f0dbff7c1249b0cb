// SPDX-License-Identifier: MIT
#pragma once
#include "composite/zone.hpp"

namespace aioc {

constexpr uint64_t copy_buffer_bytes = 256 << 10;

// Who copies a file, for one request or a whole tree.
struct Copier {
    uint32_t flags; // AIOC_COPY_*
    const uint32_t* stop;
    uint64_t* progress; // bytes, atomically; may be null
    uint64_t bytes;     // so far
    bool no_reflink;    // hints, kept from file to file
    bool no_copy_range;
    char* buffer; // copy_buffer_bytes, or null until it is needed
};

#pragma GCC visibility push(hidden)
// The content of in, which says to be `file`, to out, which is new and empty. 0 or -errno.
long copy_data(Copier* c, long in, long out, const struct statx& file) noexcept;
// Owner, mode, attributes, times, as the flags want them.
long copy_attributes(Copier* c, long in, long out, const struct statx& file) noexcept;
// A regular file that is open; its new name in the directory `to`. After a failure there is none.
long copy_regular(Copier* c, long in, const struct statx& file, long to, const char* to_name) noexcept;
// Anything else that has no content: links, FIFOs, sockets, devices.
long copy_special(Copier* c, long from, const char* name, const struct statx& file, long to,
                  const char* to_name) noexcept;
bool need_buffer(Copier* c) noexcept;
void end_copier(Copier* c) noexcept;
#pragma GCC visibility pop

constexpr unsigned copied_mask = STATX_BASIC_STATS;

} // namespace aioc
