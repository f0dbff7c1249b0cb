// SPDX-License-Identifier: MIT
// Worker zone (see execute.cpp): how a request is tried by a thread that must not wait. The inline engine
// runs these in the submitting thread, a hot worker for it.
#include "composite/composite.hpp"
#include "worker/job_queue.hpp"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/stat.h>

namespace aioc {
namespace {

// What only another call can decide: not cached, or refused for a reason that openat(2) has not.
AIOC_INLINE bool must_ask_plain(long error) noexcept {
    switch (-error) {
    case EAGAIN: // not cached, or a lease
    case EINTR:
    case EINVAL: // openat(2) ignores flags that openat2(2) refuses
    case ENOSYS:
    case EPERM:  // maybe a filter's
    case ENXIO:  // O_NONBLOCK on a FIFO without reader
    case ELOOP:  // RESOLVE_NO_SYMLINKS
    case EXDEV:  // RESOLVE_NO_XDEV
    case EMFILE: // an O_PATH descriptor too many
    case ENFILE:
        return true;
    default:
        return false;
    }
}

AIOC_INLINE long open_cached(const Request& r, uint64_t flags, uint64_t resolve) noexcept {
    open_how how;
    how.flags = flags;
    how.mode = 0;
    how.resolve = RESOLVE_CACHED | resolve;
    return sys::call(SYS_openat2, r.fd, r.path, &how, sizeof how);
}

// What it has transferred when the rest would wait is kept: the plain call goes on from there, so that
// the answer is not shorter than on any other engine.
AIOC_INLINE bool try_transfer(Request* r) noexcept {
    const long number = r->operation == AIOC_OP_READ ? SYS_preadv2 : SYS_pwritev2;
    for (;;) {
        const Iov iov{static_cast<char*>(r->buffer) + r->partial, r->length - r->partial};
        const uint64_t offset = static_cast<uint64_t>(r->offset) + r->partial;
        const long n = sys::call(number, r->fd, &iov, 1, offset, 0, RWF_NOWAIT);
        r->result = n;
        if (n == -EAGAIN || n == -EOPNOTSUPP || n == -EINTR || n == -ENOSYS) {
            return false;
        }
        if (n > 0) {
            r->partial += static_cast<uint64_t>(n);
        }
        // Short, but not at the end of the file or a fault: the next page may be on its way. Ask again.
        if (n <= 0 || r->partial == r->length) {
            r->result = r->partial > 0 ? static_cast<int64_t>(r->partial) : n;
            return true;
        }
    }
}

// The reader of a FIFO must wait for a writer. This end stays open until the plain call has got its own, so that the
// writer sees no difference. (A writer that could be opened has met a reader, for which the plain call waits.)
AIOC_INLINE bool is_fifo(long fd) noexcept {
    struct statx file;
    file.stx_mode = 0;
    return sys::call(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &file) == 0 &&
           (file.stx_mode & S_IFMT) == S_IFIFO;
}

AIOC_INLINE bool try_open(Request* r) noexcept {
    const uint64_t flags = r->operation_flags;
    // O_NONBLOCK: neither a FIFO nor a lease keeps the caller waiting.
    const bool blocking = (flags & (O_NONBLOCK | O_PATH)) == 0;
    const long fd = open_cached(*r, flags | (blocking ? O_NONBLOCK : 0),
                                r->resolve == resolve_on_mount ? RESOLVE_NO_XDEV : RESOLVE_NO_SYMLINKS);
    r->result = fd;
    if (fd < 0) {
        return !must_ask_plain(fd);
    }
    if (!blocking) {
        return true;
    }
    if (sys::call(SYS_lseek, fd, 0L, SEEK_CUR) == -ESPIPE) {
        const bool fifo = is_fifo(fd);
        if (!fifo || (flags & O_ACCMODE) == O_RDONLY) {
            if (fifo) {
                r->held_fd = static_cast<int32_t>(fd);
            } else { // a terminal or the like, whose plain open is another one
                sys::call(SYS_close, fd);
            }
            r->result = -EAGAIN;
            return false;
        }
    }
    sys::call(SYS_fcntl, fd, F_SETFL, flags);
    return true;
}

// All of it, or nothing.
AIOC_INLINE bool try_load(Request* r) noexcept {
    if (must_stop(*r)) {
        r->result = -ECANCELED;
        return true;
    }
    const long fd = open_cached(*r, O_RDONLY | O_NONBLOCK | O_CLOEXEC,
                                r->resolve == resolve_on_mount ? RESOLVE_NO_XDEV : RESOLVE_NO_SYMLINKS);
    if (fd < 0) {
        r->result = fd;
        return !must_ask_plain(fd);
    }
    return load_cached(*r, fd);
}

AIOC_INLINE long statx_without_wait(long fd, void* ret) noexcept {
    return sys::call(SYS_statx, fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
                     STATX_BASIC_STATS | STATX_BTIME, ret);
}

// There is no stat that does not wait; an O_PATH open that does not wait, and its attributes, is the same.
AIOC_INLINE bool try_stat(Request* r) noexcept {
    const uint64_t nofollow = r->operation == AIOC_OP_LSTAT ? O_NOFOLLOW : 0;
    const long fd = open_cached(*r, O_PATH | O_CLOEXEC | nofollow, 0);
    r->result = fd;
    if (fd < 0) {
        return !must_ask_plain(fd);
    }
    r->result = statx_without_wait(fd, r->buffer);
    sys::call(SYS_close, fd);
    return true;
}

} // namespace

extern "C" void aioc_zone_try(Request* r) {
    bool answered = true;
    switch (r->attempt) {
    case attempt_nowait:
        answered = try_transfer(r);
        break;
    case attempt_cached_open:
        answered = try_open(r);
        break;
    case attempt_cached_stat:
        answered = try_stat(r);
        break;
    case attempt_cached_load:
        answered = try_load(r);
        break;
    case attempt_fstat:
        r->result = statx_without_wait(r->fd, r->buffer);
        answered = r->result != -EINTR;
        break;
    default:
        aioc_zone_execute(r);
    }
    r->answered = answered ? answer_yes : answer_no;
}

// By a worker, which may wait for a local device. A symbolic link could lead to another one.
extern "C" void aioc_zone_try_as_worker(Request* r) {
    if (r->attempt == attempt_cached_stat && r->resolve >= resolve_plain) {
        auto* const file = static_cast<struct statx*>(r->buffer);
        r->result = sys::call(SYS_statx, r->fd, r->path, AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW,
                              STATX_BASIC_STATS | STATX_BTIME, file);
        if (r->result < 0 || r->operation == AIOC_OP_LSTAT || (file->stx_mode & S_IFMT) != S_IFLNK) {
            r->attempt = attempt_direct; // nothing to judge
            r->answered = answer_yes;
            return;
        }
    }
    aioc_zone_try(r);
}

} // namespace aioc
