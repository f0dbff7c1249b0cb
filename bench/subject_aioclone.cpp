// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <aioclone.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace {

struct Variant {
    const char* name;
    uint32_t flags;
    uint32_t engine;
    uint32_t spawner;
};

constexpr Variant variants[] = {
    {"aioclone", AIOC_SINGLE_THREADED, AIOC_ENGINE_AUTO, AIOC_SPAWNER_AUTO},
    {"aioclone-shared", 0, AIOC_ENGINE_AUTO, AIOC_SPAWNER_AUTO},
    {"aioclone-local", AIOC_SINGLE_THREADED | AIOC_LOCAL_PATHS, AIOC_ENGINE_AUTO, AIOC_SPAWNER_AUTO},
    {"aioclone-load", AIOC_SINGLE_THREADED, AIOC_ENGINE_AUTO, AIOC_SPAWNER_AUTO},
    {"aioclone-onecore", AIOC_SINGLE_THREADED | AIOC_ONE_CORE, AIOC_ENGINE_AUTO, AIOC_SPAWNER_AUTO},
    {"aioclone-noring", AIOC_SINGLE_THREADED | AIOC_NO_RING, AIOC_ENGINE_AUTO, AIOC_SPAWNER_AUTO},
    {"aioclone-workers", AIOC_SINGLE_THREADED, AIOC_ENGINE_WORKERS, AIOC_SPAWNER_CLONE},
    {"aioclone-workers-pthread", AIOC_SINGLE_THREADED, AIOC_ENGINE_WORKERS, AIOC_SPAWNER_PTHREAD},
    {"aioclone-ring", AIOC_SINGLE_THREADED, AIOC_ENGINE_RING, AIOC_SPAWNER_AUTO},
    {"aioclone-inline", AIOC_SINGLE_THREADED, AIOC_ENGINE_INLINE, AIOC_SPAWNER_AUTO},
};

// Anonymous memory of this process in RAM, in bytes.
double resident() {
    FILE* const file = fopen("/proc/self/smaps_rollup", "re");
    double kilobytes = 0;
    char line[256];
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "Anonymous: %lf", &kilobytes) == 1) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return kilobytes * 1024;
}

class Aioclone final : public Subject {
public:
    Aioclone(const Job& job, Load& load) : job_(job), load_(load), slots_(job, load) {
        for (Request& slot : slots_) {
            slot.owner = this;
        }
        load.link_syncs();
    }
    ~Aioclone() override {
        aioc_destroy(context_);
        if (epoll_fd_ >= 0) {
            close(epoll_fd_);
        }
    }

    int open(const Variant& variant) {
        aioc_options options = AIOC_OPTIONS_INIT;
        options.flags = variant.flags;
        options.engine = variant.engine;
        options.spawner = variant.spawner;
        loads_ = strcmp(variant.name, "aioclone-load") == 0;
        if (loads_) {
            load_.load_files();
        }
        fixed_workers_ = variant.engine == AIOC_ENGINE_WORKERS;
        if (fixed_workers_) {
            options.min_workers = options.max_workers = job_.workers;
        }
        int error = aioc_create(&context_, &options);
        if (error == 0 && fixed_workers_) {
            error = aioc_min_parallel(context_, job_.workers);
        }
        if (error == 0 && job_.external) {
            epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
            epoll_event event{};
            event.events = EPOLLIN;
            epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, aioc_poll_fileno(context_), &event);
        }
        return error;
    }

    void run(Load& load) override {
        do {
            fill();
            while (wait()) {
                poll();
                load.tick();
            }
        } while (!load.stopping()); // a burst ends before the time is up
    }

    void idle(double seconds) override {
        // With the descriptor watched, as in a program that has other things to wait for.
        pollfd descriptor{aioc_poll_fileno(context_), POLLIN, 0};
        const int64_t end = nanoseconds(CLOCK_MONOTONIC) + static_cast<int64_t>(seconds * 1e9);
        for (int64_t left; (left = end - nanoseconds(CLOCK_MONOTONIC)) > 0;) {
            if (::poll(&descriptor, 1, static_cast<int>(left / 1'000'000) + 1) > 0) {
                aioc_poll_cb(context_);
            }
        }
    }

    Counters counters() override {
        const aioc_statistics now = statistics();
        return {static_cast<double>(now.worker_wakeups), static_cast<double>(now.poll_wakeups),
                static_cast<double>(aioc_count(context_, 0, AIOC_ENGINE_INLINE)), static_cast<double>(now.completed)};
    }

    double worker_bytes() override {
        constexpr uint32_t more = 32;
        if (!fixed_workers_) {
            return -1;
        }
        const auto touched = [&](uint32_t workers) {
            aioc_min_parallel(context_, workers);
            load_.begin(0.02); // each has run something
            run(load_);
            load_.end();
            return resident();
        };
        const double before = touched(job_.workers);
        const double after = touched(job_.workers + more);
        const bool started = statistics().workers == job_.workers + more;
        aioc_min_parallel(context_, job_.workers);
        aioc_max_parallel(context_, job_.workers);
        return started ? (after - before) / more : -1;
    }

private:
    struct Request : Slot {
        Aioclone* owner = nullptr;
        void* content = nullptr;
    };

    static void done(const aioc_completion* completion, void* user) {
        auto& slot = *static_cast<Request*>(user);
        Aioclone& self = *slot.owner;
        if (slot.content) {
            aioc_free(slot.content);
            slot.content = nullptr;
        }
        if (self.load_.times_submit()) [[unlikely]] {
            // What a callback does is the program's: only its submission counts as the library's.
            const uint64_t start = ticks();
            if (self.load_.next(slot, completion->result)) {
                self.start(slot);
            }
            self.callback_ticks_ += ticks() - start;
        } else if (self.load_.next(slot, completion->result)) {
            self.start(slot);
        }
    }

    void fill() {
        const bool together = !load_.times_submit(); // else each call is looked at alone
        const uint64_t start_of_all = ticks();
        if (together) {
            aioc_hold(context_);
        }
        for (Request& slot : slots_) {
            if (load_.first(slot)) {
                start(slot);
            }
        }
        if (together) {
            aioc_release(context_);
        }
        load_.burst_took(ticks() - start_of_all);
    }

    // False: nothing is outstanding.
    bool wait() {
        if (epoll_fd_ < 0) {
            return aioc_poll_wait(context_, -1) != 0;
        }
        if (aioc_nreqs(context_) <= 0) {
            return false;
        }
        epoll_event event;
        epoll_wait(epoll_fd_, &event, 1, -1);
        return true;
    }

    void poll() {
        if (!load_.times_submit()) {
            aioc_poll_cb(context_);
            return;
        }
        // What was submitted in callbacks is started at the end of the poll: that is a submit call too.
        callback_ticks_ = 0;
        const uint64_t start = ticks();
        aioc_poll_cb(context_);
        load_.submit_took(ticks() - start - callback_ticks_);
    }

    void start(Request& slot) {
        if (load_.times_submit()) [[unlikely]] {
            const uint64_t before = ticks();
            const aioc_request id = submit(slot);
            load_.submit_took(ticks() - before);
            check(slot, id);
        } else {
            check(slot, submit(slot));
        }
    }

    void check(Request& slot, aioc_request id) {
        if (id < 0) [[unlikely]] {
            if (load_.next(slot, id)) { // one more try; a library that always refuses ends here
                submit(slot);
            }
        }
    }

    aioc_request submit(Request& slot) {
        const auto offset = static_cast<int64_t>(slot.offset);
        switch (slot.op) {
        case Op::nop:
            return aioc_nop(context_, done, &slot);
        case Op::read:
            return aioc_read(context_, slot.fd, slot.buffer, slot.length, offset, done, &slot);
        case Op::write:
            if (slot.rw_flags == 0) {
                return aioc_write(context_, slot.fd, slot.buffer, slot.length, offset, done, &slot);
            }
            return submit_flagged(slot);
        case Op::fdatasync:
            return aioc_fdatasync(context_, slot.fd, done, &slot);
        case Op::stat:
            return aioc_stat(context_, slot.path, &slot.status, done, &slot);
        case Op::open:
            return aioc_open(context_, slot.path, O_RDONLY | O_CLOEXEC, 0, done, &slot);
        case Op::fstat:
            return aioc_fstat(context_, slot.fd, &slot.status, done, &slot);
        case Op::close:
            return aioc_close(context_, slot.fd, done, &slot);
        case Op::write_then_sync:
            return submit_chain(slot);
        case Op::load:
            return aioc_load(context_, slot.path, 0, &slot.content, done, &slot);
        }
        return -ENOSYS;
    }

    // Only the end of the last one is of interest: if the write failed, that is -ECANCELED.
    aioc_request submit_chain(Request& slot) {
        aioc_operation operations[2] = {AIOC_OPERATION_INIT, AIOC_OPERATION_INIT};
        aioc_request ids[2];
        operations[0].code = AIOC_OP_WRITE;
        operations[0].flags = AIOC_LINK;
        operations[0].buffer = slot.buffer;
        operations[0].length = slot.length;
        operations[0].offset = static_cast<int64_t>(slot.offset);
        operations[1].code = AIOC_OP_FDATASYNC;
        operations[1].callback = done;
        operations[1].user_data = &slot;
        operations[0].fd = operations[1].fd = slot.fd;
        const int accepted = aioc_submit(context_, operations, 2, ids);
        return accepted == 2 ? ids[1] : accepted < 0 ? accepted : -EIO;
    }

    aioc_request submit_flagged(Request& slot) {
        aioc_operation operation = AIOC_OPERATION_INIT;
        operation.code = AIOC_OP_WRITE;
        operation.fd = slot.fd;
        operation.operation_flags = slot.rw_flags;
        operation.buffer = slot.buffer;
        operation.length = slot.length;
        operation.offset = static_cast<int64_t>(slot.offset);
        operation.callback = done;
        operation.user_data = &slot;
        aioc_request id = 0;
        const int accepted = aioc_submit(context_, &operation, 1, &id);
        return accepted == 1 ? id : accepted;
    }

    aioc_statistics statistics() {
        aioc_statistics s = AIOC_STATISTICS_INIT;
        aioc_stats(context_, &s);
        return s;
    }

    const Job& job_;
    Load& load_;
    Slots<Request> slots_;
    aioc_context* context_ = nullptr;
    int epoll_fd_ = -1;
    bool fixed_workers_ = false;
    bool loads_ = false;
    uint64_t callback_ticks_ = 0;
};

} // namespace

std::unique_ptr<Subject> make_aioclone(const std::string& name, const Job& job, Load& load, std::string* why) {
    for (const Variant& variant : variants) {
        if (name == variant.name) {
            auto subject = std::make_unique<Aioclone>(job, load);
            if (const int error = subject->open(variant); error < 0) {
                *why = strerror(-error);
                return nullptr;
            }
            return subject;
        }
    }
    *why = "no such variant";
    return nullptr;
}
