// SPDX-License-Identifier: MIT
#pragma once
#include <linux/aio_abi.h>
#include <stdint.h>

namespace aioc::sys {

// Makes an eventfd readable at a time, without a thread: the kernel's asynchronous I/O (io_submit(2), IOCB_CMD_POLL,
// Linux 4.18) watches a timerfd, and writes the eventfd when that one expires. So the eventfd, which the user has put
// into his event loop, needs no other descriptor beside it.
class Alarm {
public:
    Alarm() = default;
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm();

    // 0, also if it is ready already; or -errno: it does not work here.
    int prepare(int event_fd) noexcept;
    // At this time of CLOCK_MONOTONIC, or before: one that is set earlier stays.
    void set(int64_t at_ns) noexcept;
    // Once after each time that it has written the eventfd.
    bool has_rung() noexcept;
    // In a forked child, to which the kernel's part does not come along.
    void forget() noexcept;

private:
    bool watch() noexcept;

    aio_context_t context_ = 0;
    int event_fd_ = -1;
    int timer_fd_ = -1;
    int64_t set_ns_ = 0; // 0: not set
    bool watched_ = false;
};

} // namespace aioc::sys
