// SPDX-License-Identifier: MIT
#include "engine/ring/ring_engine.hpp"

#include "core/operation_uses.hpp"
#include "engine/ring/ring_setup.hpp"

#include <errno.h>
#include <string.h>

namespace aioc {

// A running open is undone whatever comes of it, so it can be promised at once. Of all else only the kernel
// knows whether it can be stopped: what waits in its queues can, what is at the device or runs can't. It is
// asked, but nothing is promised: IORING_REGISTER_SYNC_CANCEL also answers 0 for what ran and has just ended
// (io_sync_cancel, io_uring/cancel.c; seen on 6.18). No request completes before the kernel has let go of its
// buffer.
int RingEngine::cancel(Request* r) noexcept {
    if (!setup_) {
        return -EALREADY;
    }
    if (sys::load_acquire(r->state) == state_queued) {
        backlog_.remove(r);
        store_waiting();
        complete_cancelled(r, ready_);
        return 0;
    }
    const bool undone = is_undoable(*r);
    uint32_t running = state_running;
    if (!sys::compare_exchange(r->state, running, uint32_t{undone ? state_cancelling : state_stopping})) {
        return -EALREADY;
    }
    ask_kernel_to_stop(r);
    return undone ? 0 : -EALREADY;
}

void RingEngine::ask_kernel_to_stop(const Request* r) noexcept {
    if (!no_sync_cancel_) {
        io_uring_sync_cancel_reg which{};
        which.addr = reinterpret_cast<uintptr_t>(r);
        which.fd = -1;
        // timeout {0, 0}: do not wait for what runs (it answers -ETIME then)
        const int error = io_uring_register_sync_cancel(&setup_->ring, &which);
        if (error != -EINVAL && error != -ENOSYS) {
            return;
        }
        no_sync_cancel_ = true; // before Linux 6.0
    }
    const io_uring_sq& sq = setup_->ring.sq;
    if (sys::load_relaxed(refused_) == 0 && tail_ - sys::load_acquire(*sq.khead) < sq.ring_entries) {
        io_uring_sqe* const entry = &sq.sqes[tail_++ & sq.ring_mask];
        memset(entry, 0, sizeof *entry);
        entry->opcode = IORING_OP_ASYNC_CANCEL;
        entry->fd = -1;
        entry->addr = reinterpret_cast<uintptr_t>(r);
        entry->user_data = cancel_tag;
        flush();
        store_waiting();
    }
}

void RingEngine::cancel_all() noexcept {
    if (!setup_) {
        return;
    }
    take_continued();
    while (Request* const r = backlog_.take_first()) {
        complete_cancelled(r, ready_);
    }
    store_waiting();
    if (in_flight() == 0) {
        return;
    }
    // From here on "cancelled" and "interrupted" are answers, and no reason to try again elsewhere.
    sys::store_relaxed(stopping_, uint32_t{1});
    io_uring_sync_cancel_reg which{};
    which.fd = -1;
    which.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    io_uring_register_sync_cancel(&setup_->ring, &which); // before Linux 6.0 they end by themselves
}

} // namespace aioc
