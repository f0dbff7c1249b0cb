// SPDX-License-Identifier: MIT
#include "engine/inline/inline_engine.hpp"

#include "sys/clock.hpp"
#include "sys/syscall.hpp"
#include "worker/job_queue.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451 // Linux 6.5; the same on every architecture
#endif

namespace aioc {
namespace {

constexpr uint64_t timed_bytes = uint64_t{32} << 10; // calls that move this much are timed
constexpr int64_t miss_ns = 50'000;                  // an RWF_NOWAIT miss starts the device
constexpr int opens_that_create = O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
// A file without a name is deleted by its last close, which then waits. Seen so long ago, it has one still.
constexpr int64_t linked_ns_valid = 10'000'000;

bool kernel_nowait_is_sound() noexcept {
    utsname name{};
    int major = 0;
    int minor = 0;
    return uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 11));
}

// Attributes as far as they are known here: a network or user-space file system is not asked.
bool look_without_wait(int fd, const char* path, int flags, struct statx* ret) noexcept {
    return sys::call(SYS_statx, fd, path, flags | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, ret) == 0;
}

// Beyond RLIMIT_FSIZE a write raises SIGXFSZ in the thread that makes it: that must be a worker, which blocks it.
bool may_exceed_limit(const Request& r) noexcept {
    rlimit limit{};
    const uint64_t end = static_cast<uint64_t>(r.offset) + r.length;
    return sys::call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0L, &limit) < 0 || end > limit.rlim_cur;
}

// Eight bytes at a time: it is made for every request that may be shared.
uint64_t hash_of(const char* text, size_t length) noexcept {
    constexpr uint64_t prime = 0x9e3779b97f4a7c15;
    uint64_t hash = length * prime;
    for (; length > 0;) {
        uint64_t word = 0;
        const size_t n = length < sizeof word ? length : sizeof word;
        memcpy(&word, text, n);
        hash = (hash ^ word) * prime;
        hash ^= hash >> 32;
        text += n;
        length -= n;
    }
    return hash | 1;
}

bool is_transfer(const Request& r) noexcept { return r.operation == AIOC_OP_READ || r.operation == AIOC_OP_WRITE; }
uint8_t nowait_bit(const Request& r) noexcept { return r.operation == AIOC_OP_READ ? 1 : 2; }

} // namespace

InlineEngine::InlineEngine() noexcept : nowait_is_sound_(kernel_nowait_is_sound()) {}

void InlineEngine::reset() noexcept {
    descriptors_.reset();
    directories_ = {};
    seen_ = {};
    root_ = {};
    working_uses_left_ = 0;
    patience_ = {};
    misses_ = 0;
    coldness_ = 0;
}

FileClass InlineEngine::class_of(Descriptor* d) noexcept {
    if (!d->type_known) {
        struct statx file{};
        d->type = look_without_wait(d->fd, "", AT_EMPTY_PATH, &file) ? mounts_.of(file) : class_unknown;
        d->type_known = true;
        d->linked_ns = file.stx_nlink > 0 ? sys::coarse_now_ns() : 0;
        d->device = device_key(file.stx_dev_major, file.stx_dev_minor);
    }
    return d->type;
}

uint64_t InlineEngine::remote_device_of(int fd) noexcept {
    Descriptor* const d = descriptors_.look_at(fd);
    return d && class_of(d) == class_remote ? d->device : 0;
}

uint64_t InlineEngine::remote_device(const Request& r, bool by_path) noexcept {
    if (by_path && r.path[0] == '/') {
        return mounts_.remote_device(r.path);
    }
    if (r.fd != AT_FDCWD) {
        return remote_device_of(r.fd);
    }
    if (working_uses_left_ == 0) {
        struct statx file{};
        const bool known = look_without_wait(AT_FDCWD, "", AT_EMPTY_PATH, &file);
        working_device_ =
            known && mounts_.of(file) == class_remote ? device_key(file.stx_dev_major, file.stx_dev_minor) : 0;
        working_uses_left_ = uses;
    }
    --working_uses_left_;
    return working_device_;
}

bool InlineEngine::is_direct(const Request& r) noexcept {
    const Descriptor* const d = descriptors_.find(r.fd);
    return d && (d->flags & O_DIRECT) != 0;
}

// The mount of "/": with RESOLVE_NO_XDEV a path that starts there stays there.
bool InlineEngine::root_is_local() noexcept {
    if (root_.uses_left == 0) {
        struct statx file{};
        root_.uses_left = uses;
        root_mount_ = 0;
        root_.local = look_without_wait(AT_FDCWD, "/", 0, &file) && is_local(mounts_.of(file));
        root_mount_ = file.stx_mnt_id;
    }
    --root_.uses_left;
    return root_.local;
}

// Of an absolute path: where what is known of its directory stands.
SeenDirectory* InlineEngine::directory_of(const Request& r, SeenDirectory* among, size_t count,
                                          uint64_t* ret_hash) noexcept {
    const char* const slash = strrchr(r.path, '/');
    *ret_hash = hash_of(r.path, static_cast<size_t>(slash - r.path));
    return &among[(*ret_hash >> 8) % count];
}

// Of an absolute path that may lead to any mount: is the directory on a local one?
bool InlineEngine::directory_is_local(const Request& r, SeenDirectory* d, uint64_t hash) noexcept {
    if (d->hash != hash || d->uses_left == 0) {
        open_how how{};
        how.flags = O_PATH | O_CLOEXEC;
        how.resolve = RESOLVE_CACHED | RESOLVE_NO_SYMLINKS;
        const long fd = sys::call(SYS_openat2, r.fd, r.path, &how, sizeof how);
        if (fd < 0) {
            return false; // not there, or not cached: says nothing about the directory
        }
        struct statx file{};
        const bool local =
            look_without_wait(static_cast<int>(fd), "", AT_EMPTY_PATH, &file) && is_local(mounts_.of(file));
        sys::call(SYS_close, fd);
        *d = SeenDirectory{hash, uses, local, file.stx_mnt_id != root_mount_};
    }
    --d->uses_left;
    return d->local;
}

Attempt InlineEngine::attempt_open(Request* r) noexcept {
    if ((r->operation_flags & opens_that_create) != 0 || no_cached_open_) {
        return attempt_none;
    }
    bool local = false;
    if (r->path[0] != '/') {
        struct statx start{};
        local = look_without_wait(r->fd, "", AT_EMPTY_PATH, &start) && is_local(mounts_.of(start));
    } else {
        uint64_t hash = 0;
        SeenDirectory* const d = directory_of(*r, directories_.data(), directories_.size(), &hash);
        local = root_is_local() && !(d->hash == hash && d->foreign);
        if (!local) {
            r->resolve = resolve_no_links;
            local = directory_is_local(*r, d, hash);
        }
    }
    return local ? attempt_cached_open : attempt_none;
}

Attempt InlineEngine::attempt_close(const Request& r) noexcept {
    Descriptor* const d = descriptors_.look_at(r.fd);
    if (!d) {
        return attempt_direct; // -EBADF
    }
    // One that was open for writing may have something to flush.
    const bool reads_only = (d->flags & (O_ACCMODE | O_PATH)) == O_RDONLY;
    if (reads_only && sys::coarse_now_ns() - d->linked_ns > linked_ns_valid) {
        d->type_known = false;
    }
    const bool waits_not = reads_only && is_local(class_of(d)) && d->linked_ns != 0;
    *d = Descriptor{};
    return waits_not ? attempt_direct : attempt_none;
}

Attempt InlineEngine::attempt_transfer(const Request& r) noexcept {
    Descriptor* const d = descriptors_.look_at(r.fd);
    if (!d) {
        return attempt_direct; // -EBADF
    }
    if (r.operation_flags != 0 || r.length > transfer_bytes_max || (d->flags & O_DIRECT) != 0) {
        return attempt_none;
    }
    if (r.operation == AIOC_OP_WRITE && may_exceed_limit(r)) {
        return attempt_none;
    }
    if (d->had_no_nowait != 0) { // a batch of attempts on such a file system would fail one by one
        d->no_nowait = class_of(d) == class_remote && d->device == d->had_device ? d->had_no_nowait : uint8_t{0};
        d->had_no_nowait = 0;
    }
    if ((d->no_nowait & nowait_bit(r)) == 0 && nowait_is_sound_) {
        return attempt_nowait;
    }
    if (d->type_known && d->type == class_memory) {
        d->type_known = false; // a plain call: what is remembered is not good enough
    }
    return class_of(d) == class_memory ? attempt_direct : attempt_none;
}

Attempt InlineEngine::attempt_for(Request* r) noexcept {
    r->resolve = resolve_on_mount;
    if (r->held_fd >= 0) { // it was tried: who executes it goes on with that
        return attempt_none;
    }
    switch (r->operation) {
    case AIOC_OP_NOP:
        return attempt_direct;
    case AIOC_OP_OPEN:
        return attempt_open(r);
    case AIOC_OP_LOAD:
        return attempt_open(r) == attempt_none ? attempt_none : attempt_cached_load;
    case AIOC_OP_STAT:
    case AIOC_OP_LSTAT:
        return trusts_paths_ ? attempt_direct : no_cached_open_ ? attempt_none : attempt_cached_stat;
    case AIOC_OP_FSTAT:
        return r->fd < 0 ? attempt_direct : attempt_fstat;
    case AIOC_OP_CLOSE:
        return attempt_close(*r);
    case AIOC_OP_READ:
    case AIOC_OP_WRITE:
        return attempt_transfer(*r);
    case AIOC_OP_READV:
    case AIOC_OP_WRITEV:
        return descriptors_.look_at(r->fd) ? attempt_none : attempt_direct; // -EBADF
    default:
        return attempt_none;
    }
}

void InlineEngine::classify(Request* r) noexcept { r->attempt = attempt_for(r); }

// The plain call costs half of what the attempt does. A worker may make it, even with others of the batch behind it,
// where it waits for a local device at most.
void InlineEngine::classify_for_worker(Request* r) noexcept {
    if (r->attempt != attempt_cached_stat) {
        return;
    }
    if (r->path[0] != '/' || mounts_.remote_device(r->path) != 0) {
        return;
    }
    uint64_t hash = 0;
    SeenDirectory* const d = directory_of(*r, seen_.data(), seen_.size(), &hash);
    if (d->hash != hash) { // looked at when it comes again: of more directories than there is room for, none is
        *d = SeenDirectory{hash, 0, false, false};
        return;
    }
    const bool looks = d->uses_left == 0;
    if (directory_is_local(*r, d, hash)) {
        r->resolve = resolve_plain;
    } else if (looks && d->uses_left == 0) { // it was not seen this time
        d->uses_left = uses;
        d->local = false;
    }
}

// In a context that keeps an order: false, if it is not for a worker with others behind it.
bool InlineEngine::classify_for_ordered_worker(Request* r) noexcept {
    if (r->attempt == attempt_cached_stat) {
        classify_for_worker(r);
        if (r->resolve != resolve_plain) {
            return false;
        }
    }
    r->resolve = resolve_at_last;
    return true;
}

// cachestat(2): 0.4 microseconds, where a miss of RWF_NOWAIT costs 35 to 100, since it starts the read.
bool InlineEngine::is_cached(const Request& r) noexcept {
    const uint64_t range[2] = {static_cast<uint64_t>(r.offset), r.length};
    uint64_t pages[5]{}; // cached, dirty, writeback, evicted, recently evicted
    const long error = sys::call(SYS_cachestat, r.fd, range, pages, 0);
    if (error < 0) {
        no_cachestat_ = no_cachestat_ || error == -ENOSYS || error == -EPERM;
        return true; // not known: try
    }
    constexpr uint64_t page = 4096;
    const uint64_t first = range[0] / page;
    const uint64_t last = r.length == 0 ? first : (range[0] + r.length - 1) / page;
    return pages[0] > 0 && pages[0] >= (last - first + 1) / (r.length > page * 16 ? 2 : 1);
}

bool InlineEngine::expects_miss(const Request& r) noexcept {
    if (r.attempt == attempt_nowait && r.operation == AIOC_OP_READ && !no_cachestat_) {
        return sys::load_relaxed(coldness_) > 0 && !is_cached(r);
    }
    return !patience_[r.attempt].tries();
}

void InlineEngine::run(Request* r) noexcept {
    const bool timed = r->length >= timed_bytes;
    const int64_t start = timed ? sys::now_ns() : 0;
    aioc_zone_try(r);
    const bool started_device = r->answered == answer_no && r->attempt == attempt_nowait && r->result == -EAGAIN;
    spend(timed ? sys::now_ns() - start : started_device ? miss_ns : int64_t{r->cost});
}

void InlineEngine::prefetch_for_settling(const Request& r) noexcept {
    if (r.attempt == attempt_fstat || r.attempt == attempt_cached_stat) {
        const auto* const file = static_cast<const struct statx*>(r.buffer);
        sys::prefetch(file);
        sys::prefetch(&file->stx_dev_major);
        sys::prefetch(&file->stx_mnt_id);
    }
}

// AT_STATX_DONT_SYNC has changed nothing if the file is a local one. The kernel has just written to the
// buffer, so it can be read.
bool InlineEngine::settle_status(const Request& r) noexcept {
    const auto& file = *static_cast<const struct statx*>(r.buffer);
    const FileClass type = mounts_.of(file);
    if (r.operation == AIOC_OP_FSTAT) {
        if (Descriptor* const d = descriptors_.look_at(r.fd)) {
            d->type = type;
            d->device = device_key(file.stx_dev_major, file.stx_dev_minor);
            d->type_known = true;
            d->linked_ns = file.stx_nlink > 0 ? sys::coarse_now_ns() : 0;
        }
    }
    return is_local(type);
}

void InlineEngine::note_miss(Request* r) noexcept {
    if (is_transfer(*r) && r->result == -EOPNOTSUPP) {
        if (Descriptor* const d = descriptors_.find(r->fd)) {
            d->no_nowait |= nowait_bit(*r);
        }
        return;
    }
    if (r->attempt == attempt_cached_load && r->result == -EOPNOTSUPP) {
        patience_[r->attempt].failed(); // no miss: its files are of another kind
        return;
    }
    ++misses_;
    // Not cached, or on another mount: the kernel says EAGAIN for either (6.18). Next time the directory is looked at.
    const bool opens =
        r->attempt == attempt_cached_open || (r->attempt == attempt_cached_load && r->result != -ENODATA);
    if (opens && r->resolve == resolve_on_mount && r->path[0] == '/') {
        uint64_t hash = 0;
        SeenDirectory* const d = directory_of(*r, directories_.data(), directories_.size(), &hash);
        *d = SeenDirectory{hash, 0, false, true};
    }
    patience_[r->attempt].failed();
    if (is_transfer(*r)) {
        constexpr uint32_t rise = 16;
        constexpr uint32_t coldest = 64;
        const uint32_t coldness = sys::load_relaxed(coldness_) + rise;
        sys::store_relaxed(coldness_, coldness < coldest ? coldness : coldest);
    } else if (r->result == -ENOSYS) {
        no_cached_open_ = true;
    }
}

bool InlineEngine::settle(Request* r) noexcept {
    bool answered = r->answered == answer_yes;
    if (answered && r->result >= 0 && (r->attempt == attempt_fstat || r->attempt == attempt_cached_stat)) {
        answered = settle_status(*r);
    }
    if (!answered) {
        note_miss(r);
        return false;
    }
    if (r->attempt != attempt_direct) {
        patience_[r->attempt].succeeded();
        const uint32_t coldness = sys::load_relaxed(coldness_);
        if (coldness > 0 && r->attempt == attempt_nowait) {
            sys::store_relaxed(coldness_, coldness - 1);
        }
    }
    if (r->attempt == attempt_cached_open && r->result >= 0) {
        descriptors_.opened(static_cast<int>(r->result), r->operation_flags);
    }
    return true;
}

} // namespace aioc
