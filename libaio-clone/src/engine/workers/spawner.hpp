// SPDX-License-Identifier: MIT
#pragma once
#include "worker/job_queue.hpp"

#include <memory>
#include <pthread.h>

namespace aioc {

// From now on dlclose leaves the code of this library in memory, also inside a plugin that was linked with the
// static library: a worker that sleeps or sits in a system call must not find it unmapped. Before the first
// worker; not with a lock held, since it may wait for the dynamic loader's.
void keep_code_loaded() noexcept;

// A worker and what its thread stands on. The thread must have ended before this is freed.
class WorkerThread {
public:
    WorkerThread() = default;
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;
    ~WorkerThread() { free_stack(); }

    // Starts a thread that runs aioc_zone_worker; 0 or -errno.
    int start(uint32_t spawner, JobQueue* queue) noexcept;
    bool has_ended() const noexcept;
    void join() noexcept;
    void free_stack() noexcept; // of a thread that has ended

    std::unique_ptr<WorkerThread> next;

private:
    int map_stack() noexcept;
    int start_clone() noexcept;
    int start_pthread() noexcept;

    Worker worker_;
    uint32_t spawner_ = 0;
    pthread_t pthread_{};
    char* mapping_ = nullptr;
    size_t mapping_bytes_ = 0;
};

} // namespace aioc
