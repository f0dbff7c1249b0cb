// SPDX-License-Identifier: MIT
// Worker zone: the way through a tree, the same for all that is done with one. Everything is relative to the descriptor
// of the directory it is in, and no symbolic link is followed, so it stays in the tree whatever others do to it.
#include "composite/crew.hpp"

namespace aioc {
namespace {

constexpr uint64_t queued_max = 16384; // directories on the stack; with more, the deepest are finished first
constexpr uint32_t entries_per_look = 8;
// Nothing can be behind the largest offset: ext4 and btrfs say so of the last entry, and need not be asked once more.
constexpr int64_t offset_max = INT64_MAX;

AIOC_INLINE Dir* dir_of(Work* w) noexcept { return reinterpret_cast<Dir*>(w); }
AIOC_INLINE Names* names_of(Work* w) noexcept { return reinterpret_cast<Names*>(w); }

// --- The end of a directory --------------------------------------------------------

// What is to be closed is, when the mutex is not held.
AIOC_INLINE void close_later(Hand* h, long fd) noexcept {
    if (fd < 0) {
        return;
    }
    if (h->closing_count == Hand::closing_max) {
        h->crew->mutex.unlock();
        close_what_is_left(h);
        h->crew->mutex.lock();
    }
    h->closing[h->closing_count++] = static_cast<int32_t>(fd);
}

AIOC_INLINE void free_dir(Crew* crew, Dir* d) noexcept {
    give_back_block(&crew->pool, d, sizeof(Dir) + d->name_length);
}

AIOC_INLINE bool needs_end(const Crew* crew, const Dir* d) noexcept {
    return d->started && crew->verb != verb_walk && !is_stopped(crew);
}

// Everything in it is finished. False: it is to be read once more.
AIOC_INLINE bool finish_directory(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    crew->mutex.lock();
    const long pinned = pin(crew, d->parent);
    const long self = pinned < 0 ? pinned : pin(crew, d);
    crew->mutex.unlock();
    if (self < 0) {
        record_error(crew, d, nullptr, self);
    }
    bool finished = true;
    if (self == 0 && crew->verb == verb_remove) {
        finished = leave_removed(crew, d);
        h->items += finished && !has_failed(d) ? 1 : 0;
    } else if (self == 0) {
        leave_copied(h, d);
    }
    crew->mutex.lock();
    if (self == 0) {
        --d->users;
    }
    if (pinned == 0) {
        unpin(crew, d->parent);
    }
    crew->mutex.unlock();
    return finished;
}

// One part of it is finished; with the last one it is, and so one part of its parent. With the mutex held.
AIOC_INLINE void release(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    while (d && --d->pending == 0) {
        if (needs_end(crew, d)) {
            crew->mutex.unlock();
            const bool finished = finish_directory(h, d);
            crew->mutex.lock();
            if (!finished) {
                d->pending = 1;
                ++d->users; // as while it is read
                push_work(crew, &d->work);
                return;
            }
        }
        Dir* const parent = d->parent;
        if (parent && has_failed(d)) {
            set_failed(parent);
        }
        unlist(crew, d);
        count_closed(crew, d);
        const long fd = d->fd;
        const long to_fd = d->to_fd;
        free_dir(crew, d);
        close_later(h, fd);
        close_later(h, to_fd);
        d = parent;
    }
}

// --- Entries -----------------------------------------------------------------------

AIOC_INLINE bool calls_for_each(const Crew* crew) noexcept {
    return crew->verb != verb_walk || (crew->flags & AIOC_WALK_STAT) != 0;
}

AIOC_INLINE void find_directory(Hand* h, Dir* d, const char* name) noexcept {
    Crew* const crew = h->crew;
    Dir* const child = new_dir(h, d, name);
    if (!child) {
        record_error(crew, d, name, -ENOMEM);
        return;
    }
    child->work.next = h->found ? &h->found->work : nullptr;
    h->found = child;
    if (!h->oldest_found) {
        h->oldest_found = child;
    }
    ++h->found_count;
}

AIOC_INLINE uint8_t ask_type(long fd, const Dirent* e) noexcept {
    struct statx file;
    return e->type != type_unknown || zone::status_at(fd, e->name, STATX_TYPE, &file) < 0 ? e->type : type_of(file);
}

AIOC_INLINE void handle_entry(Hand* h, Dir* d, const Dirent* e) noexcept {
    const uint8_t type = ask_type(d->fd, e);
    switch (h->crew->verb) {
    case verb_walk:
        if (emit_entry(h, d, e, type, 0) && type == type_directory) {
            find_directory(h, d, e->name);
        }
        break;
    case verb_remove:
        if (type == type_directory || remove_entry(h, d, e->name) == -EISDIR) {
            find_directory(h, d, e->name);
        }
        break;
    case verb_copy:
        if (type == type_directory) {
            find_directory(h, d, e->name);
        } else {
            copy_entry(h, d, e->name, type);
        }
        break;
    }
    ++h->entries_since_clock;
}

// What was found goes on the stack; with again, d goes below it, to be read on when that is done.
AIOC_INLINE void publish(Hand* h, Dir* d, bool again) noexcept {
    Crew* const crew = h->crew;
    if (!h->found && !again) {
        return;
    }
    crew->mutex.lock();
    list_open(crew, d);
    if (again) {
        unpin(crew, h->pinned);
        push_work(crew, &d->work);
    }
    if (h->found) {
        d->pending += h->found_count;
        h->oldest_found->work.next = crew->top;
        sys::store_relaxed(crew->top, &h->found->work);
        sys::store_relaxed(crew->queued, crew->queued + h->found_count);
        h->found = h->oldest_found = nullptr;
        h->found_count = 0;
    }
    enlist(h);
    crew->mutex.unlock();
    wake_enlisted(h);
}

// So that there is a part for everybody, and not more.
AIOC_INLINE uint32_t names_in_part(const Crew* crew, long bytes) noexcept {
    constexpr uint32_t usual_bytes = 32; // of a name and what is with it
    const uint32_t share = static_cast<uint32_t>(bytes) / usual_bytes / sys::load_relaxed(crew->wanted);
    return share > 0 ? share : 1;
}

// The rest of a buffer, in parts for others. What no block can be had for stays: how far it got.
AIOC_INLINE long split(Hand* h, Dir* d, long at, long end, uint32_t share) noexcept {
    Crew* const crew = h->crew;
    crew->mutex.lock();
    list_open(crew, d);
    while (at < end) {
        auto* const names = static_cast<Names*>(take_block(&crew->pool, Names::block_bytes));
        if (!names) {
            break;
        }
        const long begin = at;
        for (uint32_t i = 0; i < share && at < end; ++i) {
            const auto* const e = reinterpret_cast<const Dirent*>(h->buffer + at);
            if (static_cast<uint64_t>(at - begin) + e->length > Names::room) {
                break;
            }
            at += e->length;
        }
        names->work.kind = work_names;
        names->dir = d;
        names->bytes = static_cast<uint64_t>(at - begin);
        zone::copy_bytes(names->dirents, h->buffer + begin, names->bytes);
        ++d->pending;
        push_work(crew, &names->work);
    }
    enlist(h);
    crew->mutex.unlock();
    wake_enlisted(h);
    return at;
}

// Where the next entry of the directory is, as the last one says.
AIOC_INLINE int64_t handle_entries(Hand* h, Dir* d, char* buffer, long bytes, bool may_split) noexcept {
    Crew* const crew = h->crew;
    const uint32_t share = names_in_part(crew, bytes);
    uint32_t handled = 0;
    int64_t offset = 0;
    for (long at = 0; at < bytes && !is_stopped(crew);) {
        const auto* e = reinterpret_cast<const Dirent*>(buffer + at);
        offset = e->offset;
        if (zone::is_dot_or_dotdot(e->name)) {
            at += e->length;
            continue;
        }
        if (may_split && is_slow(crew) && ++handled > share) {
            at = split(h, d, at, bytes, share);
            if (at == bytes) {
                return 0; // not looked at
            }
            e = reinterpret_cast<const Dirent*>(buffer + at);
        }
        handle_entry(h, d, e);
        offset = e->offset;
        at += e->length;
        if (may_split && !is_slow(crew) && ++h->looks % entries_per_look == 0) {
            look_at_clock(h);
        }
    }
    return offset;
}

AIOC_INLINE void forget_found(Hand* h) noexcept {
    Crew* const crew = h->crew;
    crew->mutex.lock();
    while (Dir* const d = h->found) {
        h->found = d->work.next ? dir_of(d->work.next) : nullptr;
        free_dir(crew, d);
    }
    h->oldest_found = nullptr;
    h->found_count = 0;
    crew->mutex.unlock();
}

// --- Directories -------------------------------------------------------------------

AIOC_INLINE long enter(Hand* h, Dir* d) noexcept {
    switch (h->crew->verb) {
    case verb_walk:
        return enter_walked(h->crew, d);
    case verb_remove:
        return enter_removed(h->crew, d);
    case verb_copy:
        return enter_copied(h, d);
    }
    return -EINVAL;
}

// False: it was not a directory any more, or could not be entered; it is finished.
AIOC_INLINE bool start_directory(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    const long fd = enter(h, d);
    if (fd >= 0) { // nobody else knows it yet
        d->fd = static_cast<int32_t>(fd);
        d->users = 1;
        d->started = true;
        if (!d->parent) {
            look_at_place(h, d);
        }
        return true;
    }
    if (fd != was_no_directory) {
        if (crew->verb == verb_walk && d->parent) {
            emit_entry(h, d, nullptr, type_directory, static_cast<int32_t>(fd));
        } else if (!(crew->verb == verb_remove && fd == -ENOENT && d->parent)) {
            set_failed(d);
            record_error(crew, d, nullptr, fd);
        }
    }
    return false;
}

// False: d waits on the stack to be read on.
AIOC_INLINE bool read_directory(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    const bool may_split = calls_for_each(crew) && h->queue;
    while (!is_stopped(crew)) {
        const long n = sys::call(SYS_getdents64, d->fd, h->buffer, dirents_bytes);
        if (n == -EINTR) {
            continue;
        }
        if (n < 0 && n != -ENOENT) { // ENOENT: it was removed while it was read
            set_failed(d);
            record_error(crew, d, nullptr, n);
        }
        if (n <= 0) {
            return true;
        }
        const int64_t offset = handle_entries(h, d, h->buffer, n, may_split);
        flush_progress(h);
        if (is_stopped(crew)) {
            forget_found(h);
            return true;
        }
        flush_entries(h, false);
        if (offset == offset_max) {
            publish(h, d, false);
            return true;
        }
        const bool again =
            (crew->walk && is_full(crew->walk)) || (h->found && sys::load_relaxed(crew->queued) > queued_max);
        publish(h, d, again);
        if (again) {
            return false;
        }
    }
    return true;
}

AIOC_INLINE void visit_directory(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    h->pinned = d->started ? nullptr : d->parent;
    if (!is_stopped(crew) && (d->started || start_directory(h, d)) && !read_directory(h, d)) {
        crew->mutex.lock(); // from now on d may be another's
        return;
    }
    crew->mutex.lock();
    unpin(crew, h->pinned);
    if (d->started) {
        unpin(crew, d);
    }
    release(h, d);
}

AIOC_INLINE void visit_names(Hand* h, Names* names) noexcept {
    Crew* const crew = h->crew;
    Dir* const d = names->dir;
    if (!is_stopped(crew)) {
        handle_entries(h, d, names->dirents, static_cast<long>(names->bytes), false);
        if (is_stopped(crew)) {
            forget_found(h);
        }
        flush_entries(h, false);
        publish(h, d, false);
    }
    crew->mutex.lock();
    give_back_block(&crew->pool, names, Names::block_bytes);
    unpin(crew, d);
    release(h, d);
}

} // namespace

// What waits on a directory that cannot be reached any more is finished, with the error.
Work* take_work(Crew* crew) noexcept {
    for (;;) {
        Work* const w = crew->top;
        if (!w || (crew->walk && is_full(crew->walk) && !is_stopped(crew))) {
            return nullptr;
        }
        sys::store_relaxed(crew->top, w->next);
        sys::store_relaxed(crew->queued, crew->queued - 1);
        if (w->kind == work_begin || (w->kind == work_directory && dir_of(w)->started)) {
            return w;
        }
        if (w->kind == work_directory) {
            count_open(crew, dir_of(w)); // from now on
        }
        Dir* const needed = w->kind == work_names ? names_of(w)->dir : dir_of(w)->parent;
        if (is_stopped(crew)) { // only to be counted down
            if (needed) {
                ++needed->users;
            }
            return w;
        }
        const long error = pin(crew, needed);
        if (error == 0) {
            return w;
        }
        ++needed->users; // its descriptor is -1: each use of it fails with EBADF, and is recorded
        return w;
    }
}

void flush_progress(Hand* h) noexcept {
    Crew* const crew = h->crew;
    if (crew->composite && (h->items != 0 || h->bytes != 0)) {
        sys::add(crew->items, h->items);
        sys::add(crew->bytes, h->bytes);
        sys::add(crew->composite->items, h->items);
        sys::add(crew->composite->bytes, h->bytes);
    }
    h->items = h->bytes = 0;
}

void close_what_is_left(Hand* h) noexcept {
    while (h->closing_count > 0) {
        zone::close_file(h->closing[--h->closing_count]);
    }
}

void visit(Hand* h, Work* w) noexcept {
    close_what_is_left(h);
    look_at_clock_at_times(h);
    h->place = nullptr;
    switch (w->kind) {
    case work_begin:
        begin_tree(h);
        h->crew->mutex.lock();
        break;
    case work_directory:
        visit_directory(h, dir_of(w));
        break;
    case work_names:
        visit_names(h, names_of(w));
        break;
    }
}

} // namespace aioc
