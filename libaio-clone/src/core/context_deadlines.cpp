// SPDX-License-Identifier: MIT
// Deadlines: kept in a heap, and looked at by every poll. What sleeps is woken for the earliest: a poll by its own
// timeout, a program that watches the descriptor by an alarm of the kernel's (sys/alarm.hpp).
#include "core/context.hpp"
#include "sys/clock.hpp"

#include <errno.h>

namespace aioc {

// With the lock held, as all here.
int Context::set_deadline(Plan* plan, uint64_t timeout_ns, bool absolute) noexcept {
    const int64_t start = absolute ? 0 : sys::now_ns();
    const uint64_t longest = static_cast<uint64_t>(INT64_MAX - start);
    plan->deadline_ns = start + static_cast<int64_t>(timeout_ns < longest ? timeout_ns : longest);
    if (sys::load_relaxed(exported_) != 0) {
        if (const int error = alarm_.prepare(ready_.event_fd); error < 0) {
            return error;
        }
    }
    if (!deadlines_.add(plan)) {
        return -ENOMEM;
    }
    note_earliest();
    return 0;
}

// So that who sleeps does so no longer than to the earliest one.
void Context::note_earliest() noexcept {
    const Plan* const first = deadlines_.first();
    const int64_t earliest = first ? first->deadline_ns : INT64_MAX;
    const bool earlier = earliest < earliest_ns_;
    sys::store_relaxed(earliest_ns_, earliest);
    if (!first || !earlier) {
        return;
    }
    set_alarm();
    if (!is_poller()) {
        sys::full_fence();                                                      // see sleep
        if (sys::load_relaxed(ready_.watched) > sys::load_relaxed(exported_)) { // a poll sleeps on the descriptor
            ready_.signal();
        }
        ready_.wake_sleeper();
    }
}

void Context::set_alarm() noexcept {
    if (sys::load_relaxed(exported_) != 0 && earliest_ns_ != INT64_MAX) {
        alarm_.set(earliest_ns_);
    }
}

void Context::drop_deadline(Plan* plan) noexcept {
    if (plan->deadline_place != 0) {
        deadlines_.remove(plan);
        note_earliest();
    }
}

// Those whose time has come. What waits or is queued ends now; what runs ends when the kernel lets go of it.
void Context::expire() noexcept {
    const int64_t now = sys::now_ns();
    while (Plan* const plan = deadlines_.first()) {
        if (plan->deadline_ns > now) {
            break;
        }
        deadlines_.remove(plan);
        expire(plan);
    }
    note_earliest();
}

void Context::expire(Plan* plan) noexcept {
    Request* const r = plan->request;
    switch (sys::load_acquire(r->state)) {
    case state_done:       // in time
    case state_cancelling: // -ECANCELED is promised
        return;
    case state_waiting:
        if (r->operation == AIOC_OP_GROUP) {
            if (plan->stopped == 0) {
                ++timed_out_;
                cancel_group(plan, -ETIMEDOUT);
            }
            return;
        }
        break;
    default:
        break;
    }
    if (!keep_following(plan)) {
        return; // it has ended, and a worker goes on with what follows
    }
    plan->timed_out = true; // conclude makes the result of it
    if (stop(r) < 0 && sys::load_acquire(r->state) == state_done) {
        plan->timed_out = false; // it has just ended: there is nothing that could undo it
        return;
    }
    ++timed_out_;
}

// By the poller, without the lock, after it has taken what has ended.
void Context::expire_due() noexcept {
    lock_.lock();
    if (alarm_.has_rung()) {
        ring_signalled_ = true; // the kernel has written the eventfd
    }
    expire();
    set_alarm();
    lock_.unlock();
}

// Announced sleepers call this, so that note_earliest sees them or they see its deadline. The sooner of `left` (null:
// no limit) and the earliest deadline.
const sys::Timeout* Context::until_deadline(const sys::Timeout* left, sys::Timeout* ret) const noexcept {
    const int64_t earliest = sys::load_relaxed(earliest_ns_);
    if (earliest == INT64_MAX) {
        return left;
    }
    constexpr int64_t second_ns = 1'000'000'000;
    const int64_t now = sys::now_ns();
    const int64_t ns = earliest > now ? earliest - now : 0;
    *ret = sys::Timeout{ns / second_ns, ns % second_ns};
    const bool sooner = left && (left->seconds < ret->seconds ||
                                 (left->seconds == ret->seconds && left->nanoseconds < ret->nanoseconds));
    return sooner ? left : ret;
}

} // namespace aioc
