// SPDX-License-Identifier: MIT
// Worker zone: walk, the entries of a tree in lists that its user asks for one by one.
#include "composite/crew.hpp"

namespace aioc {
namespace {

// Waking somebody who waits costs as much as reading ten directories. So the first entries come soon, and then each
// list has twice as many, until they are full; unless they are long in coming.
constexpr uint64_t few = 64;
constexpr uint32_t doublings_max = 5;
constexpr int64_t soon_ns = 2'000'000;

AIOC_INLINE void hand_over(EntryList* list, Request* r) noexcept {
    r->composite->object = list + 1;
    r->result = static_cast<int64_t>(list->count);
    sys::add(r->composite->items, list->count);
    sys::store_release(r->state, uint32_t{state_done});
}

// To who waits longest, or on the heap.
AIOC_INLINE void deliver(Walk* walk, EntryList* list) noexcept {
    Crew* const crew = &walk->crew;
    crew->mutex.lock();
    sys::store_relaxed(walk->delivered, walk->delivered + 1);
    Request* const r = walk->closed ? nullptr : walk->waiting.take_first();
    if (r) {
        hand_over(list, r);
    } else if (walk->closed) {
        free_entry_list(list);
    } else {
        list->next = nullptr;
        (walk->last ? walk->last->next : walk->first) = list;
        walk->last = list;
        sys::store_relaxed(walk->lists, walk->lists + 1);
    }
    crew->mutex.unlock();
    if (r) {
        crew->ready->push(r);
    }
}

// One that was used before, if there is any.
AIOC_INLINE EntryList* take_list(Walk* walk) noexcept {
    walk->crew.mutex.lock();
    Object* object = zone::take_kept(walk->home);
    walk->crew.mutex.unlock();
    if (!object) {
        object = zone::new_object_of(walk->home, walk->list_bytes - sizeof(Object));
    }
    auto* const list = reinterpret_cast<EntryList*>(object);
    if (list) {
        list->count = 0;
        list->back = list->bytes;
    }
    return list;
}

AIOC_INLINE bool make_room(Hand* h, uint64_t bytes) noexcept {
    Walk* const walk = h->crew->walk;
    if (h->list && h->list->room() < bytes) {
        deliver(walk, h->list);
        h->list = nullptr;
    }
    if (!h->list) {
        const uint64_t needed = zone::round_up(bytes + sizeof(EntryList), zone::page);
        h->list = needed <= walk->list_bytes ? take_list(walk) : new_entry_list(needed);
        h->list_began = h->began;
        h->place = nullptr;
    }
    return h->list != nullptr;
}

// The path of a directory is once in each list that has entries of it.
AIOC_INLINE const char* path_in(Hand* h, const Dir* d) noexcept {
    EntryList* const list = h->list;
    if (h->place != d) {
        list->back -= d->path_length + 1;
        char* const path = list->at(list->back);
        write_path(d, path + d->path_length);
        path[d->path_length] = '\0';
        list->directory = path;
        h->place = d;
    }
    return list->directory;
}

AIOC_INLINE bool is_due(const Hand* h) noexcept {
    const Walk* const walk = h->crew->walk;
    if (!sys::load_relaxed(walk->waiting.head)) {
        return false;
    }
    const uint32_t delivered = sys::load_relaxed(walk->delivered);
    return h->list->count >= few << (delivered < doublings_max ? delivered : doublings_max) ||
           h->began - h->list_began >= soon_ns || is_slow(h->crew);
}

} // namespace

bool is_full(const Walk* walk) noexcept { return sys::load_relaxed(walk->lists) >= Walk::lists_max; }

long enter_walked(Crew* crew, Dir* d) noexcept {
    if (!d->parent) {
        return zone::open_at(crew->base_fd, crew->root_name, O_RDONLY | O_DIRECTORY);
    }
    const long fd = zone::open_at(d->parent->fd, d->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
    // It was given as an entry; that it is gone by now, or another kind of file, is no error.
    return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? was_no_directory : fd;
}

// An entry of d; or, with an error, d itself as one of its parent. False: there is no such entry any more, or no
// memory.
bool emit_entry(Hand* h, Dir* d, const Dirent* e, uint8_t type, int32_t error) noexcept {
    const Dir* const place = e ? d : d->parent;
    const char* const name = e ? e->name : d->name;
    if (!make_room(h, entry_room + place->path_length + 1)) {
        record_error(h->crew, d, name, -ENOMEM);
        return false;
    }
    EntryList* const list = h->list;
    const char* const directory = path_in(h, place);
    struct statx* status = nullptr;
    if (e && (h->crew->flags & AIOC_WALK_STAT) != 0) {
        const uint64_t back = list->back;
        status = add_status(list);
        const long result = sys::call(SYS_statx, d->fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                                      STATX_BASIC_STATS | STATX_BTIME, status);
        if (result == -ENOENT) {
            list->back = back;
            return false;
        }
        if (result < 0) {
            list->back = back;
            status = nullptr;
            error = static_cast<int32_t>(result);
        }
    }
    aioc_entry* const entry = add_entry(list, name, zone::length_of(name));
    entry->type = type;
    entry->inode = e ? e->inode : 0;
    entry->error = error;
    entry->depth = place->depth + 1;
    entry->directory = directory;
    entry->directory_length = place->path_length;
    entry->status = status;
    ++h->items;
    return true;
}

void flush_entries(Hand* h, bool all) noexcept {
    Walk* const walk = h->crew->walk;
    if (!walk || !h->list) {
        return;
    }
    if (h->list->count == 0) {
        if (!all) {
            return;
        }
        free_entry_list(h->list);
        h->list = nullptr;
        return;
    }
    if (!all && !is_due(h)) {
        return;
    }
    deliver(walk, h->list);
    h->list = nullptr;
}

// With the mutex held: who waits waits for nothing.
void end_walk(Walk* walk) noexcept {
    walk->ended = true;
    while (Request* const r = walk->waiting.take_first()) {
        r->result = walk->crew.error;
        sys::store_release(r->state, uint32_t{state_done});
        walk->crew.ready->push(r);
    }
    end_tree(&walk->crew);
}

void free_walk(Walk* walk) noexcept {
    while (EntryList* const list = walk->first) {
        walk->first = list->next;
        free_entry_list(list);
    }
    zone::close_home(walk->home);
    free_memory(&walk->crew);
    zone::unmap(walk, walk->mapped_bytes);
}

} // namespace aioc
