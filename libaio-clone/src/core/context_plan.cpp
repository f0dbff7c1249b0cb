// SPDX-License-Identifier: MIT
// What few requests have: their acceptance, their waiting, and what follows from their end.
#include "composite/composite.hpp"
#include "core/context.hpp"

#include <errno.h>

namespace aioc {
namespace {

constexpr int32_t priority_max = 4;

bool moves_data(const Request& r) noexcept {
    return r.operation == AIOC_OP_READ || r.operation == AIOC_OP_WRITE || r.operation == AIOC_OP_READV ||
           r.operation == AIOC_OP_WRITEV;
}

} // namespace

bool Context::is_scheduled(const aioc_operation& op) noexcept {
    return op.priority != 0 || op.group != 0 || op.timeout_ns != 0 || (op.flags & AIOC_LINK) != 0 ||
           op.code >= operation_special_first;
}

// With the lock held. What the operation asks for besides itself.
int Context::plan(const aioc_operation& op, Request* r, const Chain& chain) noexcept {
    const bool is_group = op.code == AIOC_OP_GROUP;
    if (op.priority < -priority_max || op.priority > priority_max || (is_group && chain.last)) {
        return -EINVAL;
    }
    r->schedule = schedule_of(op.priority);
    any_priority_ = any_priority_ || op.priority != 0;
    if (!is_group && !chain.last && op.group == 0 && op.timeout_ns == 0 && (op.flags & AIOC_LINK) == 0) {
        return 0;
    }
    Plan* const own = plans_.make(r);
    if (!own) {
        return -ENOMEM;
    }
    if (op.group != 0) {
        if (const int error = join_group(own, op.group); error < 0) {
            return error;
        }
    }
    return op.timeout_ns == 0 ? 0 : set_deadline(own, op.timeout_ns, (op.flags & AIOC_ABSOLUTE) != 0);
}

// With the lock held: of a request that is refused.
void Context::unplan(Plan* plan) noexcept {
    drop_deadline(plan);
    if (plan->group) {
        --plan->group->added;
        leave_group(plan);
    }
    plans_.give_back(plan);
}

// With the lock held: an operation with a plan, or one that follows in a chain. The id, or why it is refused.
aioc_request Context::collect_planned(const aioc_operation& op, Request* r, Chain* chain) noexcept {
    const bool links = (op.flags & AIOC_LINK) != 0;
    int error = own_path(r);
    if (error == 0) {
        error = plan(op, r, *chain);
    }
    if (error < 0) {
        return refuse(r, error);
    }
    if (Plan* const before = chain->last) {
        Plan* const own = plans_.of(*r);
        before->after = own;
        own->before = before;
        wait(r);
    } else if (op.code == AIOC_OP_GROUP) {
        wait(r);
    } else {
        sys::store_relaxed(r->state, uint32_t{state_held});
        collected_.append(r);
    }
    if (links && !chain->last) {
        chain->first = plans_.of(*r);
    }
    chain->last = links ? plans_.of(*r) : nullptr;
    return static_cast<aioc_request>(r->id);
}

// With the lock held: one of the chain was refused, so all are. Returns how many were accepted.
uint32_t Context::abandon_chain(const Chain& chain) noexcept {
    uint32_t count = 0;
    for (Plan* plan = chain.last ? chain.first : nullptr; plan; ++count) {
        Plan* const after = plan->after;
        Request* const r = plan->request;
        if (sys::load_relaxed(r->state) == state_waiting) {
            --waiting_;
        } else {
            collected_.remove(r);
        }
        refuse(r, 0);
        sys::store_release(r->id, RequestSlab::next_id(r->id)); // it was written to the caller's array
        plan = after;
    }
    return count;
}

// With the lock held: on no engine until something else has happened.
void Context::wait(Request* r) noexcept {
    sys::store_release(r->state, uint32_t{state_waiting});
    ++waiting_;
}

// With the lock held: a request that is on no list, and that no engine runs.
void Context::complete(Request* r, int64_t result) noexcept {
    if (r->held_fd >= 0) {
        sys::call(SYS_close, r->held_fd);
    }
    r->result = result;
    sys::store_release(r->state, uint32_t{state_done});
    ready_.push(r);
}

// With the lock held: a request that waits, with all that waits for it.
void Context::complete_waiting(Plan* plan, int64_t result) noexcept {
    if (plan->before) {
        plan->before->after = nullptr;
        plan->before = nullptr;
    }
    if (plan->starting) {
        starting_.remove(plan->request);
    }
    if (plan->parked) {
        leave_parking(plan);
    }
    cancel_following(plan);
    --waiting_;
    complete(plan->request, result);
}

// As aioc_cancel.
int Context::stop_waiting(Plan* plan) noexcept {
    if (plan->before && !keep_following(plan->before)) {
        // A worker has just gone on with it, and is about to write that, or has.
        uint32_t waiting = state_waiting;
        sys::compare_exchange(plan->request->state, waiting, uint32_t{state_running});
        return stop(plan->request);
    }
    if (plan->request->operation != AIOC_OP_GROUP) {
        complete_waiting(plan, -ECANCELED);
        return 0;
    }
    if (plan->stopped != 0) {
        return -EALREADY;
    }
    cancel_group(plan, -ECANCELED);
    return 0;
}

void Context::cancel_following(Plan* plan) noexcept {
    Plan* next = plan->after;
    plan->after = nullptr;
    while (next) {
        Plan* const after = next->after;
        next->before = next->after = nullptr;
        --waiting_;
        complete(next->request, -ECANCELED);
        next = after;
    }
}

// With the lock held: the end of everything that waits, for the context's own.
void Context::cancel_waiting() noexcept {
    plans_.each([this](Plan* plan) {
        if (sys::load_relaxed(plan->request->state) == state_waiting) {
            stop(plan->request);
        }
    });
}

// By the poller, without the lock: the request is delivered now.
void Context::conclude(Request* r) noexcept {
    lock_.lock();
    Plan* const plan = plans_.of(*r);
    if (plan->timed_out) {
        r->result = -ETIMEDOUT;
    }
    drop_deadline(plan);
    leave_hungry(plan);
    leave_place(plan);
    if (!keep_following(plan)) {
        plan->after->before = nullptr;
        plan->after = nullptr;
        --waiting_;
    } else if (r->result >= 0 && !closing_) {
        start_following(plan);
    } else {
        cancel_following(plan);
    }
    report_to_group(plan, r->result, r->id);
    plans_.give_back(plan);
    lock_.unlock();
}

// Those that no worker can run, whose time is watched by the poller alone, or that come to their end elsewhere.
bool Context::may_go_on(Request* next) noexcept {
    if (plans_.of(*next)->deadline_place != 0 || next->operation == AIOC_OP_CUSTOM ||
        next->operation == AIOC_OP_WALK_NEXT || works_on_tree(next->operation)) {
        return false;
    }
    if (moves_data(*next) || next->operation == AIOC_OP_CLOSE) { // of others nothing would be learned
        Circumstances is;
        classify(next, &is);
        if (is.direct && router_.choice().ring) {
            return false;
        }
    }
    next->attempt = attempt_none;
    return inline_.remote_device(*next, (find_operation(next->operation)->uses & use_path) != 0) == 0;
}

// With the lock held: of a request that goes to a worker. What follows and could go there as well goes on there, so
// that a chain needs one hand-over, and not one for each member.
void Context::open_passages(Request* r) noexcept {
    constexpr uint32_t members_max = 64; // looked at in one go
    r->schedule &= static_cast<uint8_t>(~schedule_followed);
    if (r->engine != AIOC_ENGINE_WORKERS || in_order_ || router_.choice().ring_for_all || works_on_tree(r->operation)) {
        return;
    }
    bool waits = false;
    bool goes_on = false;
    Plan* plan = plans_.of(*r);
    if (plan->timed_out) { // while it was tried elsewhere: what it gives will not be its result
        return;
    }
    for (uint32_t count = 0; plan->after && count < members_max && may_go_on(plan->after->request); ++count) {
        Request* const next = plan->after->request;
        next->pace = Router::waits(*next) ? pace_slow : pace_quick;
        next->schedule |= Router::is_brief(*next) ? schedule_brief : 0;
        next->schedule &= static_cast<uint8_t>(~schedule_followed);
        waits = waits || next->pace == pace_slow;
        goes_on = true;
        plan->request->followed = plan;
        plan->request->schedule |= schedule_followed;
        sys::store_release(plan->passage, uint32_t{passage_open});
        plan = plan->after;
    }
    if (goes_on) { // a worker that tries is taken for one that cannot wait, and what follows could
        r->attempt = attempt_none;
    }
    if (waits) { // then the worker is the chain's as it would be that member's
        r->pace = pace_slow;
    }
}

// With the lock held. False: a worker has gone on with what follows.
bool Context::keep_following(Plan* plan) noexcept {
    uint32_t open = passage_open;
    return sys::compare_exchange(plan->passage, open, uint32_t{passage_kept}) || open == passage_kept;
}

// The next of the chain joins those that start when the poll ends. Not collected_: a hold is for what is submitted.
void Context::start_following(Plan* plan) noexcept {
    Plan* const next = plan->after;
    if (!next) {
        return;
    }
    plan->after = nullptr;
    next->before = nullptr;
    next->starting = true;
    starting_.append(next->request);
}

// With the lock held: what was made ready to start by what this poll delivered.
void Context::take_starting(RequestList* ret) noexcept {
    for (Request* r = starting_.head; r; r = r->next) {
        plans_.of(*r)->starting = false;
        --waiting_;
        sys::store_release(r->state, uint32_t{state_running});
    }
    ret->splice(starting_);
}

} // namespace aioc
