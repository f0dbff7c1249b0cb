// SPDX-License-Identifier: MIT
#pragma once
#include "engine/workers/credentials.hpp"
#include "engine/workers/spawner.hpp"
#include "worker/job_queue.hpp"

#include <memory>

namespace aioc {

struct WorkerLimits {
    uint32_t min = 1;
    uint32_t max = 4;
    uint32_t idle_timeout_ms = 10000;
};

// A queue and the workers that serve it, all with the credentials of the thread that started the
// first. Callers hold the context's lock; the queue's mutex is taken inside.
class Generation {
public:
    Generation(uint32_t spawner, const WorkerLimits& limits, ReadyList* ready,
               uint32_t* departures) noexcept;
    Generation(const Generation&) = delete;
    Generation& operator=(const Generation&) = delete;

    uint32_t spawner() const noexcept { return spawner_; }
    bool serves_caller() const noexcept;
    JobQueue& queue() noexcept { return queue_; }

    // Starts workers up to `count`, adds those started to `started`; 0 or -errno of the one that could not be
    // started. Starts none for a caller that it does not serve, unless nobody is left whom it serves.
    int grow(uint32_t count, uint64_t* started) noexcept;
    // Queues all, unless no worker is alive: then false, and the list is unchanged.
    bool submit(RequestList& requests) noexcept;
    void set_limits(const WorkerLimits& limits) noexcept;
    // From now on workers end when the queue is empty.
    void retire() noexcept;
    // Frees threads that have ended; true when no thread is left.
    bool collect_ended() noexcept;
    uint32_t alive() noexcept;   // workers that have not decided to end
    uint32_t threads() const noexcept; // these and the ending ones
    void join_all() noexcept;

    std::unique_ptr<Generation> next;

private:
    void adopt_caller() noexcept;
    int start_one() noexcept;

    JobQueue queue_;
    std::unique_ptr<WorkerThread> threads_;
    std::unique_ptr<WorkerThread> spare_; // an ended thread, whose stack the next one takes
    Credentials credentials_;
    uint32_t spawner_asked_;
    uint32_t spawner_ = 0;
    bool can_differ_ = true;
};

} // namespace aioc
