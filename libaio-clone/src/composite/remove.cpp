// SPDX-License-Identifier: MIT
// Worker zone: remove_tree, what is done with a directory and what is in it. By descriptor and name: what is exchanged
// for a symbolic link meanwhile is removed as a link.
#include "composite/crew.hpp"

namespace aioc {
namespace {

constexpr uint8_t passes_max = 4; // entries that appear while it is read

AIOC_INLINE long open_removed(long parent, const char* name) noexcept {
    return zone::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
}
AIOC_INLINE bool is_another_kind(long error) noexcept { return error == -ENOTDIR || error == -ELOOP; }

// By whichever of the two calls fits: it may be exchanged for another kind of file between them, again and again.
AIOC_INLINE long remove_name(long parent, const char* name) noexcept {
    constexpr int attempts_max = 16;
    for (int i = 0; i < attempts_max; ++i) {
        const bool directory = i % 2 == 0;
        const long result = zone::unlink_at(parent, name, directory ? AT_REMOVEDIR : 0);
        if (result != (directory ? -ENOTDIR : -EISDIR)) {
            return result;
        }
    }
    return -EBUSY;
}

} // namespace

long enter_removed(Crew* crew, Dir* d) noexcept {
    const long parent = parent_fd(crew, d);
    const char* const name = name_of(crew, d);
    long fd = open_removed(parent, name);
    for (int i = 0; is_another_kind(fd) && i < passes_max; ++i) {
        if (!d->parent && crew->root_must_be_directory) {
            return -ENOTDIR;
        }
        const long result = zone::unlink_at(parent, name);
        if (result == 0) {
            sys::add(crew->items, uint64_t{1});
            return was_no_directory;
        }
        if (result != -EISDIR) {
            return result;
        }
        fd = open_removed(parent, name); // exchanged for a directory since
    }
    if (is_another_kind(fd)) {
        return -EBUSY;
    }
    if (fd == -EACCES && zone::unlink_at(parent, name, AT_REMOVEDIR) == 0) { // empty: it need not be read
        sys::add(crew->items, uint64_t{1});
        return was_no_directory;
    }
    return fd;
}

long remove_entry(Hand* h, Dir* d, const char* name) noexcept {
    const long result = zone::unlink_at(d->fd, name);
    if (result == 0) {
        ++h->items;
    } else if (result != -ENOENT && result != -EISDIR) {
        set_failed(d);
        record_error(h->crew, d, name, result);
    }
    return result;
}

bool leave_removed(Crew* crew, Dir* d) noexcept {
    const long parent = parent_fd(crew, d);
    const char* const name = name_of(crew, d);
    const long result = remove_name(parent, name);
    if ((result == -ENOTEMPTY || result == -EEXIST) && !has_failed(d) && ++d->passes < passes_max) {
        sys::call(SYS_lseek, d->fd, 0L, 0 /* SEEK_SET */);
        return false;
    }
    if (result < 0 && result != -ENOENT) {
        if (!has_failed(d)) { // else it was said what could not be removed
            record_error(crew, d, nullptr, result);
        }
        set_failed(d);
    }
    return true;
}

} // namespace aioc
