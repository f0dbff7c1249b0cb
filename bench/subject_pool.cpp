// SPDX-License-Identifier: MIT
// The textbook pool: mutex, condition variable, one wake per request, an eventfd for the results.
#include "subject.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace {

class Pool final : public Subject {
public:
    explicit Pool(const Job& job) : job_(job), slots_(job.depth), event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
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

    Counts run(const std::function<bool()>& stop) override {
        counts_ = {};
        signals_ = 0;
        uint64_t outstanding = 0;
        for (Slot& slot : slots_) {
            start(&slot);
            ++outstanding;
        }
        for (bool stopping = false; outstanding > 0;) {
            pollfd descriptor{event_fd_, POLLIN, 0};
            poll(&descriptor, 1, -1);
            uint64_t count;
            (void)!read(event_fd_, &count, sizeof count);
            std::deque<Slot*> ready;
            {
                const std::lock_guard lock(done_mutex_);
                ready.swap(done_);
            }
            for (Slot* slot : ready) {
                ++counts_.operations;
                --outstanding;
                if (!stopping) {
                    start(slot);
                    ++outstanding;
                }
            }
            stopping = stopping || stop();
        }
        counts_.signals = signals_;
        return counts_;
    }

private:
    struct Slot {
        off_t offset;
        char buffer[4096];
    };
    void start(Slot* slot) {
        slot->offset = job_.blocks ? static_cast<off_t>(random_.next() % job_.blocks * 4096) : 0;
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(slot);
        }
        wanted_.notify_one();
        ++counts_.wakes;
    }
    void work() {
        for (;;) {
            std::unique_lock lock(mutex_);
            wanted_.wait(lock, [this] { return ending_ || !queue_.empty(); });
            if (queue_.empty()) {
                return;
            }
            Slot* const slot = queue_.front();
            queue_.pop_front();
            lock.unlock();
            if (job_.kind == Job::Kind::read_cached) {
                (void)!pread(job_.fd, slot->buffer, sizeof slot->buffer, slot->offset);
            }
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

    Job job_;
    std::vector<Slot> slots_;
    int event_fd_;
    std::mutex mutex_;
    std::mutex done_mutex_;
    std::condition_variable wanted_;
    std::deque<Slot*> queue_;
    std::deque<Slot*> done_;
    bool ending_ = false;
    std::atomic<uint64_t> signals_{0};
    Counts counts_;
    Random random_;
    std::vector<std::thread> threads_;
};

} // namespace

std::unique_ptr<Subject> make_pool(const Job& job) { return std::make_unique<Pool>(job); }
