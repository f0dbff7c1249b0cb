// SPDX-License-Identifier: MIT
// Worker zone: what comes before a tree, between its parts and after it. A move to another file system has three parts:
// a copy under another name, a rename, and the removal of the source; or, when it fails, of the copy.
#include "composite/crew.hpp"

namespace aioc {
namespace {

enum Phase : uint8_t { phase_only, phase_copies, phase_removes_source, phase_removes_copy };

// Of what the process may have open, a part: it has other things to do.
AIOC_INLINE uint32_t directories_at_once() noexcept {
    constexpr uint64_t least = 16;
    constexpr uint64_t most = 256;
    uint64_t limit[2] = {0, 0};
    sys::call(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0L, limit);
    const uint64_t part = limit[0] / 4;
    return static_cast<uint32_t>(part < least ? least : (part > most ? most : part));
}

AIOC_INLINE void fail(Crew* crew, long error) noexcept {
    crew->mutex.lock();
    if (crew->error == 0) {
        crew->error = error;
    }
    ++crew->errors;
    crew->mutex.unlock();
}

// With the mutex held.
AIOC_INLINE void push_root(Crew* crew) noexcept {
    Dir* const root = new_root(crew);
    crew->root = root;
    if (root) {
        push_work(crew, &root->work);
    } else if (crew->error == 0) {
        crew->error = -ENOMEM;
    }
}

// The directory that a path's last component is in, open to be searched.
AIOC_INLINE long open_place(long dir, const char* path, zone::Split* ret) noexcept {
    const long error = zone::split_path(path, ret);
    return error < 0 ? error : zone::open_at(dir, ret->directory, O_PATH | O_DIRECTORY);
}

AIOC_INLINE long begin_at(Crew* crew, bool to) noexcept {
    Request* const r = crew->request;
    zone::Split at;
    const long base = open_place(to ? extra_of(*r).fd2 : r->fd, to ? extra_of(*r).path2 : r->path, &at);
    if (base < 0) {
        return base;
    }
    if (to) {
        crew->to_base_fd = static_cast<int32_t>(base);
        crew->to_root_name = at.name;
    } else {
        crew->base_fd = static_cast<int32_t>(base);
        crew->root_name = at.name;
        crew->root_must_be_directory = at.slash;
    }
    return 0;
}

// 1: it is done.
AIOC_INLINE long begin_move(Crew* crew) noexcept {
    const unsigned flags = (crew->flags & AIOC_MOVE_NOREPLACE) != 0 ? RENAME_NOREPLACE : 0;
    const long result =
        sys::call(SYS_renameat2, crew->base_fd, crew->root_name, crew->to_base_fd, crew->to_root_name, flags);
    if (result != -EXDEV) {
        return result < 0 ? result : 1;
    }
    crew->phase = phase_copies;
    crew->final_name = crew->to_root_name;
    zone::draw_name(&crew->temporary);
    crew->to_root_name = crew->temporary.text;
    return 0;
}

AIOC_INLINE long begin_request(Hand* h) noexcept {
    Crew* const crew = h->crew;
    const uint32_t operation = crew->request->operation;
    crew->verb = operation == AIOC_OP_REMOVE_TREE ? verb_remove : verb_copy;
    long result = begin_at(crew, false);
    if (result == 0 && crew->verb == verb_copy) {
        result = begin_at(crew, true);
    }
    if (result == 0 && operation == AIOC_OP_MOVE) {
        result = begin_move(crew);
    }
    return result;
}

// With the mutex held.
AIOC_INLINE void begin_removal(Crew* crew, Phase phase) noexcept {
    crew->phase = phase;
    crew->verb = verb_remove;
    crew->heeds_stop = false;
    crew->items_copied = crew->items;
    push_root(crew);
}

} // namespace

void begin_tree(Hand* h) noexcept {
    Crew* const crew = h->crew;
    crew->open_dirs_max = directories_at_once();
    long result = 0;
    if (!crew->walk && !is_stopped(crew)) {
        result = begin_request(h);
        if (crew->phase == phase_copies) {
            crew->flags = AIOC_COPY_ALL; // and of those who come
            h->copier.flags = AIOC_COPY_ALL;
        }
    }
    if (result < 0) {
        fail(crew, result);
    }
    crew->mutex.lock();
    crew->items += result > 0 ? 1 : 0;
    if (result == 0 && !is_stopped(crew)) {
        push_root(crew);
    }
    crew->mutex.unlock();
}

bool next_phase(Crew* crew) noexcept {
    switch (crew->phase) {
    case phase_copies: {
        if (crew->error == 0 && is_stopped(crew)) {
            crew->error = -ECANCELED;
        }
        const unsigned flags = (crew->request->operation_flags & AIOC_MOVE_NOREPLACE) != 0 ? RENAME_NOREPLACE : 0;
        if (crew->error == 0) {
            crew->error = sys::call(SYS_renameat2, crew->to_base_fd, crew->temporary.text, crew->to_base_fd,
                                    crew->final_name, flags);
        }
        if (crew->error == 0) {
            begin_removal(crew, phase_removes_source);
            return true;
        }
        const int32_t base = crew->base_fd;
        crew->base_fd = crew->to_base_fd;
        crew->to_base_fd = base;
        crew->root_name = crew->temporary.text;
        crew->root_must_be_directory = false;
        begin_removal(crew, phase_removes_copy);
        return true;
    }
    case phase_removes_source:
    case phase_removes_copy:
        crew->items = crew->items_copied;
        crew->phase = phase_only;
        return false;
    default:
        return false;
    }
}

void end_tree(Crew* crew) noexcept {
    if (crew->base_fd >= 0) {
        zone::close_file(crew->base_fd);
    }
    zone::close_file(crew->to_base_fd);
    crew->base_fd = crew->to_base_fd = zone::no_file;
}

} // namespace aioc
