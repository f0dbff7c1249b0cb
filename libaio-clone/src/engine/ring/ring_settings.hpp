// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace aioc {

struct RingSettings {
    bool single_threaded = false;  // one thread makes every call: SINGLE_ISSUER and DEFER_TASKRUN
    uint32_t rung = 0;             // of the ladder of setup flags, the first to try (ring_setup.cpp)
    uint32_t entries = 256;        // of the submission queue
    uint32_t max_in_flight = 4096; // given to the kernel at once; more wait in the engine's backlog
    uint32_t cq_entries = 0;       // of the completion queue; 0: max_in_flight, so that it never overflows
    uint32_t io_workers_max = 32;  // bounded kernel threads; the kernel's own limit if that is lower
};

} // namespace aioc
