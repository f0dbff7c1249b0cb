// SPDX-License-Identifier: MIT
#include "engine/workers/workers_engine.hpp"

#include "composite/composite.hpp"
#include "core/operation_table.hpp"
#include "core/plan.hpp"

#include <algorithm>
#include <errno.h>
#include <new>
#include <utility>

namespace aioc {

Generation* WorkersEngine::make_current() noexcept {
    if (!current_) {
        current_.reset(new (std::nothrow) Generation(spawner_, limits_, ready_, &board_, &departures_));
    }
    return current_.get();
}

// The generation whose workers may run these for the caller. Once per batch: the credentials are
// compared with four system calls.
Generation* WorkersEngine::generation_for(const RequestList& requests) noexcept {
    if (current_) {
        bool judged = false;
        for (const Request* r = requests.head; r && !judged; r = r->next) {
            judged = is_ticket(*r) || depends_on_credentials(*r) || (r->schedule & schedule_followed) != 0;
        }
        if (judged && !current_->serves_caller()) {
            retire_current();
        }
    }
    return make_current();
}

void WorkersEngine::retire_current() noexcept {
    if (current_) {
        current_->retire();
        current_->next = std::move(retired_);
        retired_ = std::move(current_);
    }
}

void WorkersEngine::free_drained() noexcept {
    std::unique_ptr<Generation>* at = &retired_;
    while (*at) {
        if (!(*at)->collect_ended() || (*at)->is_engaged()) {
            at = &(*at)->next;
            continue;
        }
        std::unique_ptr<Generation> drained = std::move(*at);
        *at = std::move(drained->next);
        wakeups_of_freed_ += drained->queue().wakes;
    }
}

int WorkersEngine::grow(Generation* generation, uint32_t count) noexcept {
    last_start_error_ = generation->grow(count, &started_);
    return last_start_error_;
}

// One more worker for each request, since any of them may wait after all, and only a submitter can start
// workers: none may come later. But never more workers than requests.
void WorkersEngine::add_missing(Generation* generation, const Staff& staff, uint64_t outstanding) noexcept {
    const uint32_t quick = std::min(limits_.quick_max + staff.waits, limits_.max);
    const uint64_t most = std::max(staff.slow ? limits_.max : quick, uint32_t{1}); // after max_parallel(0): one again
    const uint64_t wanted = std::min({uint64_t{staff.alive} + staff.missing, outstanding, most});
    if (wanted > staff.alive) {
        grow(generation, static_cast<uint32_t>(wanted));
    }
}

void WorkersEngine::submit(RequestList& requests, uint64_t outstanding) noexcept {
    if (retired_) {
        free_drained();
    }
    Generation* const generation = generation_for(requests);
    if (!generation) {
        return;
    }
    // After max_parallel(0) the next request starts one worker again.
    if (limits_.max == 0) {
        limits_.max = limits_.quick_max = 1;
        limits_.min = std::min(limits_.min, limits_.max);
        generation->set_limits(limits_);
    }
    bool crew = false;
    for (const Request* r = requests.head; r && !crew; r = r->next) {
        crew = is_ticket(*r) || works_on_tree(r->operation);
    }
    Staff staff;
    if (!generation->submit(requests, &staff)) {
        grow(generation, std::max(limits_.min, uint32_t{1}));
        if (!generation->submit(requests, &staff)) {
            return;
        }
    }
    add_missing(generation, staff, outstanding);
    if (crew) { // it enlists as many as there are processors
        grow(generation, std::min(std::max(limits_.quick_max, limits_.min), limits_.hot_max + 1));
    }
}

// A crew whose workers wait asks for more. They have the caller's rights, so if these differ none is started.
void WorkersEngine::answer_call() noexcept {
    if (!current_) {
        return;
    }
    JobQueue& queue = current_->queue();
    queue.mutex.lock();
    const uint32_t wanted = std::min(queue.hands_wanted, limits_.max);
    queue.hands_wanted = 0;
    queue.mutex.unlock();
    if (wanted > 0) {
        grow(current_.get(), wanted);
    }
}

bool WorkersEngine::engage(Helper* helper, bool judged) noexcept {
    Generation* const generation = helper->is_engaged() ? helper->generation() : current_.get();
    if (!generation || (judged && !helper->is_judged() && !generation->serves_caller())) {
        return false;
    }
    if (!helper->is_engaged()) {
        if (!generation->is_awake() || !generation->engage()) {
            return false;
        }
        helper->engage(generation);
    }
    if (judged) {
        helper->set_judged();
    }
    return true;
}

bool WorkersEngine::is_crowded() noexcept {
    if (!current_) {
        return false;
    }
    JobQueue& queue = current_->queue();
    queue.mutex.lock();
    const bool crowded = queue.slow > 0 && queue.idle == 0 && queue.alive >= limits_.max;
    queue.mutex.unlock();
    return crowded;
}

void WorkersEngine::warm() noexcept {
    if (limits_.max == 0 || (current_ && !current_->serves_caller()) || !make_current()) {
        return;
    }
    if (current_->alive() == 0) {
        grow(current_.get(), 1);
    } else {
        current_->warm();
    }
}

int WorkersEngine::cancel(Request* r) noexcept {
    if (sys::load_acquire(r->state) == state_queued) {
        JobQueue& queue = *queue_of(*r);
        queue.mutex.lock();
        const bool still = sys::load_relaxed(r->state) == state_queued;
        if (still) {
            queue.remove(r);
        }
        queue.mutex.unlock();
        if (still) {
            complete_cancelled(r, ready_);
            return 0;
        }
    }
    uint32_t running = state_running;
    const bool undone = is_undoable(*r) && sys::compare_exchange(r->state, running, uint32_t{state_cancelling});
    return undone ? 0 : -EALREADY;
}

void WorkersEngine::cancel_queued() noexcept {
    const auto cancel_all = [this](Generation* generation) {
        JobQueue& queue = generation->queue();
        queue.mutex.lock();
        RequestList queued;
        queue.remove_all(&queued);
        RequestList all;
        RequestList tickets; // somebody counts them: they find that their crew stops
        while (Request* const r = queued.take_first()) {
            (is_ticket(*r) ? tickets : all).append(r);
        }
        queue.append(tickets);
        for (Request* r = all.head; r; r = r->next) {
            sys::store_relaxed(r->state, uint32_t{state_done}); // cancel does not look for it on the queue
        }
        queue.mutex.unlock();
        while (Request* const r = all.take_first()) {
            complete_cancelled(r, ready_);
        }
    };
    if (current_) {
        cancel_all(current_.get());
    }
    for (Generation* g = retired_.get(); g; g = g->next.get()) {
        cancel_all(g);
    }
}

int WorkersEngine::set_min(uint32_t count) noexcept {
    limits_.min = count;
    limits_.max = std::max(limits_.max, count);
    limits_.quick_max = std::max(limits_.quick_max, count);
    if (count == 0 && !current_) {
        return 0;
    }
    Generation* const generation = make_current();
    if (!generation) {
        return -ENOMEM;
    }
    if (!generation->serves_caller()) {
        retire_current();
        return set_min(count);
    }
    generation->set_limits(limits_);
    return grow(generation, count);
}

void WorkersEngine::set_max(uint32_t count) noexcept {
    limits_.max = limits_.quick_max = count;
    limits_.min = std::min(limits_.min, count);
    if (count == 0) {
        // Those that end and are waited for are told from those that a request starts meanwhile.
        retire_current();
    } else if (current_) {
        current_->set_limits(limits_);
    }
}

Settlement WorkersEngine::settle(uint32_t count) noexcept {
    Settlement s;
    s.departures = sys::load_relaxed(departures_);
    free_drained();
    uint32_t alive = 0;
    uint32_t threads = 0;
    if (current_ && count > 0) {
        current_->collect_ended();
        alive = current_->alive();
        threads = current_->threads();
    }
    for (Generation* g = retired_.get(); g; g = g->next.get()) {
        alive += g->alive();
        threads += g->threads();
    }
    s.done = threads <= count;
    s.ending = alive <= count;
    return s;
}

void WorkersEngine::rebind() noexcept {
    retire_current();
    free_drained();
}

void WorkersEngine::stop() noexcept {
    retire_current();
    while (retired_) {
        retired_->join_all();
        free_drained();
    }
}

void WorkersEngine::forget() noexcept {
    // Their locks and lists may have been half changed at the fork: they are left, not destroyed.
    for (std::unique_ptr<Generation>* list : {&current_, &retired_}) {
        (void)list->release();
    }
    last_start_error_ = 0;
    board_ = OfferBoard{};
}

WorkerCounts WorkersEngine::counts() noexcept {
    WorkerCounts sum;
    sum.started = started_;
    sum.wakeups = wakeups_of_freed_;
    const auto add = [&sum](Generation* generation) {
        JobQueue& queue = generation->queue();
        sum.alive += generation->alive();
        queue.mutex.lock();
        sum.queued += queue.requests.length;
        sum.wakeups += queue.wakes;
        queue.mutex.unlock();
    };
    if (current_) {
        add(current_.get());
    }
    for (Generation* g = retired_.get(); g; g = g->next.get()) {
        add(g);
    }
    return sum;
}

} // namespace aioc
