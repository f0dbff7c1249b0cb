// SPDX-License-Identifier: MIT
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace aioc {

// What a completion hands over (aioc_completion.object): a mapping of its own, so that a worker without libc can make
// it and any thread can free it. The user's pointer is behind this header.
struct Object {
    uint64_t bytes; // of the mapping
    uint64_t unused[7];
};
static_assert(sizeof(Object) == 64);

} // namespace aioc
