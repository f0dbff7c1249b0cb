// SPDX-License-Identifier: MIT
// The textbook pool: mutex, condition variable, one wake per request, an eventfd for the results.
#include "plain.hpp"
#include "subject.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <thread>
#include <vector>

namespace {

class Pool final : public Subject {
public:
    Pool(const Job& job, const Load& load) : slots_(job, load), event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        for (unsigned i = 0; i < job.workers; ++i) {
            threads_.emplace_back([this] { work(); });
        }
    }
    ~Pool() override {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        wanted_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
        close(event_fd_);
    }

    void run(Load& load) override {
        do {
            uint64_t outstanding = 0;
            const uint64_t start_of_all = ticks();
            for (Request& slot : slots_) {
                if (load.first(slot)) {
                    start(load, slot);
                    ++outstanding;
                }
            }
            load.burst_took(ticks() - start_of_all);
            while (outstanding > 0) {
                outstanding -= turn(load);
                load.tick();
            }
        } while (!load.stopping());
    }

    Counters counters() override { return {static_cast<double>(wakes_), static_cast<double>(signals_), -1, -1}; }

private:
    struct Request : Slot {
        int64_t result = 0;
    };

    // How many came back and were not started again.
    uint64_t turn(Load& load) {
        pollfd descriptor{event_fd_, POLLIN, 0};
        poll(&descriptor, 1, -1);
        uint64_t count;
        (void)!read(event_fd_, &count, sizeof count);
        std::deque<Request*> ready;
        {
            const std::lock_guard lock(done_mutex_);
            ready.swap(done_);
        }
        uint64_t ended = 0;
        for (Request* slot : ready) {
            if (load.next(*slot, slot->result)) {
                start(load, *slot);
            } else {
                ++ended;
            }
        }
        return ended;
    }
    void start(Load& load, Request& slot) {
        const uint64_t before = load.times_submit() ? ticks() : 0;
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(&slot);
        }
        wanted_.notify_one();
        ++wakes_;
        if (before != 0) {
            load.submit_took(ticks() - before);
        }
    }
    void work() {
        for (;;) {
            std::unique_lock lock(mutex_);
            wanted_.wait(lock, [this] { return ending_ || !queue_.empty(); });
            if (queue_.empty()) {
                return;
            }
            Request* const slot = queue_.front();
            queue_.pop_front();
            lock.unlock();
            slot->result = slot->op == Op::nop ? 0 : plain(*slot);
            bool was_empty;
            {
                const std::lock_guard done_lock(done_mutex_);
                was_empty = done_.empty();
                done_.push_back(slot);
            }
            if (was_empty) {
                const uint64_t one = 1;
                ++signals_;
                (void)!write(event_fd_, &one, sizeof one);
            }
        }
    }

    Slots<Request> slots_;
    int event_fd_;
    std::mutex mutex_;
    std::mutex done_mutex_;
    std::condition_variable wanted_;
    std::deque<Request*> queue_;
    std::deque<Request*> done_;
    bool ending_ = false;
    uint64_t wakes_ = 0;
    std::atomic<uint64_t> signals_{0};
    std::vector<std::thread> threads_;
};

} // namespace

std::unique_ptr<Subject> make_pool(const std::string&, const Job& job, Load& load, std::string*) {
    return std::make_unique<Pool>(job, load);
}
