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

} // namespace

// With the lock held: one operation into a slot, on the list of the collected.
aioc_request Context::accept(const aioc_operation& op) noexcept {
    const OperationRow* const row = find_operation(op.code);
    if (const int error = check(op, row); error < 0) {
        return error;
    }
    if (closing_) {
        return -ESHUTDOWN;
    }
    if (sys::load_relaxed(outstanding_) >= outstanding_max_) {
        return -EAGAIN;
    }
    const bool path = (row->uses & use_path) != 0;
    long path_length = 0;
    if (path) {
        path_length = sys::readable_string_length(op.path, PATH_MAX);
        if (path_length < 0) {
            return path_length;
        }
    }
    Request* const r = slab_.take();
    if (!r) {
        return -ENOMEM;
    }
    r->path = nullptr;
    if (path) {
        char* const copy = paths_.take(static_cast<size_t>(path_length) + 1, &r->path_class);
        if (!copy) {
            slab_.give_back(r);
            return -ENOMEM;
        }
        memcpy(copy, op.path, static_cast<size_t>(path_length));
        copy[path_length] = '\0';
        r->path = copy;
    }
    r->fd = path && (op.flags & AIOC_USE_DIRFD) == 0 ? AT_FDCWD : op.fd;
    r->operation = static_cast<uint16_t>(op.code);
    r->engine = AIOC_ENGINE_WORKERS;
    r->operation_flags = op.operation_flags;
    r->mode = op.mode;
    r->buffer = op.buffer;
    r->length = op.length;
    r->offset = op.offset;
    r->callback = op.callback;
    r->user_data = op.user_data;
    sys::store_release(r->state, uint32_t{state_held});
    collected_.append(r);
    sys::add(outstanding_, uint64_t{1});
    ++submitted_;
    return static_cast<aioc_request>(r->id);
}

// Inside a callback or between hold and release? What is the poller's is read by the poller only.
bool Context::collecting() const noexcept {
    return holds_ > 0 || (sys::load_relaxed(poller_) == pthread_self() && callback_depth_ > 0);
}

// Gives what was collected to the engine. What no worker can run is run here, without the lock.
void Context::flush_and_unlock() noexcept {
    RequestList batch;
    batch.splice(collected_);
    if (batch.head) {
        workers_.submit(batch, sys::load_relaxed(outstanding_));
        for (Request* r = batch.head; r; r = r->next) {
            r->engine = AIOC_ENGINE_SYNC;
            sys::store_release(r->state, uint32_t{state_running}); // cancel leaves it alone
        }
    }
    lock_.unlock();
    if (batch.head) {
        run_synchronously(batch, &ready_);
    }
}

int Context::submit(const void* ops, uint32_t stride, uint32_t count, aioc_request* ret) noexcept {
    lock_.lock();
    aioc_request last = 0;
    uint32_t accepted = 0;
    for (; accepted < count; ++accepted) {
        aioc_operation op{};
        const char* const from = static_cast<const char*>(ops) + size_t{accepted} * stride;
        memcpy(&op, from, stride < sizeof op ? stride : sizeof op);
        last = op.size == stride ? accept(op) : -EINVAL;
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
        flush_and_unlock();
    }
    return accepted > 0 || count == 0 ? static_cast<int>(accepted) : static_cast<int>(last);
}

int Context::cancel(aioc_request id) noexcept {
    lock_.lock();
    Request* const r = slab_.find(id);
    int result = -ENOENT;
    if (r && sys::load_acquire(r->state) == state_held) {
        collected_.remove(r);
        r->result = -ECANCELED;
        sys::store_release(r->state, uint32_t{state_done});
        ready_.push(r);
        result = 0;
    } else if (r) {
        result = workers_.cancel(r);
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
    --holds_;
    if (collecting()) {
        lock_.unlock();
    } else {
        flush_and_unlock();
    }
    return 0;
}

} // namespace aioc
