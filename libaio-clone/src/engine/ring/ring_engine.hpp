// SPDX-License-Identifier: MIT
#pragma once
#include "core/priority_list.hpp"
#include "core/ready_list.hpp"
#include "core/request.hpp"
#include "engine/ring/ring_buffers.hpp"
#include "engine/ring/ring_files.hpp"
#include "engine/ring/ring_settings.hpp"
#include "sys/atomic.hpp"
#include "sys/futex.hpp"

namespace aioc {

struct RingSetup;

// An io_uring. Requests are submitted with the context's lock held; completions are reaped by the poller
// without it. The two sides share the kernel's memory, and of ours only the words marked below.
//
// A request's way: submit -> backlog (state_queued) -> kernel (state_running) -> reap -> done, or back to
// submit when a read was short, or to another engine when this one can't give the plain call's answer.
//
// The poller sleeps in ppoll on the eventfd, which the kernel writes for every completion. Only where one
// thread makes all calls, and there is nothing but the ring to wait for, it waits inside io_uring_enter.
//
// Requests run with the credentials that their submitter has at that moment, also on kernel threads.
class RingEngine {
public:
    // ready: where cancelled requests of the backlog complete.
    explicit RingEngine(ReadyList* ready) noexcept : ready_(ready) {}
    RingEngine(const RingEngine&) = delete;
    RingEngine& operator=(const RingEngine&) = delete;
    ~RingEngine() { stop(); }

    // 0 if a ring works in this process, else -errno; ret_reason, a static text, says why not.
    static int probe(const char** ret_reason) noexcept;

    // 0 or -errno: then another engine serves. event_fd is written for every completion.
    int open(const RingSettings& settings, int event_fd) noexcept;
    bool is_open() const noexcept { return setup_ != nullptr; }
    uint32_t rung() const noexcept;         // of the ladder of setup flags, the one in use
    const char* rung_name() const noexcept; // static text
    uint32_t setup_flags() const noexcept;  // IORING_SETUP_* in use

    // Can the ring answer as the plain call does? By the opcodes that the kernel reported and by the
    // arguments; what the descriptor is, is seen at submission.
    bool serves(const Request& r) const noexcept;

    // Context lock held, as for all calls but those of the poller. Takes all it can, with one system call
    // per batch. What stays on the list (state_held) is for another engine; an empty list makes it look
    // at its backlog, and even then something may come out.
    void submit(RequestList& requests) noexcept;

    // Poller only, without the lock. done: finished, with results. again: another engine must run them;
    // their state is state_done, so that cancel leaves them alone, until the caller queues them.
    void reap(RequestList* done, RequestList* again) noexcept;
    // Poller, without the lock: a submit with an empty list would start something.
    bool wants_submit() const noexcept {
        return (sys::load_relaxed(waiting_) != 0 || sys::load_relaxed(continued_) != nullptr) &&
               sys::load_relaxed(in_flight_) < limit_;
    }
    // Poller, without the lock and without a system call: reap would find something.
    bool has_completions() const noexcept {
        return cq_head_ && (sys::load_relaxed(*cq_head_) != sys::load_acquire(*cq_tail_) ||
                            (sys::load_acquire(*sq_flags_) & sys::load_relaxed(watched_flags_)) != 0);
    }

    // Poller of a ring that only its own thread uses: can it wait in the kernel for what is in flight?
    bool can_wait() const noexcept;
    // 0: something may have completed. -ETIME, -EINTR, or another -errno: it can't be waited for here.
    int wait(const sys::Timeout* timeout) const noexcept;

    // 0: it completes with -ECANCELED. -EALREADY: it runs or has run. (The kernel may still stop it.)
    int cancel(Request* r) noexcept;
    // The backlog is cancelled; what the kernel has is stopped if it can be. For the context's end.
    void cancel_all() noexcept;

    uint32_t in_flight() const noexcept { return sys::load_relaxed(in_flight_); }
    // Waiting in user space for room in the kernel.
    uint32_t waiting() const noexcept { return sys::load_relaxed(waiting_); }
    // System calls that gave entries to the kernel.
    uint64_t enters() const noexcept { return sys::load_relaxed(enters_); }

    // Nothing may be in flight.
    void stop() noexcept;
    // In a forked child: drops everything, and touches nothing that the parent shares.
    void forget() noexcept;

    // Registered with the ring as soon as both exist and the kernel agrees.
    RingBuffers& buffers() noexcept { return buffers_; }
    int register_buffers() noexcept;

    // Gives the descriptor's file a slot of its own, by which requests that name the descriptor find it.
    // 0, -EBADF, -EEXIST, -EINVAL (not a regular file or block device), -ENFILE, -ENOMEM, or why there is none.
    int register_file(int fd) noexcept;
    int unregister_file(int fd) noexcept; // 0 or -ENOENT

private:
    enum class Verdict { done, again, resume };
    struct Look {
        int fd = -1;
        uint16_t operation = 0;
        bool has_position = false;
    };
    static constexpr uint64_t cancel_tag = 1; // user_data of what is no request

    int feed() noexcept;
    int flush() noexcept;
    void take_back() noexcept;
    void take_continued() noexcept;
    bool takes(const Request& r, Look* last) const noexcept;
    void hand_over_backlog(RequestList& requests) noexcept;
    void store_waiting() noexcept { sys::store_relaxed(waiting_, backlog_.length); }

    uint32_t drain(RequestList* done, RequestList* again) noexcept;
    void settle(Request* r, int32_t result, RequestList* done, RequestList* again) noexcept;
    Verdict judge(Request* r, int32_t result) const noexcept;
    static bool opened_too_soon(Request* r, int32_t result) noexcept;
    Verdict judge_read(Request* r, int32_t result, bool stopped) const noexcept;
    void resume(Request* r) noexcept;

    void ask_kernel_to_stop(const Request* r) noexcept;

    RingSetup* setup_ = nullptr;
    ReadyList* const ready_;
    RingBuffers buffers_;
    RingFiles files_;
    uint32_t limit_ = 0;   // requests in flight
    PriorityList backlog_; // doubly linked, so that cancel takes requests out
    uint32_t tail_ = 0;    // of the submission queue, with what was not announced yet
    bool no_sync_cancel_ = false;

    const unsigned* cq_head_ = nullptr;
    const unsigned* cq_tail_ = nullptr;
    const unsigned* sq_flags_ = nullptr;

    // Shared between the sides, atomically.
    uint32_t watched_flags_ = 0;   // of the ring's flags word: those after which the poller must enter
    uint32_t in_flight_ = 0;       // given to the kernel and not reaped
    uint32_t waiting_ = 0;         // length of the backlog
    Request* continued_ = nullptr; // stack: from reap to the next submit
    uint32_t refused_ = 0;         // errno: the kernel takes nothing from us any more
    uint32_t stopping_ = 0;        // cancel_all was called
    uint64_t enters_ = 0;
};

} // namespace aioc
