// SPDX-License-Identifier: MIT
#pragma once
#include "core/device.hpp"
#include "core/operation_table.hpp"
#include "core/path_pool.hpp"
#include "core/plan.hpp"
#include "core/ready_list.hpp"
#include "core/request_slab.hpp"
#include "engine/inline/inline_engine.hpp"
#include "engine/ring/ring_engine.hpp"
#include "engine/router.hpp"
#include "engine/workers/workers_engine.hpp"
#include "sys/alarm.hpp"
#include "sys/futex.hpp"

#include <memory>

namespace aioc {

struct Home;
struct Walk;

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
    bool in_order = false;
    EngineChoice engines;
    uint32_t ring_rung = 0; // the first of the ladder of its setup flags that is tried
    uint32_t spawner = AIOC_SPAWNER_AUTO;
    WorkerLimits workers;
    uint64_t outstanding_max = UINT64_MAX;
    uint32_t device_workers = 0;
};

// A request's way: submit() fills a slot. Alone it is started at once, else it is collected, and the batch is
// dispatched when the callback or the hold ends: the router names an engine for each; what the inline engine
// can try runs here, half of it on a helper if one is awake. Engines push to the ready list, which the poller
// takes whole; what this thread itself has answered goes to the poller's list directly. No lock is held
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
    // Where completions are taken to.
    struct Taking {
        void* ret;
        uint32_t stride;
        uint32_t max;
    };
    int exchange(const void* ops, uint32_t stride, uint32_t count, aioc_request* ret, const Taking& to,
                 uint32_t* ret_taken) noexcept;
    int cancel(aioc_request request) noexcept;
    int group_close(aioc_request id) noexcept;
    int group_feed(aioc_request id, uint32_t limit, aioc_feeder feeder, void* data) noexcept;
    int group_report(aioc_request id, aioc_group_report* ret) noexcept;
    int hold() noexcept;
    int release() noexcept;

    int poll_fd() noexcept;
    int poll_callbacks() noexcept;
    int poll_wait(int timeout_ms) noexcept;
    int poll_break() noexcept;
    int reap(const Taking& to) noexcept;
    int64_t outstanding() const noexcept {
        const uint64_t completed = sys::load_acquire(completed_total_); // first: it follows
        return static_cast<int64_t>(sys::load_relaxed(submitted_) - completed);
    }

    int set_min_workers(uint32_t count) noexcept;
    int set_max_workers(uint32_t count) noexcept;
    void wait_for_departures(WorkersEngine* engine, uint32_t count) noexcept;
    int rebind() noexcept;

    // context_composite.cpp
    int progress(aioc_request request, aioc_report* ret) noexcept;
    int create_walk(const char* path, int flags, Walk** ret) noexcept;
    int destroy_walk(Walk* walk) noexcept;

    // context_buffers.cpp
    int create_buffers(uint64_t size, uint32_t count) noexcept;
    int get_buffer(void** ret) noexcept;
    int put_buffer(const void* buffer) noexcept;
    int buffers_report(aioc_buffer_report* ret) noexcept;
    int register_file(int fd) noexcept;
    int unregister_file(int fd) noexcept;

    void statistics(aioc_statistics* ret) noexcept;
    uint64_t count(uint32_t operation, uint32_t engine) const noexcept;
    uint64_t ring_enters() const noexcept { return ring_.enters(); }
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

    // path_class, beside the class of the pool's block
    static constexpr uint8_t path_borrowed = 0x80; // the path is still the caller's string
    static constexpr uint8_t path_behind_extra = 0x40;

    // Submission (context_submit.cpp), with the lock held.
    AIOC_INLINE int take_slot(Request** ret) noexcept;
    int accept(const aioc_operation& op, Request** ret) noexcept;
    int own_path(Request* r) noexcept;
    int copy_extra(const aioc_operation& op, uint32_t uses, Request* r) noexcept;
    aioc_request refuse(Request* r, int error) noexcept;
    int submit_alone(const void* ops, uint32_t stride, aioc_request* ret) noexcept; // takes the lock itself
    int begin_composite(const aioc_operation& op, Request* r) noexcept;
    void prepare_load(Composite* c) noexcept;
    void close_loads() noexcept;
    void forget_loads() noexcept;
    void end_composite(Request* r) noexcept;
    bool stop_composite(Request* r) noexcept;
    void give_object(Request* r) noexcept; // without the lock
    void stop_all_composites() noexcept;
    void wait_for_entries(Request* r) noexcept;
    Walk* find_walk(uint64_t handle) noexcept;
    void close_walk(Walk* walk) noexcept;
    aioc_request collect(Request* r) noexcept;
    aioc_request answer_nop_and_unlock(Request* r) noexcept;
    void take_collected(RequestList* ret) noexcept;
    void sort_by_priority(RequestList* batch) noexcept;
    int stop(Request* r) noexcept;
    bool collecting() const noexcept { return holds_ > 0 || in_callback(); }
    bool in_callback() const noexcept;
    bool is_poller() const noexcept;

    // Scheduling (context_plan.cpp), with the lock held but for conclude.
    struct Chain { // the one that an array's operations are joining
        Plan* first = nullptr;
        Plan* last = nullptr; // null: there is none
    };
    static bool is_scheduled(const aioc_operation& op) noexcept;
    int accept_special(const aioc_operation& op, Request** ret) noexcept;
    int plan(const aioc_operation& op, Request* r, const Chain& chain) noexcept;
    void unplan(Plan* plan) noexcept;
    aioc_request collect_planned(const aioc_operation& op, Request* r, Chain* chain) noexcept;
    uint32_t abandon_chain(const Chain& chain) noexcept;
    void wait(Request* r) noexcept;
    void complete(Request* r, int64_t result) noexcept;
    void complete_waiting(Plan* plan, int64_t result) noexcept;
    int stop_waiting(Plan* plan) noexcept;
    void cancel_following(Plan* plan) noexcept;
    void cancel_waiting() noexcept;
    [[gnu::cold]] void conclude(Request* r) noexcept;
    void start_following(Plan* plan) noexcept;
    bool may_go_on(Request* next) noexcept;
    void open_passages(Request* r) noexcept;
    static bool keep_following(Plan* plan) noexcept;
    void take_starting(RequestList* ret) noexcept;

    // Groups (context_groups.cpp), with the lock held but for feed_hungry.
    Plan* find_group(aioc_request id, int* ret_error) noexcept;
    int join_group(Plan* member, aioc_request id) noexcept;
    void leave_group(Plan* member) noexcept;
    void report_to_group(Plan* member, int64_t result, uint64_t id) noexcept;
    void complete_group_if_done(Plan* group) noexcept;
    void close_group(Plan* group) noexcept;
    void cancel_group(Plan* group, int64_t result) noexcept;
    void make_hungry(Plan* group) noexcept;
    void leave_hungry(Plan* group) noexcept;
    bool feed(aioc_request id) noexcept;
    bool feed_hungry() noexcept;

    // Deadlines (context_deadlines.cpp), with the lock held but for the poller's.
    int set_deadline(Plan* plan, uint64_t timeout_ns, bool absolute) noexcept;
    void note_earliest() noexcept;
    void set_alarm() noexcept;
    void drop_deadline(Plan* plan) noexcept;
    void expire() noexcept;
    void expire(Plan* plan) noexcept;
    void expire_due() noexcept;
    const sys::Timeout* until_deadline(const sys::Timeout* left, sys::Timeout* ret) const noexcept;

    // Limits per device (context_devices.cpp), with the lock held.
    uint32_t places() const noexcept;
    bool take_place(Request* r, uint64_t key) noexcept;
    void leave_place(Plan* plan) noexcept;
    void leave_parking(Plan* plan) noexcept;

    // Dispatch (context_dispatch.cpp). With the lock held, which the *_and_unlock let go.
    aioc_request start_and_unlock(Request* r) noexcept;
    void dispatch_and_unlock(RequestList& batch) noexcept;
    void dispatch_collected_and_unlock() noexcept;
    void dispatch_in_order_and_unlock(RequestList& batch) noexcept;
    bool keeps_order() const noexcept { return in_order_ && workers_.max() <= 1; }
    bool must_wait_its_turn(const Request& r) noexcept {
        return keeps_order() && (sys::load_acquire(routed_) != 0 ||
                                 (!Router::only_looks(r) && sys::load_acquire(workers_.board().used) != 0));
    }
    void count_routed(Request* r) noexcept;
    void take_early(RequestList* ret, Helper* ret_helper, bool* ret_judged) noexcept;
    void run_here_and_lock(RequestList& here, bool engaged, Helper* helper, RequestList* ret_answered) noexcept;
    bool classify(Request* r, Circumstances* ret) noexcept;
    void route(Request* r, const Circumstances& is) noexcept;
    void flush_engines_and_unlock() noexcept;
    bool share_early(Request* r) noexcept;
    void run_here(RequestList& here, Helper* helper, RequestList* ran) noexcept; // without the lock
    void settle(RequestList& ran, RequestList* ret_answered) noexcept;
    void deliver(RequestList& answered) noexcept; // without the lock
    void consider_warming(uint64_t cost_ns) noexcept;
    RingEngine* open_ring() noexcept;
    bool ring_ready() const noexcept { return sys::load_acquire(ring_status_) == 0; }

    // Delivery (context_poll.cpp), by the poller.
    int enter_poll() noexcept;
    void leave_poll() noexcept;
    bool fetch() noexcept;
    uint32_t take(const Taking& to) noexcept;
    void fetch_ring() noexcept;
    void fetch_offer(Offer* offer) noexcept;
    bool anything_ready() noexcept;
    bool next_completion(aioc_completion* ret, aioc_callback* ret_callback) noexcept;
    void settle_descriptor() noexcept;
    void give_back(Request* r) noexcept;
    void give_back_delivered() noexcept;
    bool spin_for_completion() noexcept;
    int sleep(const sys::Timeout* left) noexcept;

    ContextLock lock_;
    RequestSlab slab_;
    PathPool paths_;
    RequestList collected_;  // between hold and release, and inside callbacks
    RequestList to_workers_; // routed, for the next flush
    RequestList to_ring_;
    RequestList to_custom_;
    RequestList unserved_; // no engine can run them: the submitter does
    uint32_t holds_ = 0;
    bool closing_ = false;
    const bool single_threaded_;
    const bool in_order_;
    const uint32_t ring_rung_;
    uint64_t outstanding_max_;
    uint64_t submitted_ = 0;
    Composite* composites_ = nullptr; // that are not delivered
    Walk* walks_ = nullptr;
    Home* loads_ = nullptr; // of what small files are loaded into

    Router router_;
    InlineEngine inline_;
    ReadyList ready_;
    WorkersEngine workers_;
    RingEngine ring_{&ready_};
    int ring_status_ = 1; // 0: open, 1: not tried yet, else why not

    uint32_t cold_rounds_ = 0;   // in a row in which a helper would have paid
    uint32_t warm_patience_ = 2; // such rounds before one is woken
    uint32_t routed_ = 0;        // in_order_: given to an engine and not yet delivered (schedule_counted)
    uint64_t helped_ns_ = 0;     // what it has taken since

    // The poller's.
    uintptr_t poller_ = 0; // pthread_self() of the thread that polls, else 0
    uint32_t poll_depth_ = 0;
    uint32_t callback_depth_ = 0;
    bool break_ = false;
    uint32_t exported_ = 0;       // the descriptor was asked for
    bool ring_signalled_ = false; // the kernel may have written the eventfd for the ring
    uint32_t spin_failures_ = 0;
    uint32_t spin_occasions_ = 0;
    RequestList answered_; // by this thread, for the next poll
    RequestList kept_;     // collected, to be tried here
    RequestList chunk_;    // collected, to be hung out
    Helper early_;
    bool judged_early_ = false; // of these, some depend on credentials
    RequestList delivering_;
    RequestList delivered_; // slots to give back, in one go
    uint64_t completed_[operations_max][engines]{};
    uint64_t completed_total_ = 0;

    PlanTable plans_;
    RequestList starting_;      // their predecessors were delivered in this poll
    uint64_t waiting_ = 0;      // requests in state_waiting
    bool any_priority_ = false; // of what is collected: other than 0
    Plan* hungry_ = nullptr;    // groups to be fed by the poller
    DeadlineHeap deadlines_;
    int64_t earliest_ns_ = INT64_MAX; // of them; peeked at by the poller
    uint64_t timed_out_ = 0;
    sys::Alarm alarm_;
    DeviceTable devices_;
    WorkersEngine custom_;          // for the user's own functions: always the C library's threads
    const uint32_t device_workers_; // 0: the default

    uint32_t* fork_canary_ = nullptr; // its page is wiped in a forked child
    uint32_t forks_ = 0;
};

} // namespace aioc
