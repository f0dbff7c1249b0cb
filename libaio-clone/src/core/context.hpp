// SPDX-License-Identifier: MIT
#pragma once
#include "core/operation_table.hpp"
#include "core/path_pool.hpp"
#include "core/ready_list.hpp"
#include "core/request_slab.hpp"
#include "engine/inline/inline_engine.hpp"
#include "engine/ring/ring_engine.hpp"
#include "engine/router.hpp"
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
    bool trusts_paths = false;
    EngineChoice engines;
    uint32_t spawner = AIOC_SPAWNER_AUTO;
    WorkerLimits workers;
    uint64_t outstanding_max = UINT64_MAX;
};

// A request's way: submit() fills a slot; what the inline engine can answer is pushed to the ready list
// at once; the router names an engine for the rest, which is collected and given to it by flush; engines
// push to the ready list; the poller takes that list whole and delivers from it, with no lock held
// during a callback.
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

    aioc_request submit_one(const aioc_operation& op) noexcept;
    int submit(const void* ops, uint32_t stride, uint32_t count, aioc_request* ret) noexcept;
    int cancel(aioc_request request) noexcept;
    int hold() noexcept;
    int release() noexcept;

    int poll_fd() noexcept;
    int poll_callbacks() noexcept;
    int poll_wait(int timeout_ms) noexcept;
    int poll_break() noexcept;
    int reap(void* ret, uint32_t stride, uint32_t max) noexcept;
    int64_t outstanding() const noexcept {
        const uint64_t completed = sys::load_acquire(completed_total_); // first: it follows
        return static_cast<int64_t>(sys::load_relaxed(submitted_) - completed);
    }

    int set_min_workers(uint32_t count) noexcept;
    int set_max_workers(uint32_t count) noexcept;
    int rebind() noexcept;

    // context_buffers.cpp
    int create_buffers(uint64_t size, uint32_t count) noexcept;
    int get_buffer(void** ret) noexcept;
    int put_buffer(const void* buffer) noexcept;
    int buffers_report(aioc_buffer_report* ret) noexcept;
    int register_file(int fd) noexcept;
    int unregister_file(int fd) noexcept;

    void statistics(aioc_statistics* ret) noexcept;
    uint64_t count(uint32_t operation, uint32_t engine) const noexcept;
    int ring_report(const char** ret_reason) noexcept;
    void workers_report(aioc_engine_report* ret) noexcept;

private:
    static constexpr uint32_t canary_alive = 1;
    static constexpr uint32_t canary_mending = 2;
    static constexpr size_t engines = 5;

    explicit Context(const Settings& settings) noexcept;
    ~Context();
    int open_descriptors() noexcept;
    void after_fork() noexcept;

    static constexpr uint8_t path_borrowed = 0xff; // path_class: the path is still the caller's string

    // Submission, with the lock held. start() lets it go while the inline engine runs.
    aioc_request accept(const aioc_operation& op, bool more) noexcept;
    aioc_request start(Request* r, bool more) noexcept;
    bool answer_inline(Request* r) noexcept;
    bool give_to_helper(Request* r, bool more) noexcept;
    int own_path(Request* r) noexcept;
    aioc_request refuse(Request* r, int64_t error) noexcept;
    void flush_and_unlock() noexcept;
    void flush_workers() noexcept;
    void start_held() noexcept;
    RingEngine* open_ring() noexcept;
    bool ring_ready() const noexcept { return sys::load_acquire(ring_status_) == 0; }
    bool collecting() const noexcept { return holds_ > 0 || in_callback(); }
    bool in_callback() const noexcept;

    int enter_poll() noexcept;
    void leave_poll() noexcept;
    bool fetch() noexcept;
    void fetch_ring() noexcept;
    bool next_completion(aioc_completion* ret, aioc_callback* ret_callback) noexcept;
    void settle_ready() noexcept;
    void give_back_delivered() noexcept;
    void end_round() noexcept;
    bool spin_for_completion() noexcept;
    int sleep(const sys::Timeout* left) noexcept;

    ContextLock lock_;
    RequestSlab slab_;
    PathPool paths_;
    RequestList held_;       // between hold and release
    RequestList to_workers_; // collected
    RequestList to_ring_;
    RequestList unserved_;   // no engine can run them: the submitter does
    uint32_t holds_ = 0;
    bool closing_ = false;
    const bool single_threaded_;
    uint64_t outstanding_max_;
    uint64_t submitted_ = 0;

    Router router_;
    InlineEngine inline_;
    ReadyList ready_;
    WorkersEngine workers_;
    RingEngine ring_{&ready_};
    int ring_status_ = 1; // 0: open, 1: not tried yet, else why not

    // A round is what is submitted during one poll or one call. Costs are in the router's units.
    uint32_t round_inline_ = 0;
    uint32_t round_given_ = 0;
    uint32_t cold_rounds_ = 0;   // in a row in which a helper would have paid
    uint32_t warm_patience_ = 2; // such rounds before one is woken
    uint32_t given_since_warm_ = 0;

    // The poller's.
    uintptr_t poller_ = 0; // pthread_self() of the thread that polls, else 0
    uint32_t poll_depth_ = 0;
    uint32_t callback_depth_ = 0;
    bool break_ = false;
    uint32_t exported_ = 0; // the descriptor was asked for
    uint32_t spin_failures_ = 0;
    uint32_t spin_occasions_ = 0;
    RequestList delivering_;
    RequestList delivered_;     // slots to give back, in one go
    uint64_t completed_[operations_max][engines]{};
    uint64_t completed_total_ = 0;

    uint32_t* fork_canary_ = nullptr; // its page is wiped in a forked child
    uint32_t forks_ = 0;
};

} // namespace aioc
