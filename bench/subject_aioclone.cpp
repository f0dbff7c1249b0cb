// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <aioclone.h>
#include <stdlib.h>

namespace {

class Aioclone final : public Subject {
public:
    Aioclone(const Job& job, uint32_t spawner) : job_(job), slots_(job.depth) {
        aioc_options options = AIOC_OPTIONS_INIT;
        options.spawner = spawner;
        options.min_workers = options.max_workers = job.workers;
        if (aioc_create(&context_, &options) < 0 || aioc_min_parallel(context_, job.workers) < 0) {
            abort();
        }
        for (Slot& slot : slots_) {
            slot.owner = this;
        }
    }
    ~Aioclone() override { aioc_destroy(context_); }

    Counts run(const std::function<bool()>& stop) override {
        const aioc_statistics before = statistics();
        stopping_ = false;
        aioc_hold(context_);
        for (Slot& slot : slots_) {
            start(slot);
        }
        aioc_release(context_);
        while (aioc_poll_wait(context_, -1) > 0) {
            aioc_poll_cb(context_);
            stopping_ = stop();
        }
        const aioc_statistics after = statistics();
        return {after.completed - before.completed, after.worker_wakeups - before.worker_wakeups,
                after.poll_wakeups - before.poll_wakeups};
    }

private:
    struct Slot {
        Aioclone* owner;
        char buffer[4096];
    };
    static void done(const aioc_completion*, void* user) {
        auto& slot = *static_cast<Slot*>(user);
        if (!slot.owner->stopping_) {
            slot.owner->start(slot);
        }
    }
    void start(Slot& slot) {
        if (job_.kind == Job::Kind::read_cached) {
            aioc_read(context_, job_.fd, slot.buffer, sizeof slot.buffer,
                      static_cast<int64_t>(random_.next() % job_.blocks * 4096), done, &slot);
        } else {
            aioc_nop(context_, done, &slot);
        }
    }
    aioc_statistics statistics() {
        aioc_statistics s = AIOC_STATISTICS_INIT;
        aioc_stats(context_, &s);
        return s;
    }

    Job job_;
    std::vector<Slot> slots_;
    aioc_context* context_ = nullptr;
    bool stopping_ = false;
    Random random_;
};

} // namespace

std::unique_ptr<Subject> make_clone(const Job& job) { return std::make_unique<Aioclone>(job, AIOC_SPAWNER_CLONE); }
std::unique_ptr<Subject> make_pthread(const Job& job) { return std::make_unique<Aioclone>(job, AIOC_SPAWNER_PTHREAD); }
