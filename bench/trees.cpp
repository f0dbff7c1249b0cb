// SPDX-License-Identifier: MIT
// Composites on trees against the programs that do the same: walk (find, a readdir loop, IO::AIO), walk with status
// (find -printf %s), copy_tree (cp -r), remove_tree (rm -r). Subjects take turns, round by round; medians, and ratios
// to the first. Copies are made into a new destination each time, and everything is removed at the end only: on ext4,
// creating soon after removing is much slower, and would hide every difference.
#include "clock.hpp"
#include "tree_subjects.hpp"

#include <algorithm>
#include <errno.h>
#include <fcntl.h>
#include <functional>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

// --- Measuring ---------------------------------------------------------------------

struct Subject {
    const char* name;
    std::function<void()> run;
    std::vector<double> ms;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void measure(const char* workload, std::vector<Subject> subjects, unsigned rounds) {
    for (unsigned round = 0; round < rounds; ++round) {
        for (size_t i = 0; i < subjects.size(); ++i) {
            Subject& s = subjects[(i + round) % subjects.size()];
            const int64_t start = nanoseconds(CLOCK_MONOTONIC);
            s.run();
            s.ms.push_back(static_cast<double>(nanoseconds(CLOCK_MONOTONIC) - start) / 1e6);
        }
    }
    for (const Subject& s : subjects) {
        std::vector<double> ratios;
        for (unsigned round = 0; round < rounds; ++round) {
            ratios.push_back(s.ms[round] / subjects[0].ms[round]);
        }
        printf("{\"workload\":\"%s\",\"subject\":\"%s\",\"rounds\":%u,\"ms\":%.2f,\"min\":%.2f,\"max\":%.2f,"
               "\"first_is_faster\":%.2f}\n",
               workload, s.name, rounds, median(s.ms), *std::min_element(s.ms.begin(), s.ms.end()),
               *std::max_element(s.ms.begin(), s.ms.end()), median(ratios));
    }
    fflush(stdout);
}

// --- Trees of its own, removed however it ends ---------------------------------------

std::string own;

void remove_own() {
    if (!own.empty()) {
        const std::string tree = own;
        own.clear(); // once, if that fails as well
        run_program({"rm", "-rf", tree});
    }
}
void remove_own_at(int) {
    static char rm[] = "rm";
    static char flags[] = "-rf";
    char* const arguments[] = {rm, flags, own.data(), nullptr};
    execvp(rm, arguments); // which a signal's handler may
}

std::string make_own(const std::string& where) {
    own = where + "/aioclone-bench-trees-" + std::to_string(getpid());
    if (mkdir(own.c_str(), 0755) < 0) {
        const std::string tree = own;
        own.clear();
        die(tree + ": " + strerror(errno));
    }
    atexit(remove_own);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        signal(number, remove_own_at);
    }
    return own;
}

void make_file(const std::string& path, const std::string& content) {
    const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
        die(path + ": " + strerror(errno));
    }
    close(fd);
}

// Levels of so many directories each, with files in the last ones.
void make_tree(const std::string& root, unsigned levels, unsigned directories, unsigned files, size_t bytes) {
    mkdir(root.c_str(), 0755);
    const std::string content(bytes, 'x');
    for (unsigned i = 0; i < (levels > 0 ? directories : files); ++i) {
        if (levels > 0) {
            make_tree(root + "/dir" + std::to_string(i), levels - 1, directories, files, bytes);
        } else {
            make_file(root + "/file" + std::to_string(i), content);
        }
    }
}

std::string next_copy() {
    static unsigned number;
    return own + "/copy" + std::to_string(number++);
}

// --- Workloads -----------------------------------------------------------------------

void measure_walk(const std::string& path, unsigned rounds) {
    const uint64_t entries = walk(path, 0); // warms
    printf("{\"entries\":%llu}\n", static_cast<unsigned long long>(entries));
    std::vector<Subject> subjects{{"aioclone", [&] { walk(path, 0); }, {}},
                                  {"find", [&] { run_program({"find", path}); }, {}},
                                  {"find-type", [&] { run_program({"find", path, "-printf", "%y %p\\n"}); }, {}},
                                  {"readdir", [&] { read_directories(path); }, {}}};
    if (has_io_aio()) {
        subjects.push_back({"aio_scandir", [&] { walk_by_io_aio("scandir", path); }, {}});
        subjects.push_back({"aio_readdirx", [&] { walk_by_io_aio("readdirx", path); }, {}});
    }
    measure("walk", subjects, rounds);
}

void print_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"max_resident_kib\":%ld}\n", usage.ru_maxrss);
}

void measure_status(const std::string& path, unsigned rounds) {
    walk(path, AIOC_WALK_STAT);
    measure("walk with status",
            {{"aioclone", [&] { walk(path, AIOC_WALK_STAT); }, {}},
             {"find-size", [&] { run_program({"find", path, "-printf", "%s\\n"}); }, {}}},
            rounds);
}

void measure_copy(const std::string& source, unsigned rounds) {
    measure("copy_tree",
            {{"aioclone", [&] { copy_tree(source, next_copy()); }, {}},
             {"cp -r", [&] { run_program({"cp", "-r", source, next_copy()}); }, {}}},
            rounds);
}

void measure_remove(const std::string& source, unsigned rounds) {
    std::vector<std::string> trees;
    for (unsigned i = 0; i < 2 * rounds; ++i) {
        trees.push_back(next_copy());
        copy_tree(source, trees.back());
    }
    sync();
    const auto take = [&] {
        std::string tree = trees.back();
        trees.pop_back();
        return tree;
    };
    measure("remove_tree",
            {{"aioclone", [&] { remove_tree(take()); }, {}}, {"rm -r", [&] { run_program({"rm", "-r", take()}); }, {}}},
            rounds);
}

void usage(const char* program) {
    fprintf(stderr,
            "usage: %s walk|stat DIRECTORY [ROUNDS]\n"
            "       %s made|copy|remove DIRECTORY [ROUNDS]   a walk, copy or removal of 20,000 files in 200 "
            "directories, made there\n"
            "       %s slow-stat|slow-copy|slow-remove DIRECTORY [ROUNDS]   of 432 files in 258 directories, with 256 "
            "workers: on a slow mount\n"
            "What is made is removed at the end.\n",
            program, program, program);
    exit(2);
}

} // namespace

int main(int argc, char** argv) {
    std::string what = argc > 1 ? argv[1] : "";
    const std::string path = argc > 2 ? argv[2] : "";
    const unsigned rounds = argc > 3 ? static_cast<unsigned>(atoi(argv[3])) : 5;
    const char* const all[] = {"walk", "stat", "made", "copy", "remove", "slow-stat", "slow-copy", "slow-remove"};
    if (rounds == 0 || path.empty() || std::find(std::begin(all), std::end(all), what) == std::end(all)) {
        usage(argv[0]);
    }
    constexpr uint32_t many_workers = 256;
    const bool slow = what.rfind("slow-", 0) == 0;
    open_context(slow ? many_workers : 0);
    if (what == "walk") {
        measure_walk(path, rounds);
        print_memory();
    } else if (what == "stat") {
        measure_status(path, rounds);
    } else {
        const std::string source = make_own(path) + "/source";
        if (slow) {
            const char* const memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
            const std::string pattern =
                std::string(memory) + "/aioclone-bench-source-" + std::to_string(getpid()); // there it is quickly made
            make_tree(pattern, 3, 6, 2, 100);
            copy_tree(pattern, source);
            remove_tree(pattern);
            what = what.substr(5);
        } else {
            make_tree(source, 1, 200, 100, 4600);
        }
        if (what == "made") {
            measure_walk(source, rounds);
        } else if (what == "stat") {
            measure_status(source, rounds);
        } else if (what == "copy") {
            measure_copy(source, rounds);
        } else {
            measure_remove(source, rounds);
        }
        if (slow) {
            remove_tree(own);
            own.clear();
        }
    }
    close_context();
    return 0;
}
