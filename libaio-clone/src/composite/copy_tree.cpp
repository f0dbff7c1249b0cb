// SPDX-License-Identifier: MIT
// Worker zone: copy_tree, what is done with a directory and what is in it.
#include "composite/crew.hpp"

namespace aioc {
namespace {

constexpr unsigned directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;
constexpr uint16_t mode_is_set = 0x8000; // Dir::mode is to be set at the end
constexpr unsigned all_of_owner = 0700;

struct Place { // of an entry: an open directory and a name, on both sides
    long from;
    const char* name;
    long to;
    const char* to_name;
    const Dir* directory; // null: it is the root
};

AIOC_INLINE bool has_flag(const Crew* crew, unsigned flag) noexcept { return (crew->flags & flag) != 0; }

AIOC_INLINE long copy_content(Hand* h, const Place& at, long in, const struct statx& file) noexcept {
    Copier* const c = &h->copier;
    const uint64_t before = c->bytes;
    const long error = in >= 0 ? copy_regular(c, in, file, at.to, at.to_name)
                               : copy_special(c, at.from, at.name, file, at.to, at.to_name);
    h->bytes += c->bytes - before;
    h->bytes_since_clock += c->bytes - before;
    return error;
}

AIOC_INLINE long link_to(const Crew* crew, const char* first, const Place& at) noexcept {
    return sys::call(SYS_linkat, crew->root->to_fd, first, at.to, at.to_name, 0);
}

// One at a time: whoever comes second finds the first one's name.
AIOC_INLINE long copy_or_link(Hand* h, const Place& at, long in, const struct statx& file) noexcept {
    Crew* const crew = h->crew;
    crew->links_mutex.lock();
    long error = -ENOENT;
    if (const char* const first = find_link(crew, file)) {
        error = link_to(crew, first, at);
        if (error == -EEXIST && has_flag(crew, AIOC_COPY_OVERWRITE) && zone::unlink_at(at.to, at.to_name) == 0) {
            error = link_to(crew, first, at);
        }
    }
    if (error < 0 && error != -EEXIST) { // the first one, or it has as many links as it can have
        error = copy_content(h, at, in, file);
        if (error == 0) {
            remember_link(crew, file, at.directory, at.name);
        }
    }
    crew->links_mutex.unlock();
    return error;
}

AIOC_INLINE long copy_known(Hand* h, const Place& at, long in, const struct statx& file) noexcept {
    if (at.directory && has_flag(h->crew, AIOC_COPY_LINKS) && file.stx_nlink > 1) {
        return copy_or_link(h, at, in, file);
    }
    return copy_content(h, at, in, file);
}

// -EAGAIN: it is another kind of file by now.
AIOC_INLINE long copy_file_at(Hand* h, const Place& at) noexcept {
    const long in = zone::open_at(at.from, at.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (in < 0) {
        return in == -ELOOP || in == -ENXIO ? -EAGAIN : in;
    }
    struct statx file;
    long error = zone::status_of(in, copied_mask, &file);
    if (error == 0) {
        error = zone::has_type(file, S_IFREG) ? copy_known(h, at, in, file) : -EAGAIN;
    }
    zone::close_file(in);
    return error;
}

AIOC_INLINE long copy_special_at(Hand* h, const Place& at) noexcept {
    struct statx file;
    const long error = zone::status_at(at.from, at.name, copied_mask, &file);
    if (error < 0) {
        return error;
    }
    if (zone::has_type(file, S_IFREG) || zone::has_type(file, S_IFDIR)) {
        return -EAGAIN;
    }
    return copy_known(h, at, zone::no_file, file);
}

AIOC_INLINE long copy_at(Hand* h, const Place& at, uint8_t type) noexcept {
    long error = type == type_regular ? copy_file_at(h, at) : copy_special_at(h, at);
    if (error == -EAGAIN) { // once more, as what it is now
        error = type == type_regular ? copy_special_at(h, at) : copy_file_at(h, at);
    }
    if (error == 0) {
        ++h->items;
    }
    return error;
}

AIOC_INLINE bool is_identity(const struct statx& file, const Identity& i) noexcept {
    return i.inode != 0 && file.stx_ino == i.inode && file.stx_dev_major == i.dev_major &&
           file.stx_dev_minor == i.dev_minor;
}

// The new directory, open; with a mode with which it can be filled.
AIOC_INLINE long make_directory(Crew* crew, Dir* d, const struct statx& file) noexcept {
    const long to = parent_to_fd(crew, d);
    const char* const name = to_name_of(crew, d);
    const bool keeps_mode = has_flag(crew, AIOC_COPY_MODE);
    const unsigned mode = keeps_mode ? all_of_owner : (file.stx_mode & 0777u) | all_of_owner;
    const long made = sys::call(SYS_mkdirat, to, name, mode);
    if (made < 0 && !(made == -EEXIST && has_flag(crew, AIOC_COPY_OVERWRITE))) {
        return made;
    }
    const long fd = zone::open_at(to, name, directory_flags);
    if (fd < 0) {
        return fd;
    }
    struct statx copy;
    const bool unusual = made == 0 && !keeps_mode && (file.stx_mode & all_of_owner) != all_of_owner;
    if (unusual || !d->parent) {
        if (const long error = zone::status_of(fd, STATX_MODE | STATX_INO, &copy); error < 0) {
            zone::close_file(fd);
            return error;
        }
    }
    if (unusual) { // the umask has taken its bits; now those that the source has not
        d->mode = static_cast<uint16_t>(mode_is_set | (copy.stx_mode & file.stx_mode & 0777u));
    }
    if (!d->parent) {
        crew->mutex.lock();
        crew->to_root.inode = copy.stx_ino;
        crew->to_root.dev_major = copy.stx_dev_major;
        crew->to_root.dev_minor = copy.stx_dev_minor;
        crew->mutex.unlock();
    }
    return fd;
}

AIOC_INLINE long enter_open(Crew* crew, Dir* d, long fd) noexcept {
    struct statx file;
    if (const long error = zone::status_of(fd, copied_mask, &file); error < 0) {
        return error;
    }
    if (is_identity(file, crew->to_root)) {
        return -EINVAL; // a copy into itself would have no end
    }
    const long to = make_directory(crew, d, file);
    if (to >= 0) {
        d->to_fd = static_cast<int32_t>(to);
    }
    return to < 0 ? to : fd;
}

} // namespace

void copy_entry(Hand* h, Dir* d, const char* name, uint8_t type) noexcept {
    const Place at{d->fd, name, d->to_fd, name, d};
    const long error = copy_at(h, at, type);
    if (error < 0 && !(error == -ECANCELED && is_stopped(h->crew))) {
        record_error(h->crew, d, name, error);
    }
}

long enter_copied(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    const Place at{parent_fd(crew, d), name_of(crew, d), parent_to_fd(crew, d), to_name_of(crew, d), d->parent};
    const long fd = zone::open_at(at.from, at.name, directory_flags);
    if (fd == -ENOTDIR || fd == -ELOOP) {
        if (!d->parent && crew->root_must_be_directory) {
            return -ENOTDIR;
        }
        const long error = copy_at(h, at, type_regular);
        return error < 0 ? error : was_no_directory;
    }
    if (fd < 0) {
        return fd;
    }
    const long result = enter_open(crew, d, fd);
    if (result < 0) {
        zone::close_file(fd);
    } else {
        ++h->items;
    }
    return result;
}

void leave_copied(Hand* h, Dir* d) noexcept {
    Crew* const crew = h->crew;
    struct statx file;
    long error = 0;
    if (has_flag(crew, AIOC_COPY_MODE | AIOC_COPY_TIMES | AIOC_COPY_OWNER | AIOC_COPY_XATTRS)) {
        error = zone::status_of(d->fd, copied_mask, &file);
        if (error == 0) {
            error = copy_attributes(&h->copier, d->fd, d->to_fd, file);
        }
    }
    if (error == 0 && (d->mode & mode_is_set) != 0) {
        error = sys::call(SYS_fchmod, d->to_fd, d->mode & 0777);
    }
    if (error == 0 && has_flag(crew, AIOC_COPY_SYNC)) {
        error = zone::sync_directory(d->to_fd);
    }
    if (error < 0) {
        record_error(crew, d, nullptr, error);
    }
}

} // namespace aioc
