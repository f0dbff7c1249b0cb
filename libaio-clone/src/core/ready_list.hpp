// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"
#include "sys/atomic.hpp"
#include "sys/futex.hpp"

#include <linux/errno.h>

namespace aioc {

// Completions on their way to the poller: a stack that any thread pushes to and one takes whole, and
// the two ways to tell it. A poller that sleeps in the library waits on `sleeper`; the eventfd is
// written only when somebody can be watching it.
//
// Three orders keep a completion from being lost (tests/model/ready_model.py shows that each is needed):
//  - a producer pushes, and then looks who is to be told, if the stack was empty;
//  - the poller clears the eventfd, then `signalled`, and then looks at the stack again;
//  - before it sleeps it announces that, and then looks at the stack again.
// The eventfd is cleared only when nothing is left: as long as completions follow each other, it stays
// readable and costs no system call.
struct ReadyList {
    alignas(64) Request* top = nullptr;
    uint32_t sleeper = 0; // futex: 1 while the poller sleeps on it
    uint32_t called = 0;  // a crew asks for more workers, which only a thread of the program can start

    alignas(64) uint32_t watched = 0; // how many reasons there are to write the eventfd
    uint32_t signalled = 0;           // the eventfd was written and not cleared
    uint64_t signals = 0;             // eventfd writes
    int event_fd = -1;

    AIOC_INLINE void signal() noexcept {
        if (sys::exchange(signalled, uint32_t{1}) == 0) {
            const uint64_t one = 1;
            sys::add(signals, uint64_t{1});
            sys::call(SYS_write, event_fd, &one, sizeof one);
        }
    }
    AIOC_INLINE void wake_sleeper() noexcept {
        if (sys::load_relaxed(sleeper) != 0 && sys::exchange(sleeper, uint32_t{0}) != 0) {
            sys::futex_wake(sleeper, 1);
        }
    }
    // After a push onto the empty stack, or for another reason to look.
    AIOC_INLINE void notify() noexcept {
        sys::full_fence();
        if (sys::load_relaxed(watched) != 0) {
            signal();
        }
        wake_sleeper();
    }
    // The requests may be gone as soon as they are on the list: they are not touched afterwards.
    AIOC_INLINE void push(DoneChain& chain) noexcept {
        if (!chain.newest) {
            return;
        }
        Request* seen = sys::load_relaxed(top);
        do {
            chain.oldest->next = seen;
        } while (!sys::compare_exchange(top, seen, chain.newest));
        chain.newest = chain.oldest = nullptr;
        if (!seen) {
            notify();
        }
    }
    AIOC_INLINE void push(Request* r) noexcept {
        DoneChain one;
        one.add(r);
        push(one);
    }
    AIOC_INLINE bool empty() const noexcept { return sys::load_acquire(top) == nullptr; }

    // A producer that has announced its write and not made it yet leaves nothing to read. Then it stays announced:
    // a write that nothing announces would never be cleared.
    AIOC_INLINE void clear_signal() noexcept {
        uint64_t count;
        if (sys::call(SYS_read, event_fd, &count, sizeof count) > 0) {
            sys::exchange(signalled, uint32_t{0});
        }
        sys::full_fence();
    }
    // Appends all, oldest first.
    AIOC_INLINE void take(RequestList* ret) noexcept {
        Request* r = empty() ? nullptr : sys::exchange(top, static_cast<Request*>(nullptr));
        if (!r) {
            return;
        }
        RequestList taken;
        taken.tail = r;
        Request* newer = nullptr;
        while (r) {
            Request* const older = r->next;
            r->next = newer;
            if (newer) {
                newer->prev = r;
            }
            newer = r;
            ++taken.length;
            taken.cost += r->cost;
            r = older;
        }
        taken.head = newer;
        newer->prev = nullptr;
        ret->splice(taken);
    }
};

// A request that is on no list, and that no engine runs.
AIOC_INLINE void complete_cancelled(Request* r, ReadyList* ready) noexcept {
    if (r->held_fd >= 0) {
        sys::call(SYS_close, r->held_fd);
    }
    r->result = -ECANCELED;
    sys::store_release(r->state, uint32_t{state_done});
    ready->push(r);
}

} // namespace aioc
