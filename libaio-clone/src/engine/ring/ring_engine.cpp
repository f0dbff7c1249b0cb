// SPDX-License-Identifier: MIT
#include "engine/ring/ring_engine.hpp"

#include "engine/ring/ring_encode.hpp"
#include "engine/ring/ring_order.hpp"
#include "engine/ring/ring_setup.hpp"

#include <errno.h>
#include <new>

namespace aioc {
namespace {

// The kernel is short of something that completions give back.
bool is_passing(int error) noexcept {
    return error == -EAGAIN || error == -EBUSY || error == -ENOMEM || error == -EINTR;
}

} // namespace

int RingEngine::probe(const char** ret_reason) noexcept {
    RingSetup trial;
    RingSettings settings; // the very flags of a shared context's ring, only smaller
    settings.entries = 4;
    settings.max_in_flight = 8;
    const int error = set_up_ring(settings, &trial, ret_reason);
    if (error == 0) {
        tear_down_ring(&trial);
    }
    return error;
}

int RingEngine::open(const RingSettings& settings, int event_fd) noexcept {
    if (setup_) {
        return -EBUSY;
    }
    setup_ = new (std::nothrow) RingSetup;
    if (!setup_) {
        return -ENOMEM;
    }
    const char* reason;
    int error = set_up_ring(settings, setup_, &reason);
    if (error == 0) {
        error = io_uring_register_eventfd(&setup_->ring, event_fd);
        if (error < 0) {
            tear_down_ring(setup_);
        }
    }
    if (error < 0) {
        delete setup_;
        setup_ = nullptr;
        return error;
    }
    const io_uring& ring = setup_->ring;
    // A completion queue that can hold all answers never overflows. (The kernel would keep the rest, slowly.)
    limit_ = settings.max_in_flight;
    if (settings.cq_entries == 0 && limit_ > ring.cq.ring_entries) {
        limit_ = ring.cq.ring_entries;
    }
    // Only the thread that submitted can run its completion work. If the poller may be another, looking
    // for TASKRUN would make it turn in circles.
    watched_flags_ = IORING_SQ_CQ_OVERFLOW | (settings.single_threaded ? IORING_SQ_TASKRUN : 0u);
    tail_ = *ring.sq.ktail;
    refused_ = stopping_ = 0;
    no_sync_cancel_ = false;
    sq_flags_ = ring.sq.kflags;
    cq_tail_ = ring.cq.ktail;
    cq_head_ = ring.cq.khead;
    register_buffers();
    return 0;
}

bool RingEngine::can_wait() const noexcept {
    return setup_ && (setup_->flags & IORING_SETUP_DEFER_TASKRUN) != 0 && sys::load_relaxed(refused_) == 0;
}
int RingEngine::wait(const sys::Timeout* timeout) const noexcept { return wait_in_ring(*setup_, timeout); }

uint32_t RingEngine::rung() const noexcept { return setup_ ? setup_->rung : rungs; }
const char* RingEngine::rung_name() const noexcept { return aioc::rung_name(rung()); }
uint32_t RingEngine::setup_flags() const noexcept { return setup_ ? setup_->flags : 0; }

bool RingEngine::serves(const Request& r) const noexcept {
    return setup_ && sys::load_relaxed(refused_) == 0 && setup_->operations.has(r.operation) && encodes(r);
}

// last: the descriptor and operation that were looked at before in this batch.
bool RingEngine::takes(const Request& r, Look* last) const noexcept {
    if (!serves(r)) {
        return false;
    }
    if (!is_transfer(r.operation) || files_.slot_of(r.fd) >= 0) {
        return true;
    }
    if (r.fd != last->fd || r.operation != last->operation) {
        *last = {r.fd, r.operation, has_position(r.fd, is_read(r.operation))};
    }
    return last->has_position;
}

void RingEngine::submit(RequestList& requests) noexcept {
    if (!setup_) {
        return;
    }
    take_continued();
    RequestList others;
    Look last;
    while (Request* const r = requests.take_first()) {
        if (!takes(*r, &last)) {
            others.append(r);
            continue;
        }
        sys::store_release(r->state, uint32_t{state_queued});
        backlog_.append(r);
    }
    requests.splice(others);
    int error;
    do {
        error = feed();
        // The poller takes from in_flight and then looks at waiting_ (reap): one of us sees the other.
        store_waiting();
        sys::full_fence();
    } while (error == 0 && backlog_.head && in_flight() < limit_);
    if (error != 0 && (!is_passing(error) || in_flight() == 0)) {
        hand_over_backlog(requests);
        store_waiting();
    }
}

// The kernel takes nothing, and no completion will bring us back here: another engine does it.
void RingEngine::hand_over_backlog(RequestList& requests) noexcept {
    for (Request* r = backlog_.head; r; r = r->next) {
        sys::store_release(r->state, uint32_t{state_held});
    }
    RequestList all;
    backlog_.take_all(&all);
    requests.splice(all);
}

// From the backlog into the kernel, as much as there is room for.
int RingEngine::feed() noexcept {
    const io_uring_sq& sq = setup_->ring.sq;
    if (const uint32_t error = sys::load_relaxed(refused_); error != 0) {
        return -static_cast<int>(error);
    }
    while (backlog_.head && in_flight() < limit_) {
        if (tail_ - sys::load_acquire(*sq.khead) == sq.ring_entries) {
            if (const int error = flush(); error < 0) {
                return error;
            }
        }
        Request* const r = backlog_.take_first();
        sys::store_release(r->state, uint32_t{state_running});
        encode(*r, buffers_, files_, &sq.sqes[tail_ & sq.ring_mask]);
        given_to_kernel(r);
        ++tail_;
        sys::add(in_flight_, uint32_t{1});
    }
    return flush();
}

// Gives the entries to the kernel: one system call, unless the kernel stops at an entry that it refuses
// (before SUBMIT_ALL). On failure what it did not take is back in the backlog.
int RingEngine::flush() noexcept {
    const io_uring& ring = setup_->ring;
    for (;;) {
        const uint32_t pending = tail_ - sys::load_acquire(*ring.sq.khead);
        if (pending == 0) {
            return 0;
        }
        sys::store_release(*ring.sq.ktail, tail_);
        const int taken = enter_ring(*setup_, pending, 0);
        sys::store_relaxed(enters_, enters_ + 1);
        if (taken > 0) {
            continue;
        }
        const int error = taken < 0 ? taken : -EAGAIN;
        take_back();
        // -EEXIST: a thread to which this ring does not belong; its own thread may go on.
        if (!is_passing(error) && error != -EEXIST) {
            sys::store_relaxed(refused_, static_cast<uint32_t>(-error));
        }
        return error;
    }
}

// Nobody but io_uring_enter reads the queue (there is no SQPOLL), so what was announced can be taken back.
void RingEngine::take_back() noexcept {
    const io_uring_sq& sq = setup_->ring.sq;
    const uint32_t head = sys::load_acquire(*sq.khead);
    RequestList back;
    for (uint32_t at = head; at != tail_; ++at) {
        const uint64_t data = sq.sqes[at & sq.ring_mask].user_data;
        if (data != cancel_tag) {
            auto* const r = reinterpret_cast<Request*>(static_cast<uintptr_t>(data));
            sys::store_release(r->state, uint32_t{state_queued});
            back.append(r);
        }
    }
    sys::add(in_flight_, ~back.length + 1);
    tail_ = head;
    sys::store_release(*sq.ktail, tail_);
    backlog_.give_back(back);
}

// Short reads go on before anything new is started.
void RingEngine::take_continued() noexcept {
    RequestList first;
    for (Request* r = sys::exchange(continued_, static_cast<Request*>(nullptr)); r;) {
        Request* const next = r->next;
        sys::store_release(r->state, uint32_t{state_queued});
        first.append(r);
        r = next;
    }
    backlog_.give_back(first);
}

void RingEngine::stop() noexcept {
    if (!setup_) {
        return;
    }
    cq_head_ = cq_tail_ = sq_flags_ = nullptr;
    tear_down_ring(setup_);
    delete setup_;
    setup_ = nullptr;
    files_.forget();
}

} // namespace aioc
