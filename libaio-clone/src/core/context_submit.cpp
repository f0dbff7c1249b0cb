// SPDX-License-Identifier: MIT
#include "core/context.hpp"

#include "composite/composite.hpp"
#include "sys/memory.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <new>
#include <pthread.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

namespace aioc {

namespace {

constexpr uint32_t flags_scheduling = AIOC_LINK | AIOC_ABSOLUTE;
constexpr uint32_t flags_known = AIOC_USE_DIRFD | AIOC_USE_DIRFD2 | flags_scheduling;

int check(const aioc_operation& op, const OperationRow* row) noexcept {
    if (!row || (op.flags & ~flags_known) != 0) {
        return -EINVAL;
    }
    if ((row->uses & use_length) != 0 && op.length > INT64_MAX) {
        return -EINVAL;
    }
    if (((row->uses & use_offset) != 0 && op.offset < 0) || ((row->uses & use_offset2) != 0 && op.offset2 < 0)) {
        return -EINVAL;
    }
    // These we write to ourselves; everything else is the kernel's to probe.
    if ((row->uses & gives_report) != 0 && op.buffer && !sys::is_writable(op.buffer, sizeof(void*))) {
        return -EFAULT;
    }
    const size_t bytes = (row->uses & (gives_directory | gives_object)) != 0 ? sizeof(void*)
                         : (row->uses & gives_statvfs) != 0                  ? sizeof(struct statvfs)
                                                                             : 0;
    return bytes > 0 && !sys::is_writable(op.buffer, bytes) ? -EFAULT : 0;
}

// Of a string that the operation may not have.
long length_of(const char* string, bool used) noexcept {
    return used ? sys::readable_string_length(string, PATH_MAX) : 0;
}

// The element of a caller's array.
aioc_operation operation_at(const void* from, uint32_t stride) noexcept {
    aioc_operation op{};
    memcpy(&op, from, stride < sizeof op ? stride : sizeof op);
    return op;
}

} // namespace

// What is the poller's is read by the poller only.
bool Context::is_poller() const noexcept { return single_threaded_ || sys::load_relaxed(poller_) == pthread_self(); }

bool Context::in_callback() const noexcept { return is_poller() && callback_depth_ > 0; }

AIOC_INLINE int Context::take_slot(Request** ret) noexcept {
    if (closing_) {
        return -ESHUTDOWN;
    }
    if (outstanding_max_ != UINT64_MAX && static_cast<uint64_t>(outstanding()) >= outstanding_max_) {
        return -EAGAIN;
    }
    *ret = slab_.take();
    if (!*ret) {
        return -ENOMEM;
    }
    sys::store_relaxed(submitted_, submitted_ + 1);
    return 0;
}

// With the lock held: one operation into a slot.
int Context::accept(const aioc_operation& op, Request** ret) noexcept {
    const OperationRow* const row = find_operation(op.code);
    if (const int error = check(op, row); error < 0) {
        return row ? error : accept_special(op, ret);
    }
    Request* r = nullptr;
    if (const int error = take_slot(&r); error < 0) {
        return error;
    }
    const bool path = (row->uses & use_path) != 0;
    r->fd = path && (op.flags & AIOC_USE_DIRFD) == 0 ? AT_FDCWD : op.fd;
    r->operation = static_cast<uint8_t>(op.code);
    r->operation_flags = op.operation_flags;
    r->mode = op.mode;
    r->buffer = op.buffer;
    r->length = (row->uses & use_length) != 0 ? op.length : 0;
    r->offset = op.offset;
    r->callback = op.callback;
    r->user_data = op.user_data;
    r->path = path ? op.path : nullptr;
    r->path_class = path ? path_borrowed : uint8_t{0};
    r->schedule = 0;
    r->engine = AIOC_ENGINE_INLINE; // until it is routed
    r->partial = 0;
    r->held_fd = -1;
    if ((row->uses & uses_extra) != 0) {
        if (const int error = copy_extra(op, row->uses, r); error < 0) {
            return static_cast<int>(refuse(r, error));
        }
    }
    if ((row->uses & use_composite) != 0) {
        if (const int error = begin_composite(op, r); error < 0) {
            return static_cast<int>(refuse(r, error));
        }
    }
    r->cost = Router::cost_of(*r);
    *ret = r;
    return 0;
}

// With the lock held: what is in no file operation's row.
int Context::accept_special(const aioc_operation& op, Request** ret) noexcept {
    if ((op.code != AIOC_OP_GROUP && op.code != AIOC_OP_CUSTOM) || (op.flags & ~flags_scheduling) != 0) {
        return -EINVAL;
    }
    if (op.code == AIOC_OP_CUSTOM && op.argument == 0) {
        return -EFAULT;
    }
    Request* r = nullptr;
    if (const int error = take_slot(&r); error < 0) {
        return error;
    }
    r->operation = static_cast<uint8_t>(op.code);
    r->callback = op.callback;
    r->user_data = op.user_data;
    r->buffer = op.buffer;
    r->offset = static_cast<int64_t>(op.argument);
    r->path = nullptr;
    r->path_class = 0;
    r->attempt = attempt_none;
    r->pace = pace_slow;
    r->partial = 0;
    r->schedule = 0;
    r->engine = AIOC_ENGINE_INLINE;
    r->held_fd = -1;
    r->cost = 0;
    *ret = r;
    return 0;
}

// Extra, path and second path in one block.
int Context::copy_extra(const aioc_operation& op, uint32_t uses, Request* r) noexcept {
    const bool times = (uses & use_times) != 0 && op.buffer;
    const long length = length_of(op.path, (uses & use_path) != 0);
    const long length2 = length_of(op.path2, (uses & (use_path2 | use_name)) != 0);
    if (length < 0 || length2 < 0) {
        return static_cast<int>(length < 0 ? length : length2);
    }
    if (times && !sys::is_readable(op.buffer, sizeof(timespec[2]))) {
        return -EFAULT;
    }
    uint8_t block_class = 0;
    const auto bytes = static_cast<size_t>(length);
    const auto bytes2 = static_cast<size_t>(length2);
    char* const block = paths_.take(sizeof(Extra) + bytes + bytes2 + 2, &block_class);
    if (!block) {
        return -ENOMEM;
    }
    Extra* const extra = new (block) Extra{};
    char* const path = block + sizeof(Extra);
    char* const path2 = path + bytes + 1;
    memcpy(path, bytes > 0 ? op.path : "", bytes);
    memcpy(path2, bytes2 > 0 ? op.path2 : "", bytes2);
    path[bytes] = path2[bytes2] = '\0';
    extra->path2 = path2;
    extra->offset2 = op.offset2;
    extra->argument = op.argument;
    extra->fd2 = (uses & use_path2) != 0 && (op.flags & AIOC_USE_DIRFD2) == 0 ? AT_FDCWD : op.fd2;
    extra->uid = op.uid;
    extra->gid = op.gid;
    extra->has_times = times;
    static_assert(sizeof extra->times == sizeof(timespec[2]));
    if (times) {
        memcpy(extra->times, op.buffer, sizeof extra->times);
    }
    r->path = path;
    r->path_class = block_class | path_behind_extra;
    return 0;
}

aioc_request Context::refuse(Request* r, int error) noexcept {
    if (r->held_fd >= 0) {
        close(r->held_fd);
    }
    if (has_plan(*r)) {
        unplan(plans_.of(*r));
    }
    if (r->path_class == path_borrowed) {
        r->path = nullptr;
    }
    give_back(r);
    sys::store_relaxed(submitted_, submitted_ - 1);
    return error;
}

// The request's path becomes the library's copy.
int Context::own_path(Request* r) noexcept {
    if (r->path_class != path_borrowed) {
        return 0;
    }
    const long length = r->path ? sys::readable_string_length(r->path, PATH_MAX) : -EFAULT;
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

aioc_request Context::collect(Request* r) noexcept {
    if (const int error = own_path(r); error < 0) {
        return refuse(r, error);
    }
    if (holds_ > 0 || !in_callback() || !share_early(r)) {
        sys::store_relaxed(r->state, uint32_t{state_held});
        collected_.append(r);
    }
    return static_cast<aioc_request>(r->id);
}

aioc_request Context::submit_one(const aioc_operation& op) noexcept {
    lock_.lock();
    Request* r = nullptr;
    aioc_request id = accept(op, &r);
    if (r && op.code == AIOC_OP_NOP && holds_ == 0 && router_.choice().inline_engine && is_poller() &&
        !must_wait_its_turn(*r) && !(keeps_order() && (collected_.head || kept_.head || starting_.head))) {
        return answer_nop_and_unlock(r);
    }
    // Inside a callback the only request there is will hardly be followed by others.
    if (r && (!collecting() || (holds_ == 0 && outstanding() == 1))) {
        return start_and_unlock(r);
    }
    if (r) {
        id = collect(r);
    }
    lock_.unlock();
    return id;
}

// There is nothing to try, and nothing to share.
aioc_request Context::answer_nop_and_unlock(Request* r) noexcept {
    r->result = 0;
    sys::store_relaxed(r->state, uint32_t{state_done});
    answered_.append(r);
    lock_.unlock();
    if (poll_depth_ == 0) {
        settle_descriptor();
    }
    return static_cast<aioc_request>(r->id);
}

// An array of one is a plain call: its path need not be copied, and no batch is made of it.
int Context::submit_alone(const void* ops, uint32_t stride, aioc_request* ret) noexcept {
    const aioc_operation op = operation_at(ops, stride);
    if (is_scheduled(op)) {
        return submit(ops, stride, 1, ret);
    }
    const aioc_request id = op.size == stride ? submit_one(op) : -EINVAL;
    if (id < 0) {
        return static_cast<int>(id);
    }
    if (ret) {
        *ret = id;
    }
    return 1;
}

int Context::submit(const void* ops, uint32_t stride, uint32_t count, aioc_request* ret) noexcept {
    lock_.lock();
    int error = 0;
    uint32_t accepted = 0;
    Chain chain;
    for (; accepted < count; ++accepted) {
        const aioc_operation op = operation_at(static_cast<const char*>(ops) + size_t{accepted} * stride, stride);
        Request* r = nullptr;
        error = op.size == stride ? accept(op, &r) : -EINVAL;
        const bool plain = !chain.last && !is_scheduled(op);
        const aioc_request id = !r ? error : plain ? collect(r) : collect_planned(op, r, &chain);
        if (id < 0) {
            error = static_cast<int>(id);
            accepted -= abandon_chain(chain);
            break;
        }
        if (ret) {
            ret[accepted] = id;
        }
    }
    if (sys::load_relaxed(earliest_ns_) != INT64_MAX) {
        expire(); // absolute ones may be past
    }
    dispatch_collected_and_unlock();
    return accepted > 0 || count == 0 ? static_cast<int>(accepted) : error;
}

// With the lock held. As aioc_cancel.
int Context::stop(Request* r) noexcept {
    switch (sys::load_acquire(r->state)) {
    case state_held:
        collected_.remove(r);
        complete_cancelled(r, &ready_);
        return 0;
    case state_waiting:
        return stop_waiting(plans_.of(*r));
    default:
        if (is_composite(r->operation) && stop_composite(r)) {
            complete_cancelled(r, &ready_);
            return 0;
        }
        return sys::load_relaxed(r->engine) == AIOC_ENGINE_RING ? ring_.cancel(r) : workers_.cancel(r);
    }
}

int Context::cancel(aioc_request id) noexcept {
    lock_.lock();
    Request* const r = slab_.find(id);
    const int result = r ? stop(r) : -ENOENT;
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
    dispatch_collected_and_unlock();
    return 0;
}

// Inside a callback or a hold it goes on collecting, also what is kept for this thread.
void Context::dispatch_collected_and_unlock() noexcept {
    if (collecting()) {
        flush_engines_and_unlock();
        return;
    }
    RequestList batch;
    take_collected(&batch);
    dispatch_and_unlock(batch);
}

// From now on cancel does not look for them here.
void Context::take_collected(RequestList* ret) noexcept {
    for (Request* r = collected_.head; r; r = r->next) {
        sys::store_release(r->state, uint32_t{state_running});
    }
    ret->splice(collected_);
    if (any_priority_) {
        any_priority_ = false;
        sort_by_priority(ret);
    }
}

void Context::sort_by_priority(RequestList* batch) noexcept {
    PriorityList sorted;
    sorted.append(*batch);
    sorted.take_all(batch);
}

} // namespace aioc
