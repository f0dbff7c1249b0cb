// SPDX-License-Identifier: MIT
#include "engine/inline/inline_engine.hpp"

#include "sys/syscall.hpp"
#include "worker/job_queue.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451 // Linux 6.5; the same on every architecture
#endif

namespace aioc {
namespace {

constexpr uint64_t timed_bytes = uint64_t{32} << 10; // calls that move this much are timed
constexpr int64_t miss_ns = 50'000;                  // an RWF_NOWAIT miss starts the device
constexpr int opens_that_create = O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

int64_t now_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

bool kernel_nowait_is_sound() noexcept {
    utsname name{};
    int major = 0;
    int minor = 0;
    return uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 11));
}

long open_cached(int dirfd, const char* path, uint64_t flags, uint64_t resolve) noexcept {
    open_how how{};
    how.flags = flags;
    how.resolve = RESOLVE_CACHED | resolve;
    return sys::call(SYS_openat2, dirfd, path, &how, sizeof how);
}

// Attributes as far as they are known here: a network or user-space file system is not asked.
long statx_without_wait(int fd, struct statx* ret) noexcept {
    return sys::call(SYS_statx, fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
                     STATX_BASIC_STATS | STATX_BTIME, ret);
}

uint64_t hash_of(const char* text, size_t length) noexcept {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (size_t i = 0; i < length; ++i) {
        hash = (hash ^ static_cast<unsigned char>(text[i])) * 0x100000001b3;
    }
    return hash | 1;
}

// Of open: what another call has to decide. Some of these the plain call would give too.
bool must_ask_plain(long error) noexcept {
    switch (-error) {
    case EAGAIN: // not cached, or a lease
    case EINTR:
    case EINVAL: // openat(2) ignores flags that openat2(2) refuses
    case ENOSYS:
    case EPERM: // maybe a filter's
    case ENXIO: // O_NONBLOCK on a FIFO without reader
    case ELOOP: // RESOLVE_NO_SYMLINKS
        return true;
    default:
        return false;
    }
}

} // namespace

InlineEngine::InlineEngine() noexcept : nowait_is_sound_(kernel_nowait_is_sound()) {}

void InlineEngine::reset() noexcept {
    table_ = {};
    directories_ = {};
    misses_ = 0;
    coldness_ = 0;
}

// Null: not open.
Descriptor* InlineEngine::look_at(int fd) noexcept {
    Descriptor* const d = &table_[static_cast<size_t>(fd) % descriptors];
    if (d->fd != fd || d->uses_left == 0) {
        const long flags = fd < 0 ? -EBADF : sys::call(SYS_fcntl, fd, F_GETFL);
        *d = Descriptor{};
        if (flags < 0) {
            return nullptr;
        }
        d->fd = fd;
        d->flags = static_cast<uint32_t>(flags);
        d->uses_left = uses;
    }
    --d->uses_left;
    return d;
}

FileClass InlineEngine::class_of(Descriptor* d) noexcept {
    if (!d->type_known) {
        struct statx file {};
        d->type = statx_without_wait(d->fd, &file) == 0 ? mounts_.of(file) : class_unknown;
        d->type_known = true;
    }
    return d->type;
}

bool InlineEngine::is_direct(const Request& r) noexcept {
    const Descriptor* const d = look_at(r.fd);
    return d && (d->flags & O_DIRECT) != 0;
}

// Is the path below a directory whose file system opens without asking anybody?
bool InlineEngine::opens_without_wait(const Request& r) noexcept {
    const char* const slash = r.path[0] == '/' ? strrchr(r.path, '/') : nullptr;
    const uint64_t hash = slash ? hash_of(r.path, static_cast<size_t>(slash - r.path)) : 0;
    Directory* const d = &directories_[hash % directories];
    if (slash && d->hash == hash && d->uses_left > 0 && !d->links) {
        --d->uses_left;
        return d->local;
    }
    const bool links = slash && d->hash == hash && d->links && d->uses_left-- > 0;
    const long fd = open_cached(r.fd, r.path, O_PATH | O_CLOEXEC, slash && !links ? RESOLVE_NO_SYMLINKS : 0);
    if (fd < 0) {
        // Not there, or not cached: says nothing about the directory. ELOOP: look at each file from now on.
        if (slash && fd == -ELOOP) {
            *d = Directory{hash, uses, false, true};
        }
        return false;
    }
    struct statx file {};
    const bool local = statx_without_wait(static_cast<int>(fd), &file) == 0 &&
                       (mounts_.of(file) == class_local || mounts_.of(file) == class_memory);
    sys::call(SYS_close, fd);
    if (slash && !links) {
        *d = Directory{hash, uses, local, false};
    }
    return local;
}

Attempt InlineEngine::attempt_for(const Request& r) noexcept {
    switch (r.operation) {
    case AIOC_OP_NOP:
        return attempt_direct;
    case AIOC_OP_OPEN:
        return (r.operation_flags & opens_that_create) == 0 && !no_cached_open_ && opens_without_wait(r)
                   ? attempt_cached_open
                   : attempt_none;
    case AIOC_OP_STAT:
    case AIOC_OP_LSTAT:
        return trusts_paths_ ? attempt_direct : no_cached_open_ ? attempt_none : attempt_cached_stat;
    case AIOC_OP_FSTAT:
        return r.fd < 0 ? attempt_direct : attempt_fstat;
    case AIOC_OP_CLOSE: {
        Descriptor* const d = look_at(r.fd);
        if (!d) {
            return attempt_direct; // -EBADF
        }
        // One that was open for writing may have something to flush.
        const bool reads_only = (d->flags & (O_ACCMODE | O_PATH)) == O_RDONLY;
        const bool waits_not = reads_only && (class_of(d) == class_local || class_of(d) == class_memory);
        *d = Descriptor{};
        return waits_not ? attempt_direct : attempt_none;
    }
    case AIOC_OP_READ:
    case AIOC_OP_WRITE: {
        Descriptor* const d = look_at(r.fd);
        if (!d) {
            return attempt_direct; // -EBADF
        }
        if (r.operation_flags != 0 || r.length > read_bytes_max || (d->flags & O_DIRECT) != 0) {
            return attempt_none;
        }
        if (r.operation == AIOC_OP_READ && !d->no_nowait && nowait_is_sound_) {
            return attempt_nowait;
        }
        if (d->type_known && d->type == class_memory) {
            d->type_known = false; // a plain call: what is remembered is not good enough
        }
        return class_of(d) == class_memory ? attempt_direct : attempt_none;
    }
    default:
        return attempt_none;
    }
}

// cachestat(2): 0.4 microseconds, where a miss of RWF_NOWAIT costs 35 to 100, since it starts the read.
bool InlineEngine::is_cached(const Request& r) noexcept {
    const uint64_t range[2] = {static_cast<uint64_t>(r.offset), r.length};
    uint64_t pages[5]{}; // cached, dirty, writeback, evicted, recently evicted
    const long error = sys::call(SYS_cachestat, r.fd, range, pages, 0);
    if (error < 0) {
        if (error == -ENOSYS || error == -EPERM) {
            no_cachestat_ = true;
        }
        return true; // not known: try
    }
    constexpr uint64_t page = 4096;
    const uint64_t first = range[0] / page;
    const uint64_t last = r.length == 0 ? first : (range[0] + r.length - 1) / page;
    return pages[0] > 0 && pages[0] >= (last - first + 1) / (r.length > page * 16 ? 2 : 1);
}

bool InlineEngine::run_read(Request* r) noexcept {
    if (r->attempt == attempt_nowait && sys::load_relaxed(coldness_) > 0 && !no_cachestat_ && !is_cached(*r)) {
        r->result = -EAGAIN;
        return false;
    }
    const bool answered = aioc_zone_try(r) != 0;
    const uint32_t coldness = sys::load_relaxed(coldness_);
    if (answered && coldness > 0) {
        sys::store_relaxed(coldness_, coldness - 1);
    } else if (r->result == -EAGAIN) {
        spend(miss_ns);
    }
    return answered;
}

bool InlineEngine::run_open(Request* r) noexcept {
    const uint64_t flags = r->operation_flags;
    const bool blocking = (flags & (O_NONBLOCK | O_PATH)) == 0;
    const uint64_t resolve = r->path[0] == '/' ? RESOLVE_NO_SYMLINKS : 0;
    long fd = open_cached(r->fd, r->path, flags | (blocking ? O_NONBLOCK : 0), resolve);
    if (fd == -ELOOP && resolve != 0) {
        fd = open_cached(r->fd, r->path, flags | (blocking ? O_NONBLOCK : 0), 0);
    }
    r->result = fd;
    if (fd < 0) {
        return !must_ask_plain(fd);
    }
    if (blocking) {
        // A FIFO must wait for its other end. This end stays open until the plain call has got its own, so
        // that the other end sees no difference.
        if (sys::call(SYS_lseek, fd, 0L, SEEK_CUR) == -ESPIPE) {
            struct statx file {};
            if (statx_without_wait(static_cast<int>(fd), &file) == 0 && S_ISFIFO(file.stx_mode)) {
                r->held_fd = static_cast<int32_t>(fd);
                return false;
            }
        }
        sys::call(SYS_fcntl, fd, F_SETFL, flags);
    }
    return true;
}

bool InlineEngine::run_fstat(Request* r) noexcept {
    auto* const file = static_cast<struct statx*>(r->buffer);
    r->result = statx_without_wait(r->fd, file);
    return r->result < 0 ? r->result != -EINTR : true;
}

bool InlineEngine::run_stat(Request* r) noexcept {
    const uint64_t nofollow = r->operation == AIOC_OP_LSTAT ? O_NOFOLLOW : 0;
    const long fd = open_cached(r->fd, r->path, O_PATH | O_CLOEXEC | nofollow, 0);
    r->result = fd;
    if (fd < 0) {
        return !must_ask_plain(fd) && fd != -EMFILE && fd != -ENFILE;
    }
    r->result = statx_without_wait(static_cast<int>(fd), static_cast<struct statx*>(r->buffer));
    sys::call(SYS_close, fd);
    return true;
}

bool InlineEngine::run(Request* r) noexcept {
    const bool timed = r->length >= timed_bytes && (r->operation == AIOC_OP_READ || r->operation == AIOC_OP_WRITE);
    const int64_t start = timed ? now_ns() : 0;
    bool answered;
    switch (r->attempt) {
    case attempt_none:
        return false;
    case attempt_cached_open:
        answered = run_open(r);
        break;
    case attempt_cached_stat:
        answered = run_stat(r);
        break;
    case attempt_fstat:
        answered = run_fstat(r);
        break;
    default:
        answered = run_read(r);
    }
    spend(timed ? now_ns() - start : int64_t{r->cost} * 16);
    return answered;
}

// AT_STATX_DONT_SYNC has changed nothing if the file is a local one. The kernel has just written to the
// buffer, so it can be read.
bool InlineEngine::is_local(const Request& r) noexcept {
    const FileClass type = mounts_.of(*static_cast<const struct statx*>(r.buffer));
    if (r.operation == AIOC_OP_FSTAT) {
        Descriptor* const d = &table_[static_cast<size_t>(r.fd) % descriptors];
        if (d->fd == r.fd) {
            d->type = type;
            d->type_known = true;
        }
    }
    return type == class_local || type == class_memory;
}

bool InlineEngine::confirm(const Request& r, bool answered) noexcept {
    if (!answered) {
        if (r.result == -EOPNOTSUPP && r.operation == AIOC_OP_READ) {
            table_[static_cast<size_t>(r.fd) % descriptors].no_nowait = true;
            return false;
        }
        ++misses_;
        if (r.attempt == attempt_nowait) {
            constexpr uint32_t rise = 16;
            constexpr uint32_t coldest = 64;
            const uint32_t coldness = sys::load_relaxed(coldness_) + rise;
            sys::store_relaxed(coldness_, coldness < coldest ? coldness : coldest);
        } else if (r.result == -ENOSYS) {
            no_cached_open_ = true;
        }
        return false;
    }
    switch (r.attempt) {
    case attempt_fstat:
    case attempt_cached_stat:
        return r.result < 0 || is_local(r);
    case attempt_cached_open:
        if (r.result >= 0) {
            Descriptor* const d = &table_[static_cast<size_t>(r.result) % descriptors];
            *d = Descriptor{};
            d->fd = static_cast<int32_t>(r.result);
            d->flags = r.operation_flags;
            d->uses_left = uses;
        }
        return true;
    default:
        return true;
    }
}

} // namespace aioc
