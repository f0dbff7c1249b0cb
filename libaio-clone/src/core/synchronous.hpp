// SPDX-License-Identifier: MIT
#pragma once
#include "core/ready_list.hpp"

namespace aioc {

// Runs requests in the calling thread, for want of a worker: slow, but never a hang. As on a worker,
// none of them raises a signal.
void run_synchronously(RequestList& requests, ReadyList* ready) noexcept;

} // namespace aioc
