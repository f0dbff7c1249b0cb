// SPDX-License-Identifier: MIT
// Subjects in turn, round by round, in one run; medians, and CPU as a ratio to the first subject.
#include "subject.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <getopt.h>
#include <map>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static std::atomic<uint64_t> allocations;

// Every malloc of the process is counted: ours, the library's and libstdc++'s.
extern "C" void* __libc_malloc(size_t);
extern "C" void* malloc(size_t bytes) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return __libc_malloc(bytes);
}

namespace {

const std::vector<std::pair<std::string, Maker>> subjects{
    {"aioclone-workers-clone", make_clone}, {"aioclone-workers-pthread", make_pthread}, {"pool", make_pool}, {"sync", make_sync}};

struct Sample {
    double ops_per_s, cpu_ns, wakes, signals, allocations;
};

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Sample measure(Maker make, const Job& job, double seconds) {
    using clock = std::chrono::steady_clock;
    const auto subject = make(job);
    const auto run_for = [&](double limit) {
        const auto end = clock::now() + std::chrono::duration<double>(limit);
        return subject->run([end] { return clock::now() >= end; });
    };
    run_for(seconds / 5); // warm
    const auto start = clock::now();
    const double cpu = cpu_seconds();
    const uint64_t allocated = allocations;
    const Counts counts = run_for(seconds);
    const auto operations = static_cast<double>(counts.operations);
    return {operations / std::chrono::duration<double>(clock::now() - start).count(), (cpu_seconds() - cpu) * 1e9 / operations,
            static_cast<double>(counts.wakes) / operations, static_cast<double>(counts.signals) / operations,
            static_cast<double>(allocations - allocated) / operations};
}

double median(std::vector<Sample> samples, double Sample::*field) {
    std::sort(samples.begin(), samples.end(), [=](const Sample& a, const Sample& b) { return a.*field < b.*field; });
    return samples[samples.size() / 2].*field;
}

int make_cached_file(uint64_t bytes) {
    char path[] = "/tmp/aioclone-bench-XXXXXX";
    const int fd = mkstemp(path);
    unlink(path);
    std::vector<char> data(1 << 20, 'x');
    for (uint64_t done = 0; fd >= 0 && done < bytes; done += data.size()) {
        (void)!write(fd, data.data(), data.size());
    }
    return fd;
}

[[noreturn]] void usage(const char* name) {
    fprintf(stderr, "usage: %s [--list] [--workload nop|read-cached] [--depth N] [--workers N] [--subjects a,b] "
                    "[--rounds R] [--seconds S]\n", name);
    exit(2);
}

} // namespace

int main(int argc, char** argv) {
    const option options[] = {{"list", no_argument, nullptr, 'l'},      {"workload", required_argument, nullptr, 'w'},
                              {"depth", required_argument, nullptr, 'd'}, {"workers", required_argument, nullptr, 'n'},
                              {"subjects", required_argument, nullptr, 's'}, {"rounds", required_argument, nullptr, 'r'},
                              {"seconds", required_argument, nullptr, 't'}, {}};
    Job job;
    std::string workload = "nop";
    std::string wanted;
    int rounds = 7;
    double seconds = 0.2;
    for (int c; (c = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
        switch (c) {
        case 'l':
            for (const auto& s : subjects) puts(s.first.c_str());
            return 0;
        case 'w': workload = optarg; break;
        case 'd': job.depth = static_cast<unsigned>(atoi(optarg)); break;
        case 'n': job.workers = static_cast<unsigned>(atoi(optarg)); break;
        case 's': wanted = optarg; break;
        case 'r': rounds = atoi(optarg); break;
        case 't': seconds = atof(optarg); break;
        default: usage(argv[0]);
        }
    }
    if ((workload != "nop" && workload != "read-cached") || !job.depth || !job.workers || rounds < 1 || seconds <= 0) {
        usage(argv[0]);
    }
    if (workload == "read-cached") {
        job.kind = Job::Kind::read_cached;
        job.blocks = 16384;
        job.fd = make_cached_file(job.blocks * 4096);
        if (job.fd < 0) return perror("temporary file"), 1;
    }
    std::vector<std::pair<std::string, Maker>> chosen;
    for (const auto& s : subjects) {
        if (wanted.empty() || ("," + wanted + ",").find("," + s.first + ",") != std::string::npos) chosen.push_back(s);
    }
    if (chosen.empty()) usage(argv[0]);
    std::map<std::string, std::vector<Sample>> samples;
    for (int round = 0; round < rounds; ++round) {
        for (const auto& s : chosen) samples[s.first].push_back(measure(s.second, job, seconds));
    }
    const double first = median(samples[chosen[0].first], &Sample::cpu_ns);
    for (const auto& s : chosen) {
        const auto& of = samples[s.first];
        printf("{\"workload\":\"%s\",\"depth\":%u,\"workers\":%u,\"subject\":\"%s\",\"ops_per_s\":%.0f,\"cpu_ns_per_op\":%.0f,"
               "\"cpu_ratio\":%.2f,\"wakes_per_op\":%.4f,\"signals_per_op\":%.4f,\"allocs_per_op\":%.4f,\"rounds\":%d}\n",
               workload.c_str(), job.depth, job.workers, s.first.c_str(), median(of, &Sample::ops_per_s),
               median(of, &Sample::cpu_ns), median(of, &Sample::cpu_ns) / first, median(of, &Sample::wakes),
               median(of, &Sample::signals), median(of, &Sample::allocations), rounds);
    }
    return 0;
}
