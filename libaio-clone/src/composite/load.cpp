// SPDX-License-Identifier: MIT
// Worker zone: load, a whole file into memory of the library's.
#include "composite/zone.hpp"

#include <linux/poll.h>

namespace aioc {
namespace {

// Of a small file, or one that says 0 (of /proc, a pipe). All of this size are used again.
constexpr uint64_t small = (16 << 10) - sizeof(Object);

struct Pollfd {
    int fd;
    short events;
    short revents;
};

// A FIFO was opened without waiting for its writer: poll(2) waits until there was one. In short turns, so that a
// cancel is seen.
AIOC_INLINE long wait_readable(const Request& r, long fd) noexcept {
    for (;;) {
        if (must_stop(r)) {
            return -ECANCELED;
        }
        Pollfd file;
        file.fd = static_cast<int>(fd);
        file.events = POLLIN;
        file.revents = 0;
        const int64_t turn[2] = {0, 50'000'000};
        const long n = sys::call(SYS_ppoll, &file, 1, turn, 0L, 8);
        if (n > 0) {
            return 0;
        }
        if (n < 0 && n != -EINTR) {
            return n;
        }
    }
}

AIOC_INLINE bool make_room(Object** object, uint64_t used) noexcept {
    if (used + 1 < zone::capacity_of(*object)) {
        return true;
    }
    if (Home* const home = (*object)->home) { // it will not be of that size any more
        (*object)->home = nullptr;
        zone::leave_home(home);
    }
    Object* const larger = zone::resize_object(*object, zone::capacity_of(*object) * 2);
    if (larger) {
        *object = larger;
    }
    return larger != nullptr;
}

AIOC_INLINE Object* take_object(Composite* c, uint64_t payload) noexcept {
    if (payload > small || !c->home) {
        return zone::new_object(payload);
    }
    Object* const kept = c->object ? zone::object_of(c->object) : nullptr;
    c->object = nullptr;
    return kept ? kept : zone::new_object_of(c->home, small);
}

// Until a read says that this is the end, whatever the size said before: files grow, and those of /proc say 0.
AIOC_INLINE long read_to_end(const Request& r, long fd, bool can_wait, Object** object) noexcept {
    uint64_t used = 0;
    for (;;) {
        if (must_stop(r)) {
            return -ECANCELED;
        }
        if (!make_room(object, used)) {
            return -ENOMEM;
        }
        const uint64_t room = zone::capacity_of(*object) - used - 1; // the last byte is a NUL
        long n = sys::call(SYS_read, fd, zone::payload_of(*object) + used, room < zone::piece ? room : zone::piece);
        if (n == -EINTR) {
            continue;
        }
        if (n == -EAGAIN && can_wait) {
            n = wait_readable(r, fd);
            if (n < 0) {
                return n;
            }
            continue;
        }
        if (n < 0) {
            return n;
        }
        if (n == 0) {
            zone::payload_of(*object)[used] = '\0';
            return static_cast<long>(used);
        }
        used += static_cast<uint64_t>(n);
        sys::add(r.composite->bytes, static_cast<uint64_t>(n));
        if (r.length != 0 && used > r.length) {
            return -EFBIG;
        }
    }
}

AIOC_INLINE long load_from(Request& r, long fd) noexcept {
    struct statx file;
    const long error = zone::status_of(fd, STATX_TYPE | STATX_SIZE, &file);
    if (error < 0) {
        return error;
    }
    const bool regular = zone::has_type(file, S_IFREG);
    if (regular && r.length != 0 && file.stx_size > r.length) {
        return -EFBIG;
    }
    if (!regular) {
        if (const long waited = wait_readable(r, fd); waited < 0) {
            return waited;
        }
    }
    // One byte more than the file has, so that the end is seen without another mapping.
    Object* object = take_object(r.composite, regular && file.stx_size > 0 ? file.stx_size + 2 : small);
    if (!object) {
        return -ENOMEM;
    }
    const long result = read_to_end(r, fd, !regular, &object);
    if (result < 0) {
        zone::free_object(object);
    } else {
        if (r.composite->object) { // not used
            zone::free_object(zone::object_of(r.composite->object));
        }
        r.composite->object = zone::payload_of(object);
    }
    return result;
}

// One byte more is asked for, so that a file that has grown is seen. Less than its size: not in memory, or shorter now.
AIOC_INLINE long read_cached(Request& r, long fd, uint64_t size) noexcept {
    Object* const object = take_object(r.composite, size + 2);
    if (!object) {
        return -ENODATA;
    }
    r.composite->object = zone::payload_of(object);
    const uint64_t parts[2] = {reinterpret_cast<uintptr_t>(zone::payload_of(object)), size + 1}; // struct iovec
    const long n = sys::call(SYS_preadv2, fd, parts, 1, 0L, 0L, RWF_NOWAIT);
    if (n < 0 || static_cast<uint64_t>(n) != size) {
        return n == -EOPNOTSUPP ? n : -ENODATA;
    }
    zone::payload_of(object)[n] = '\0';
    sys::add(r.composite->bytes, size);
    return n;
}

// -EOPNOTSUPP: one of another kind. -ENODATA: it cannot be had without waiting.
AIOC_INLINE long try_to_load(Request& r, long fd, const struct statx& file) noexcept {
    const bool fits = file.stx_size > 0 && file.stx_size + 2 <= small && (r.length == 0 || file.stx_size <= r.length);
    return fits ? read_cached(r, fd, file.stx_size) : -EOPNOTSUPP;
}

} // namespace

// By a thread that must not wait: fd was opened without waiting, on a local file system. What is no regular file is
// kept open for who executes it: the writer of a FIFO would see another end come and go. So is a file that has no name
// any more, which its last close deletes.
bool load_cached(Request& r, long fd) noexcept {
    struct statx file;
    const bool known = zone::status_of(fd, STATX_TYPE | STATX_SIZE | STATX_NLINK, &file) == 0;
    if (!known || !zone::has_type(file, S_IFREG) || file.stx_nlink == 0) {
        r.held_fd = static_cast<int32_t>(fd);
        r.result = -EOPNOTSUPP;
        return false;
    }
    r.result = try_to_load(r, fd, file);
    zone::close_file(fd);
    return r.result >= 0;
}

long execute_load(Request& r) noexcept {
    const long fd = r.held_fd >= 0 ? r.held_fd : zone::open_at(r.fd, r.path, O_RDONLY | O_NONBLOCK);
    if (fd < 0) {
        return fd;
    }
    r.held_fd = zone::no_file;
    const long result = load_from(r, fd);
    zone::close_file(fd);
    return result;
}

} // namespace aioc
