// SPDX-License-Identifier: MIT
// Worker zone: the way through a tree, the same for all that is done with one. Everything is relative to the descriptor
// of the directory it is in, and no symbolic link is followed, so it stays in the tree whatever others do to it.
#include "composite/crew.hpp"

#include <linux/time.h>

namespace aioc {
namespace {

constexpr unsigned directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;
constexpr uint64_t queued_max = 16384; // directories on the stack; with more, the deepest are finished first
constexpr uint32_t names_in_part = 4;
constexpr uint32_t entries_per_look = 8;

AIOC_INLINE Dir* dir_of(Work* w) noexcept { return reinterpret_cast<Dir*>(w); }
AIOC_INLINE Names* names_of(Work* w) noexcept { return reinterpret_cast<Names*>(w); }

// --- Descriptors: held as long as something in the directory is not finished, unless there are too many -----------

AIOC_INLINE bool is_same(const struct statx& file, const Identity& i) noexcept {
    return file.stx_ino == i.inode && file.stx_dev_major == i.dev_major && file.stx_dev_minor == i.dev_minor;
}
AIOC_INLINE bool identify(long fd, Identity* ret) noexcept {
    struct statx file;
    if (zone::status_of(fd, STATX_INO, &file) < 0) {
        return false;
    }
    ret->inode = file.stx_ino;
    ret->dev_major = file.stx_dev_major;
    ret->dev_minor = file.stx_dev_minor;
    return true;
}
AIOC_INLINE long open_same(long parent, const char* name, const Identity& i) noexcept {
    const long fd = zone::open_at(parent, name, directory_flags);
    struct statx file;
    if (fd >= 0 && (zone::status_of(fd, STATX_INO, &file) < 0 || !is_same(file, i))) {
        zone::close_file(fd);
        return -ESTALE; // it was exchanged meanwhile
    }
    return fd;
}

// With the mutex held, as all of these.
AIOC_INLINE void set_open(Crew* crew, Dir* d, long fd) noexcept {
    d->fd = static_cast<int32_t>(fd);
    d->opened_after = nullptr;
    d->opened_before = crew->opened_last;
    (crew->opened_last ? crew->opened_last->opened_after : crew->opened_first) = d;
    crew->opened_last = d;
    ++crew->open_dirs;
}
AIOC_INLINE void close_directory(Crew* crew, Dir* d) noexcept {
    if (d->fd >= 0) {
        (d->opened_before ? d->opened_before->opened_after : crew->opened_first) = d->opened_after;
        (d->opened_after ? d->opened_after->opened_before : crew->opened_last) = d->opened_before;
        --crew->open_dirs;
    }
    zone::close_file(d->fd);
    zone::close_file(d->to_fd);
    d->fd = d->to_fd = zone::no_file;
}

// Those that were opened first are needed last: on the way back.
AIOC_INLINE void close_surplus(Crew* crew, const Dir* keep) noexcept {
    for (Dir* d = crew->opened_first; d && crew->open_dirs > crew->open_dirs_max;) {
        Dir* const next = d->opened_after;
        if (d->users == 0 && d->parent && d != keep && identify(d->fd, &d->identity) &&
            (d->to_fd < 0 || identify(d->to_fd, &d->to_identity))) {
            close_directory(crew, d);
        }
        d = next;
    }
}

// The ones on the way are opened again from the lowest one that is open; the root always is.
AIOC_INLINE long reopen(Crew* crew, Dir* d) noexcept {
    for (;;) {
        Dir* a = d;
        while (a->parent->fd < 0) {
            a = a->parent;
        }
        const long fd = open_same(a->parent->fd, a->name, a->identity);
        if (fd < 0) {
            return fd;
        }
        if (crew->verb == verb_copy) {
            const long to_fd = open_same(a->parent->to_fd, a->name, a->to_identity);
            if (to_fd < 0) {
                zone::close_file(fd);
                return to_fd;
            }
            a->to_fd = static_cast<int32_t>(to_fd);
        }
        set_open(crew, a, fd);
        close_surplus(crew, a);
        if (a == d) {
            return 0;
        }
    }
}

// Its descriptors stay until unpin.
AIOC_INLINE long pin(Crew* crew, Dir* d) noexcept {
    if (!d) {
        return 0; // the root is in a directory that stays open
    }
    if (d->fd < 0) {
        if (const long error = reopen(crew, d); error < 0) {
            return error;
        }
    }
    ++d->users;
    return 0;
}
AIOC_INLINE void unpin(Crew* crew, Dir* d) noexcept {
    if (d) {
        --d->users;
        close_surplus(crew, d);
    }
}

// --- The end of a directory --------------------------------------------------------

AIOC_INLINE void free_dir(Crew* crew, Dir* d) noexcept {
    give_back_block(&crew->pool, d, sizeof(Dir) + d->name_length);
}

// Everything in it is finished. False: it is to be read once more.
AIOC_INLINE bool finish_directory(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    if (!d->started || crew->verb == verb_walk || is_stopped(crew)) {
        return true;
    }
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

// One part of it is finished; with the last one it is, and so one part of its parent.
AIOC_INLINE void release(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    crew->mutex.lock();
    while (d && --d->pending == 0) {
        crew->mutex.unlock();
        const bool finished = finish_directory(h, d);
        crew->mutex.lock();
        if (!finished) {
            d->pending = 1;
            ++d->users; // as while it is read
            push_work(crew, &d->work);
            break;
        }
        Dir* const parent = d->parent;
        if (parent && has_failed(d)) {
            set_failed(parent);
        }
        close_directory(crew, d);
        free_dir(crew, d);
        d = parent;
    }
    crew->mutex.unlock();
}

// --- Entries -----------------------------------------------------------------------

AIOC_INLINE bool calls_for_each(const Crew* crew) noexcept {
    return crew->verb != verb_walk || (crew->flags & AIOC_WALK_STAT) != 0;
}

AIOC_INLINE void find_directory(Hand* h, Dir* d, const char* name) noexcept {
    Crew* const crew = h->crew;
    crew->mutex.lock();
    Dir* const child = new_dir(crew, d, name);
    crew->mutex.unlock();
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
    if (again) {
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

// The rest of a buffer, in parts for others. What no block can be had for stays: how far it got.
AIOC_INLINE long split(Hand* h, Dir* d, long at, long end) noexcept {
    Crew* const crew = h->crew;
    crew->mutex.lock();
    while (at < end) {
        auto* const names = static_cast<Names*>(take_block(&crew->pool, Names::block_bytes));
        if (!names) {
            break;
        }
        const long begin = at;
        for (uint32_t i = 0; i < names_in_part && at < end; ++i) {
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

AIOC_INLINE void handle_entries(Hand* h, Dir* d, char* buffer, long bytes, bool may_split) noexcept {
    Crew* const crew = h->crew;
    uint32_t handled = 0;
    for (long at = 0; at < bytes && !is_stopped(crew);) {
        const auto* const e = reinterpret_cast<const Dirent*>(buffer + at);
        if (zone::is_dot_or_dotdot(e->name)) {
            at += e->length;
            continue;
        }
        if (may_split && is_slow(crew) && ++handled > names_in_part) {
            at = split(h, d, at, bytes);
            if (at == bytes) {
                return;
            }
        }
        handle_entry(h, d, reinterpret_cast<const Dirent*>(buffer + at));
        at += reinterpret_cast<const Dirent*>(buffer + at)->length;
        if (may_split && !is_slow(crew) && ++h->looks % entries_per_look == 0) {
            look_at_clock(h);
        }
    }
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
    crew->mutex.lock();
    unpin(crew, d->parent);
    if (fd >= 0) {
        d->users = 1;
        d->started = true;
        set_open(crew, d, fd);
        close_surplus(crew, d);
    }
    crew->mutex.unlock();
    if (fd == was_no_directory) {
        return false;
    }
    if (fd < 0) {
        if (crew->verb == verb_walk && d->parent) {
            emit_entry(h, d, nullptr, type_directory, static_cast<int32_t>(fd));
        } else if (!(crew->verb == verb_remove && fd == -ENOENT && d->parent)) {
            set_failed(d);
            record_error(crew, d, nullptr, fd);
        }
    }
    return fd >= 0;
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
        handle_entries(h, d, h->buffer, n, may_split);
        flush_progress(h);
        if (is_stopped(crew)) {
            forget_found(h);
            return true;
        }
        flush_entries(h, false);
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
    if (is_stopped(crew)) {
        crew->mutex.lock();
        if (d->started) {
            --d->users;
        } else {
            unpin(crew, d->parent);
        }
        crew->mutex.unlock();
        release(h, d);
        return;
    }
    if (d->started || start_directory(h, d)) {
        if (!read_directory(h, d)) {
            return;
        }
        crew->mutex.lock();
        unpin(crew, d);
        crew->mutex.unlock();
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
    crew->mutex.unlock();
    release(h, d);
}

AIOC_INLINE int64_t now_ns() noexcept {
    int64_t now[2] = {0, 0};
    return sys::call(SYS_clock_gettime, CLOCK_MONOTONIC, now) < 0 ? 0 : now[0] * 1'000'000'000 + now[1];
}

// How often this thread has waited: voluntary context switches.
AIOC_INLINE uint64_t count_waits() noexcept {
    long usage[18]; // struct rusage: ru_nvcsw is the last but one
    usage[16] = 0;
    return sys::call(SYS_getrusage, 1 /* RUSAGE_THREAD */, usage) < 0 ? 0 : static_cast<uint64_t>(usage[16]);
}

AIOC_INLINE int64_t entry_ns(const Crew* crew) noexcept {
    switch (crew->verb) {
    case verb_walk:
        return (crew->flags & AIOC_WALK_STAT) != 0 ? 20'000 : 2'000;
    case verb_remove:
        return 100'000;
    default:
        return 400'000;
    }
}

AIOC_INLINE void call_for_hands(Hand* h, uint32_t wanted) noexcept {
    h->queue->mutex.lock();
    const bool call = wanted > h->queue->hands_wanted;
    if (call) {
        h->queue->hands_wanted = wanted;
    }
    h->queue->mutex.unlock();
    if (call) {
        sys::store_release(h->queue->ready->called, uint32_t{1});
        h->queue->ready->notify();
    }
}

AIOC_INLINE void judge_pace(Hand* h, bool waited) noexcept {
    Crew* const crew = h->crew;
    const auto least = static_cast<int32_t>(h->queue->hot_max + 1);
    crew->mutex.lock();
    sys::store_relaxed(crew->slow, true);
    crew->pace_score += waited ? 1 : -1;
    const auto enough = static_cast<int32_t>(2 * crew->wanted);
    uint32_t call = 0;
    if (crew->pace_score >= enough) {
        const uint32_t most = crew->tickets + 1;
        crew->wanted = crew->wanted * 2 < most ? crew->wanted * 2 : most;
        crew->pace_score = 0;
        call = crew->wanted;
    } else if (crew->pace_score <= -enough) {
        crew->wanted = static_cast<int32_t>(crew->wanted / 2) > least ? crew->wanted / 2 : static_cast<uint32_t>(least);
        sys::store_relaxed(crew->slow, static_cast<int32_t>(crew->wanted) > least);
        crew->pace_score = 0;
    }
    crew->mutex.unlock();
    if (call > 0) {
        call_for_hands(h, call);
    }
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

// Do most visits take longer than system calls do that need not wait, and did they wait? Then more workers are of use
// than there are processors; and no more when that is over.
void look_at_clock(Hand* h) noexcept {
    constexpr int64_t visit_ns = 1'000'000;
    constexpr int64_t bytes_ns = 4;
    constexpr uint64_t waits_min = 2;
    Crew* const crew = h->crew;
    const int64_t now = now_ns();
    const int64_t took = now - h->began;
    const int64_t quick = visit_ns + static_cast<int64_t>(h->entries_since_clock) * entry_ns(crew) +
                          static_cast<int64_t>(h->bytes_since_clock) * bytes_ns;
    const bool known = h->began != 0 && now != 0;
    h->began = now;
    h->entries_since_clock = h->bytes_since_clock = 0;
    if (!known || !h->queue) {
        return;
    }
    bool waited = false;
    if (took >= quick) {
        const uint64_t waits = count_waits();
        waited = waits - h->waits >= waits_min;
        h->waits = waits;
    }
    if (waited || is_slow(crew)) {
        judge_pace(h, waited);
    }
}

void flush_progress(Hand* h) noexcept {
    Crew* const crew = h->crew;
    if (h->items == 0 && h->bytes == 0) {
        return;
    }
    crew->mutex.lock();
    crew->items += h->items;
    crew->bytes += h->bytes;
    crew->mutex.unlock();
    if (crew->composite) {
        sys::add(crew->composite->items, h->items);
        sys::add(crew->composite->bytes, h->bytes);
    }
    h->items = h->bytes = 0;
}

void visit(Hand* h, Work* w) noexcept {
    look_at_clock(h);
    switch (w->kind) {
    case work_begin:
        begin_tree(h);
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
