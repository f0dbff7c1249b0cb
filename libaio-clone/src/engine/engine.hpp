// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

namespace aioc {

// What runs requests. Callers hold the context's lock.
class Engine {
public:
    virtual ~Engine() = default;

    // Takes the requests over and completes each once, through the ready list. What it leaves on the
    // list it can't run now: the submitter does.
    virtual void submit(RequestList& requests, uint64_t outstanding) noexcept = 0;
    // 0: it completes with -ECANCELED. -EALREADY: it runs to its end.
    virtual int cancel(Request* request) noexcept = 0;
    virtual void cancel_queued() noexcept = 0;
    // Waits until nothing of the engine is left.
    virtual void stop() noexcept = 0;
    // In a forked child: nothing of it exists any more.
    virtual void forget() noexcept = 0;
};

} // namespace aioc
