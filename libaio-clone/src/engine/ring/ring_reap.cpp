// SPDX-License-Identifier: MIT
#include "engine/ring/ring_engine.hpp"

#include "engine/ring/ring_order.hpp"
#include "engine/ring/ring_setup.hpp"
#include "worker/job_queue.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace aioc {
namespace {

// Answers that come from the ring and not from the file: the plain call gives the right one, or the same.
//  EINVAL, EOPNOTSUPP, ENOSYS: the ring, or this file system's part in it, can't.
//  EAGAIN: a file that is marked O_NONBLOCK, which the plain call does not care about.
//  ECANCELED, EINTR, EFAULT: the thread that submitted has ended, and its work with it.
//  ENOMEM: for the ring's own record of the request.
bool is_of_the_ring(int32_t result) noexcept {
    switch (-result) {
    case EINVAL:
    case EOPNOTSUPP:
    case ENOSYS:
    case EAGAIN:
    case ECANCELED:
    case EINTR:
    case EFAULT:
    case ENOMEM:
        return true;
    default:
        return false;
    }
}

// An interrupted call that is none of reads and writes answers as the kernel's own code does (measured).
bool is_interruption(int32_t result) noexcept {
    constexpr int32_t restart_first = -516; // ERESTART_RESTARTBLOCK
    constexpr int32_t restart_last = -512;  // ERESTARTSYS
    return result == -EINTR || (result >= restart_first && result <= restart_last);
}

// The kernel has just read it. Never more than one call transfers.
uint64_t bytes_of_vector(const Request& r) noexcept {
    const auto* const iov = static_cast<const iovec*>(r.buffer);
    constexpr uint64_t most = INT32_MAX & ~uint64_t{4095}; // MAX_RW_COUNT, or a little more
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < r.length && bytes < most; ++i) {
        bytes += iov[i].iov_len;
    }
    return bytes < most ? bytes : most;
}

bool is_fifo(int fd) noexcept {
    struct statx file{};
    return sys::call(SYS_lseek, fd, 0L, SEEK_CUR) == -ESPIPE &&
           sys::call(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &file) == 0 &&
           S_ISFIFO(file.stx_mode);
}

} // namespace

void RingEngine::reap(RequestList* done, RequestList* again) noexcept {
    if (!setup_) {
        return;
    }
    uint32_t finished = 0;
    // A deferred ring hands out 20 completions per entry (liburing#1474), an overflown one as many as
    // fit: each turn makes progress, and what is in flight bounds the turns.
    for (uint32_t turns = in_flight() + 1;; --turns) {
        finished += drain(done, again);
        if (turns == 0 || (sys::load_acquire(*sq_flags_) & sys::load_relaxed(watched_flags_)) == 0) {
            break;
        }
        const int error = enter_ring(*setup_, 0, IORING_ENTER_GETEVENTS);
        if (error < 0) {
            if (error != -EINTR && error != -EAGAIN && error != -EBUSY && error != -EEXIST) {
                sys::store_relaxed(watched_flags_, uint32_t{0}); // asked in vain for ever
                sys::store_relaxed(refused_, static_cast<uint32_t>(-error));
            }
            finished += drain(done, again);
            break;
        }
    }
    sys::add(in_flight_, ~finished + 1);
    sys::full_fence(); // before the caller looks whether others wait for the room: see submit
}

// What is in the completion queue now. Returns how many requests came back.
uint32_t RingEngine::drain(RequestList* done, RequestList* again) noexcept {
    const io_uring_cq& cq = setup_->ring.cq;
    uint32_t finished = 0;
    uint32_t head = *cq.khead;
    for (;;) {
        const uint32_t tail = sys::load_acquire(*cq.ktail);
        if (head == tail) {
            return finished;
        }
        for (; head != tail; ++head) {
            const io_uring_cqe& cqe = cq.cqes[head & cq.ring_mask];
            if (cqe.user_data == cancel_tag) {
                continue;
            }
            ++finished;
            auto* const r = reinterpret_cast<Request*>(static_cast<uintptr_t>(cqe.user_data));
            taken_from_kernel(r);
            settle(r, cqe.res, done, again);
        }
        sys::store_release(*cq.khead, head);
    }
}

void RingEngine::settle(Request* r, int32_t result, RequestList* done, RequestList* again) noexcept {
    switch (judge(r, result)) {
    case Verdict::resume:
        resume(r);
        return;
    case Verdict::again:
        // With the state done nobody can cancel it on its way. Was it cancelled before, it is done indeed.
        if (sys::exchange(r->state, uint32_t{state_done}) != state_cancelling) {
            again->append(r);
            return;
        }
        r->result = -ECANCELED;
        break;
    case Verdict::done:
        aioc_zone_finish(r);
        break;
    }
    if (r->operation == AIOC_OP_OPEN && r->held_fd >= 0) {
        sys::call(SYS_close, r->held_fd);
        r->held_fd = -1;
    }
    done->append(r);
}

RingEngine::Verdict RingEngine::judge(Request* r, int32_t result) const noexcept {
    const uint32_t state = sys::load_acquire(r->state);
    const bool asked = state == state_stopping || state == state_cancelling || sys::load_relaxed(stopping_) != 0;
    result = is_interruption(result) ? -EINTR : result;
    const bool stopped = asked && (result == -ECANCELED || result == -EINTR);
    if (r->operation == AIOC_OP_READ) {
        return judge_read(r, result, stopped);
    }
    if (r->operation == AIOC_OP_OPEN && !asked && opened_too_soon(r, result)) {
        return Verdict::again;
    }
    // A short one is not asked about (see judge_read), but made anew.
    if (r->operation == AIOC_OP_READV && result > 0 && !asked && static_cast<uint64_t>(result) < bytes_of_vector(*r)) {
        return Verdict::again;
    }
    if (result >= 0 || !is_of_the_ring(result)) {
        r->result = result;
        return Verdict::done;
    }
    if (r->operation == AIOC_OP_CLOSE && result == -EINTR) {
        r->result = result; // the descriptor is closed: a second close could hit another file
        return Verdict::done;
    }
    if (stopped) {
        r->result = -ECANCELED;
        return Verdict::done;
    }
    return Verdict::again;
}

// The ring tries an open with O_NONBLOCK (io_openat2, io_uring/openclose.c), with which a FIFO does not
// wait for its other end as open(2) does. Then a worker opens it once more; the first end stays open until
// the second is, so that the other side sees no difference. Not on a kernel thread: a thread that has
// submitted can't end before those have run what waits for them (io_worker_handle_work; seen on 6.18).
bool RingEngine::opened_too_soon(Request* r, int32_t result) noexcept {
    constexpr uint32_t tried_so = O_NONBLOCK | O_PATH; // by the user
    constexpr uint32_t never_tried = O_CREAT | O_TRUNC;
    if ((r->operation_flags & (tried_so | never_tried)) != 0) {
        return false;
    }
    if (result >= 0 && (r->operation_flags & O_ACCMODE) == O_RDONLY && is_fifo(result)) {
        r->held_fd = result;
        return true;
    }
    return result == -ENXIO; // a FIFO for writing, and nobody reads yet
}

// Rings have returned short reads in the middle of files (Linux 5.x); pread(2) does not. So a short one is
// asked about: at the end of the file one more call says 0.
RingEngine::Verdict RingEngine::judge_read(Request* r, int32_t result, bool stopped) const noexcept {
    if (result > 0) {
        r->partial += static_cast<uint64_t>(result);
    }
    r->result = r->partial > 0 ? static_cast<int64_t>(r->partial) : stopped ? -ECANCELED : result;
    if (result < 0) {
        // After a part, EINVAL is O_DIRECT's word for a tail that is not aligned.
        const bool final = stopped || !is_of_the_ring(result) || (r->partial > 0 && result == -EINVAL);
        return final ? Verdict::done : Verdict::again;
    }
    if (result == 0 || r->partial >= r->length) {
        return Verdict::done;
    }
    // Asked without waiting; a copy must not hold the poller for long.
    constexpr uint64_t most = uint64_t{64} << 10;
    const uint64_t rest = r->length - r->partial;
    const iovec iov{static_cast<char*>(r->buffer) + r->partial, rest < most ? rest : most};
    const uint64_t offset = static_cast<uint64_t>(r->offset) + r->partial;
    const long n = sys::call(SYS_preadv2, r->fd, &iov, 1, offset, 0, r->operation_flags | RWF_NOWAIT);
    if (n == -EAGAIN || n == -EOPNOTSUPP || n == -EINTR || n == -ENOSYS) {
        return Verdict::resume;
    }
    if (n <= 0) {
        return Verdict::done;
    }
    r->partial += static_cast<uint64_t>(n);
    r->result = static_cast<int64_t>(r->partial);
    return r->partial >= r->length ? Verdict::done : Verdict::resume;
}

// To the next submit, which holds the lock that we do not.
void RingEngine::resume(Request* r) noexcept {
    Request* seen = sys::load_relaxed(continued_);
    do {
        r->next = seen;
    } while (!sys::compare_exchange(continued_, seen, r));
}

} // namespace aioc
