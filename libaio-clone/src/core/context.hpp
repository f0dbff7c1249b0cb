// SPDX-License-Identifier: MIT
#pragma once
#include "core/operation_table.hpp"
#include "core/path_pool.hpp"
#include "core/ready_list.hpp"
#include "core/request_slab.hpp"
#include "engine/workers/workers_engine.hpp"
#include "sys/futex.hpp"

#include <memory>

namespace aioc {

// The context's lock, which a context for one thread does without.
class ContextLock {
public:
    explicit ContextLock(bool needed) noexcept : needed_(needed) {}
    void lock() noexcept {
        if (needed_) {
            mutex_.lock();
        }
    }
    void unlock() noexcept {
        if (needed_) {
            mutex_.unlock();
        }
    }
    void reset() noexcept { mutex_ = sys::Mutex{}; }

private:
    sys::Mutex mutex_;
    bool needed_;
};

// Settings after defaults and environment.
struct Settings {
    bool single_threaded = false;
    uint32_t spawner = AIOC_SPAWNER_AUTO;
    WorkerLimits workers;
    uint64_t outstanding_max = UINT64_MAX;
};

// A request's way: submit() fills a slot under the lock and collects it; flush gives what was
// collected to the engine; engines push to the ready list; the poller takes that list whole and
// delivers from it, with no lock held during a callback.
class Context {
public:
    static int create(const Settings& settings, Context** ret) noexcept;
    int destroy() noexcept; // deletes this when it returns 0

    // Called first by every entry point.
    void notice_fork() noexcept {
        if (sys::load_relaxed(*fork_canary_) != canary_alive) {
            after_fork();
        }
    }

    int submit(const void* ops, uint32_t stride, uint32_t count, aioc_request* ret) noexcept;
    int cancel(aioc_request request) noexcept;
    int hold() noexcept;
    int release() noexcept;

    int poll_fd() const noexcept { return ready_.event_fd; }
    int poll_callbacks() noexcept;
    int poll_wait(int timeout_ms) noexcept;
    int poll_break() noexcept;
    int reap(void* ret, uint32_t stride, uint32_t max) noexcept;
    int64_t outstanding() const noexcept { return static_cast<int64_t>(sys::load_relaxed(outstanding_)); }

    int set_min_workers(uint32_t count) noexcept;
    int set_max_workers(uint32_t count) noexcept;
    int rebind() noexcept;

    void statistics(aioc_statistics* ret) noexcept;
    uint64_t count(uint32_t operation, uint32_t engine) const noexcept;
    void workers_report(aioc_engine_report* ret) noexcept;

private:
    static constexpr uint32_t canary_alive = 1;
    static constexpr uint32_t canary_mending = 2;
    static constexpr size_t engines = 5;

    explicit Context(const Settings& settings) noexcept;
    ~Context();
    int open_descriptors() noexcept;
    void after_fork() noexcept;

    aioc_request accept(const aioc_operation& op) noexcept;
    void flush_and_unlock() noexcept;
    bool collecting() const noexcept;

    int enter_poll() noexcept;
    void leave_poll() noexcept;
    bool fetch() noexcept;
    bool next_completion(aioc_completion* ret, aioc_callback* ret_callback) noexcept;
    void settle_ready() noexcept;
    void give_back_delivered() noexcept;

    ContextLock lock_;
    RequestSlab slab_;
    PathPool paths_;
    RequestList collected_; // held back by aioc_hold or a callback
    uint32_t holds_ = 0;
    bool closing_ = false;
    uint64_t outstanding_ = 0;
    uint64_t outstanding_max_;
    uint64_t submitted_ = 0;

    ReadyList ready_;
    WorkersEngine workers_;

    // The poller's.
    uintptr_t poller_ = 0; // pthread_self() of the thread that polls, else 0
    uint32_t poll_depth_ = 0;
    uint32_t callback_depth_ = 0;
    bool break_ = false;
    bool signalled_ = false;    // the eventfd was left readable for what is in delivering_
    RequestList delivering_;
    RequestList delivered_;     // slots to give back, in one go
    uint64_t completed_[operations_max][engines]{};
    uint64_t completed_total_ = 0;

    uint32_t* fork_canary_ = nullptr; // its page is wiped in a forked child
    bool canary_wiped_by_kernel_ = false;
    uint32_t forks_ = 0;
};

} // namespace aioc
