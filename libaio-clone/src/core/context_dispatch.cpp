// SPDX-License-Identifier: MIT
#include "core/context.hpp"
#include "core/synchronous.hpp"
#include "worker/job_queue.hpp"

#include <errno.h>

namespace aioc {
namespace {

// The kernel gets the caller's own string, and finds out whether it can be read.
bool kernel_probes_path(const Request& r) noexcept {
    return r.operation == AIOC_OP_STAT || r.operation == AIOC_OP_LSTAT;
}

} // namespace

// Can it be tried here? If not, ret says what is known for the router. Its path must be ours, or one that the kernel
// probes.
bool Context::classify(Request* r, Circumstances* ret) noexcept {
    const EngineChoice& choice = router_.choice();
    const bool vector = r->operation == AIOC_OP_READV || r->operation == AIOC_OP_WRITEV; // never tried, but looked at
    const bool transfer = r->operation == AIOC_OP_READ || r->operation == AIOC_OP_WRITE || vector;
    r->attempt = attempt_none;
    if (choice.inline_engine || transfer || r->operation == AIOC_OP_NOP) {
        inline_.classify(r);
    }
    if (r->attempt == attempt_none) {
        ret->direct = transfer && inline_.is_direct(*r);
        return false;
    }
    if (choice.inline_engine && !inline_.burst_over() && !must_wait_its_turn(*r)) {
        const bool misses = inline_.expects_miss(*r);
        ret->missed = misses && r->attempt != attempt_cached_load; // maybe its files are large, or in memory anyhow
        return !misses;
    }
    return false;
}

void Context::count_routed(Request* r) noexcept {
    if (in_order_) {
        r->schedule |= schedule_counted;
        sys::add(routed_, uint32_t{1});
    }
}

// Names the engine. The request is given to it by the next flush.
void Context::route(Request* r, const Circumstances& is) noexcept {
    // An open for which a cancel was promised while it was tried here.
    if (sys::load_acquire(r->state) == state_cancelling) {
        complete_cancelled(r, &ready_);
        return;
    }
    if (r->operation == AIOC_OP_CUSTOM) {
        r->engine = AIOC_ENGINE_WORKERS;
        r->queue = nullptr;
        count_routed(r);
        to_custom_.append(r);
        return;
    }
    if (r->operation == AIOC_OP_WALK_NEXT) {
        wait_for_entries(r);
        return;
    }
    // Of the attempts only these are of use to a worker, which may wait.
    const bool batchable = r->attempt == attempt_nowait || r->attempt == attempt_direct;
    if (is.missed || !batchable) {
        r->attempt = attempt_none;
    }
    const bool by_path = (find_operation(r->operation)->uses & use_path) != 0;
    const uint64_t remote = inline_.remote_device(*r, by_path);
    if (remote != 0) {
        r->attempt = attempt_none; // most of them have no RWF_NOWAIT, and what is not in memory takes long
    }
    Circumstances more = is;
    more.remote = remote != 0;
    more.crowded = (is.missed || Router::waits(*r)) && workers_.is_crowded();
    router_.route(r, more);
    if (r->engine == AIOC_ENGINE_RING && !(open_ring() && ring_.serves(*r))) {
        r->engine = AIOC_ENGINE_WORKERS;
    }
    if (r->engine == AIOC_ENGINE_RING) {
        r->attempt = attempt_none;
    } else if (remote != 0 && !take_place(r, remote)) {
        return;
    }
    count_routed(r);
    r->queue = nullptr;
    if (has_plan(*r)) {
        open_passages(r);
    }
    (r->engine == AIOC_ENGINE_RING ? to_ring_ : to_workers_).append(r);
}

RingEngine* Context::open_ring() noexcept {
    if (ring_status_ > 0) {
        RingSettings settings;
        settings.single_threaded = single_threaded_;
        settings.rung = ring_rung_;
        const int status = ring_.open(settings, ready_.event_fd);
        sys::store_release(ring_status_, status);
        sys::full_fence();
        ready_.wake_sleeper(); // who sleeps there does not see the ring's completions
    }
    return ring_status_ == 0 ? &ring_ : nullptr;
}

// Gives what was routed to the engines. What none can run is run here.
void Context::flush_engines_and_unlock() noexcept {
    if (to_ring_.head || (ring_ready() && ring_.wants_submit())) {
        ring_.submit(to_ring_);
        for (Request* r = to_ring_.head; r; r = r->next) {
            r->engine = AIOC_ENGINE_WORKERS;
        }
        to_workers_.splice(to_ring_);
    }
    RequestList here;
    if (to_workers_.head || to_custom_.head) {
        const auto all = static_cast<uint64_t>(outstanding());
        if (to_workers_.head) {
            workers_.submit(to_workers_, all);
        }
        if (to_custom_.head) {
            custom_.submit(to_custom_, all);
        }
        here.splice(to_workers_);
        here.splice(to_custom_);
        for (Request* r = here.head; r; r = r->next) {
            r->engine = AIOC_ENGINE_SYNC;
            sys::store_release(r->state, uint32_t{state_running}); // cancel leaves it alone
        }
    }
    lock_.unlock();
    if (here.head) {
        run_synchronously(here, &ready_);
    }
}

// One request outside of a batch. Refused only for its path.
aioc_request Context::start_and_unlock(Request* r) noexcept {
    const auto id = static_cast<aioc_request>(r->id);
    int error = kernel_probes_path(*r) ? 0 : own_path(r);
    Circumstances is;
    sys::store_relaxed(r->state, uint32_t{state_running});
    if (error == 0 && classify(r, &is)) {
        lock_.unlock();
        inline_.run(r);
        lock_.lock();
        if (r->result == -EFAULT || r->result == -ENAMETOOLONG) {
            error = own_path(r); // maybe it was for the path
        }
        if (error == 0 && inline_.settle(r)) {
            if (r->path_class == path_borrowed) {
                r->path = nullptr;
            }
            RequestList answered;
            answered.append(r);
            lock_.unlock();
            deliver(answered);
            return id;
        }
        is.missed = r->attempt != attempt_cached_load || r->result != -EOPNOTSUPP;
    }
    if (error == 0) {
        error = own_path(r);
    }
    if (error < 0) {
        const aioc_request refused = refuse(r, error);
        lock_.unlock();
        return refused;
    }
    if (collecting()) { // started alone within a callback: what follows goes with it
        sys::store_relaxed(r->state, uint32_t{state_held});
        collected_.append(r);
        lock_.unlock();
        return id;
    }
    route(r, is);
    flush_engines_and_unlock();
    return id;
}

void Context::dispatch_and_unlock(RequestList& batch) noexcept {
    if (!batch.head && !kept_.head) {
        flush_engines_and_unlock();
        return;
    }
    if (keeps_order()) {
        dispatch_in_order_and_unlock(batch);
        return;
    }
    RequestList here;
    Helper helper;
    bool judged = false;
    take_early(&here, &helper, &judged);
    const bool shared = router_.choice().helper && workers_.is_hot();
    while (Request* const r = batch.take_first()) {
        Circumstances is;
        if (classify(r, &is)) {
            judged = judged || depends_on_credentials(*r);
            if (shared) {
                inline_.classify_for_worker(r);
            }
            here.append(r);
        } else {
            route(r, is);
        }
    }
    consider_warming(here.cost + helper.helped_ns());
    bool engaged = false;
    if (router_.choice().helper && here.cost >= Helper::ns_min) {
        engaged = workers_.engage(&helper, judged);
    }
    flush_engines_and_unlock();
    if (!here.head && !helper.is_engaged()) {
        return;
    }
    RequestList answered;
    run_here_and_lock(here, engaged, &helper, &answered);
    flush_engines_and_unlock();
    deliver(answered);
}

// As soon as one has to wait, all that follow do. What only looks is run together, and a worker may have a part of it:
// what changes something waits until that is back, or on the queue of that worker.
void Context::dispatch_in_order_and_unlock(RequestList& batch) noexcept {
    RequestList answered;
    RequestList looks;
    Helper helper;
    bool judged = false;
    take_early(&looks, &helper, &judged);
    const bool shared = router_.choice().helper && looks.cost + batch.cost >= Helper::ns_min;
    for (bool may_end = shared;; may_end = shared) {
        Circumstances is;
        bool tried = false;
        Request* r = nullptr;
        while ((r = batch.take_first()) != nullptr) {
            tried = classify(r, &is);
            if (!tried || !Router::only_looks(*r)) {
                break;
            }
            judged = judged || depends_on_credentials(*r);
            may_end = may_end && inline_.classify_for_ordered_worker(r);
            looks.append(r);
        }
        if (looks.head || helper.is_engaged()) {
            consider_warming(looks.cost + helper.helped_ns());
            const bool engaged = may_end && looks.cost >= Helper::ns_min && workers_.engage(&helper, judged);
            lock_.unlock();
            run_here_and_lock(looks, engaged, &helper, &answered);
            helper = Helper{};
            judged = false;
        }
        if (!r) {
            break;
        }
        if (tried && !must_wait_its_turn(*r)) {
            lock_.unlock();
            inline_.run(r);
            lock_.lock();
            if (inline_.settle(r)) {
                answered.append(r);
                continue;
            }
            is.missed = true;
        }
        route(r, is);
    }
    if (answered.head) { // before a worker can end what is behind it
        lock_.unlock();
        deliver(answered);
        lock_.lock();
    }
    flush_engines_and_unlock();
}

// What a callback has shared or kept.
void Context::take_early(RequestList* ret, Helper* ret_helper, bool* ret_judged) noexcept {
    if (!is_poller()) {
        return;
    }
    *ret_judged = judged_early_;
    judged_early_ = false;
    *ret_helper = early_;
    early_ = Helper{};
    ret_helper->reclaim(ret);
    ret->splice(kept_);
    ret->splice(chunk_);
}

// Inside a callback, where more requests may follow: a worker that spins is given a part of the batch at
// once, while this thread goes on collecting. The first part is kept, so that this thread is not left waiting.
bool Context::share_early(Request* r) noexcept {
    Circumstances is;
    if (!router_.choice().helper || !Router::shares(*r) || !workers_.is_hot()) {
        return false;
    }
    const bool ordered = keeps_order();
    if (ordered && (!Router::only_looks(*r) || collected_.head || starting_.head)) {
        return false;
    }
    if (!classify(r, &is) || (ordered && !inline_.classify_for_ordered_worker(r))) {
        return false;
    }
    constexpr uint64_t kept_ns = 2'000;
    constexpr uint64_t part_ns = 12'000; // the first; the next ones are as long as all before them
    sys::store_relaxed(r->state, uint32_t{state_running});
    judged_early_ = judged_early_ || depends_on_credentials(*r);
    if (kept_.cost < kept_ns) {
        kept_.append(r);
        return true;
    }
    if (!ordered) {
        inline_.classify_for_worker(r);
    }
    chunk_.append(r);
    if (chunk_.cost >= part_ns && chunk_.cost >= early_.offered_ns()) {
        if (workers_.engage(&early_, judged_early_) && early_.is_free()) {
            early_.offer(chunk_);
        }
    }
    return true;
}

// Runs what can be tried. As soon as a worker spins, half of what is left hangs out for it; it takes that, or
// this thread takes it back when it has nothing else.
void Context::run_here(RequestList& here, Helper* helper, RequestList* ran) noexcept {
    while (Request* const r = here.take_first()) {
        if (helper && helper->is_free()) {
            helper->offer_half(here);
        }
        r->answered = answer_untried;
        if (!inline_.burst_over()) {
            inline_.run(r);
        }
        ran->append(r);
        if (!here.head && helper) {
            helper->reclaim(&here);
        }
    }
}

void Context::run_here_and_lock(RequestList& here, bool engaged, Helper* helper, RequestList* ret_answered) noexcept {
    RequestList ran;
    run_here(here, engaged ? helper : nullptr, &ran);
    lock_.lock();
    helped_ns_ += helper->helped_ns();
    helper->release();
    settle(ran, ret_answered);
}

// With the lock held: what was answered, and the rest to other engines. An open that was cancelled while it was
// tried, which cancel has promised to be undone, is not started again: that would forget the cancel.
void Context::settle(RequestList& ran, RequestList* ret_answered) noexcept {
    while (Request* const r = ran.take_first()) {
        if (r->answered != answer_yes && sys::load_relaxed(r->state) == state_cancelling) {
            if (r->held_fd >= 0) {
                sys::call(SYS_close, r->held_fd);
            }
            r->result = -ECANCELED;
            ret_answered->append(r);
        } else if (r->answered == answer_untried) {
            route(r, Circumstances{});
        } else if (inline_.settle(r)) {
            ret_answered->append(r);
        } else {
            Circumstances is;
            is.missed = r->result != -EOPNOTSUPP;
            // A descriptor whose file system has no RWF_NOWAIT may be one in memory.
            if (!is.missed && classify(r, &is) && r->attempt == attempt_direct) {
                inline_.run(r);
                ret_answered->append(r);
                continue;
            }
            route(r, is);
        }
    }
}

// To the poller's own list if this is the poller, else through the ready list.
void Context::deliver(RequestList& answered) noexcept {
    if (!answered.head) {
        return;
    }
    for (Request* r = answered.head; r; r = r->next) {
        aioc_zone_finish(r);
    }
    if (is_poller()) {
        answered_.splice(answered);
        if (poll_depth_ == 0) { // else the end of the poll does it
            settle_descriptor();
        }
        return;
    }
    DoneChain chain;
    while (Request* const r = answered.take_first()) {
        chain.add(r);
    }
    ready_.push(chain);
}

// With the lock held. A batch that would have been worth sharing, again and again: a worker is woken to look
// for the next one. If it then goes to sleep without having got much, the next time takes longer. A batch
// that takes far longer than the wake is worth it at once.
void Context::consider_warming(uint64_t cost_ns) noexcept {
    constexpr uint64_t worth_ns = 10'000;
    constexpr uint64_t worth_a_wake_ns = 200'000;
    constexpr uint64_t much_ns = 200'000;
    constexpr uint32_t patience_min = 2;
    constexpr uint32_t patience_max = 1024;
    if (cost_ns < worth_ns || !router_.choice().helper) {
        cold_rounds_ = 0;
        return;
    }
    if (workers_.is_hot() || (++cold_rounds_ < warm_patience_ && cost_ns < worth_a_wake_ns)) {
        return;
    }
    cold_rounds_ = 0;
    warm_patience_ = helped_ns_ > much_ns ? patience_min : warm_patience_ * 2;
    if (warm_patience_ > patience_max) {
        warm_patience_ = patience_max;
    }
    helped_ns_ = 0;
    workers_.warm();
}

} // namespace aioc
