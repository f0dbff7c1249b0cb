// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"
#include "engine/inline/file_class.hpp"
#include "sys/atomic.hpp"

#include <array>

namespace aioc {

// What is known of an open descriptor. It can be closed and reused without our knowledge, so it is looked
// at again now and then, and always before a call that could wait if it were another file.
struct Descriptor {
    int32_t fd = -1;
    uint32_t flags = 0; // of fcntl(F_GETFL)
    FileClass type = class_unknown;
    bool type_known = false;
    uint8_t uses_left = 0;
    bool no_nowait = false; // RWF_NOWAIT gave EOPNOTSUPP
};

// A directory by the hash of its absolute path. RESOLVE_CACHED says that a lookup does not wait, but the
// file's own open could ask a server: so only what lies below a directory of a local file system is
// opened inline, and only without symbolic links on the way.
struct Directory {
    uint64_t hash = 0;
    uint8_t uses_left = 0;
    bool local = false;
    bool links = false; // the path has symbolic links: each file is looked at
};

// Answers in the calling thread what needs no wait. It keeps no requests.
class InlineEngine {
public:
    InlineEngine() noexcept;

    // Context lock held: how the request can be tried here, if at all. Looks at the descriptor.
    Attempt attempt_for(const Request& r) noexcept;
    // Is the descriptor open with O_DIRECT? Valid after attempt_for.
    bool is_direct(const Request& r) noexcept;
    // Without the lock. True: r->result may be the answer. False: it would wait.
    bool run(Request* r) noexcept;
    // Context lock held, after run: is it the answer? Remembers what is to be learned from it.
    bool confirm(const Request& r, bool answered) noexcept;

    // A burst is what is submitted between two polls. Its requests are answered inline for so long and
    // no longer, so that the caller's thread is never held by many or large ones.
    static constexpr int64_t burst_ns_max = 500'000;
    static constexpr uint64_t read_bytes_max = uint64_t{1} << 20;
    void begin_burst() noexcept { sys::store_relaxed(burst_ns_, int64_t{0}); }
    bool burst_over() const noexcept { return sys::load_relaxed(burst_ns_) > burst_ns_max; }

    uint64_t misses() const noexcept { return misses_; }
    void reset() noexcept; // in a forked child
    void trust_paths() noexcept { trusts_paths_ = true; } // every path is on a local file system

private:
    static constexpr size_t descriptors = 256;
    static constexpr size_t directories = 64;
    static constexpr uint8_t uses = 32; // of a descriptor before it is looked at again

    Descriptor* look_at(int fd) noexcept;
    FileClass class_of(Descriptor* d) noexcept;
    bool run_open(Request* r) noexcept;
    bool run_stat(Request* r) noexcept;
    bool run_fstat(Request* r) noexcept;
    bool run_read(Request* r) noexcept;
    bool is_cached(const Request& r) noexcept;
    bool is_local(const Request& r) noexcept;
    bool opens_without_wait(const Request& r) noexcept;
    void spend(int64_t ns) noexcept { sys::store_relaxed(burst_ns_, sys::load_relaxed(burst_ns_) + ns); }

    std::array<Descriptor, descriptors> table_;
    std::array<Directory, directories> directories_;
    MountTable mounts_;
    uint64_t misses_ = 0;
    uint32_t coldness_ = 0; // rises with misses: reads are looked up in the page cache first
    bool no_cachestat_ = false;
    bool no_cached_open_ = false;
    bool trusts_paths_ = false;
    bool nowait_is_sound_;  // preadv2(2) BUGS: Linux 5.9 and 5.10 can return 0 as if at the end
    int64_t burst_ns_ = 0; // a small call counts what it is expected to take, a large one what it took
};

} // namespace aioc
