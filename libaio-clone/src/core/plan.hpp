// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

#include <stddef.h>

namespace aioc {

struct Device;

// Whose the next of a chain is. The worker that has ended a member takes what follows, if that may go on there (open ->
// taken), before it gives that member away. The main side takes it back (open -> kept) when it is cancelled, or when
// the member's result will not be its own. So a plan lives as long as a worker may look at it, and who comes second
// touches nothing. tests/model/chain_model.py checks it.
enum Passage : uint32_t {
    passage_kept, // it starts when the member was delivered
    passage_open,
    passage_taken,
};

// What few requests have: members of chains and groups, groups themselves, requests with a deadline or on a device with
// a limit. Found by the request's slot, so that the others pay for none of it. Made with the request, and ended when it
// is delivered.
struct Plan {
    Request* request = nullptr; // null: free
    Plan* before = nullptr;     // of a chain: starts when that one has ended well
    Plan* after = nullptr;      // also: the next free one

    JobQueue* queue = nullptr; // for Request::queue

    Plan* group = nullptr;
    Plan* older = nullptr; // members of the same group
    Plan* newer = nullptr;

    int64_t deadline_ns = 0;         // of CLOCK_MONOTONIC
    uint32_t deadline_place = 0;     // in the heap, from 1; 0: not there
    uint32_t passage = passage_kept; // to `after`; while it is open both are left as they are
    bool timed_out = false;          // it had not ended then: its result is not wanted any more
    bool starting = false;           // its predecessor has ended: on Context::starting_

    Device* device = nullptr; // on which it has a place, or waits for one
    bool parked = false;      // waits for one: on Device::waiting

    // Of a group:
    bool closed = false;
    bool feeding = false;        // the feeder is being called
    uint32_t limit = 0;          // members at once, of the feeder's
    uint64_t outstanding = 0;    // members not delivered
    uint64_t added = 0;          // members since it was made
    uint64_t succeeded = 0;      // of those delivered
    uint64_t failed = 0;         // of those delivered
    int64_t first_error = 0;     // of the first member that failed
    int64_t stopped = 0;         // why it was ended before its time; 0: it was not
    uint64_t first_failed = 0;   // its id
    Plan* newest = nullptr;      // members
    Plan* work = nullptr;        // the next group to be cancelled
    Plan* next_hungry = nullptr; // the next group to be fed
    aioc_feeder feeder = nullptr;
    void* feeder_data = nullptr;
    bool hungry = false; // on Context::hungry_
};

// Where the queue is written on which the request is.
AIOC_INLINE JobQueue*& queue_of(Request& r) noexcept {
    return (r.schedule & schedule_followed) != 0 ? r.followed->queue : r.queue;
}

inline bool has_plan(const Request& r) noexcept { return (r.schedule & schedule_planned) != 0; }

// Plans by slot. Callers hold the context's lock.
class PlanTable {
public:
    PlanTable() = default;
    PlanTable(const PlanTable&) = delete;
    PlanTable& operator=(const PlanTable&) = delete;
    ~PlanTable();

    // A new one for this request, which has none; null: no memory.
    Plan* make(Request* r) noexcept;
    // Of a request that has one.
    Plan* of(const Request& r) const noexcept { return table_[slot_of(r)]; }
    void give_back(Plan* plan) noexcept;
    // Calls visit(plan) for all there are.
    template <typename Visit> void each(Visit visit) noexcept {
        for (uint32_t slot = 0; slot < slots_; ++slot) {
            if (table_[slot]) {
                visit(table_[slot]);
            }
        }
    }
    // After a fork: the parent's are forgotten.
    void forget() noexcept;

private:
    static constexpr size_t chunk_plans = 64;
    struct Chunk;
    static uint32_t slot_of(const Request& r) noexcept;
    bool reach(uint32_t slot) noexcept;
    bool grow() noexcept;

    Plan** table_ = nullptr;
    uint32_t slots_ = 0;
    Plan* free_ = nullptr;
    Chunk* chunks_ = nullptr;
};

// Plans with a deadline, the earliest first. Callers hold the context's lock.
class DeadlineHeap {
public:
    DeadlineHeap() = default;
    DeadlineHeap(const DeadlineHeap&) = delete;
    DeadlineHeap& operator=(const DeadlineHeap&) = delete;
    ~DeadlineHeap();

    bool add(Plan* plan) noexcept; // false: no memory
    void remove(Plan* plan) noexcept;
    Plan* first() const noexcept { return length_ > 0 ? heap_[0] : nullptr; }
    void forget() noexcept;

private:
    void put(uint32_t at, Plan* plan) noexcept;
    void rise(uint32_t at) noexcept;
    void sink(uint32_t at) noexcept;

    Plan** heap_ = nullptr;
    uint32_t length_ = 0;
    uint32_t room_ = 0;
};

} // namespace aioc
