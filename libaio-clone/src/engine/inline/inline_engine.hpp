// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"
#include "engine/inline/descriptor_table.hpp"
#include "engine/inline/file_class.hpp"
#include "engine/inline/patience.hpp"
#include "sys/atomic.hpp"

#include <array>

namespace aioc {

// A directory by the hash of its absolute path. RESOLVE_CACHED says that a lookup does not wait, but the
// file's own open could ask a server: so a file is opened inline only where it is known that none is asked.
struct SeenDirectory {
    uint64_t hash = 0;
    uint8_t uses_left = 0;
    bool local = false;
    bool foreign = false; // not on the mount of "/"
};

// Answers in the calling thread what needs no wait. It keeps no requests.
class InlineEngine {
public:
    InlineEngine() noexcept;

    // Context lock held: how the request can be tried, if at all; looks at its descriptor or directory.
    void classify(Request* r) noexcept;
    // Context lock held, after classify: the same if it would miss anyway, as far as that is known.
    bool expects_miss(const Request& r) noexcept;
    // Is the descriptor open with O_DIRECT? Valid after classify.
    bool is_direct(const Request& r) noexcept;
    // Context lock held: what names the remote file system that its call will ask, as far as that is known; 0: none.
    uint64_t remote_device(const Request& r, bool by_path) noexcept;
    // Context lock held, after classify, of a request with a path of our own: a worker may try it, in its way.
    void classify_for_worker(Request* r) noexcept;
    bool classify_for_ordered_worker(Request* r) noexcept;
    // Without the lock: tries it. The answer is settle's to judge.
    void run(Request* r) noexcept;
    // Context lock held, after run: is r->result the answer? If not, it would wait. Remembers what is to be learned.
    bool settle(Request* r) noexcept;

    // Before settle, for what another core has tried.
    static void prefetch_for_settling(const Request& r) noexcept;

    // A burst is what is submitted between two polls. Its requests are answered inline for so long and no
    // longer, so that the caller's thread is never held by many or large ones.
    static constexpr int64_t burst_ns_max = 500'000;
    static constexpr uint64_t transfer_bytes_max = uint64_t{1} << 20;
    void begin_burst() noexcept { sys::store_relaxed(burst_ns_, int64_t{0}); }
    bool burst_over() const noexcept { return sys::load_relaxed(burst_ns_) > burst_ns_max; }

    uint64_t misses() const noexcept { return misses_; }
    void reset() noexcept;                                // in a forked child
    void trust_paths() noexcept { trusts_paths_ = true; } // every path is on a local file system

private:
    static constexpr size_t directories = 64;
    static constexpr size_t directories_seen = 512;
    static constexpr uint8_t uses = 32; // of a directory before it is looked at again

    Attempt attempt_for(Request* r) noexcept;
    Attempt attempt_open(Request* r) noexcept;
    Attempt attempt_close(const Request& r) noexcept;
    Attempt attempt_transfer(const Request& r) noexcept;
    FileClass class_of(Descriptor* d) noexcept;
    uint64_t remote_device_of(int fd) noexcept;
    bool is_local(FileClass type) const noexcept { return type == class_local || type == class_memory; }
    bool root_is_local() noexcept;
    bool directory_is_local(const Request& r, SeenDirectory* d, uint64_t hash) noexcept;
    static SeenDirectory* directory_of(const Request& r, SeenDirectory* among, size_t count,
                                       uint64_t* ret_hash) noexcept;
    bool is_cached(const Request& r) noexcept;
    bool settle_status(const Request& r) noexcept;
    void note_miss(Request* r) noexcept;
    void spend(int64_t ns) noexcept { sys::store_relaxed(burst_ns_, sys::load_relaxed(burst_ns_) + ns); }

    DescriptorTable descriptors_;
    std::array<SeenDirectory, directories> directories_; // of opens
    std::array<SeenDirectory, directories_seen>
        seen_; // of status requests that a worker tries: here a failed look counts
    SeenDirectory root_;
    uint8_t working_uses_left_ = 0; // of what is known of the working directory
    uint64_t working_device_ = 0;
    uint64_t root_mount_ = 0;
    MountTable mounts_;
    std::array<Patience, attempts> patience_;
    uint64_t misses_ = 0;
    uint32_t coldness_ = 0; // rises with misses of reads: they are looked up in the page cache first
    bool no_cachestat_ = false;
    bool no_cached_open_ = false;
    bool trusts_paths_ = false;
    bool nowait_is_sound_; // preadv2(2) BUGS: Linux 5.9 and 5.10 can return 0 as if at the end
    int64_t burst_ns_ = 0; // a small call counts what it is expected to take, a large one what it took
};

} // namespace aioc
