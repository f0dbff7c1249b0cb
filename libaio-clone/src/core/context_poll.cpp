// SPDX-License-Identifier: MIT
#include "core/context.hpp"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

namespace aioc {

// One thread polls at a time; it may do so again inside its callbacks.
int Context::enter_poll() noexcept {
    const uintptr_t self = pthread_self();
    uintptr_t seen = 0;
    if (sys::load_relaxed(poller_) != self && !sys::compare_exchange(poller_, seen, self)) {
        return -EBUSY;
    }
    ++poll_depth_;
    return 0;
}

void Context::leave_poll() noexcept {
    if (--poll_depth_ == 0) {
        sys::store_release(poller_, uintptr_t{0});
    }
}

// Takes what is ready, when nothing is left from before. False: there is nothing.
bool Context::fetch() noexcept {
    if (!delivering_.head) {
        signalled_ = false;
        delivering_ = ready_.clear_and_take();
    }
    return delivering_.head != nullptr;
}

// Before a poll returns: the descriptor is readable exactly if completions wait.
void Context::settle_ready() noexcept {
    if (!delivering_.head && signalled_) {
        fetch();
    }
    if (delivering_.head && !signalled_) {
        ready_.signal();
        signalled_ = true;
    }
}

bool Context::next_completion(aioc_completion* ret, aioc_callback* ret_callback) noexcept {
    Request* const r = delivering_.take_first();
    if (!r) {
        return false;
    }
    ret->size = sizeof *ret;
    ret->operation = r->operation;
    ret->engine = r->engine;
    ret->flags = 0;
    ret->request = static_cast<aioc_request>(r->id);
    ret->result = r->result;
    ret->user_data = r->user_data;
    *ret_callback = r->callback;
    // From here on the id names nothing, also for a thread that cancels at this moment.
    sys::store_release(r->id, RequestSlab::next_id(r->id));
    delivered_.append(r);
    sys::add(outstanding_, ~uint64_t{0});
    uint64_t& cell = completed_[r->operation][r->engine];
    sys::store_relaxed(cell, cell + 1);
    sys::store_relaxed(completed_total_, completed_total_ + 1);
    constexpr uint32_t give_back_batch = 64;
    if (delivered_.length >= give_back_batch) {
        lock_.lock();
        give_back_delivered();
        lock_.unlock();
    }
    return true;
}

// With the lock held.
void Context::give_back_delivered() noexcept {
    while (Request* const r = delivered_.take_first()) {
        if (r->path) {
            paths_.give_back(r->path, r->path_class);
        }
        slab_.give_back(r);
    }
}

int Context::poll_callbacks() noexcept {
    if (const int error = enter_poll(); error < 0) {
        return error;
    }
    const uint32_t forks = forks_;
    int count = 0;
    fetch();
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
    break_ = false;
    settle_ready();
    lock_.lock();
    give_back_delivered();
    if (collecting()) {
        lock_.unlock();
    } else {
        flush_and_unlock();
    }
    leave_poll();
    return count;
}

int Context::poll_break() noexcept {
    if (sys::load_relaxed(poller_) != pthread_self() || callback_depth_ == 0) {
        return -EINVAL;
    }
    break_ = true;
    return 0;
}

int Context::reap(void* ret, uint32_t stride, uint32_t max) noexcept {
    if (const int error = enter_poll(); error < 0) {
        return error;
    }
    uint32_t count = 0;
    fetch();
    aioc_completion done;
    aioc_callback ignored;
    while (count < max && next_completion(&done, &ignored)) {
        char* const to = static_cast<char*>(ret) + size_t{count++} * stride;
        memcpy(to, &done, stride < sizeof done ? stride : sizeof done);
        memcpy(to, &stride, sizeof stride); // so that the array can be used again
    }
    settle_ready();
    lock_.lock();
    give_back_delivered();
    lock_.unlock();
    leave_poll();
    return static_cast<int>(count);
}

int Context::poll_wait(int timeout_ms) noexcept {
    if (const int error = enter_poll(); error < 0) {
        return error;
    }
    lock_.lock();
    flush_and_unlock(); // what is held would never complete
    int result = 1;
    if (!delivering_.head && ready_.empty()) {
        result = 0;
        if (outstanding() > 0) {
            // A stale signal (its completions were already taken) must not end the wait.
            timespec start{};
            clock_gettime(CLOCK_MONOTONIC, &start);
            for (int left = timeout_ms;;) {
                pollfd descriptor{ready_.event_fd, POLLIN, 0};
                const long polled = poll(&descriptor, 1, left);
                if (polled < 0) {
                    result = -errno;
                    break;
                }
                if (!ready_.empty() || (polled > 0 && fetch())) {
                    result = 1;
                    break;
                }
                if (timeout_ms >= 0) {
                    timespec now{};
                    clock_gettime(CLOCK_MONOTONIC, &now);
                    const int64_t spent =
                        (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
                    left = spent >= timeout_ms ? 0 : static_cast<int>(timeout_ms - spent);
                }
                if (polled == 0) {
                    break;
                }
            }
            settle_ready();
        }
    }
    leave_poll();
    return result;
}

} // namespace aioc
