// SPDX-License-Identifier: MIT
#include "core/context.hpp"

#include "composite/composite.hpp"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

namespace aioc {

// One thread polls at a time; it may do so again inside its callbacks.
int Context::enter_poll() noexcept {
    if (!single_threaded_) {
        const uintptr_t self = pthread_self();
        uintptr_t seen = 0;
        if (sys::load_relaxed(poller_) != self && !sys::compare_exchange(poller_, seen, self)) {
            return -EBUSY;
        }
    }
    ++poll_depth_;
    return 0;
}

void Context::leave_poll() noexcept {
    if (--poll_depth_ == 0 && !single_threaded_) {
        sys::store_release(poller_, uintptr_t{0});
    }
}

// Takes what is ready from everywhere: requests that follow each other in one place must not keep others
// waiting. False: there is nothing.
bool Context::fetch() noexcept {
    if (sys::load_relaxed(ready_.called) != 0 && sys::exchange(ready_.called, uint32_t{0}) != 0) {
        lock_.lock();
        workers_.answer_call();
        lock_.unlock();
    }
    delivering_.splice(answered_);
    RequestList ready;
    if (!ready_.empty()) {
        ready_.take(&ready);
    }
    // Before those: in order, the worker has run what it was offered before what was queued.
    while (Offer* const offer = workers_.board().find_done()) {
        fetch_offer(offer);
    }
    delivering_.splice(ready);
    if (ring_ready() && ring_.has_completions()) {
        fetch_ring();
    }
    if (sys::load_relaxed(earliest_ns_) != INT64_MAX) {
        expire_due();
        ready_.take(&delivering_);
    }
    return delivering_.head || hungry_;
}

// What a helper has run. Some attempts are to be judged: it does not know on what the file lies.
void Context::fetch_offer(Offer* offer) noexcept {
    const bool finished = offer->unfinished == 0;
    RequestList requests;
    workers_.board().clear(offer, &requests);
    if (finished) {
        delivering_.splice(requests);
        return;
    }
    RequestList tried;
    while (Request* const r = requests.take_first()) {
        if (requests.head) {
            sys::prefetch(requests.head->next);
        }
        InlineEngine::prefetch_for_settling(*r);
        (sys::load_relaxed(r->state) == state_done ? delivering_ : tried).append(r);
    }
    lock_.lock();
    RequestList answered;
    settle(tried, &answered);
    flush_engines_and_unlock();
    for (Request* r = answered.head; r; r = r->next) {
        aioc_zone_finish(r);
    }
    delivering_.splice(answered);
}

void Context::fetch_ring() noexcept {
    RequestList again;
    ring_signalled_ = true;
    ring_.reap(&delivering_, &again);
    if (!again.head && !ring_.wants_submit()) {
        return;
    }
    lock_.lock();
    while (Request* const r = again.take_first()) {
        sys::store_release(r->state, uint32_t{state_held});
        r->engine = AIOC_ENGINE_WORKERS;
        r->pace = pace_slow;
        r->attempt = attempt_none;
        r->queue = nullptr;
        to_workers_.append(r);
    }
    flush_engines_and_unlock();
}

bool Context::anything_ready() noexcept {
    return !ready_.empty() || workers_.board().find_done() || (ring_ready() && ring_.has_completions());
}

// Before a poll returns: the descriptor is readable exactly if completions wait.
void Context::settle_descriptor() noexcept {
    if (sys::load_relaxed(exported_) == 0) {
        return;
    }
    const bool waiting = delivering_.head || answered_.head || hungry_;
    if (!waiting && (ring_signalled_ || sys::load_acquire(ready_.signalled) != 0)) {
        ring_signalled_ = false;
        ready_.clear_signal();
        if (anything_ready()) {
            ready_.signal();
        }
    } else if (waiting) {
        ready_.signal();
    }
}

bool Context::next_completion(aioc_completion* ret, aioc_callback* ret_callback) noexcept {
    Request* const r = delivering_.take_first();
    if (!r) {
        return false;
    }
    if (delivering_.head) {
        sys::prefetch(delivering_.head);
        sys::prefetch(delivering_.head->next);
    }
    if (has_plan(*r)) {
        conclude(r);
    }
    ret->size = sizeof *ret;
    ret->operation = r->operation;
    ret->engine = r->engine;
    ret->flags = delivering_.head ? AIOC_MORE : 0;
    ret->request = static_cast<aioc_request>(r->id);
    if (is_composite(r->operation)) {
        give_object(r);
    }
    ret->result = r->result;
    ret->user_data = r->user_data;
    *ret_callback = r->callback;
    // From here on the id names nothing, also for a thread that cancels at this moment.
    sys::store_release(r->id, RequestSlab::next_id(r->id));
    if ((r->schedule & schedule_counted) != 0) {
        sys::add(routed_, ~uint32_t{0});
    }
    uint64_t& cell = completed_[r->operation][r->engine];
    sys::store_relaxed(cell, cell + 1);
    sys::store_release(completed_total_, completed_total_ + 1);
    if (single_threaded_) {
        give_back(r);
        return true;
    }
    constexpr uint32_t give_back_batch = 64;
    delivered_.append(r);
    if (delivered_.length >= give_back_batch) {
        lock_.lock();
        give_back_delivered();
        lock_.unlock();
    }
    return true;
}

// With the lock held.
void Context::give_back(Request* r) noexcept {
    end_composite(r);
    if (r->path && r->path_class != path_borrowed) {
        const bool extra = (r->path_class & path_behind_extra) != 0;
        paths_.give_back(r->path - (extra ? sizeof(Extra) : 0), r->path_class & ~path_behind_extra);
    }
    slab_.give_back(r);
}

// With the lock held.
void Context::give_back_delivered() noexcept {
    while (Request* const r = delivered_.take_first()) {
        give_back(r);
    }
}

int Context::poll_callbacks() noexcept {
    if (const int error = enter_poll(); error < 0) {
        return error;
    }
    const uint32_t forks = forks_;
    int count = 0;
    inline_.begin_burst();
    if (!fetch()) {
        ring_signalled_ = ring_ready(); // whatever made it readable, it is cleared
    }
    break_ = false;
    aioc_completion done;
    aioc_callback callback;
    while (!break_ && next_completion(&done, &callback)) {
        ++count;
        if (!callback) {
            continue;
        }
        ++callback_depth_;
        callback(&done, done.user_data);
        notice_fork();
        if (forks_ != forks) {
            return count; // the callback forked and this is the child: nothing here is left
        }
        --callback_depth_;
    }
    if (hungry_ && !break_ && !feed_hungry()) {
        return count;
    }
    break_ = false;
    lock_.lock();
    give_back_delivered();
    RequestList batch;
    if (starting_.head) {
        take_starting(&batch);
    }
    if (!collecting()) {
        take_collected(&batch);
    }
    dispatch_and_unlock(batch);
    settle_descriptor();
    leave_poll();
    return count;
}

int Context::poll_break() noexcept {
    if (!in_callback()) {
        return -EINVAL;
    }
    break_ = true;
    return 0;
}

// By the poller: what there is, at most `max`.
uint32_t Context::take(const Taking& to) noexcept {
    uint32_t count = 0;
    if (!fetch()) {
        ring_signalled_ = ring_ready(); // whatever made it readable, it is cleared
    }
    aioc_completion done;
    aioc_callback ignored;
    while (count < to.max && next_completion(&done, &ignored)) {
        char* const at = static_cast<char*>(to.ret) + size_t{count++} * to.stride;
        memcpy(at, &done, to.stride < sizeof done ? to.stride : sizeof done);
        memcpy(at, &to.stride, sizeof to.stride); // so that the array can be used again
    }
    if (hungry_ && !feed_hungry()) {
        ++poll_depth_; // this is a child, whose poll has not begun: the caller ends it
        return count;
    }
    lock_.lock();
    give_back_delivered();
    RequestList batch;
    if (starting_.head) {
        take_starting(&batch);
    }
    if (!collecting()) {
        take_collected(&batch);
    }
    dispatch_and_unlock(batch);
    settle_descriptor();
    return count;
}

int Context::reap(const Taking& to) noexcept {
    if (const int error = enter_poll(); error < 0) {
        return error;
    }
    inline_.begin_burst();
    const uint32_t count = take(to);
    leave_poll();
    return static_cast<int>(count);
}

// While this thread is the poller, what it answers itself goes to the poller's list, and not through the descriptor.
int Context::exchange(const void* ops, uint32_t stride, uint32_t count, aioc_request* ret, const Taking& to,
                      uint32_t* ret_taken) noexcept {
    const bool polls = enter_poll() == 0;
    if (polls) {
        inline_.begin_burst();
    }
    const int accepted = count == 1 ? submit_alone(ops, stride, ret) : submit(ops, stride, count, ret);
    *ret_taken = polls ? take(to) : 0;
    if (polls) {
        leave_poll();
    }
    return accepted;
}

int Context::poll_fd() noexcept {
    // From now on somebody may sleep on it.
    if (sys::load_relaxed(exported_) == 0 && sys::exchange(exported_, uint32_t{1}) == 0) {
        sys::add(ready_.watched, uint32_t{1});
        sys::full_fence();
        if (!ready_.empty() || outstanding() > 0) {
            ready_.signal();
        }
    }
    if (sys::load_relaxed(earliest_ns_) != INT64_MAX) {
        lock_.lock();
        const int error = alarm_.prepare(ready_.event_fd);
        set_alarm();
        lock_.unlock();
        if (error < 0) {
            return error;
        }
    }
    return ready_.event_fd;
}

// A hot worker will have something within microseconds, for which a sleep would cost more. As with the
// workers: if that fails again and again, it is tried more and more seldom.
bool Context::spin_for_completion() noexcept {
    if (!router_.choice().spins || (spin_occasions_++ & ((1u << spin_failures_) - 1)) != 0) {
        return false;
    }
    lock_.lock();
    uint32_t looks = workers_.is_hot() ? workers_.spin_looks() : 0;
    lock_.unlock();
    for (; looks > 0; --looks) {
        sys::relax();
        if (anything_ready()) {
            spin_failures_ = 0;
            return true;
        }
    }
    constexpr uint32_t failures_max = 7;
    spin_failures_ = spin_failures_ < failures_max ? spin_failures_ + 1 : failures_max;
    return false;
}

// Until something may have completed. `left` null: no limit. 0, -ETIMEDOUT or -EINTR.
int Context::sleep(const sys::Timeout* left) noexcept {
    sys::Timeout deadline{0, 0};
    if (!ring_ready()) {
        sys::exchange(ready_.sleeper, uint32_t{1});
        sys::full_fence();
        long result = 0;
        if (!anything_ready() && !ring_ready()) {
            // Without a limit a handler with SA_RESTART would let it sleep on; poll(2) does not.
            constexpr sys::Timeout years{100'000'000, 0};
            const sys::Timeout* const limit = until_deadline(left, &deadline);
            result = sys::futex_wait(ready_.sleeper, 1, limit ? limit : &years);
        }
        sys::exchange(ready_.sleeper, uint32_t{0});
        return result == -EAGAIN ? 0 : static_cast<int>(result);
    }
    // Nobody else can bring a completion: one system call less, or two.
    if (single_threaded_ && ring_.can_wait() && ring_.in_flight() == static_cast<uint64_t>(outstanding())) {
        const int waited = ring_.wait(until_deadline(left, &deadline));
        if (waited == 0 || waited == -EINTR || waited == -ETIME) {
            return waited == -ETIME ? -ETIMEDOUT : waited;
        }
    }
    sys::add(ready_.watched, uint32_t{1});
    sys::full_fence();
    int result = 0;
    if (!anything_ready()) {
        pollfd descriptor{ready_.event_fd, POLLIN, 0};
        timespec limit{};
        left = until_deadline(left, &deadline);
        if (left) {
            limit = {left->seconds, left->nanoseconds};
        }
        const int polled = ppoll(&descriptor, 1, left ? &limit : nullptr, nullptr);
        result = polled > 0 ? 0 : polled == 0 ? -ETIMEDOUT : -errno;
        if (polled > 0) {
            ready_.clear_signal();
        }
    }
    sys::add(ready_.watched, ~uint32_t{0});
    return result;
}

int Context::poll_wait(int timeout_ms) noexcept {
    if (const int error = enter_poll(); error < 0) {
        return error;
    }
    inline_.begin_burst();
    lock_.lock();
    RequestList batch;
    if (starting_.head) {
        take_starting(&batch);
    }
    take_collected(&batch); // also what is held: it would never complete
    dispatch_and_unlock(batch);
    if (fetch()) { // the fast way out
        settle_descriptor();
        leave_poll();
        return 1;
    }
    int result = 0;
    sys::Timeout end{0, 0};
    const auto time_left = [&end](sys::Timeout* ret) {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        const int64_t ns = (end.seconds - now.tv_sec) * 1'000'000'000 + end.nanoseconds - now.tv_nsec;
        *ret = sys::Timeout{ns / 1'000'000'000, ns % 1'000'000'000};
        return ns > 0;
    };
    for (bool first = true;; first = false) {
        if (fetch()) {
            result = 1;
            break;
        }
        if (outstanding() <= 0 || timeout_ms == 0) {
            break;
        }
        if (spin_for_completion()) {
            continue;
        }
        sys::Timeout left{0, 0};
        if (timeout_ms > 0) {
            if (first) {
                timespec now{};
                clock_gettime(CLOCK_MONOTONIC, &now);
                end = {now.tv_sec + timeout_ms / 1000, now.tv_nsec + (timeout_ms % 1000) * 1'000'000L};
            }
            if (!time_left(&left)) {
                break;
            }
        }
        if (const int slept = sleep(timeout_ms > 0 ? &left : nullptr); slept == -EINTR) {
            result = slept;
            break;
        }
    }
    settle_descriptor();
    leave_poll();
    return result;
}

} // namespace aioc
