// SPDX-License-Identifier: MIT
// Worker zone: the descriptors of directories: held as long as something in the directory is not finished, unless there
// are too many. A directory in which none is found is never listed here: it is closed before anybody else knows it.
#include "composite/crew.hpp"

namespace aioc {
namespace {

constexpr unsigned directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;

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

} // namespace

void unlist(Crew* crew, Dir* d) noexcept {
    if (!d->listed) {
        return;
    }
    (d->opened_before ? d->opened_before->opened_after : crew->opened_first) = d->opened_after;
    (d->opened_after ? d->opened_after->opened_before : crew->opened_last) = d->opened_before;
    d->listed = false;
}
void count_open(Crew* crew, Dir* d) noexcept {
    crew->open_dirs += d->counted ? 0 : 1;
    d->counted = true;
}
void count_closed(Crew* crew, Dir* d) noexcept {
    crew->open_dirs -= d->counted ? 1 : 0;
    d->counted = false;
}

// Those that were opened first are needed last: on the way back.
static void close_surplus(Crew* crew, const Dir* keep) noexcept {
    for (Dir* d = crew->opened_first; d && crew->open_dirs > crew->open_dirs_max;) {
        Dir* const next = d->opened_after;
        if (d->users == 0 && d->parent && d != keep && identify(d->fd, &d->identity) &&
            (d->to_fd < 0 || identify(d->to_fd, &d->to_identity))) {
            unlist(crew, d);
            count_closed(crew, d);
            zone::close_file(d->fd);
            zone::close_file(d->to_fd);
            d->fd = d->to_fd = zone::no_file;
        }
        d = next;
    }
}

void list_open(Crew* crew, Dir* d) noexcept {
    if (d->listed) {
        return;
    }
    d->listed = true;
    d->opened_after = nullptr;
    d->opened_before = crew->opened_last;
    (crew->opened_last ? crew->opened_last->opened_after : crew->opened_first) = d;
    crew->opened_last = d;
    close_surplus(crew, d);
}

// The ones on the way are opened again from the lowest one that is open; the root always is.
static long reopen(Crew* crew, Dir* d) noexcept {
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
        a->fd = static_cast<int32_t>(fd);
        count_open(crew, a);
        list_open(crew, a);
        if (a == d) {
            return 0;
        }
    }
}

long pin(Crew* crew, Dir* d) noexcept {
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
void unpin(Crew* crew, Dir* d) noexcept {
    if (d) {
        --d->users;
        close_surplus(crew, d);
    }
}

} // namespace aioc
