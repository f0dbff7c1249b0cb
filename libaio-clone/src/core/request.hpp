// SPDX-License-Identifier: MIT
#pragma once
#include "aioclone.h"
#include "sys/atomic.hpp"
#include "sys/inline.hpp"

#include <stdint.h>

namespace aioc {

struct Composite;
struct JobQueue;
struct Plan;

// Who may write a request: held and queued: whoever has the lock of the list it is on; running: who runs
// it; done: the poller. Cancel races with who runs an open for running -> cancelling. A request that comes
// to the poller still running was tried by a helper, and its attempt is to be judged.
enum RequestState : uint32_t {
    state_free,
    state_held,       // collected, not yet given to an engine
    state_queued,     // on a job queue, or on the ring's backlog
    state_running,    // given to an engine that executes it
    state_cancelling, // running, and its result is to be undone
    state_done,       // on its way to the callback
    state_stopping,   // running, and the kernel was asked to stop it; its own result counts
    state_waiting,    // on no engine: for another request, for its members, or for room on its device (core/plan.hpp)
    state_in_walk,    // with a walk, for its next entries
};

// How a request can be tried by a thread that must not wait.
enum Attempt : uint8_t {
    attempt_none,
    attempt_direct,      // its plain call does not wait
    attempt_nowait,      // read, write: preadv2, pwritev2(RWF_NOWAIT)
    attempt_cached_open, // openat2(RESOLVE_CACHED)
    attempt_cached_stat, // the same with O_PATH, then statx
    attempt_cached_load, // the same, then statx and preadv2(RWF_NOWAIT) of a small file
    attempt_fstat,       // statx(AT_STATX_DONT_SYNC), which answers for local files
    attempts
};

// What came of the attempt.
enum Answer : uint8_t {
    answer_no,  // it would wait
    answer_yes, // result may be the answer
    answer_untried,
};

// How attempt_cached_open and attempt_cached_load make sure that the file is where it is known that an open does not
// ask a server.
enum Resolve : uint8_t {
    resolve_on_mount, // the lookup starts on such a mount and must not leave it
    resolve_no_links, // its directory is known, and there are no symbolic links on the way
    resolve_plain,    // attempt_cached_stat: a worker may make the plain call, which waits for a local device at most
    resolve_at_last,  // the same, and what the attempt does not answer: whatever follows waits behind it anyhow
};

// What is expected of its plain call.
enum Pace : uint8_t {
    pace_quick, // does not wait as a rule: workers need not be many
    pace_slow,  // waits for a device: a worker of its own
};

// Lives in the slab for as long as the context does. Two cache lines: what its delivery needs is in the first
// one; the second is hardly written while it is with an engine.
struct alignas(64) Request {
    Request* next;
    Request* prev;
    int64_t result;
    uint64_t id; // atomically changed on delivery, so that a stale id is told from any thread
    aioc_callback callback;
    void* user_data;
    uint32_t state; // RequestState
    uint32_t cost;  // expected, nanoseconds
    uint8_t operation;
    uint8_t schedule; // 0 for most: the priority, and whether there is a Plan
    uint8_t engine;
    uint8_t path_class;
    uint8_t attempt;  // Attempt
    uint8_t answered; // Answer
    uint8_t pace;     // Pace
    uint8_t resolve;  // Resolve, for the attempts at cached names

    const char* path; // the library's copy; behind an Extra, if the operation has one
    void* buffer;
    uint64_t length;
    int64_t offset;
    union {
        JobQueue* queue;
        Plan* followed; // with schedule_followed: its own plan, which has the queue
    };
    union {
        uint64_t partial;     // read, write: bytes that attempts have transferred; readdir: its object
        Composite* composite; // of a composite: its second part
    };
    int32_t fd;
    uint32_t operation_flags;
    uint32_t mode;
    int32_t held_fd; // open: a FIFO's end kept open until the plain call has its own; load: what an attempt has opened;
                     // or -1
};
static_assert(sizeof(Request) == 128);

// What few operations use: in a block of the path pool, before the path. (A request without a path has an empty one.)
struct Extra {
    const char* path2;
    int64_t offset2;
    uint64_t argument;
    int32_t fd2;
    uint32_t uid;
    uint32_t gid;
    uint32_t has_times;
    int64_t times[2][2]; // struct timespec
};
static_assert(sizeof(Extra) % alignof(Extra) == 0);

AIOC_INLINE const Extra& extra_of(const Request& r) noexcept { return reinterpret_cast<const Extra*>(r.path)[-1]; }

// Request::schedule: the priority as a signed number of four bits, and these.
enum Schedule : uint8_t {
    schedule_priority = 0x0f,
    schedule_planned = 0x10,  // it has a Plan, found by its slot
    schedule_followed = 0x20, // with a worker: the next of its chain may go on there (core/plan.hpp)
    schedule_brief = 0x40,    // as the next one: asks for names, attributes or the device, and for nobody else
    schedule_counted = 0x80,  // Context::routed_ has it
};
constexpr uint32_t levels = 9; // of priority: 0 is the highest
constexpr uint32_t level_plain = 4;
AIOC_INLINE uint8_t schedule_of(int32_t priority) noexcept {
    return static_cast<uint8_t>(priority) & schedule_priority;
}
AIOC_INLINE uint32_t level_of(const Request& r) noexcept {
    return level_plain + 8 - ((r.schedule & schedule_priority) ^ 8u);
}

// Plain calls that one worker may run in a row: what delays one of them would delay the others too.
AIOC_INLINE bool is_run(const Request& a, const Request& b) noexcept {
    return a.attempt == attempt_none && b.attempt == attempt_none && a.pace == pace_quick && b.pace == pace_quick &&
           a.operation == b.operation && (a.operation == AIOC_OP_READ || a.operation == AIOC_OP_WRITE) && a.fd == b.fd;
}
constexpr uint32_t run_max = 4;

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

// Doubly linked, so that cancel takes a request out of the middle. The head may be peeked at by a thread that has not
// the list's lock (a worker that spins), so it is written atomically.
struct RequestList {
    Request* head = nullptr;
    Request* tail = nullptr;
    uint32_t length = 0;
    uint64_t cost = 0; // of all, nanoseconds

    AIOC_INLINE void append(Request* r) noexcept {
        r->next = nullptr;
        r->prev = tail;
        sys::store_relaxed(tail ? tail->next : head, r);
        tail = r;
        ++length;
        cost += r->cost;
    }
    // before: null for the front.
    AIOC_INLINE void insert_after(Request* before, Request* r) noexcept {
        r->prev = before;
        r->next = before ? before->next : head;
        (r->next ? r->next->prev : tail) = r;
        sys::store_relaxed(before ? before->next : head, r);
        ++length;
        cost += r->cost;
    }
    AIOC_INLINE void remove(Request* r) noexcept {
        sys::store_relaxed(r->prev ? r->prev->next : head, r->next);
        (r->next ? r->next->prev : tail) = r->prev;
        --length;
        cost -= r->cost;
    }
    AIOC_INLINE Request* take_first() noexcept {
        Request* const r = head;
        if (r) {
            remove(r);
        }
        return r;
    }
    // Moves what follows `last`, the last of `count` that cost `kept_cost`, to ret, which is empty.
    AIOC_INLINE void cut_after(Request* last, uint32_t count, uint64_t kept_cost, RequestList* ret) noexcept {
        if (last == tail) {
            return;
        }
        ret->head = last->next;
        ret->tail = tail;
        ret->length = length - count;
        ret->cost = cost - kept_cost;
        ret->head->prev = nullptr;
        last->next = nullptr;
        tail = last;
        length = count;
        cost = kept_cost;
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
        sys::store_relaxed(tail ? tail->next : head, other.head);
        tail = other.tail;
        length += other.length;
        cost += other.cost;
        sys::store_relaxed(other.head, static_cast<Request*>(nullptr));
        other.tail = nullptr;
        other.length = 0;
        other.cost = 0;
    }
};

} // namespace aioc
