// SPDX-License-Identifier: MIT
// Worker zone: see execute.cpp.
#include "worker/job_queue.hpp"

#include <linux/errno.h>
#include <linux/prctl.h>

namespace aioc {
namespace {

// Sleeps until woken or timed out; returns with the mutex held. True: it timed out.
AIOC_INLINE bool sleep_idle(JobQueue* q, Worker* self) noexcept {
    const bool may_end = q->alive > q->min;
    const sys::Timeout timeout{q->idle_timeout_ms / 1000, int64_t{q->idle_timeout_ms % 1000} * 1000000};
    q->enter_idle(self);
    q->mutex.unlock();
    const long result = sys::futex_wait(self->woken, 0, may_end ? &timeout : nullptr);
    q->mutex.lock();
    if (q->idle_top == self || self->idle_above) {
        q->leave_idle(self); // nobody chose us: timeout, or wake_all_idle
        return result == -ETIMEDOUT;
    }
    q->waking = 0;
    return false;
}

// The next request to run, or null when this worker is to end (then it no longer counts).
AIOC_INLINE Request* next_request(JobQueue* q, Worker* self) noexcept {
    bool timed_out = false;
    q->mutex.lock();
    while (!q->surplus()) {
        if (Request* const r = q->requests.take_first()) {
            sys::store_release(r->state, uint32_t{state_running});
            Worker* const other = q->choose_wake();
            q->mutex.unlock();
            JobQueue::wake(other);
            return r;
        }
        if (timed_out && q->alive > q->min) {
            break;
        }
        timed_out = sleep_idle(q, self);
    }
    --q->alive;
    Worker* const other = q->choose_wake();
    uint32_t* const departures = q->departures;
    sys::add(*departures, uint32_t{1});
    q->mutex.unlock();
    JobQueue::wake(other);
    sys::futex_wake(*departures, 1 << 30);
    return nullptr;
}

} // namespace

extern "C" void aioc_zone_worker(void* worker) {
    Worker* const self = static_cast<Worker*>(worker);
    JobQueue* const q = self->queue;
    sys::call(SYS_prctl, PR_SET_NAME, "aioc-worker", 0, 0, 0);
    while (Request* const r = next_request(q, self)) {
        aioc_zone_execute(r);
        aioc_zone_finish(r, q->ready);
    }
}

} // namespace aioc
