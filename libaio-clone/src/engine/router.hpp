// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

namespace aioc {

// What the options allow.
struct EngineChoice {
    bool inline_engine = true;
    bool ring = true;
    bool ring_for_all = false; // also what workers do as well
    bool helper = true;        // a hot worker shares batches with the caller's thread
};

// What is known of a request when it is routed.
struct Circumstances {
    bool direct = false; // the descriptor has O_DIRECT
    bool missed = false; // the inline engine tried: it would wait
};

// Which engine waits for a request that is not answered inline, and what it is to expect. The one table
// (router.cpp) is explained in docs/routing.md.
class Router {
public:
    explicit Router(const EngineChoice& choice) noexcept : choice_(choice) {}
    // Sets engine (RING or WORKERS), pace and cost.
    void route(Request* r, const Circumstances& is) const noexcept;
    // Does sharing a batch with a helper pay for this operation?
    static bool shares(const Request& r) noexcept;
    static uint16_t cost_of(const Request& r) noexcept; // in units of 16 ns
    const EngineChoice& choice() const noexcept { return choice_; }

private:
    EngineChoice choice_;
};

} // namespace aioc
