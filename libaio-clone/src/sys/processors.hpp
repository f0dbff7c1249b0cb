// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace aioc::sys {

// Processors that the calling thread may use at once: its affinity, and the quota of its control group
// (cgroup v2 cpu.max). At least 1.
uint32_t usable_processors() noexcept;

// How many turns of a loop that looks at a word and relaxes take about so long. Measured once.
uint32_t looks_in_ns(int64_t ns) noexcept;

} // namespace aioc::sys
