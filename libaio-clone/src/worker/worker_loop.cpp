// SPDX-License-Identifier: MIT
// Worker zone: see execute.cpp.
#include "core/plan.hpp"
#include "worker/job_queue.hpp"

#include <linux/errno.h>
#include <linux/prctl.h>

namespace aioc {
namespace {

constexpr uint32_t batch_max = 16;
constexpr int64_t sentinel_tick_ns = 1'000'000;
// So many that wait for devices are answered every few microseconds: a worker that is done lets the poller run before
// it sleeps, for it may bring the next request. That saves a sleep and a wake.
constexpr uint32_t crowd_min = 16;

// Sleeps until woken or timed out; with the mutex held before and after. True: it timed out.
AIOC_INLINE bool sleep_idle(JobQueue* q, Worker* self, const sys::Timeout* timeout) noexcept {
    q->enter_idle(self);
    q->mutex.unlock();
    const long result = sys::futex_wait(self->woken, 0, timeout);
    q->mutex.lock();
    if (q->idle_top == self || self->idle_above) {
        q->leave_idle(self); // nobody chose us: timeout, or wake_all_idle
        return result == -ETIMEDOUT;
    }
    q->waking = 0;
    return false;
}

// Some attempts the context has to judge: it knows on what the file lies. (InlineEngine::settle)
AIOC_INLINE bool is_final(const Request* r) noexcept {
    return r->answered == answer_yes && (r->attempt == attempt_nowait || r->attempt == attempt_direct);
}

// Those of the offer that have ended do not wait for this one, which may take long.
AIOC_INLINE void give_ended(JobQueue* q, Offer* offer, const Request* r) noexcept {
    DoneChain done;
    while (offer->requests.head != r) {
        done.add(offer->requests.take_first());
    }
    if (done.newest) {
        q->ready->push(done);
    }
}

AIOC_INLINE void run_offer(JobQueue* q, Offer* offer) noexcept {
    uint32_t unfinished = 0;
    for (Request* r = offer->requests.head; r;) {
        Request* const next = r->next;
        if (next) {
            sys::prefetch(next);
            sys::prefetch(&next->path);
        }
        sys::store_relaxed(r->engine, uint8_t{AIOC_ENGINE_WORKERS}); // cancel may be looking
        aioc_zone_try_as_worker(r);
        if (r->resolve == resolve_at_last && !is_final(r)) {
            give_ended(q, offer, r);
            aioc_zone_execute(r);
            r->attempt = attempt_direct; // nothing to judge
            r->answered = answer_yes;
        }
        if (is_final(r)) {
            aioc_zone_finish(r);
        } else {
            ++unfinished;
        }
        r = next;
    }
    q->board->finish(offer, unfinished);
    q->ready->notify();
}

// Looks for requests for a moment, as a hot worker; with the mutex held before and after. It counts looks
// and asks no clock: a sandbox may refuse that system call.
AIOC_INLINE void spin(JobQueue* q, Worker* self) noexcept {
    q->heat(self, 0);
    sys::store_relaxed(q->spinning, uint32_t{1});
    const uint32_t attention = sys::load_relaxed(q->attention);
    const uint32_t looks_max = q->spin_looks;
    q->mutex.unlock();
    bool found = false;
    bool helped = false;
    for (uint32_t looks = looks_max; !found && looks > 0; --looks) {
        sys::relax();
        if (Offer* const offer = q->take_offer()) {
            run_offer(q, offer);
            helped = true;
            looks = looks_max;
        }
        found = sys::load_relaxed(q->queued) != 0 || sys::load_relaxed(q->attention) != attention;
    }
    q->mutex.lock();
    sys::store_relaxed(q->spinning, uint32_t{0});
    q->cool(self);
    constexpr uint32_t failures_max = 7;
    q->spin_failures = found || helped ? 0 : (q->spin_failures < failures_max ? q->spin_failures + 1 : failures_max);
}

AIOC_INLINE bool may_spin(JobQueue* q, bool was_hot) noexcept {
    if (q->spin_looks == 0 || q->spinning || q->stopping) {
        return false;
    }
    if (q->warming) {
        sys::store_relaxed(q->warming, uint32_t{0});
        return true;
    }
    return was_hot && (q->spin_occasions++ & ((1u << q->spin_failures) - 1)) == 0;
}

AIOC_INLINE Request* take_head(JobQueue* q, RequestList* ret) noexcept {
    Request* const r = q->requests.head;
    q->remove(r);
    q->requests.note_start(r);
    uint32_t queued = state_queued;
    sys::compare_exchange(r->state, queued, uint32_t{state_running}); // or cancelling, as it was given back
    ret->append(r);
    return r;
}

// Requests that the worker runs in one go: several only if none of them can keep the others waiting.
AIOC_INLINE void take(JobQueue* q, Worker* self, RequestList* ret) noexcept {
    ++q->taken;
    const Request* const first = take_head(q, ret);
    const bool plain = first->attempt == attempt_none;
    if (!plain || first->pace == pace_quick) {
        q->heat(self, plain);
    } else {
        self->waits = 1;
        ++q->waits;
    }
    const uint32_t most = plain ? run_max : batch_max;
    for (const Request* r = q->requests.head; r && ret->length < most; r = q->requests.head) {
        if (plain ? !is_run(*first, *r) : r->attempt == attempt_none) {
            break;
        }
        take_head(q, ret);
    }
    if (!plain) {
        q->start_trying(self, ret->length);
    }
}

// The next requests to run; false when this worker is to end (then it no longer counts).
AIOC_INLINE bool next_requests(JobQueue* q, Worker* self, RequestList* ret) noexcept {
    bool timed_out = false;
    q->mutex.lock();
    bool was_hot = q->is_hot(self);
    q->cool(self);
    q->end_trying(self);
    q->waits -= self->waits;
    bool yields = self->waits != 0 && q->waits >= crowd_min;
    self->waits = 0;
    while (!q->surplus()) {
        if (q->requests.head && !q->covered()) {
            take(q, self, ret);
            Worker* const other = q->choose_wake();
            q->mutex.unlock();
            JobQueue::wake(other);
            return true;
        }
        if (q->requests.head && q->wants_sentinel()) {
            const sys::Timeout tick{0, sentinel_tick_ns};
            const uint64_t before = q->taken;
            q->sentinel = 1;
            const bool ticked = sleep_idle(q, self, &tick);
            q->sentinel = 0;
            if (ticked && q->taken == before && q->hot > 0) {
                q->forget_hot();
            }
            continue;
        }
        if (!q->requests.head) {
            if (may_spin(q, was_hot)) {
                spin(q, self);
                was_hot = false;
                continue;
            }
            if (yields) {
                yields = false;
                q->mutex.unlock();
                sys::call(SYS_sched_yield);
                q->mutex.lock();
                continue;
            }
            if (timed_out && q->alive > q->min && q->trying == 0) {
                break;
            }
        }
        const sys::Timeout timeout{q->idle_timeout_ms / 1000, int64_t{q->idle_timeout_ms % 1000} * 1000000};
        timed_out = sleep_idle(q, self, q->alive > q->min ? &timeout : nullptr);
        was_hot = false;
    }
    --q->alive;
    // One that slept because a hot worker covered the queue when it was told to end has to be told again.
    Worker* const other = !q->requests.head && q->surplus() ? q->choose_any() : q->choose_wake();
    uint32_t* const departures = q->departures;
    sys::add(*departures, uint32_t{1});
    JobQueue::wake(other); // before it can go on: nobody else keeps it from being freed
    q->mutex.unlock();
    sys::futex_wake(*departures, 1 << 30);
    return false;
}

// Before a request that may wait: nothing else is kept waiting behind it.
AIOC_INLINE void leave_to_others(JobQueue* q, Worker* self, RequestList* rest, DoneChain* done) noexcept {
    q->ready->push(*done);
    q->mutex.lock();
    q->cool(self);
    q->end_trying(self);
    for (Request* r = rest->head; r; r = r->next) {
        uint32_t running = state_running;
        sys::compare_exchange(r->state, running, uint32_t{state_queued});
    }
    q->give_back(*rest);
    Worker* const other = q->choose_wake();
    q->mutex.unlock();
    JobQueue::wake(other);
}

// Runs one request of the batch; null: it is not complete now.
AIOC_INLINE Request* run(JobQueue* q, Worker* self, Request* r, RequestList* batch, DoneChain* done) noexcept {
    r->answered = answer_no;
    if (r->attempt != attempt_none) {
        aioc_zone_try(r);
        if (r->answered == answer_yes) {
            return r;
        }
        leave_to_others(q, self, batch, done);
    }
    return aioc_zone_execute(r);
}

// The next of the chain, now this worker's; null: there is none, or it is not to start here.
AIOC_INLINE Request* take_following(JobQueue* q, Plan* plan, int64_t result) noexcept {
    uint32_t open = passage_open;
    if (result < 0 || !sys::compare_exchange(plan->passage, open, uint32_t{passage_taken})) {
        return nullptr;
    }
    Request* const next = plan->after->request;
    queue_of(*next) = q;
    sys::store_relaxed(next->engine, uint8_t{AIOC_ENGINE_WORKERS}); // cancel may be looking
    uint32_t waiting = state_waiting;
    sys::compare_exchange(next->state, waiting, uint32_t{state_running}); // or cancel has written it
    return next;
}

// What follows goes on at once, if nobody waits for this worker; else it joins them, and keeps its place by priority.
// What has ended is given away before that, and before what may take long.
AIOC_INLINE Request* go_on(JobQueue* q, Plan* plan, int64_t result, const RequestList& batch,
                           DoneChain* done) noexcept {
    Request* const next = take_following(q, plan, result);
    if (!next) {
        return nullptr;
    }
    const bool others = batch.head || sys::load_relaxed(q->queued) != 0;
    if (others || (next->schedule & schedule_brief) == 0) {
        q->ready->push(*done);
    }
    if (!others) {
        return next;
    }
    RequestList list;
    list.append(next);
    q->mutex.lock();
    uint32_t running = state_running;
    sys::compare_exchange(next->state, running, uint32_t{state_queued}); // or cancelling
    q->append(list);
    Worker* const other = q->choose_wake();
    q->mutex.unlock();
    JobQueue::wake(other);
    return nullptr;
}

} // namespace

extern "C" void aioc_zone_worker(void* worker) {
    Worker* const self = static_cast<Worker*>(worker);
    JobQueue* const q = self->queue;
    sys::call(SYS_prctl, PR_SET_NAME, "aioc-worker", 0, 0, 0);
    RequestList batch;
    DoneChain done;
    while (next_requests(q, self, &batch)) {
        Request* next = nullptr;
        while (Request* const r = next ? next : batch.take_first()) {
            Plan* const plan = (r->schedule & schedule_followed) != 0 ? r->followed : nullptr;
            next = nullptr;
            if (Request* const complete = run(q, self, r, &batch, &done)) {
                aioc_zone_finish(complete);
                done.add(complete);
                if (plan) {
                    next = go_on(q, plan, complete->result, batch, &done);
                }
            }
        }
        q->ready->push(done);
    }
}

} // namespace aioc
