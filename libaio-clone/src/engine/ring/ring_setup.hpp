// SPDX-License-Identifier: MIT
#pragma once
#include "core/operation_uses.hpp"
#include "engine/ring/ring_abi.hpp"
#include "engine/ring/ring_settings.hpp"
#include "sys/futex.hpp"

#include <sys/stat.h>

namespace aioc {

// A ring as the kernel gave it.
struct RingSetup {
    io_uring ring{};
    uint32_t rung = 0;
    uint32_t flags = 0;
    uint32_t enter_flags = 0; // for every io_uring_enter
    OperationSet operations;  // those whose opcode the kernel has
    struct stat identity{};   // of the descriptor
};

constexpr uint32_t rungs = 6;
const char* rung_name(uint32_t rung) noexcept;

// 0 or -errno; ret_reason, a static text, says why not. Nothing is left open on failure.
int set_up_ring(const RingSettings& settings, RingSetup* ret, const char** ret_reason) noexcept;
// io_uring_enter, which does not wait. What it took, or -errno.
int enter_ring(const RingSetup& setup, unsigned count, unsigned flags) noexcept;
// Waits in it for one completion. 0, -ETIME or another -errno. timeout null: without limit.
int wait_in_ring(const RingSetup& setup, const sys::Timeout* timeout) noexcept;
void tear_down_ring(RingSetup* setup) noexcept;

} // namespace aioc
