// SPDX-License-Identifier: MIT
#pragma once
#include "engine/workers/generation.hpp"
#include "engine/workers/helper.hpp"

#include <memory>

namespace aioc {

struct WorkerCounts {
    uint32_t alive = 0;
    uint64_t queued = 0;
    uint64_t wakeups = 0;
    uint64_t started = 0;
};

struct Settlement {
    bool done = false;
    bool ending = false; // only threads that have decided to end are too many
    uint32_t departures = 0;
};

// The worker threads of a context. Callers hold its lock.
class WorkersEngine {
public:
    WorkersEngine(uint32_t spawner, const WorkerLimits& limits, ReadyList* ready) noexcept
        : limits_(limits), ready_(ready), spawner_(spawner) {}

    // Queues all; what is left on the list can't be run here now: the submitter does.
    void submit(RequestList& requests, uint64_t outstanding) noexcept;
    // 0: it completes with -ECANCELED. -EALREADY: it runs to its end.
    int cancel(Request* request) noexcept;
    void cancel_queued() noexcept;
    // Waits until no worker is left.
    void stop() noexcept;
    // In a forked child: none of them exists any more.
    void forget() noexcept;

    // Does a worker look at the queue within microseconds?
    bool is_hot() const noexcept { return current_ && current_->is_hot(); }
    uint32_t spin_looks() const noexcept { return limits_.spin_looks; }
    // If a worker is hot, and if it may run such requests of the caller: judged, if they depend on credentials.
    bool engage(Helper* helper, bool judged) noexcept;
    OfferBoard& board() noexcept { return board_; }
    // Has every worker a request that may wait, and is there more?
    bool is_crowded() noexcept;
    // Starts workers that crews have asked for.
    void answer_call() noexcept;
    // Wakes a worker, or starts the first one, so that it is hot when the next batch comes.
    void warm() noexcept;

    uint32_t max() const noexcept { return limits_.max; }
    uint32_t processors() const noexcept { return limits_.hot_max + 1; }
    int set_min(uint32_t count) noexcept;
    void set_max(uint32_t count) noexcept;
    // Are at most `count` worker threads left (0: of those before set_max(0))? If not, what to wait for.
    Settlement settle(uint32_t count) noexcept;
    uint32_t& departures() noexcept { return departures_; }
    void rebind() noexcept;

    WorkerCounts counts() noexcept;
    int last_start_error() const noexcept { return last_start_error_; }
    // The spawner in use, or the one asked for while there is no worker.
    uint32_t spawner() const noexcept { return current_ ? current_->spawner() : spawner_; }

private:
    void add_missing(Generation* generation, const Staff& staff, uint64_t outstanding) noexcept;
    Generation* generation_for(const RequestList& requests) noexcept;
    Generation* make_current() noexcept;
    void retire_current() noexcept;
    void free_drained() noexcept;
    int grow(Generation* generation, uint32_t count) noexcept;

    std::unique_ptr<Generation> current_;
    std::unique_ptr<Generation> retired_;
    WorkerLimits limits_;
    ReadyList* ready_;
    uint32_t spawner_;
    int last_start_error_ = 0;
    uint64_t started_ = 0;
    uint32_t departures_ = 0;
    OfferBoard board_;
    uint64_t wakeups_of_freed_ = 0;
};

} // namespace aioc
