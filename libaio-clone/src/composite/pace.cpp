// SPDX-License-Identifier: MIT
// Worker zone: how many are of use. A crew is as large as there are processors, until system calls are seen to wait.
#include "composite/crew.hpp"

#include <linux/time.h>

namespace aioc {
namespace {

AIOC_INLINE int64_t now_ns() noexcept {
    int64_t now[2] = {0, 0};
    return sys::call(SYS_clock_gettime, CLOCK_MONOTONIC, now) < 0 ? 0 : now[0] * 1'000'000'000 + now[1];
}

// How often this thread has waited: voluntary context switches.
AIOC_INLINE uint64_t count_waits() noexcept {
    long usage[18]; // struct rusage: ru_nvcsw is the last but one
    usage[16] = 0;
    return sys::call(SYS_getrusage, 1 /* RUSAGE_THREAD */, usage) < 0 ? 0 : static_cast<uint64_t>(usage[16]);
}

AIOC_INLINE int64_t entry_ns(const Crew* crew) noexcept {
    switch (crew->verb) {
    case verb_walk:
        return (crew->flags & AIOC_WALK_STAT) != 0 ? 20'000 : 2'000;
    case verb_remove:
        return 100'000;
    default:
        return 400'000;
    }
}

AIOC_INLINE void call_for_hands(Hand* h, uint32_t wanted) noexcept {
    h->queue->mutex.lock();
    const bool call = wanted > h->queue->hands_wanted;
    if (call) {
        h->queue->hands_wanted = wanted;
    }
    h->queue->mutex.unlock();
    if (call) {
        sys::store_release(h->queue->ready->called, uint32_t{1});
        h->queue->ready->notify();
    }
}

AIOC_INLINE uint32_t most_hands(const Crew* crew) noexcept {
    return crew->places < crew->tickets + 1 ? crew->places : crew->tickets + 1;
}

// Those of which each call asks a server, by statfs(2).
AIOC_INLINE bool is_remote(long fd) noexcept {
    uint64_t file_system[16]; // struct statfs: the type comes first
    file_system[0] = 0;
    if (fd < 0 || sys::call(SYS_fstatfs, fd, file_system) < 0) {
        return false;
    }
    switch (static_cast<uint32_t>(file_system[0])) {
    case 0x6969:     // NFS
    case 0xfe534d42: // SMB
    case 0xff534d42: // CIFS
    case 0x01021997: // 9p
    case 0x65735546: // FUSE
    case 0x00c36400: // Ceph
    case 0x5346414f: // AFS
    case 0x6b414653: // AFS of the kernel
        return true;
    default:
        return false;
    }
}

AIOC_INLINE void judge_pace(Hand* h, bool waited) noexcept {
    Crew* const crew = h->crew;
    const auto least = static_cast<int32_t>(h->queue->hot_max + 1);
    crew->mutex.lock();
    sys::store_relaxed(crew->slow, true);
    crew->pace_score += waited ? 1 : -1;
    const auto enough = static_cast<int32_t>(crew->wanted);
    uint32_t call = 0;
    if (crew->pace_score >= enough) {
        const uint32_t most = most_hands(crew);
        sys::store_relaxed(crew->wanted, crew->wanted * 2 < most ? crew->wanted * 2 : most);
        crew->pace_score = 0;
        call = crew->wanted;
    } else if (crew->pace_score <= -enough) {
        sys::store_relaxed(crew->wanted, static_cast<int32_t>(crew->wanted / 2) > least ? crew->wanted / 2
                                                                                        : static_cast<uint32_t>(least));
        sys::store_relaxed(crew->slow, static_cast<int32_t>(crew->wanted) > least);
        crew->pace_score = 0;
    }
    crew->mutex.unlock();
    if (call > 0) {
        call_for_hands(h, call);
    }
}

} // namespace

// The root's directories are open, and nobody else knows them: if they are a server's, as many workers as its device
// may have are of use at once.
void look_at_place(Hand* h, const Dir* root) noexcept {
    Crew* const crew = h->crew;
    if (!h->queue || !(is_remote(root->fd) || is_remote(root->to_fd))) {
        return;
    }
    crew->mutex.lock();
    const uint32_t wanted = most_hands(crew);
    sys::store_relaxed(crew->wanted, wanted);
    sys::store_relaxed(crew->slow, true);
    crew->mutex.unlock();
    call_for_hands(h, wanted);
}

// While visits are quick, most need no clock.
void look_at_clock_at_times(Hand* h) noexcept {
    if (++h->visits_since_clock >= h->visits_per_look || is_slow(h->crew)) {
        look_at_clock(h);
    }
}

// Do most visits take longer than system calls do that need not wait, and did they wait? Then more workers are of use
// than there are processors; and no more when that is over.
void look_at_clock(Hand* h) noexcept {
    constexpr int64_t visit_ns = 1'000'000;
    constexpr int64_t certain_ns = 100'000; // a visit as quick as that does not wait
    constexpr uint32_t visits_max = 16;
    constexpr int64_t bytes_ns = 4;
    Crew* const crew = h->crew;
    const int64_t now = now_ns();
    const int64_t took = now - h->began;
    const int64_t visits = h->visits_since_clock > 0 ? h->visits_since_clock : 1;
    const int64_t quick = visits * visit_ns + static_cast<int64_t>(h->entries_since_clock) * entry_ns(crew) +
                          static_cast<int64_t>(h->bytes_since_clock) * bytes_ns;
    const bool known = h->began != 0 && now != 0;
    h->began = now;
    h->entries_since_clock = h->bytes_since_clock = 0;
    h->visits_since_clock = 0;
    const bool doubtful = !known || took > visits * certain_ns;
    h->visits_per_look = doubtful ? 1 : (h->visits_per_look < visits_max ? h->visits_per_look * 2 : visits_max);
    if (!known || !h->queue) {
        return;
    }
    bool waited = false;
    if (took >= quick) {
        const uint64_t waits = count_waits();
        const bool comparable = h->waits_are_recent;
        waited = comparable && waits - h->waits >= (is_slow(crew) ? 1 : 2); // a lock may be one
        h->waits = waits;
        h->waits_are_recent = true;
        if (!comparable) {
            return; // it takes two in a row: one may have lost its processor, or a lock
        }
    } else {
        h->waits_are_recent = false;
    }
    if (waited || is_slow(crew)) {
        judge_pace(h, waited);
    }
}

} // namespace aioc
