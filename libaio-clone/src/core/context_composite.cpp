// SPDX-License-Identifier: MIT
// What the context does for composites: their second part, what they give, walks.
#include "core/context.hpp"

#include "composite/crew.hpp"
#include "core/operation_table.hpp"
#include "sys/memory.hpp"

#include <algorithm>
#include <errno.h>
#include <limits.h>
#include <new>
#include <string.h>

namespace aioc {
// With the lock held, as all here unless it says something else.
int Context::begin_composite(const aioc_operation& op, Request* r) noexcept {
    if (op.code == AIOC_OP_WALK_NEXT && !find_walk(op.argument)) {
        return -EINVAL;
    }
    const uint32_t known =
        op.code == AIOC_OP_MOVE ? AIOC_MOVE_NOREPLACE : AIOC_COPY_ALL | AIOC_COPY_OVERWRITE | AIOC_COPY_SYNC;
    const bool has_flags = op.code == AIOC_OP_COPY || op.code == AIOC_OP_COPY_TREE || op.code == AIOC_OP_MOVE;
    if (has_flags ? (op.operation_flags & ~known) != 0 : op.operation_flags != 0) {
        return -EINVAL;
    }
    uint8_t block_class = 0;
    char* const block = paths_.take(sizeof(Composite), &block_class);
    if (!block) {
        return -ENOMEM;
    }
    r->composite = new (block) Composite{};
    r->composite->block_class = block_class;
    r->composite->request = r;
    r->composite->places = places();
    r->composite->next = composites_;
    if (composites_) {
        composites_->prev = r->composite;
    }
    composites_ = r->composite;
    if (op.code == AIOC_OP_LOAD) {
        prepare_load(r->composite);
    }
    return 0;
}

// Most files are small: what they are loaded into is used again. Without memory for that it goes without.
void Context::prepare_load(Composite* c) noexcept {
    constexpr uint32_t kept_max = 64;
    if (!loads_) {
        loads_ = zone::new_home(kept_max);
    }
    c->home = loads_;
    Object* const kept = loads_ ? zone::take_kept(loads_) : nullptr;
    c->object = kept ? zone::payload_of(kept) : nullptr;
}

void Context::close_loads() noexcept {
    if (loads_) {
        zone::close_home(loads_);
    }
}

// In a forked child, where it may be half changed: what is freed from now on goes to the kernel.
void Context::forget_loads() noexcept {
    if (loads_) {
        sys::store_relaxed(loads_->closed, uint32_t{1});
        loads_ = nullptr;
    }
}

void Context::end_composite(Request* r) noexcept {
    if (!is_composite(r->operation) || !r->composite) {
        return;
    }
    Composite* const c = r->composite;
    if (c->object) { // refused
        zone::free_object(zone::object_of(c->object));
    }
    (c->prev ? c->prev->next : composites_) = c->next;
    if (c->next) {
        c->next->prev = c->prev;
    }
    paths_.give_back(reinterpret_cast<char*>(c), c->block_class);
    r->composite = nullptr;
}

// By the poller, without the lock.
void Context::give_object(Request* r) noexcept {
    void* const object = r->composite->object;
    if (!object) {
        return;
    }
    r->composite->object = nullptr;
    const bool report = works_on_tree(r->operation);
    if (!r->buffer || (r->result < 0 && !report)) { // nobody wants it, or it came after its deadline
        zone::free_object(zone::object_of(object));
        return;
    }
    memcpy(r->buffer, &object, sizeof object);
}

// Asks it to stop. True: it waits for entries no longer, and the caller completes it.
bool Context::stop_composite(Request* r) noexcept {
    sys::store_relaxed(r->composite->stop, uint32_t{1});
    if (r->operation != AIOC_OP_WALK_NEXT || sys::load_acquire(r->state) != state_in_walk) {
        return false;
    }
    Walk* const walk = find_walk(extra_of(*r).argument);
    if (!walk) {
        return false;
    }
    walk->crew.mutex.lock();
    const bool waited = sys::load_relaxed(r->state) == state_in_walk;
    if (waited) {
        walk->waiting.remove(r);
        sys::store_relaxed(r->state, uint32_t{state_running});
    }
    walk->crew.mutex.unlock();
    return waited;
}

void Context::stop_all_composites() noexcept {
    for (Composite* c = composites_; c; c = c->next) {
        sys::store_relaxed(c->stop, uint32_t{1});
    }
    while (walks_) {
        close_walk(walks_);
    }
}

int Context::progress(aioc_request id, aioc_report* ret) noexcept {
    lock_.lock();
    Request* const r = slab_.find(id);
    int result = !r ? -ENOENT : is_composite(r->operation) ? 0 : -EOPNOTSUPP;
    if (result == 0) {
        ret->items = sys::load_relaxed(r->composite->items);
        ret->bytes = sys::load_relaxed(r->composite->bytes);
        ret->errors = sys::load_relaxed(r->composite->errors);
    }
    lock_.unlock();
    return result;
}

// --- Walks ------------------------------------------------------------------------

Walk* Context::find_walk(uint64_t handle) noexcept {
    for (Walk* w = walks_; w; w = w->next) {
        if (reinterpret_cast<uintptr_t>(w) == handle) {
            return w;
        }
    }
    return nullptr;
}

int Context::create_walk(const char* path, int flags, Walk** ret) noexcept {
    if ((flags & ~AIOC_WALK_STAT) != 0) {
        return -EINVAL;
    }
    const long length = sys::readable_string_length(path, PATH_MAX);
    if (length < 0) {
        return static_cast<int>(length);
    }
    constexpr uint32_t tickets_max = 255;
    const uint32_t tickets = std::min(std::max(workers_.max(), uint32_t{1}), tickets_max);
    const size_t bytes = zone::round_up(sizeof(Walk), 64) + tickets * sizeof(Request);
    auto* const walk = static_cast<Walk*>(zone::map(bytes)); // fresh memory is zero
    if (!walk) {
        return -ENOMEM;
    }
    walk->home = zone::new_home(Walk::lists_max);
    if (!walk->home) {
        zone::unmap(walk, bytes);
        return -ENOMEM;
    }
    constexpr uint64_t list_bytes = 64 << 10;
    constexpr uint64_t status_list_bytes = 256 << 10;
    walk->mapped_bytes = bytes;
    walk->list_bytes = (flags & AIOC_WALK_STAT) != 0 ? status_list_bytes : list_bytes;
    memcpy(walk->path, path, static_cast<size_t>(length) + 1);
    Crew& crew = walk->crew;
    crew.verb = verb_walk;
    crew.walk = walk;
    crew.stop = &walk->stop;
    crew.heeds_stop = true;
    crew.ready = &ready_;
    crew.flags = static_cast<uint32_t>(flags);
    crew.base_fd = AT_FDCWD;
    crew.to_base_fd = zone::no_file;
    crew.root_name = walk->path;
    crew.wanted = workers_.processors();
    crew.places = places();
    crew.begin.kind = work_begin;
    push_work(&crew, &crew.begin);
    prepare_walk_tickets(walk, tickets);
    lock_.lock();
    walk->next = walks_;
    if (walks_) {
        walks_->prev = walk;
    }
    walks_ = walk;
    lock_.unlock();
    *ret = walk;
    return 0;
}

int Context::destroy_walk(Walk* walk) noexcept {
    lock_.lock();
    const bool known = find_walk(reinterpret_cast<uintptr_t>(walk)) != nullptr;
    if (known) {
        close_walk(walk);
    }
    lock_.unlock();
    return known ? 0 : -EINVAL;
}

// The last one out frees it: the last worker, or this.
void Context::close_walk(Walk* walk) noexcept {
    (walk->prev ? walk->prev->next : walks_) = walk->next;
    if (walk->next) {
        walk->next->prev = walk->prev;
    }
    RequestList waiting;
    walk->crew.mutex.lock();
    waiting.splice(walk->waiting);
    sys::store_relaxed(walk->stop, uint32_t{1});
    walk->closed = true;
    const bool alone = walk->crew.hands == 0;
    walk->crew.mutex.unlock();
    while (Request* const r = waiting.take_first()) {
        complete_cancelled(r, &ready_);
    }
    if (alone) {
        abandon_walk(walk);
    }
}

// A list that is there; else it waits, and somebody is sent to read. From now on the request is the walk's.
void Context::wait_for_entries(Request* r) noexcept {
    Walk* const walk = find_walk(extra_of(*r).argument);
    r->engine = AIOC_ENGINE_WORKERS;
    count_routed(r);
    if (!walk) { // destroyed since
        complete_cancelled(r, &ready_);
        return;
    }
    Crew& crew = walk->crew;
    crew.mutex.lock();
    EntryList* const list = walk->first;
    bool complete = true;
    if (list) {
        walk->first = list->next;
        walk->last = walk->first ? walk->last : nullptr;
        sys::store_relaxed(walk->lists, walk->lists - 1);
        r->composite->object = list + 1;
        r->result = static_cast<int64_t>(list->count);
    } else if (walk->ended) {
        r->result = crew.error;
    } else {
        sys::store_release(r->state, uint32_t{state_in_walk});
        walk->waiting.append(r);
        complete = false;
    }
    // Reading has stopped for want of room: it goes on when half of that is free.
    Request* ticket = nullptr;
    if (!crew.finished && crew.hands == 0 && crew.top && walk->lists <= Walk::lists_max / 2) {
        ticket = take_ticket(&crew);
    }
    if (complete) {
        sys::store_release(r->state, uint32_t{state_done});
    }
    crew.mutex.unlock();
    if (complete) {
        ready_.push(r);
    }
    if (ticket) {
        ticket->queue = nullptr;
        to_workers_.append(ticket);
    }
}

} // namespace aioc
