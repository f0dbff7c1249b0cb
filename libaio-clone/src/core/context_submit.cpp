// SPDX-License-Identifier: MIT
#include "core/context.hpp"
#include "core/synchronous.hpp"
#include "sys/memory.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

namespace aioc {

namespace {

int check(const aioc_operation& op, const OperationRow* row) noexcept {
    if (!row || (op.flags & ~AIOC_USE_DIRFD) != 0) {
        return -EINVAL;
    }
    if ((row->uses & use_length) != 0 && op.length > INT64_MAX) {
        return -EINVAL;
    }
    return (row->uses & use_offset) != 0 && op.offset < 0 ? -EINVAL : 0;
}

// Given to the kernel by the inline engine as it is: the kernel finds out whether it can be read.
bool kernel_probes_path(const Request& r) noexcept {
    return r.operation == AIOC_OP_STAT || r.operation == AIOC_OP_LSTAT;
}

} // namespace

bool Context::in_callback() const noexcept {
    if (single_threaded_) {
        return callback_depth_ > 0;
    }
    // What is the poller's is read by the poller only.
    return sys::load_relaxed(poller_) == pthread_self() && callback_depth_ > 0;
}

// With the lock held: one operation into a slot, and on its way. `more`: others follow in this call.
aioc_request Context::accept(const aioc_operation& op, bool more) noexcept {
    const OperationRow* const row = find_operation(op.code);
    if (const int error = check(op, row); error < 0) {
        return error;
    }
    if (closing_) {
        return -ESHUTDOWN;
    }
    if (outstanding_max_ != UINT64_MAX && static_cast<uint64_t>(outstanding()) >= outstanding_max_) {
        return -EAGAIN;
    }
    Request* const r = slab_.take();
    if (!r) {
        return -ENOMEM;
    }
    const bool path = (row->uses & use_path) != 0;
    r->fd = path && (op.flags & AIOC_USE_DIRFD) == 0 ? AT_FDCWD : op.fd;
    r->operation = static_cast<uint16_t>(op.code);
    r->operation_flags = op.operation_flags;
    r->mode = op.mode;
    r->buffer = op.buffer;
    r->length = (row->uses & use_length) != 0 ? op.length : 0;
    r->offset = op.offset;
    r->callback = op.callback;
    r->user_data = op.user_data;
    r->path = path ? op.path : nullptr;
    r->path_class = path ? path_borrowed : uint8_t{0};
    r->attempt = attempt_none;
    r->partial = 0;
    r->held_fd = -1;
    sys::store_relaxed(submitted_, submitted_ + 1);
    if (holds_ > 0) {
        if (const int error = own_path(r); error < 0) {
            return refuse(r, error);
        }
        const auto id = static_cast<aioc_request>(r->id);
        sys::store_release(r->state, uint32_t{state_held});
        r->engine = AIOC_ENGINE_AUTO;
        held_.append(r);
        return id;
    }
    return start(r, more);
}

aioc_request Context::refuse(Request* r, int64_t error) noexcept {
    if (r->held_fd >= 0) {
        close(r->held_fd);
    }
    slab_.give_back(r);
    sys::store_relaxed(submitted_, submitted_ - 1);
    return error;
}

// The request's path becomes the library's copy.
int Context::own_path(Request* r) noexcept {
    if (r->path_class != path_borrowed || !r->path) {
        return r->path_class == path_borrowed ? -EFAULT : 0;
    }
    const long length = sys::readable_string_length(r->path, PATH_MAX);
    if (length < 0) {
        return static_cast<int>(length);
    }
    uint8_t block_class = 0;
    char* const copy = paths_.take(static_cast<size_t>(length) + 1, &block_class);
    if (!copy) {
        return -ENOMEM;
    }
    memcpy(copy, r->path, static_cast<size_t>(length));
    copy[length] = '\0';
    r->path = copy;
    r->path_class = block_class;
    return 0;
}

// With the lock held: inline if it can be, else collected for its engine. Refuses only for its path.
aioc_request Context::start(Request* r, bool more) noexcept {
    const auto id = static_cast<aioc_request>(r->id);
    r->cost = Router::cost_of(*r);
    Circumstances is;
    const EngineChoice& choice = router_.choice();
    if (choice.inline_engine || r->operation == AIOC_OP_NOP || r->operation == AIOC_OP_READ || r->operation == AIOC_OP_WRITE) {
        if (r->path_class == path_borrowed && !kernel_probes_path(*r)) {
            if (const int error = own_path(r); error < 0) {
                return refuse(r, error);
            }
        }
        r->attempt = inline_.attempt_for(*r);
        if (r->attempt == attempt_none && (r->operation == AIOC_OP_READ || r->operation == AIOC_OP_WRITE)) {
            is.direct = inline_.is_direct(*r);
        }
    }
    if (choice.inline_engine && r->attempt != attempt_none && !inline_.burst_over() && !give_to_helper(r, more)) {
        if (answer_inline(r)) {
            return id;
        }
        if (r->path_class == path_borrowed && (r->result == -EFAULT || r->result == -ENAMETOOLONG)) {
            if (const int error = own_path(r); error < 0) {
                return refuse(r, error);
            }
        }
        is.missed = r->result == -EAGAIN;
        if (r->result == -EOPNOTSUPP) {
            // Now it is known of the descriptor: a file in memory is read by the plain call.
            r->attempt = inline_.attempt_for(*r);
            if (r->attempt == attempt_direct && answer_inline(r)) {
                return id;
            }
        }
        r->attempt = attempt_none;
    }
    if (const int error = own_path(r); error < 0) {
        return refuse(r, error);
    }
    // A worker has no use for the other attempts: it may wait.
    if (r->attempt != attempt_nowait && r->operation != AIOC_OP_NOP) {
        r->attempt = attempt_none;
    }
    router_.route(r, is);
    r->queue = nullptr;
    sys::store_release(r->state, uint32_t{state_held});
    if (r->engine == AIOC_ENGINE_RING) {
        to_ring_.append(r);
        return id;
    }
    to_workers_.append(r);
    constexpr uint32_t handful = 8; // given early, so that the helper works while the caller submits more
    if (round_given_ > 0 && to_workers_.length >= handful && workers_.is_hot()) {
        flush_workers();
    }
    return id;
}

// While the caller runs one half of a batch, a worker that is awake anyway runs the other.
bool Context::give_to_helper(Request* r, bool more) noexcept {
    if (!router_.choice().helper || !Router::shares(*r) || (!more && !in_callback()) ||
        round_given_ + r->cost > round_inline_ || !workers_.is_hot()) {
        round_inline_ += r->cost;
        return false;
    }
    round_given_ += r->cost;
    ++given_since_warm_;
    return true;
}

// Runs it in this thread, without the lock. False: it goes on to another engine.
bool Context::answer_inline(Request* r) noexcept {
    sys::store_release(r->state, uint32_t{state_running});
    lock_.unlock();
    const bool answered = inline_.run(r);
    lock_.lock();
    const bool bad_path = r->path_class == path_borrowed && (r->result == -EFAULT || r->result == -ENAMETOOLONG);
    if (!inline_.confirm(*r, answered) || bad_path) {
        return false;
    }
    if (r->path_class == path_borrowed) {
        r->path = nullptr;
    }
    r->engine = AIOC_ENGINE_INLINE;
    aioc_zone_finish(r);
    ready_.push(r);
    return true;
}

RingEngine* Context::open_ring() noexcept {
    if (ring_status_ > 0) {
        RingSettings settings;
        settings.single_threaded = single_threaded_;
        const int status = ring_.open(settings, ready_.event_fd);
        sys::store_release(ring_status_, status);
        sys::full_fence();
        ready_.wake_sleeper(); // who sleeps there does not see the ring's completions
    }
    return ring_status_ == 0 ? &ring_ : nullptr;
}

// With the lock held. What no worker can run goes to unserved_.
void Context::flush_workers() noexcept {
    workers_.submit(to_workers_, static_cast<uint64_t>(outstanding()));
    for (Request* r = to_workers_.head; r; r = r->next) {
        r->engine = AIOC_ENGINE_SYNC;
        sys::store_release(r->state, uint32_t{state_running}); // cancel leaves it alone
    }
    unserved_.splice(to_workers_);
}

// Gives what was collected to the engines. What none can run is run here, without the lock.
void Context::flush_and_unlock() noexcept {
    if (to_ring_.head) {
        if (RingEngine* const ring = open_ring()) {
            ring->submit(to_ring_);
        }
        for (Request* r = to_ring_.head; r; r = r->next) {
            r->engine = AIOC_ENGINE_WORKERS;
        }
        to_workers_.splice(to_ring_);
    }
    if (to_workers_.head) {
        flush_workers();
    }
    RequestList here;
    here.splice(unserved_);
    lock_.unlock();
    if (here.head) {
        run_synchronously(here, &ready_);
    }
}

aioc_request Context::submit_one(const aioc_operation& op) noexcept {
    lock_.lock();
    const aioc_request id = accept(op, false);
    if (collecting()) {
        lock_.unlock();
    } else {
        flush_and_unlock();
    }
    return id;
}

int Context::submit(const void* ops, uint32_t stride, uint32_t count, aioc_request* ret) noexcept {
    lock_.lock();
    aioc_request last = 0;
    uint32_t accepted = 0;
    for (; accepted < count; ++accepted) {
        aioc_operation op{};
        const char* const from = static_cast<const char*>(ops) + size_t{accepted} * stride;
        memcpy(&op, from, stride < sizeof op ? stride : sizeof op);
        last = op.size == stride ? accept(op, count > 1) : -EINVAL;
        if (last < 0) {
            break;
        }
        if (ret) {
            ret[accepted] = last;
        }
    }
    if (collecting()) {
        lock_.unlock();
    } else {
        if (count > 1) {
            end_round();
        }
        flush_and_unlock();
    }
    return accepted > 0 || count == 0 ? static_cast<int>(accepted) : static_cast<int>(last);
}

int Context::cancel(aioc_request id) noexcept {
    lock_.lock();
    Request* const r = slab_.find(id);
    int result = -ENOENT;
    if (r && sys::load_acquire(r->state) == state_held) {
        (r->engine == AIOC_ENGINE_AUTO ? held_ : r->engine == AIOC_ENGINE_RING ? to_ring_ : to_workers_).remove(r);
        complete_cancelled(r, &ready_);
        result = 0;
    } else if (r) {
        result = r->engine == AIOC_ENGINE_RING ? ring_.cancel(r) : workers_.cancel(r);
    }
    lock_.unlock();
    return result;
}

int Context::hold() noexcept {
    lock_.lock();
    ++holds_;
    lock_.unlock();
    return 0;
}

int Context::release() noexcept {
    lock_.lock();
    if (holds_ == 0) {
        lock_.unlock();
        return -EINVAL;
    }
    if (--holds_ > 0) {
        lock_.unlock();
        return 0;
    }
    start_held();
    if (in_callback()) {
        lock_.unlock();
    } else {
        end_round();
        flush_and_unlock();
    }
    return 0;
}

// With the lock held.
void Context::start_held() noexcept {
    RequestList held;
    held.splice(held_);
    for (Request* r = held.head; r; r = r->next) {
        sys::store_release(r->state, uint32_t{state_running}); // not on a list where cancel would look
    }
    while (Request* const r = held.take_first()) {
        start(r, held.head != nullptr); // its path is ours already: it is not refused
    }
}

} // namespace aioc
