// SPDX-License-Identifier: MIT
#pragma once
#include "engine/workers/credentials.hpp"
#include "engine/workers/spawner.hpp"
#include "worker/job_queue.hpp"

#include <memory>

namespace aioc {

struct WorkerLimits {
    uint32_t min = 1;
    uint32_t max = 32;
    uint32_t quick_max = 4; // of these, started for requests that are not expected to wait
    uint32_t idle_timeout_ms = 10000;
    uint32_t hot_max = 1;    // workers that may be awake at once without need
    uint32_t spin_looks = 0; // how long a worker that ran quick requests stays awake; 0: not at all
};

// Workers for what is queued, at the moment of a submission.
struct Staff {
    uint32_t alive = 0;
    uint32_t missing = 0; // so that each queued request finds one, even if all wait that run now
    bool slow = false;    // some of them wait for a device
    uint32_t waits = 0;   // workers that do so now: they are not there for the others
};

// A queue and the workers that serve it, all with the credentials of the thread that started the
// first. Callers hold the context's lock; the queue's mutex is taken inside.
class Generation {
public:
    Generation(uint32_t spawner, const WorkerLimits& limits, ReadyList* ready, OfferBoard* board,
               uint32_t* departures) noexcept;
    Generation(const Generation&) = delete;
    Generation& operator=(const Generation&) = delete;

    uint32_t spawner() const noexcept { return spawner_; }
    bool serves_caller() const noexcept;
    JobQueue& queue() noexcept { return queue_; }
    bool is_hot() const noexcept { return sys::load_relaxed(queue_.hot) > 0; }

    // Is a worker hot, or on its way to be?
    bool is_awake() const noexcept { return is_hot() || sys::load_relaxed(queue_.warming) != 0; }

    // One thread at a time may share a batch with a spinning worker (Helper); until it disengages, this is not freed.
    bool engage() noexcept {
        const bool free = !engaged_;
        engaged_ = true;
        return free;
    }
    void disengage() noexcept { engaged_ = false; }
    bool is_engaged() const noexcept { return engaged_; }
    // The rest without the context's lock, by who has engaged it.
    // Is a worker spinning, or woken to do so?
    bool has_spinner() const noexcept {
        return sys::load_relaxed(queue_.spinning) != 0 || sys::load_relaxed(queue_.warming) != 0;
    }
    void hang_out(Offer* offer) noexcept { sys::store_release(queue_.offer, offer); }
    bool hangs(const Offer* offer) const noexcept { return sys::load_relaxed(queue_.offer) == offer; }
    // True: it was not taken, and is the caller's again.
    bool withdraw(Offer* offer) noexcept {
        return sys::compare_exchange(queue_.offer, offer, static_cast<Offer*>(nullptr));
    }
    OfferBoard& board() noexcept { return *queue_.board; }

    // Starts workers up to `count`, adds those started to `started`; 0 or -errno of the one that could not be
    // started. Starts none for a caller that it does not serve, unless nobody is left whom it serves.
    int grow(uint32_t count, uint64_t* started) noexcept;
    // Queues all, unless no worker is alive: then false, and the list is unchanged.
    bool submit(RequestList& requests, Staff* ret) noexcept;
    // Wakes an idle worker that looks for requests for a moment.
    void warm() noexcept;
    void set_limits(const WorkerLimits& limits) noexcept;
    // From now on workers end when the queue is empty.
    void retire() noexcept;
    // Joins threads that have ended; true when no thread is left.
    bool collect_ended() noexcept;
    uint32_t alive() noexcept;         // workers that have not decided to end
    uint32_t threads() const noexcept; // these and the ending ones
    void join_all() noexcept;

    std::unique_ptr<Generation> next;

private:
    Staff count_staff() const noexcept; // mutex held
    void adopt_caller() noexcept;
    int start_one() noexcept;

    JobQueue queue_;
    std::unique_ptr<WorkerThread> threads_;
    // Ended threads for the next ones, the first with its stack. Not freed before the generation is: one thread may
    // still be about to wake what another has seen end (JobQueue::wake).
    std::unique_ptr<WorkerThread> spare_;
    Credentials credentials_;
    uint32_t spawner_asked_;
    uint32_t spawner_ = 0;
    bool can_differ_ = true;
    bool engaged_ = false;
};

} // namespace aioc
