// SPDX-License-Identifier: MIT
// Worker zone: the content of one file, the fastest way that there is. A clone of its extents; else in the kernel; else
// read and written. Holes stay holes.
#include "composite/copy_file.hpp"

namespace aioc {
namespace {

constexpr uint64_t small = 128 << 10; // read and written: two system calls, as the others, and nothing to try first
constexpr int seek_data = 3;
constexpr int seek_hole = 4;

AIOC_INLINE void count(Copier* c, long n) noexcept {
    c->bytes += static_cast<uint64_t>(n);
    if (c->progress) {
        sys::add(*c->progress, static_cast<uint64_t>(n));
    }
}
AIOC_INLINE bool stops(const Copier* c) noexcept { return sys::load_relaxed(*c->stop) != 0; }

AIOC_INLINE long write_at(long out, const char* data, uint64_t length, uint64_t offset) noexcept {
    while (length > 0) {
        const long n = sys::call(SYS_pwrite64, out, data, length, offset);
        if (n == -EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? n : -EIO;
        }
        data += n;
        offset += static_cast<uint64_t>(n);
        length -= static_cast<uint64_t>(n);
    }
    return 0;
}

// [from, to): until a read says that this is the end; where that is goes to ret_end.
AIOC_INLINE long read_and_write(Copier* c, long in, long out, uint64_t from, uint64_t to, uint64_t* ret_end) noexcept {
    if (!need_buffer(c)) {
        return -ENOMEM;
    }
    while (from < to) {
        if (stops(c)) {
            return -ECANCELED;
        }
        const uint64_t left = to - from;
        const long n = sys::call(SYS_pread64, in, c->buffer, left < copy_buffer_bytes ? left : copy_buffer_bytes, from);
        if (n == -EINTR) {
            continue;
        }
        if (n < 0) {
            return n;
        }
        if (n == 0) {
            break;
        }
        if (const long error = write_at(out, c->buffer, static_cast<uint64_t>(n), from); error < 0) {
            return error;
        }
        from += static_cast<uint64_t>(n);
        count(c, n);
    }
    *ret_end = from;
    return 0;
}

AIOC_INLINE bool cannot_here(long error) noexcept {
    switch (-error) {
    case EXDEV:
    case EINVAL:
    case EOPNOTSUPP:
    case ENOSYS:
    case EPERM: // a sandbox; an immutable or append-only file says it again below
    case ENOTTY:
    case EBADF: // "not a regular file", of some file systems
    case EISDIR:
    case ETXTBSY:
        return true;
    default:
        return false;
    }
}

AIOC_INLINE long copy_range(Copier* c, long in, long out, uint64_t from, uint64_t to, uint64_t* ret_end) noexcept {
    uint64_t in_at = from;
    uint64_t out_at = from;
    while (!c->no_copy_range && in_at < to && to - from > small) {
        if (stops(c)) {
            return -ECANCELED;
        }
        const uint64_t left = to - in_at;
        const long n =
            sys::call(SYS_copy_file_range, in, &in_at, out, &out_at, left < zone::piece ? left : zone::piece, 0);
        if (n > 0) {
            count(c, n);
        } else if (n == 0) {
            break; // the end, or a file that only read(2) knows the content of
        } else if (n != -EINTR) {
            if (!cannot_here(n)) {
                return n;
            }
            c->no_copy_range = n == -EXDEV || n == -ENOSYS || n == -EOPNOTSUPP || c->no_copy_range;
            break;
        }
    }
    return read_and_write(c, in, out, in_at, to, ret_end);
}

AIOC_INLINE bool clone(Copier* c, long in, long out) noexcept {
    if (c->no_reflink) {
        return false;
    }
    const long result = sys::call(SYS_ioctl, out, FICLONE, in);
    if (result < 0) {
        c->no_reflink = true;
    }
    return result == 0;
}

AIOC_INLINE bool is_sparse(const struct statx& file) noexcept { return file.stx_blocks * 512 < file.stx_size; }

// Only what lies between holes. What grows behind the size that it said is copied as data.
AIOC_INLINE long copy_sparse(Copier* c, long in, long out, uint64_t size, uint64_t* ret_end) noexcept {
    uint64_t at = 0;
    while (at < size) {
        const long data = sys::call(SYS_lseek, in, at, seek_data);
        if (data == -ENXIO) {
            break; // a hole up to the end
        }
        const long hole = data < 0 ? data : sys::call(SYS_lseek, in, data, seek_hole);
        if (hole < 0) {
            return copy_range(c, in, out, at, size, ret_end); // no such seek here
        }
        const uint64_t end = static_cast<uint64_t>(hole) < size ? static_cast<uint64_t>(hole) : size;
        if (const long error = copy_range(c, in, out, static_cast<uint64_t>(data), end, &at); error < 0) {
            return error;
        }
        if (at < end) {
            *ret_end = at; // it became shorter
            return 0;
        }
    }
    *ret_end = size;
    return sys::call(SYS_ftruncate, out, size);
}

} // namespace

bool need_buffer(Copier* c) noexcept {
    if (!c->buffer) {
        c->buffer = static_cast<char*>(zone::map(copy_buffer_bytes));
    }
    return c->buffer != nullptr;
}

void end_copier(Copier* c) noexcept {
    if (c->buffer) {
        zone::unmap(c->buffer, copy_buffer_bytes);
        c->buffer = nullptr;
    }
}

long copy_data(Copier* c, long in, long out, const struct statx& file) noexcept {
    const uint64_t size = file.stx_size;
    if (size > 0 && clone(c, in, out)) {
        count(c, static_cast<long>(size));
        return 0;
    }
    uint64_t end = 0;
    long error = 0;
    if (is_sparse(file) && size > small) {
        error = copy_sparse(c, in, out, size, &end);
    } else if (size > 0) {
        error = copy_range(c, in, out, 0, size, &end);
    }
    // A file of /proc says 0, and a log grows: to the end.
    if (error == 0 && end == size) {
        error = read_and_write(c, in, out, end, UINT64_MAX, &end);
    }
    return error;
}

} // namespace aioc
