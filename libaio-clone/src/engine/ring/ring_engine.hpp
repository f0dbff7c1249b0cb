// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

#include <errno.h>
#include <time.h>

namespace aioc {

struct RingSettings {
    bool single_threaded = false;
    uint32_t entries = 256;
    uint32_t max_in_flight = 4096;
};

// Without liburing: no ring.
class RingEngine {
public:
    static int probe(const char** ret_reason) noexcept {
        *ret_reason = "built without liburing";
        return -ENOSYS;
    }
    int open(const RingSettings&, int) noexcept { return -ENOSYS; }
    bool serves(const Request&) const noexcept { return false; }
    bool wants_submit() const noexcept { return false; }
    bool is_open() const noexcept { return false; }
    void submit(RequestList&) noexcept {}
    int cancel(Request*) noexcept { return -EALREADY; }
    void reap(RequestList*, RequestList*) noexcept {}
    bool has_completions() const noexcept { return false; }
    uint32_t in_flight() const noexcept { return 0; }
    void cancel_all() noexcept {}
    void stop() noexcept {}
    void forget() noexcept {}
};

} // namespace aioc
