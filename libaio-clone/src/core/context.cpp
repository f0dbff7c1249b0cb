// SPDX-License-Identifier: MIT
#include "core/context.hpp"

#include "sys/memory.hpp"

#include <errno.h>
#include <fcntl.h>
#include <new>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

namespace aioc {

namespace {

// None is kept, and none spins.
WorkerLimits custom_limits(WorkerLimits limits) noexcept {
    limits.min = 0;
    limits.quick_max = limits.max;
    limits.spin_looks = 0;
    return limits;
}

} // namespace

Context::Context(const Settings& settings) noexcept
    : lock_(!settings.single_threaded), single_threaded_(settings.single_threaded), in_order_(settings.in_order),
      ring_rung_(settings.ring_rung), outstanding_max_(settings.outstanding_max), router_(settings.engines),
      workers_(settings.spawner, settings.workers, &ready_),
      custom_(AIOC_SPAWNER_PTHREAD, custom_limits(settings.workers), &ready_),
      device_workers_(settings.device_workers) {
    if (settings.trusts_paths) {
        inline_.trust_paths();
    }
}

Context::~Context() {
    close_loads();
    if (ready_.event_fd >= 0) {
        close(ready_.event_fd);
    }
    if (fork_canary_) {
        munmap(fork_canary_, sys::page_bytes());
    }
}

int Context::create(const Settings& settings, Context** ret) noexcept {
    Context* const context = new (std::nothrow) Context(settings);
    if (!context) {
        return -ENOMEM;
    }
    const int error = context->open_descriptors();
    if (error < 0) {
        delete context;
        return error;
    }
    *ret = context;
    return 0;
}

int Context::open_descriptors() noexcept {
    void* const page = mmap(nullptr, sys::page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return -errno;
    }
    fork_canary_ = static_cast<uint32_t*>(page);
    // Linux 4.14. It sees every kind of fork, and not a vfork child, which shares our memory.
    if (madvise(page, sys::page_bytes(), MADV_WIPEONFORK) != 0) {
        return -errno;
    }
    *fork_canary_ = canary_alive;
    ready_.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return ready_.event_fd < 0 ? -errno : 0;
}

// In the child, before anything else of the context is used. Locks and lists may be half changed by
// threads that do not exist here: they are started afresh, never read.
void Context::after_fork() noexcept {
    uint32_t seen = 0;
    if (!sys::compare_exchange(*fork_canary_, seen, canary_mending)) {
        while (sys::load_acquire(*fork_canary_) != canary_alive) {
            sys::call(SYS_sched_yield);
        }
        return;
    }
    lock_.reset();
    workers_.forget();
    custom_.forget();
    slab_.reset();
    paths_.reset();
    composites_ = nullptr; // the parent's
    walks_ = nullptr;
    forget_loads();
    ring_.forget();
    ring_status_ = 1;
    inline_.reset();
    plans_.forget();
    deadlines_.forget();
    alarm_.forget();
    devices_.forget();
    starting_ = RequestList{};
    waiting_ = timed_out_ = 0;
    earliest_ns_ = INT64_MAX;
    hungry_ = nullptr;
    any_priority_ = false;
    collected_ = to_workers_ = to_custom_ = to_ring_ = unserved_ = answered_ = kept_ = chunk_ = delivering_ =
        delivered_ = RequestList{};
    early_ = Helper{};
    judged_early_ = false;
    holds_ = 0;
    closing_ = break_ = false;
    submitted_ = completed_total_ = 0;
    for (auto& row : completed_) {
        for (uint64_t& cell : row) {
            cell = 0;
        }
    }
    poller_ = 0;
    poll_depth_ = callback_depth_ = 0;
    ready_.top = nullptr;
    ready_.sleeper = ready_.signalled = 0;
    ready_.watched = exported_;
    ready_.signals = 0;
    ring_signalled_ = false;
    cold_rounds_ = routed_ = 0;
    helped_ns_ = 0;
    ++forks_;
    // The inherited descriptor shares its counter with the parent: never read or written here.
    const int own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (own >= 0) {
        dup3(own, ready_.event_fd, O_CLOEXEC);
        close(own);
    }
    sys::store_release(*fork_canary_, canary_alive);
}

int Context::destroy() noexcept {
    if (in_callback()) {
        return -EDEADLK;
    }
    if (const int error = enter_poll(); error < 0) {
        return error;
    }
    lock_.lock();
    closing_ = true;
    for (RequestList* list : {&collected_, &to_workers_, &to_custom_, &to_ring_}) {
        while (Request* const r = list->take_first()) {
            complete_cancelled(r, &ready_);
        }
    }
    cancel_waiting();
    stop_all_composites();
    workers_.cancel_queued();
    custom_.cancel_queued();
    if (ring_ready()) {
        ring_.cancel_all();
    }
    lock_.unlock();
    while (outstanding() > 0) {
        const uint32_t forks = forks_;
        poll_wait(-1);
        poll_callbacks();
        if (forks != forks_) {
            break; // a callback forked: this is the child, where nothing is left
        }
    }
    lock_.lock();
    workers_.stop();
    custom_.stop();
    if (ring_ready()) {
        ring_.stop();
    }
    lock_.unlock();
    delete this;
    return 0;
}

int Context::set_min_workers(uint32_t count) noexcept {
    lock_.lock();
    const int error = workers_.set_min(count);
    lock_.unlock();
    return error;
}

int Context::set_max_workers(uint32_t count) noexcept {
    lock_.lock();
    workers_.set_max(count);
    custom_.set_max(count);
    lock_.unlock();
    for (WorkersEngine* engine : {&workers_, &custom_}) {
        wait_for_departures(engine, count);
    }
    return 0;
}

// Without the lock, so that others submit and poll meanwhile.
void Context::wait_for_departures(WorkersEngine* engine, uint32_t count) noexcept {
    for (;;) {
        lock_.lock();
        const Settlement s = engine->settle(count);
        lock_.unlock();
        if (s.done) {
            return;
        }
        if (s.ending) {
            sys::call(SYS_sched_yield);
        } else {
            sys::futex_wait(engine->departures(), s.departures, nullptr);
        }
    }
}

int Context::rebind() noexcept {
    lock_.lock();
    workers_.rebind();
    custom_.rebind();
    lock_.unlock();
    return 0;
}

void Context::statistics(aioc_statistics* ret) noexcept {
    lock_.lock();
    const WorkerCounts workers = workers_.counts();
    const WorkerCounts custom = custom_.counts();
    ret->submitted = submitted_;
    ret->queued =
        workers.queued + custom.queued + collected_.length + to_workers_.length + to_ring_.length + ring_.waiting();
    ret->waiting = waiting_;
    ret->timed_out = timed_out_;
    ret->inline_misses = inline_.misses();
    lock_.unlock();
    ret->workers = workers.alive + custom.alive;
    ret->worker_wakeups = workers.wakeups + custom.wakeups;
    ret->workers_started = workers.started + custom.started;
    ret->poll_wakeups = sys::load_relaxed(ready_.signals);
    ret->completed = sys::load_relaxed(completed_total_);
    ret->outstanding = static_cast<uint64_t>(outstanding());
    ret->inline_hits = count(0, AIOC_ENGINE_INLINE);
}

uint64_t Context::count(uint32_t operation, uint32_t engine) const noexcept {
    uint64_t sum = 0;
    for (uint32_t o = 1; o < operations_max; ++o) {
        for (uint32_t e = 1; e < engines; ++e) {
            if ((operation == 0 || operation == o) && (engine == 0 || engine == e)) {
                sum += sys::load_relaxed(completed_[o][e]);
            }
        }
    }
    return sum;
}

void Context::workers_report(aioc_engine_report* ret) noexcept {
    lock_.lock();
    ret->status = workers_.last_start_error();
    ret->spawner = workers_.spawner();
    lock_.unlock();
}

} // namespace aioc
