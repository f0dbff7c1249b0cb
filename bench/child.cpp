// SPDX-License-Identifier: MIT
#include "child.hpp"

#include <algorithm>
#include <bit>
#include <errno.h>
#include <fcntl.h>
#include <memory>
#include <new>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct Child::Shared {
    Sample sample;
    double worker_bytes;
    char why[128];
};

namespace {

struct Command {
    char what; // 'r': run, 'w': bytes per worker, 'q': quit
    double seconds;
};

Quantiles quantiles(const Histogram& h) {
    const auto ns = [](uint64_t value) { return static_cast<double>(value) * ns_per_tick; };
    return {ns(h.quantile(0.5)), ns(h.quantile(0.9)), ns(h.quantile(0.99)), ns(h.quantile(0.999)), ns(h.max())};
}

void measure(Subject& subject, Load& load, double seconds, Sample* ret) {
    const Job& job = load.job();
    const double warm = job.workload->kind == Kind::idle ? 0.2 : std::min(0.06, seconds);
    *ret = Sample{};
    load.begin(warm);
    Sample unused;
    if (!subject.measure(warm, &unused)) {
        subject.run(load);
    }
    load.end();
    restore_files(*job.workload, job.files);
    if (subject.measure(seconds, ret)) {
        return;
    }
    if (job.workload->kind == Kind::idle) {
        const int64_t start = nanoseconds(CLOCK_MONOTONIC);
        const int64_t cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        subject.idle(seconds);
        ret->seconds = static_cast<double>(nanoseconds(CLOCK_MONOTONIC) - start) / 1e9;
        ret->cpu_seconds = static_cast<double>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9;
        ret->idle_cpu = ret->cpu_seconds / ret->seconds;
        return;
    }
    const Counters before = subject.counters();
    const uint64_t allocated = allocations();
    const int64_t cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    const int64_t start = nanoseconds(CLOCK_MONOTONIC);
    load.begin(seconds);
    subject.run(load);
    const int64_t end = nanoseconds(CLOCK_MONOTONIC);
    load.end();
    ret->cpu_seconds = static_cast<double>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9;
    ret->seconds = static_cast<double>(end - start) / 1e9;
    ret->allocations = static_cast<double>(allocations() - allocated);
    ret->operations = static_cast<double>(load.operations());
    ret->errors = static_cast<double>(load.errors());
    ret->first_error = load.first_error();
    const Counters after = subject.counters();
    const auto grown = [](double was, double is) { return was < 0 ? -1 : is - was; };
    ret->counters = {grown(before.wakes, after.wakes), grown(before.signals, after.signals),
                     grown(before.inline_served, after.inline_served), grown(before.served, after.served)};
    ret->latency = quantiles(load.latency());
    ret->cold = quantiles(load.cold());
    ret->submit = quantiles(load.submit());
    ret->stall = quantiles(load.stall());
    load.submit().each([ret](uint64_t first, uint32_t count) {
        const auto ns = static_cast<uint64_t>(static_cast<double>(first) * ns_per_tick);
        ret->submit_log2[ns == 0 ? 0 : std::min<int>(47, static_cast<int>(std::bit_width(ns)) - 1)] += count;
    });
}

bool read_all(int fd, void* to, size_t bytes) {
    return read(fd, to, bytes) == static_cast<ssize_t>(bytes); // a pipe does not split what is this small
}

} // namespace

Child::Child(const SubjectInfo& info, const Job& job) : info_(info) {
    shared_ = new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared();
    int there[2];
    int back[2];
    if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0) {
        end(strerror(errno));
        return;
    }
    fflush(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
        close(there[1]);
        close(back[0]);
        serve(job, there[0], back[1]);
    }
    close(there[0]);
    close(back[1]);
    to_ = there[1];
    from_ = back[0];
    char ready = 0;
    pollfd descriptor{from_, POLLIN, 0};
    constexpr int patience_ms = 20'000;
    if (poll(&descriptor, 1, patience_ms) <= 0 || !read_all(from_, &ready, 1)) {
        end("ended or hung at its start");
    } else if (ready != 'y') {
        end(shared_->why);
    }
}

Child::~Child() {
    if (to_ >= 0) {
        const Command quit{'q', 0}; // closing alone is not seen: children forked later have this end as well
        (void)!write(to_, &quit, sizeof quit);
        close(to_);
    }
    if (from_ >= 0) {
        close(from_);
    }
    if (pid_ > 0) {
        // It ends by itself; if not within a second, it hangs.
        int tries = 100;
        while (waitpid(pid_, nullptr, WNOHANG) == 0) {
            if (--tries == 0) {
                fprintf(stderr, "%s: hung at its end\n", name());
                kill(pid_, SIGKILL);
            }
            usleep(10'000);
        }
    }
    munmap(shared_, sizeof(Shared));
}

void Child::end(const std::string& why) {
    trouble_ = why;
    if (pid_ > 0) {
        int status = 0;
        if (waitpid(pid_, &status, WNOHANG) == 0) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        } else if (WIFSIGNALED(status)) {
            trouble_ += std::string(": ") + strsignal(WTERMSIG(status));
        }
        pid_ = -1;
    }
}

void Child::serve(const Job& job, int from, int to) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); // nothing stays behind that spins
    // Each subject's loop is as large as a stack may be small.
    auto load = std::make_unique<Load>(job);
    std::string why;
    auto subject = info_.make(info_.name, job, *load, &why);
    snprintf(shared_->why, sizeof shared_->why, "%s", why.c_str());
    const char ready = subject ? 'y' : 'n';
    (void)!write(to, &ready, 1);
    Command wanted;
    while (subject && read_all(from, &wanted, sizeof wanted) && wanted.what != 'q') {
        if (wanted.what == 'r') {
            const auto used = [&subject] {
                return static_cast<double>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID)) / 1e9 + subject->foreign_cpu();
            };
            const double before = used();
            measure(*subject, *load, wanted.seconds, &shared_->sample);
            shared_->sample.whole_cpu = used() - before;
        } else {
            shared_->worker_bytes = subject->worker_bytes();
        }
        (void)!write(to, &wanted.what, 1);
    }
    subject.reset();
    _exit(0);
}

void Child::command(char what, double seconds, double patience) {
    const Command wanted{what, seconds};
    (void)!write(to_, &wanted, sizeof wanted);
    pollfd descriptor{from_, POLLIN, 0};
    char answer = 0;
    if (poll(&descriptor, 1, static_cast<int>(patience * 1000)) <= 0) {
        end("hung: killed");
    } else if (!read_all(from_, &answer, 1)) {
        usleep(50'000); // until its end can be waited for
        end("crashed");
    }
}

Sample Child::run(double seconds) {
    constexpr double slow_device = 15; // what is outstanding, and restoring the files
    if (alive()) {
        command('r', seconds, seconds * 2 + slow_device);
    }
    Sample sample = shared_->sample;
    sample.failed = !alive();
    return sample;
}

double Child::worker_bytes() {
    shared_->worker_bytes = -1;
    if (alive()) {
        command('w', 0, 10);
    }
    return alive() ? shared_->worker_bytes : -1;
}
