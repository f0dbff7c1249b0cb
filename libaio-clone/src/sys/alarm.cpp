// SPDX-License-Identifier: MIT
#include "sys/alarm.hpp"

#include "sys/clock.hpp"
#include "sys/syscall.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace aioc::sys {

Alarm::~Alarm() {
    if (context_ != 0) {
        call(SYS_io_destroy, context_);
    }
    forget();
}

int Alarm::prepare(int event_fd) noexcept {
    if (timer_fd_ >= 0) {
        return 0;
    }
    aio_context_t context = 0;
    const long error = call(SYS_io_setup, 1, &context);
    if (error < 0) {
        return static_cast<int>(error);
    }
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0) {
        const int reason = -errno;
        call(SYS_io_destroy, context);
        return reason;
    }
    context_ = context;
    timer_fd_ = timer;
    event_fd_ = event_fd;
    if (!watch()) { // as on a kernel before 4.18
        call(SYS_io_destroy, context);
        forget();
        return -ENOSYS;
    }
    return 0;
}

// For one expiry.
bool Alarm::watch() noexcept {
    iocb poll{};
    poll.aio_lio_opcode = IOCB_CMD_POLL;
    poll.aio_fildes = static_cast<uint32_t>(timer_fd_);
    poll.aio_buf = POLLIN;
    poll.aio_flags = IOCB_FLAG_RESFD;
    poll.aio_resfd = static_cast<uint32_t>(event_fd_);
    iocb* const polls[1] = {&poll};
    watched_ = call(SYS_io_submit, context_, 1, polls) == 1;
    return watched_;
}

void Alarm::set(int64_t at_ns) noexcept {
    if (timer_fd_ < 0 || (set_ns_ != 0 && set_ns_ <= at_ns)) {
        return;
    }
    constexpr int64_t second_ns = 1'000'000'000;
    const int64_t at = at_ns > 0 ? at_ns : 1; // 0 would disarm it
    const itimerspec when{{0, 0}, {at / second_ns, at % second_ns}};
    timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &when, nullptr);
    if (watched_ || watch()) {
        set_ns_ = at;
    }
}

bool Alarm::has_rung() noexcept {
    if (set_ns_ == 0 || now_ns() < set_ns_) {
        return false;
    }
    io_event event{};
    const timespec at_once{0, 0};
    if (call(SYS_io_getevents, context_, 0, 1, &event, &at_once) != 1) {
        return false;
    }
    watched_ = false;
    set_ns_ = 0;
    uint64_t expiries;
    call(SYS_read, timer_fd_, &expiries, sizeof expiries); // else the next watch would ring at once
    return true;
}

void Alarm::forget() noexcept {
    if (timer_fd_ >= 0) {
        close(timer_fd_);
    }
    context_ = 0;
    timer_fd_ = event_fd_ = -1;
    set_ns_ = 0;
    watched_ = false;
}

} // namespace aioc::sys
