// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

namespace aioc {

// What the options allow.
struct EngineChoice {
    bool inline_engine = true;
    bool ring = true;
    bool ring_for_all = false; // also what workers do as well
    bool spins = true;         // who waits for a moment may keep a core awake
    bool helper = true;        // a hot worker shares batches with the caller's thread
};

// What is known of a request when it is routed.
struct Circumstances {
    bool direct = false;  // the descriptor has O_DIRECT
    bool missed = false;  // the inline engine tried, or knows: it would wait
    bool crowded = false; // every worker has a request that may wait
    bool remote = false;  // a server is asked, of which nobody knows when it answers
};

// Which engine waits for a request that is not answered inline, and what it is to expect. The one table
// (router.cpp) is explained in docs/routing.md.
class Router {
public:
    explicit Router(const EngineChoice& choice) noexcept : choice_(choice) {}
    // Sets engine (RING or WORKERS) and pace.
    void route(Request* r, const Circumstances& is) const noexcept;
    // What its plain call is expected to take when nothing has to be waited for, in nanoseconds.
    static uint32_t cost_of(const Request& r) noexcept;
    // Does running half of a batch on another core pay for this operation?
    static bool shares(const Request& r) noexcept;
    // Does it change nothing, so that others of the kind may run beside it where an order is kept?
    static bool only_looks(const Request& r) noexcept;
    // Does it wait for the device wherever it runs?
    static bool waits(const Request& r) noexcept;
    // Does it end without another process, a lock or a clock, as long as its file system is a local one?
    static bool is_brief(const Request& r) noexcept;
    const EngineChoice& choice() const noexcept { return choice_; }

private:
    EngineChoice choice_;
};

} // namespace aioc
