// SPDX-License-Identifier: MIT
#pragma once
#include "core/ready_list.hpp"
#include "core/request.hpp"
#include "sys/futex.hpp"

namespace aioc {

// One worker, as the queue sees it. Owned by the main side, which frees it after the thread's end.
struct Worker {
    JobQueue* queue = nullptr;
    Worker* idle_below = nullptr; // towards the bottom of the idle stack
    Worker* idle_above = nullptr;
    uint32_t woken = 0;           // futex; the waker sets it
    uint32_t tid = 0;             // the kernel clears it and wakes (CLONE_CHILD_CLEARTID)
    uint32_t ended = 0;           // pthread spawner: the last thing that the worker writes
};

// The queue of one generation: a monitor. Everything is read and written under the mutex, so the
// only subtle part is the throttle: at most one wake is in flight (waking), and the woken worker
// passes it on when it leaves work behind. tests/model/queue_model.py checks it exhaustively.
// Idle workers form a stack, so that the coldest one is left to time out.
struct JobQueue {
    sys::Mutex mutex;
    RequestList requests;
    Worker* idle_top = nullptr;
    uint32_t idle = 0;
    uint32_t alive = 0; // started and not yet decided to end
    uint32_t min = 1;
    uint32_t max = 4;      // 0: end when the queue is empty
    uint32_t stopping = 0; // retired: end when the queue is empty
    uint32_t waking = 0;
    uint32_t idle_timeout_ms = 10000;
    uint32_t* departures = nullptr; // futex of the engine: bumped by each worker that decides to end
    uint64_t wakes = 0;
    ReadyList* ready = nullptr;

    AIOC_INLINE void leave_idle(Worker* w) noexcept {
        (w->idle_above ? w->idle_above->idle_below : idle_top) = w->idle_below;
        if (w->idle_below) {
            w->idle_below->idle_above = w->idle_above;
        }
        w->idle_above = w->idle_below = nullptr;
        --idle;
    }
    AIOC_INLINE void enter_idle(Worker* w) noexcept {
        sys::store_relaxed(w->woken, uint32_t{0});
        w->idle_above = nullptr;
        w->idle_below = idle_top;
        if (idle_top) {
            idle_top->idle_above = w;
        }
        idle_top = w;
        ++idle;
    }
    // Under the mutex: whom to wake after unlocking, or null.
    AIOC_INLINE Worker* choose_wake() noexcept {
        if (!requests.head || !idle_top || waking) {
            return nullptr;
        }
        Worker* const w = idle_top;
        leave_idle(w);
        waking = 1;
        ++wakes;
        sys::store_release(w->woken, uint32_t{1});
        return w;
    }
    // After unlocking. The worker may have ended by now: a wake of a foreign or unmapped word is
    // harmless, since every wait of ours looks again.
    AIOC_INLINE static void wake(Worker* w) noexcept {
        if (w) {
            sys::futex_wake(w->woken, 1);
        }
    }
    AIOC_INLINE void wake_all_idle() noexcept {
        for (Worker* w = idle_top; w; w = w->idle_below) {
            sys::store_release(w->woken, uint32_t{1});
            sys::futex_wake(w->woken, 1);
        }
    }
    AIOC_INLINE bool surplus() const noexcept {
        return requests.head ? (max != 0 && alive > max)
                             : (stopping || max == 0 || alive > max);
    }
};

// Hidden already where they are declared: else the zone would call them through the GOT.
#pragma GCC visibility push(hidden)
// Runs one request, in the worker zone; writes result. (execute.cpp)
extern "C" void aioc_zone_execute(Request* r);
// Takes the request from running to the ready list. The request is gone afterwards.
extern "C" void aioc_zone_finish(Request* r, ReadyList* ready);
// The life of a worker thread. (worker_loop.cpp)
extern "C" void aioc_zone_worker(void* worker);
// clone(2) with a function to run; returns the tid or -errno. (clone_thread.cpp)
extern "C" long aioc_zone_clone(unsigned long flags, void* stack_top, uint32_t* parent_tid, void* tls,
                                uint32_t* child_tid, void (*run)(void*), void* argument);
#pragma GCC visibility pop

} // namespace aioc
