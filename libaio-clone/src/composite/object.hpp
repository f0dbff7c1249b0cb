// SPDX-License-Identifier: MIT
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace aioc {

struct Object;

// Where freed objects of one size wait to be used again: to unmap memory that several threads have seen interrupts all
// of their processors. It lives until its owner and all its objects are gone.
struct Home {
    Object* freed; // a stack; taken as a whole
    Object* spare; // what its owner has taken from it, under the owner's lock
    uint64_t users;
    uint32_t kept; // how many are on it, or its owner's to use
    uint32_t kept_max;
    uint32_t closed; // by its owner
};

// What a completion hands over (aioc_completion.object): a mapping of its own, so that a worker without libc can make
// it and any thread can free it. The user's pointer is behind this header.
struct Object {
    uint64_t bytes; // of the mapping
    Home* home;     // where it goes when it is freed; null: to the kernel
    Object* next;   // of those there
    uint64_t unused[5];
};
static_assert(sizeof(Object) == 64);

} // namespace aioc
