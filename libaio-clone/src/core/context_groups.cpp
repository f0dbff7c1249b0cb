// SPDX-License-Identifier: MIT
// Groups: a group is a request that no engine runs. It is done when it is closed and its members are delivered.
#include "core/context.hpp"

#include <errno.h>

namespace aioc {

// With the lock held, as all here. The group of this id; else null, and why.
Plan* Context::find_group(aioc_request id, int* ret_error) noexcept {
    Request* const r = slab_.find(id);
    *ret_error = !r ? -ENOENT : r->operation != AIOC_OP_GROUP ? -EINVAL : 0;
    return *ret_error == 0 ? plans_.of(*r) : nullptr;
}

int Context::join_group(Plan* member, aioc_request id) noexcept {
    int error = 0;
    Plan* const group = find_group(id, &error);
    if (!group) {
        return error;
    }
    if (group->closed) {
        return group->stopped != 0 ? -ECANCELED : -ESHUTDOWN;
    }
    member->group = group;
    member->older = group->newest;
    if (group->newest) {
        group->newest->newer = member;
    }
    group->newest = member;
    ++group->outstanding;
    ++group->added;
    return 0;
}

void Context::leave_group(Plan* member) noexcept {
    Plan* const group = member->group;
    (member->newer ? member->newer->older : group->newest) = member->older;
    if (member->older) {
        member->older->newer = member->newer;
    }
    member->group = nullptr;
    --group->outstanding;
}

// A member is delivered.
void Context::report_to_group(Plan* member, int64_t result, uint64_t id) noexcept {
    Plan* const group = member->group;
    if (!group) {
        return;
    }
    leave_group(member);
    if (result >= 0) {
        ++group->succeeded;
    } else if (++group->failed == 1) {
        group->first_error = result;
        group->first_failed = id;
    }
    complete_group_if_done(group);
    make_hungry(group);
}

void Context::complete_group_if_done(Plan* group) noexcept {
    Request* const r = group->request;
    if (!group->closed || group->outstanding > 0 || sys::load_relaxed(r->state) != state_waiting) {
        return;
    }
    const int64_t members = group->first_error != 0 ? group->first_error : static_cast<int64_t>(group->succeeded);
    --waiting_;
    complete(r, group->stopped != 0 ? group->stopped : members);
}

void Context::close_group(Plan* group) noexcept {
    group->closed = true;
    complete_group_if_done(group);
}

// With all groups inside it, however deep. result: the group's own.
void Context::cancel_group(Plan* group, int64_t result) noexcept {
    group->stopped = result;
    Plan* rest = group;
    rest->work = nullptr;
    while (Plan* const g = rest) {
        rest = g->work;
        g->closed = true;
        for (Plan *member = g->newest, *older = nullptr; member; member = older) {
            older = member->older; // none leaves the list before it is delivered
            if (member->request->operation != AIOC_OP_GROUP) {
                stop(member->request);
            } else if (member->stopped == 0) {
                member->stopped = -ECANCELED;
                member->work = rest;
                rest = member;
            }
        }
        complete_group_if_done(g);
    }
}

// It has room for more members, and a feeder.
void Context::make_hungry(Plan* group) noexcept {
    if (!group->feeder || group->closed || group->feeding || group->hungry || group->outstanding >= group->limit) {
        return;
    }
    group->hungry = true;
    group->next_hungry = hungry_;
    sys::store_relaxed(hungry_, group);
}

void Context::leave_hungry(Plan* group) noexcept {
    if (!group->hungry) {
        return;
    }
    group->hungry = false;
    Plan** at = &hungry_;
    while (*at != group) {
        at = &(*at)->next_hungry;
    }
    sys::store_relaxed(*at, group->next_hungry);
}

// Lets go of the lock while the feeder is called. False: it forked, and this is the child.
bool Context::feed(aioc_request id) noexcept {
    const uint32_t forks = forks_;
    int error = 0;
    for (;;) {
        Plan* group = find_group(id, &error);
        if (!group || !group->feeder || group->closed || group->feeding || group->outstanding >= group->limit) {
            return true;
        }
        const aioc_feeder feeder = group->feeder;
        void* const data = group->feeder_data;
        const uint64_t before = group->added;
        group->feeding = true;
        lock_.unlock();
        const int more = feeder(reinterpret_cast<aioc_context*>(this), id, data);
        notice_fork();
        lock_.lock();
        if (forks_ != forks) {
            return false;
        }
        group = find_group(id, &error);
        if (!group) { // it was cancelled, and delivered
            return true;
        }
        group->feeding = false;
        if (more <= 0) {
            group->feeder = nullptr;
            group->first_error = more < 0 && group->first_error == 0 ? more : group->first_error;
            close_group(group);
            return true;
        }
        if (group->added == before) { // at the next occasion: a member's end, or group_feed
            return true;
        }
    }
}

// By the poller, without the lock. False: as above.
bool Context::feed_hungry() noexcept {
    bool good = true;
    lock_.lock();
    ++callback_depth_;
    // Those that become hungry meanwhile are fed by the next poll.
    for (Plan* group = hungry_; good && group; group = hungry_) {
        leave_hungry(group);
        good = feed(static_cast<aioc_request>(group->request->id));
    }
    callback_depth_ -= good; // a child's is 0
    lock_.unlock();
    return good;
}

int Context::group_close(aioc_request id) noexcept {
    lock_.lock();
    int error = 0;
    if (Plan* const group = find_group(id, &error)) {
        close_group(group);
    }
    lock_.unlock();
    return error;
}

int Context::group_feed(aioc_request id, uint32_t limit, aioc_feeder feeder, void* data) noexcept {
    lock_.lock();
    int error = 0;
    Plan* const group = find_group(id, &error);
    if (!group || group->closed) {
        error = !group ? error : group->stopped != 0 ? -ECANCELED : -ESHUTDOWN;
        lock_.unlock();
        return error;
    }
    group->limit = limit;
    if (feeder) {
        group->feeder = feeder;
        group->feeder_data = data;
    }
    ++holds_; // what it adds starts together
    const bool here = feed(id);
    if (!here) {
        lock_.unlock();
        return 0;
    }
    lock_.unlock();
    return release();
}

int Context::group_report(aioc_request id, aioc_group_report* ret) noexcept {
    lock_.lock();
    int error = 0;
    if (const Plan* const group = find_group(id, &error)) {
        ret->flags = group->closed ? AIOC_GROUP_CLOSED : 0;
        ret->outstanding = group->outstanding;
        ret->succeeded = group->succeeded;
        ret->failed = group->failed;
        ret->first_error = group->first_error;
        ret->first_failed = static_cast<aioc_request>(group->first_failed);
    }
    lock_.unlock();
    return error;
}

} // namespace aioc
