// SPDX-License-Identifier: MIT
// Worker zone: remove_tree, what is done with a directory and what is in it. By descriptor and name: what is exchanged
// for a symbolic link meanwhile is removed as a link.
#include "composite/crew.hpp"

namespace aioc {
namespace {

constexpr uint8_t passes_max = 4; // entries that appear while it is read

} // namespace

long enter_removed(Crew* crew, Dir* d) noexcept {
    const long parent = parent_fd(crew, d);
    const char* const name = name_of(crew, d);
    const long fd = zone::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
    if (fd == -ENOTDIR || fd == -ELOOP) {
        if (!d->parent && crew->root_must_be_directory) {
            return -ENOTDIR;
        }
        const long result = zone::unlink_at(parent, name);
        if (result == 0) {
            sys::add(crew->items, uint64_t{1});
        }
        return result == 0 ? was_no_directory : result;
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
    long result = zone::unlink_at(parent, name, AT_REMOVEDIR);
    if ((result == -ENOTEMPTY || result == -EEXIST) && !has_failed(d) && ++d->passes < passes_max) {
        sys::call(SYS_lseek, d->fd, 0L, 0 /* SEEK_SET */);
        return false;
    }
    if (result == -ENOTDIR) { // exchanged for another kind of file
        result = zone::unlink_at(parent, name);
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
