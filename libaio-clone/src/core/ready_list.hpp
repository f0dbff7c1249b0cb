// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"
#include "sys/atomic.hpp"
#include "sys/syscall.hpp"

namespace aioc {

// Completions on their way to the poller: a stack that any thread pushes to and one takes whole,
// and the eventfd that says it is not empty.
//
// The order is what keeps a completion from being lost: the producer pushes and then, if the stack
// was empty, signals; the consumer clears the signal and then takes all (tests/model/ready_model.py
// shows both the order and the loss with the other one).
struct ReadyList {
    Request* top = nullptr;
    int event_fd = -1;
    uint64_t signals = 0; // eventfd writes

    AIOC_INLINE void signal() noexcept {
        const uint64_t one = 1;
        sys::add(signals, uint64_t{1});
        sys::call(SYS_write, event_fd, &one, sizeof one);
    }
    // The request may be gone as soon as it is on the list: r is not touched afterwards.
    AIOC_INLINE void push(Request* r) noexcept {
        Request* seen = sys::load_relaxed(top);
        do {
            r->next = seen;
        } while (!sys::compare_exchange(top, seen, r));
        if (!seen) {
            signal();
        }
    }
    AIOC_INLINE bool empty() const noexcept { return sys::load_acquire(top) == nullptr; }
    // Oldest first.
    AIOC_INLINE RequestList clear_and_take() noexcept {
        uint64_t count;
        sys::call(SYS_read, event_fd, &count, sizeof count);
        RequestList taken;
        Request* r = sys::exchange(top, static_cast<Request*>(nullptr));
        Request* newer = nullptr;
        if (r) {
            taken.tail = r;
        }
        while (r) {
            Request* const older = r->next;
            r->next = newer;
            if (newer) {
                newer->prev = r;
            }
            newer = r;
            ++taken.length;
            r = older;
        }
        taken.head = newer;
        if (newer) {
            newer->prev = nullptr;
        }
        return taken;
    }
};

} // namespace aioc
