// SPDX-License-Identifier: MIT
#include "engine/workers/generation.hpp"

#include "core/plan.hpp"

#include <errno.h>
#include <new>
#include <utility>

namespace aioc {
namespace {

uint32_t resolve(uint32_t spawner) noexcept {
    if (spawner != AIOC_SPAWNER_AUTO) {
        return spawner;
    }
#if defined(__SANITIZE_THREAD__)
    return AIOC_SPAWNER_PTHREAD;
#else
    return caller_is_privileged() ? AIOC_SPAWNER_PTHREAD : AIOC_SPAWNER_CLONE;
#endif
}

} // namespace

Generation::Generation(uint32_t spawner, const WorkerLimits& limits, ReadyList* ready, OfferBoard* board,
                       uint32_t* departures) noexcept
    : spawner_asked_(spawner) {
    adopt_caller();
    queue_.ready = ready;
    queue_.board = board;
    queue_.departures = departures;
    set_limits(limits);
}

void Generation::adopt_caller() noexcept {
    credentials_ = Credentials::of_caller();
    spawner_ = resolve(spawner_asked_);
    can_differ_ = credentials_can_differ();
}

bool Generation::serves_caller() const noexcept { return !can_differ_ || credentials_.same(Credentials::of_caller()); }

int Generation::start_one() noexcept {
    collect_ended();
    std::unique_ptr<WorkerThread> thread = std::move(spare_);
    if (thread) {
        spare_ = std::move(thread->next);
    } else {
        thread.reset(new (std::nothrow) WorkerThread);
    }
    if (!thread) {
        return -ENOMEM;
    }
    queue_.mutex.lock();
    ++queue_.alive; // before it runs, so that it does not look surplus to itself
    queue_.mutex.unlock();
    const int error = thread->start(spawner_, &queue_);
    if (error < 0) {
        queue_.mutex.lock();
        --queue_.alive;
        queue_.mutex.unlock();
        thread->next = std::move(spare_);
        spare_ = std::move(thread);
        return error;
    }
    thread->next = std::move(threads_);
    threads_ = std::move(thread);
    return 0;
}

int Generation::grow(uint32_t count, uint64_t* started) noexcept {
    // A new worker has the caller's rights. It must not serve requests of those whose rights are recorded:
    // a caller with other ones gets here with requests that need none.
    if (!serves_caller()) {
        if (alive() > 0) {
            return 0;
        }
        adopt_caller();
    }
    for (;;) {
        if (alive() >= count) {
            return 0;
        }
        if (const int error = start_one(); error < 0) {
            return error;
        }
        ++*started;
    }
}

Staff Generation::count_staff() const noexcept {
    const uint32_t waiting = queue_.requests.length + queue_.trying;
    return Staff{queue_.alive, waiting > queue_.idle ? waiting : 0, queue_.slow > 0, queue_.waits};
}

bool Generation::submit(RequestList& requests, Staff* ret) noexcept {
    queue_.mutex.lock();
    if (queue_.alive == 0) {
        queue_.mutex.unlock();
        return false;
    }
    for (Request* r = requests.head; r; r = r->next) {
        queue_of(*r) = &queue_;
        sys::store_relaxed(r->state, uint32_t{state_queued});
    }
    queue_.append(requests);
    Worker* const woken = queue_.choose_wake();
    *ret = count_staff();
    queue_.mutex.unlock();
    JobQueue::wake(woken);
    return true;
}

void Generation::warm() noexcept {
    queue_.mutex.lock();
    Worker* const woken = queue_.hot == 0 ? queue_.choose_any() : nullptr;
    if (woken) {
        sys::store_relaxed(queue_.warming, uint32_t{1});
    }
    queue_.mutex.unlock();
    JobQueue::wake(woken);
}

void Generation::set_limits(const WorkerLimits& limits) noexcept {
    queue_.mutex.lock();
    queue_.min = limits.min;
    queue_.max = limits.max;
    queue_.idle_timeout_ms = limits.idle_timeout_ms;
    queue_.spin_looks = limits.spin_looks;
    queue_.hot_max = limits.hot_max;
    queue_.wake_all_idle(); // they look at the limits again
    queue_.mutex.unlock();
}

void Generation::retire() noexcept {
    queue_.mutex.lock();
    queue_.stopping = 1;
    queue_.wake_all_idle();
    queue_.mutex.unlock();
}

bool Generation::collect_ended() noexcept {
    std::unique_ptr<WorkerThread>* at = &threads_;
    while (*at) {
        if (!(*at)->has_ended()) {
            at = &(*at)->next;
            continue;
        }
        std::unique_ptr<WorkerThread> ended = std::move(*at);
        *at = std::move(ended->next);
        ended->join();
        if (!spare_) {
            spare_ = std::move(ended);
        } else {
            ended->free_stack();
            ended->next = std::move(spare_->next);
            spare_->next = std::move(ended);
        }
    }
    return !threads_;
}

uint32_t Generation::alive() noexcept {
    queue_.mutex.lock();
    const uint32_t count = queue_.alive;
    queue_.mutex.unlock();
    return count;
}

uint32_t Generation::threads() const noexcept {
    uint32_t count = 0;
    for (const WorkerThread* t = threads_.get(); t; t = t->next.get()) {
        ++count;
    }
    return count;
}

void Generation::join_all() noexcept {
    while (threads_) {
        std::unique_ptr<WorkerThread> first = std::move(threads_);
        threads_ = std::move(first->next);
        first->join();
    }
}

} // namespace aioc
