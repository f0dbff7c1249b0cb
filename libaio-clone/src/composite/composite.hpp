// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

#include <linux/errno.h>

namespace aioc {

struct Crew;
struct Home;

// What a composite has besides its request: from submission to delivery. Its main-side owner is the context, which
// takes it from the path pool; workers write the counters, the object and nothing else.
struct Composite {
    Composite* next; // of the context's
    Composite* prev;
    Request* request;
    Crew* crew;     // of the operations on trees
    void* object;   // for the completion (object.hpp); of a load that has not run: what it may use
    Home* home;     // of a load: whence that comes; null: from nowhere
    uint64_t items; // progress: atomically
    uint64_t bytes;
    uint64_t errors;
    uint32_t places;     // how many workers may wait for one device
    uint32_t stop;       // set by cancel and destroy, looked at between two system calls
    uint8_t block_class; // of the path pool's
};
static_assert(sizeof(Composite) <= 256);

// A request of this code is a ticket: one more worker for a tree operation (crew.hpp).
constexpr uint16_t operation_ticket = 0;
AIOC_INLINE bool is_ticket(const Request& r) noexcept { return r.operation == operation_ticket; }

AIOC_INLINE bool is_composite(uint32_t operation) noexcept {
    return operation >= AIOC_OP_READ_FULL && operation <= AIOC_OP_WALK_NEXT;
}
AIOC_INLINE bool works_on_tree(uint32_t operation) noexcept {
    return operation == AIOC_OP_COPY_TREE || operation == AIOC_OP_REMOVE_TREE || operation == AIOC_OP_MOVE;
}

AIOC_INLINE bool must_stop(const Request& r) noexcept { return sys::load_relaxed(r.composite->stop) != 0; }

// In the worker zone, each the whole operation in one go: result or -errno. Hidden already where they are declared.
#pragma GCC visibility push(hidden)
long execute_read_full(Request& r) noexcept; // transfer.cpp
long execute_write_full(Request& r) noexcept;
long execute_load(Request& r) noexcept; // load.cpp
bool load_cached(Request& r, long fd) noexcept;
long execute_scandir(Request& r) noexcept;  // scandir.cpp
long execute_replace(Request& r) noexcept;  // replace.cpp
long execute_pathsync(Request& r) noexcept; // pathsync.cpp
long execute_copy(Request& r) noexcept;     // copy.cpp
// Those that are not run like this (work_on_tree, Context::route).
AIOC_INLINE long execute_copy_tree(Request&) noexcept { return -ENOSYS; }
AIOC_INLINE long execute_move(Request&) noexcept { return -ENOSYS; }
AIOC_INLINE long execute_remove_tree(Request&) noexcept { return -ENOSYS; }
AIOC_INLINE long execute_walk_next(Request&) noexcept { return -ENOSYS; }
// For a tree and its tickets: the request that is complete now, or null while others work for it. (crew.cpp)
Request* work_on_tree(Request* r) noexcept;
#pragma GCC visibility pop

} // namespace aioc
