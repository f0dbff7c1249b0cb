// SPDX-License-Identifier: MIT
#pragma once
#include "core/priority_list.hpp"
#include "core/ready_list.hpp"
#include "core/request.hpp"
#include "sys/futex.hpp"
#include "worker/offer_board.hpp"

namespace aioc {

struct Iov { // struct iovec
    void* base;
    uint64_t length;
};

// One worker, as the queue sees it. Owned by the main side, which frees it after the thread's end.
struct Worker {
    JobQueue* queue = nullptr;
    Worker* idle_below = nullptr; // towards the bottom of the idle stack
    Worker* idle_above = nullptr;
    uint32_t woken = 0;     // futex; the waker sets it
    uint32_t tid = 0;       // the kernel clears it and wakes (CLONE_CHILD_CLEARTID)
    uint32_t ended = 0;     // pthread spawner: the last thing that the worker writes
    uint32_t hot_epoch = 0; // counted as hot in this epoch of the queue; 0: not hot
    uint32_t risky = 0;     // hot, and in a plain call that could wait after all
    uint32_t trying = 0;    // so many requests it gives back when the one that it tries would wait
    uint32_t waits = 0;     // runs a slow request
};

// The queue of one generation: a monitor. Everything is read and written under the mutex, but for some
// words that are also peeked at.
//
// Waking a thread costs more than most requests, so it is done as late as it can be:
//  - At most one wake is in flight (waking); the woken worker passes it on when it leaves work behind.
//  - A worker that runs quick requests, or spins for a moment because it just did, is *hot*: it looks
//    at the queue again within microseconds, and no other worker is woken for quick requests.
//  - If a hot worker waits after all, the *sentinel* notices: one more worker, woken when a quick request
//    leaves others behind, that sleeps with a short timeout and takes over if nothing has moved since.
//  - A long backlog of quick requests makes a second worker hot, if there is a core for it.
// tests/model/queue_model.py checks the protocol exhaustively. Idle workers form a stack, so that the
// coldest one is left to time out.
//
// Beside the queue there is an *offer*: requests with an attempt, that the submitting thread hangs out while it
// runs others of the same batch. A spinning worker takes it whole, with one exchange; what it has not taken
// when the submitter has nothing else to do, the submitter takes back in the same way. So nothing is ever
// left hanging there, and nobody is woken for it.
struct alignas(64) JobQueue {
    sys::Mutex mutex;
    uint32_t hot = 0;    // peeked at by submitters
    uint32_t risky = 0;  // of these, those in a plain call
    uint32_t trying = 0; // requests that may come back: somebody must be there for them
    uint32_t queued = 0; // requests.length, peeked at by the spinner and by submitters
    PriorityList requests;
    uint32_t quick = 0; // queued requests without an attempt, by pace
    uint32_t slow = 0;
    uint32_t waits = 0;     // workers that run slow requests
    uint32_t attention = 0; // changed: what ends a spin besides a request
    Worker* idle_top = nullptr;
    uint32_t idle = 0;
    uint32_t alive = 0; // started and not yet decided to end
    uint32_t min = 1;
    uint32_t max = 4;      // 0: end when the queue is empty
    uint32_t stopping = 0; // retired: end when the queue is empty
    uint32_t waking = 0;
    uint32_t sentinel = 0;
    uint32_t hot_epoch = 1; // a new one begins when all hot workers are found to wait
    uint64_t taken = 0;     // how often a worker took requests
    uint32_t idle_timeout_ms = 10000;
    uint32_t spin_looks = 0;    // how often a worker that ran quick requests looks for more before it sleeps
    uint32_t spinning = 0;      // peeked at by submitters
    uint32_t hot_max = 1;       // workers that may be hot at once
    uint32_t spin_failures = 0; // in a row, up to 7: of 2^failures occasions one is used
    uint32_t spin_occasions = 0;
    uint32_t warming = 0;           // the woken worker is to spin
    uint32_t* departures = nullptr; // futex of the engine: bumped by each worker that decides to end
    uint64_t wakes = 0;
    uint32_t hands_wanted = 0; // workers that crews could use
    ReadyList* ready = nullptr;
    OfferBoard* board = nullptr;
    alignas(64) Offer* offer = nullptr;

    AIOC_INLINE void count(const Request* r, uint32_t by) noexcept {
        if (r->attempt == attempt_none) {
            (r->pace == pace_slow ? slow : quick) += by;
        }
    }
    AIOC_INLINE void show_length() noexcept { sys::store_relaxed(queued, requests.length); }
    AIOC_INLINE void append(RequestList& more) noexcept {
        for (Request* r = more.head; r; r = r->next) {
            count(r, 1);
        }
        requests.append(more);
        show_length();
    }
    AIOC_INLINE void give_back(RequestList& rest) noexcept {
        for (Request* r = rest.head; r; r = r->next) {
            count(r, 1);
        }
        requests.give_back(rest);
        show_length();
    }
    AIOC_INLINE void remove(Request* r) noexcept {
        count(r, ~uint32_t{0});
        requests.remove(r);
        show_length();
    }
    AIOC_INLINE void remove_all(RequestList* ret) noexcept {
        requests.take_all(ret);
        quick = slow = 0;
        show_length();
    }

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
    AIOC_INLINE bool is_hot(const Worker* w) const noexcept { return w->hot_epoch == hot_epoch; }
    AIOC_INLINE void heat(Worker* w, uint32_t is_risky) noexcept {
        if (!is_hot(w)) {
            w->hot_epoch = hot_epoch;
            w->risky = is_risky;
            risky += is_risky;
            sys::store_relaxed(hot, hot + 1);
        }
    }
    AIOC_INLINE void cool(Worker* w) noexcept {
        if (is_hot(w)) {
            risky -= w->risky;
            sys::store_relaxed(hot, hot - 1);
        }
        w->hot_epoch = 0;
    }
    AIOC_INLINE void start_trying(Worker* w, uint32_t count) noexcept {
        w->trying = count - 1;
        trying += count - 1;
    }
    AIOC_INLINE void end_trying(Worker* w) noexcept {
        trying -= w->trying;
        w->trying = 0;
    }
    // The hot workers wait for something: they do not count any more.
    AIOC_INLINE void forget_hot() noexcept {
        ++hot_epoch;
        risky = 0;
        sys::store_relaxed(hot, uint32_t{0});
    }

    // Will a hot worker come to what is queued? (The spinner takes one slow request, and passes on the rest.)
    AIOC_INLINE bool covered() const noexcept {
        constexpr uint32_t backlog = 64; // quick requests a hot worker: some 100 microseconds
        return hot > 0 && slow <= spinning && (hot >= hot_max || quick <= hot * backlog);
    }
    AIOC_INLINE bool wants_sentinel() const noexcept { return (quick > spinning || risky > 0) && !sentinel; }
    AIOC_INLINE Worker* choose_any() noexcept {
        if (!idle_top || waking) {
            return nullptr;
        }
        Worker* const w = idle_top;
        leave_idle(w);
        waking = 1;
        ++wakes;
        sys::store_release(w->woken, uint32_t{1});
        return w;
    }
    // Under the mutex: whom to wake after unlocking, or null.
    AIOC_INLINE Worker* choose_wake() noexcept {
        if (!requests.head || (covered() && !wants_sentinel())) {
            return nullptr;
        }
        return choose_any();
    }
    // After unlocking. The worker may have ended by now, or be another one: its word stays (Generation::spare_), and
    // every wait of ours looks again.
    AIOC_INLINE static void wake(Worker* w) noexcept {
        if (w) {
            sys::futex_wake(w->woken, 1);
        }
    }
    AIOC_INLINE void wake_all_idle() noexcept {
        sys::add(attention, uint32_t{1});
        for (Worker* w = idle_top; w; w = w->idle_below) {
            sys::store_release(w->woken, uint32_t{1});
            sys::futex_wake(w->woken, 1);
        }
    }
    // What hangs there, now the caller's; null: nothing, or another thread has it.
    AIOC_INLINE Offer* take_offer() noexcept {
        return sys::load_relaxed(offer) ? sys::exchange(offer, static_cast<Offer*>(nullptr)) : nullptr;
    }
    AIOC_INLINE bool surplus() const noexcept {
        return requests.head ? (max != 0 && alive > max) : (stopping || max == 0 || alive > max);
    }
};

// Hidden already where they are declared: else the zone would call them through the GOT.
#pragma GCC visibility push(hidden)
// Runs one request, in the worker zone, and writes its result. Returns the request that is complete now: this one, or
// null as long as others work for it, or the one that a ticket was for. (execute.cpp)
extern "C" Request* aioc_zone_execute(Request* r);
// Tries a request that has an attempt, without waiting; writes result, answered and partial. Not answered:
// result says what the kernel said. (attempt.cpp)
extern "C" void aioc_zone_try(Request* r);
// The same by a worker, which may wait for a local device; an attempt that became direct is not to be judged.
extern "C" void aioc_zone_try_as_worker(Request* r);
// Takes the request from running to done, undoing what was cancelled.
extern "C" void aioc_zone_finish(Request* r);
// Parts of the execution (read_directory.cpp, execute_paths.cpp).
extern "C" long aioc_zone_read_directory(Request* r);
extern "C" void aioc_zone_settle_directory(Request* r, bool cancelled);
extern "C" long aioc_zone_realpath(const Request* r);
extern "C" long aioc_zone_call_by_proc(const Request* r, long number, const long* arguments);
// The life of a worker thread. (worker_loop.cpp)
extern "C" void aioc_zone_worker(void* worker);
// clone(2) with a function to run; returns the tid or -errno. (clone_thread.cpp)
extern "C" long aioc_zone_clone(unsigned long flags, void* stack_top, uint32_t* parent_tid, void* tls,
                                uint32_t* child_tid, void (*run)(void*), void* argument);
#pragma GCC visibility pop

} // namespace aioc
