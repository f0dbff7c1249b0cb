// SPDX-License-Identifier: MIT
// Subjects in turn, round by round, in one run; medians, and ratios to the first subject within rounds.
#include "child.hpp"
#include "disturbance.hpp"
#include "record.hpp"

#include <getopt.h>
#include <memory>
#include <sched.h>
#include <signal.h>
#include <sstream>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace {

constexpr double disturbed_above = 0.12; // cores

[[noreturn]] void usage(const char* name) {
    fprintf(
        stderr,
        "usage: %s --list\n"
        "       %s --workload W [--depth N] [--subjects a,b,c] [--rounds R] [--seconds S] [--wait own|ext]\n"
        "          [--workers N] [--cpus 1|2] [--file P] [--dir P] [--size MiB] [--repeats N] [--json FILE]\n"
        "Compares with the first subject. --dir (default /var/tmp/aioclone-bench) keeps up to 2 GiB of files, made\n"
        "once. --repeats: of a run during which other processes used more than 12 %% of a core.\n",
        name, name);
    exit(2);
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, ',');) {
        if (!part.empty()) {
            parts.push_back(part);
        }
    }
    return parts;
}

unsigned positive(const char* text, const char* program) {
    char* end = nullptr;
    const unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value == 0 || value > 1'000'000) {
        usage(program);
    }
    return static_cast<unsigned>(value);
}

Settings read_command_line(int argc, char** argv) {
    enum {
        list,
        workload,
        depth,
        workers,
        cpus,
        rounds,
        seconds,
        wait_in,
        subjects,
        file,
        directory,
        size,
        repeats,
        json
    };
    const option options[] = {{"list", no_argument, nullptr, list},
                              {"workload", required_argument, nullptr, workload},
                              {"depth", required_argument, nullptr, depth},
                              {"workers", required_argument, nullptr, workers},
                              {"cpus", required_argument, nullptr, cpus},
                              {"rounds", required_argument, nullptr, rounds},
                              {"seconds", required_argument, nullptr, seconds},
                              {"wait", required_argument, nullptr, wait_in},
                              {"subjects", required_argument, nullptr, subjects},
                              {"file", required_argument, nullptr, file},
                              {"dir", required_argument, nullptr, directory},
                              {"size", required_argument, nullptr, size},
                              {"repeats", required_argument, nullptr, repeats},
                              {"json", required_argument, nullptr, json},
                              {}};
    Settings ret;
    for (int c; (c = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
        switch (c) {
        case list:
            ret.list = true;
            break;
        case workload:
            ret.workload = optarg;
            break;
        case depth:
            ret.depth = positive(optarg, argv[0]);
            break;
        case workers:
            ret.workers = positive(optarg, argv[0]);
            break;
        case cpus:
            ret.cpus = positive(optarg, argv[0]);
            break;
        case rounds:
            ret.rounds = positive(optarg, argv[0]);
            break;
        case seconds:
            ret.seconds = atof(optarg);
            break;
        case wait_in:
            ret.external = std::string(optarg) == "ext";
            if (!ret.external && std::string(optarg) != "own") {
                usage(argv[0]);
            }
            break;
        case subjects:
            ret.subjects = split(optarg);
            break;
        case file:
            ret.file = optarg;
            break;
        case directory:
            ret.directory = optarg;
            break;
        case size:
            ret.bytes = uint64_t{positive(optarg, argv[0])} << 20;
            break;
        case repeats:
            ret.repeats = static_cast<unsigned>(atoi(optarg));
            break;
        case json:
            ret.json = optarg;
            break;
        default:
            usage(argv[0]);
        }
    }
    if (optind != argc || ret.seconds <= 0) {
        usage(argv[0]);
    }
    return ret;
}

// To the last processors: the first ones have the interrupts.
bool use_processors(unsigned wanted) {
    cpu_set_t allowed;
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    sched_getaffinity(0, sizeof allowed, &allowed);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && wanted > 0; --cpu) {
        if (CPU_ISSET(cpu, &allowed)) {
            CPU_SET(cpu, &chosen);
            --wanted;
        }
    }
    return wanted == 0 && sched_setaffinity(0, sizeof chosen, &chosen) == 0;
}

// A run during which others were busy is repeated, a bounded number of times, and marked if it stays.
Sample quiet_run(Child& child, const Settings& settings) {
    for (unsigned left = settings.repeats;; --left) {
        const MachineTime before = machine_time();
        const int64_t cpu_before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        const int64_t start = nanoseconds(CLOCK_MONOTONIC);
        Sample sample = child.run(settings.seconds);
        const double seconds = static_cast<double>(nanoseconds(CLOCK_MONOTONIC) - start) / 1e9;
        const double own = static_cast<double>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before) / 1e9;
        sample.disturbed = disturbance(before, machine_time(), own + sample.whole_cpu, seconds) > disturbed_above;
        if (sample.failed || !sample.disturbed || left == 0) {
            return sample;
        }
        usleep(200'000);
    }
}

std::vector<Result> measure(const Settings& settings, const Job& job) {
    std::vector<std::unique_ptr<Child>> children;
    std::vector<Result> results;
    for (const std::string& name : settings.subjects) {
        const SubjectInfo* const info = find_subject(name);
        if (!info || !info->make) {
            fprintf(stderr, "%s: %s\n", name.c_str(), info ? info->missing : "no such subject; see --list");
            if (!info) {
                exit(2);
            }
            continue;
        }
        children.push_back(std::make_unique<Child>(*info, job));
        results.push_back({name, children.back()->trouble(), {}, -1});
    }
    const size_t count = children.size();
    for (unsigned round = 0; round < settings.rounds; ++round) {
        for (size_t i = 0; i < count; ++i) {
            const size_t which = (i + round) % count; // no subject always follows the same one
            results[which].samples.push_back(quiet_run(*children[which], settings));
        }
    }
    for (size_t i = 0; i < count; ++i) {
        results[i].worker_bytes = children[i]->worker_bytes();
        results[i].trouble = children[i]->trouble();
    }
    return results;
}

bool write_records(const std::string& path, const std::string& records) {
    // By rename: a file that is there is complete.
    const std::string unfinished = path + ".new";
    FILE* const file = fopen(unfinished.c_str(), "we");
    const bool written = file && fputs(records.c_str(), file) >= 0;
    if (!file || fclose(file) != 0 || !written || rename(unfinished.c_str(), path.c_str()) != 0) {
        perror(path.c_str());
        return false;
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    Settings settings = read_command_line(argc, argv);
    if (settings.list) {
        puts("subjects:");
        list_subjects();
        puts("workloads:");
        list_workloads();
        return 0;
    }
    signal(SIGPIPE, SIG_IGN); // a subject may end before it is told something
    const Workload* const workload = find_workload(settings.workload);
    if (!workload) {
        usage(argv[0]);
    }
    if (settings.subjects.empty()) {
        settings.subjects = split(all_subjects());
    }
    if (settings.cpus != 0 && !use_processors(settings.cpus)) {
        fprintf(stderr, "%s: not %u processors here\n", argv[0], settings.cpus);
        return 1;
    }
    calibrate_ticks();
    Job job;
    job.workload = workload;
    job.depth = settings.depth ? settings.depth : workload->depth;
    job.workers = settings.workers;
    job.external = settings.external;
    if (!make_files(settings, *workload, &job.files)) {
        return 1;
    }
    const std::vector<Result> results = measure(settings, job);
    std::string records;
    bool complete = true;
    for (const Result& result : results) {
        records += record(settings, job, result, results.front()) + "\n";
        complete = complete && result.trouble.empty();
    }
    fputs(records.c_str(), stdout);
    if (!settings.json.empty() && !write_records(settings.json, records)) {
        return 1;
    }
    return complete ? 0 : 3;
}
