// SPDX-License-Identifier: MIT
#pragma once
#include "aioclone.h"
#include "sys/inline.hpp"

#include <stdint.h>

namespace aioc {

struct JobQueue;

// Who may write a request: held and queued: whoever has the lock of the list it is on; running: the
// worker; done: the poller. Cancel races with the worker for running -> cancelling.
enum RequestState : uint32_t {
    state_free,
    state_held,       // collected, not yet given to an engine
    state_queued,     // on a job queue
    state_running,    // a worker executes it
    state_cancelling, // running, and its result is to be undone
    state_done,       // on the ready list
    state_stopping,   // running, and the kernel was asked to stop it; its own result counts
};

// How a request can be tried by a thread that must not wait.
enum Attempt : uint8_t {
    attempt_none,
    attempt_direct,      // its plain call does not wait
    attempt_nowait,      // read: preadv2(RWF_NOWAIT)
    attempt_cached_open, // openat2(RESOLVE_CACHED)
    attempt_cached_stat, // the same with O_PATH, then statx
    attempt_fstat,       // statx(AT_STATX_DONT_SYNC), which answers for local files
};

// What is expected of its plain call.
enum Pace : uint8_t {
    pace_quick, // does not wait as a rule: workers need not be many
    pace_slow,  // waits for a device: a worker of its own
};

// Two cache lines; lives in the slab for as long as the context does.
struct alignas(64) Request {
    Request* next;
    Request* prev;
    int64_t result;
    uint64_t id; // atomically changed on delivery, so that a stale id is told from any thread
    JobQueue* queue;
    aioc_callback callback;
    void* user_data;
    const char* path; // the library's copy
    void* buffer;
    uint64_t length;
    int64_t offset;
    int32_t fd;
    uint32_t operation_flags;
    uint32_t mode;
    uint32_t state; // RequestState
    uint16_t operation;
    uint8_t engine;
    uint8_t path_class;
    uint32_t slot;
    uint8_t attempt;  // Attempt
    uint8_t pace;     // Pace
    uint16_t cost;    // expected, in units of 16 ns
    int32_t held_fd;  // open: a FIFO's end kept open until the plain call has its own, else -1
    uint64_t partial; // read: bytes that attempts have transferred
};
static_assert(sizeof(Request) == 128);

// Completed requests in the order of a stack, newest first, so that they go onto the ready list at once.
struct DoneChain {
    Request* newest = nullptr;
    Request* oldest = nullptr;

    AIOC_INLINE void add(Request* r) noexcept {
        r->next = newest;
        newest = r;
        if (!oldest) {
            oldest = r;
        }
    }
};

// Doubly linked, so that cancel takes a request out of the middle.
struct RequestList {
    Request* head = nullptr;
    Request* tail = nullptr;
    uint32_t length = 0;

    AIOC_INLINE void append(Request* r) noexcept {
        r->next = nullptr;
        r->prev = tail;
        (tail ? tail->next : head) = r;
        tail = r;
        ++length;
    }
    AIOC_INLINE void remove(Request* r) noexcept {
        (r->prev ? r->prev->next : head) = r->next;
        (r->next ? r->next->prev : tail) = r->prev;
        --length;
    }
    AIOC_INLINE Request* take_first() noexcept {
        Request* const r = head;
        if (r) {
            remove(r);
        }
        return r;
    }
    AIOC_INLINE void prepend(RequestList& other) noexcept {
        other.splice(*this);
        splice(other);
    }
    AIOC_INLINE void splice(RequestList& other) noexcept {
        if (!other.head) {
            return;
        }
        other.head->prev = tail;
        (tail ? tail->next : head) = other.head;
        tail = other.tail;
        length += other.length;
        other.head = other.tail = nullptr;
        other.length = 0;
    }
};

} // namespace aioc
