// SPDX-License-Identifier: MIT
// Composites on trees against the programs that do the same: walk (find, a readdir loop), walk with status (find
// -printf %s), copy_tree (cp -r), remove_tree (rm -r). Subjects take turns, round by round; medians, and ratios to the
// first. Copies are made into a new destination each time, and everything is removed at the end only: on ext4, creating
// soon after removing is much slower, and would hide every difference.
#include <aioclone.h>

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace {

double now_ms() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void die(const std::string& what) {
    fprintf(stderr, "%s\n", what.c_str());
    exit(1);
}

// Without a shell's start in the measured time: fork and exec only.
void run_program(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const std::string& w : words) {
        arguments.push_back(const_cast<char*>(w.c_str()));
    }
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        const int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) {
        die(words[0] + " failed");
    }
}

uint64_t read_directories(const std::string& path) {
    uint64_t count = 0;
    DIR* const directory = opendir(path.c_str());
    if (!directory) {
        return 0;
    }
    while (const dirent* const e = readdir(directory)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        ++count;
        if (e->d_type == DT_DIR) {
            count += read_directories(path + "/" + e->d_name);
        }
    }
    closedir(directory);
    return count;
}

aioc_context* ctx;

void finished(const aioc_completion* done, void* user_data) { *static_cast<int64_t*>(user_data) = done->result; }

int64_t wait_for(aioc_request id, const int64_t& result) {
    if (id < 0) {
        die(aioc_strerror(id));
    }
    while (aioc_nreqs(ctx) > 0) {
        aioc_poll_wait(ctx, -1);
        aioc_poll_cb(ctx);
    }
    if (result < 0) {
        die(aioc_strerror(result));
    }
    return result;
}

uint64_t walk(const std::string& path, int flags) {
    aioc_walk* walk = nullptr;
    uint64_t count = 0;
    if (aioc_walk_create(ctx, path.c_str(), flags, &walk) < 0) {
        die("walk");
    }
    for (;;) {
        int64_t result = 0;
        aioc_entries* entries = nullptr;
        if (wait_for(aioc_walk_next(ctx, walk, &entries, finished, &result), result) == 0) {
            break;
        }
        for (int64_t i = 0; i < result; ++i) { // as a user would look at each
            count += aioc_entries_at(entries, static_cast<uint64_t>(i))->error == 0;
        }
        aioc_free(entries);
    }
    aioc_walk_destroy(ctx, walk);
    return count;
}

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
            const double start = now_ms();
            s.run();
            s.ms.push_back(now_ms() - start);
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

void make_tree(const std::string& root, unsigned directories, unsigned files, size_t bytes) {
    mkdir(root.c_str(), 0755);
    const std::string content(bytes, 'x');
    for (unsigned d = 0; d < directories; ++d) {
        const std::string directory = root + "/dir" + std::to_string(d);
        mkdir(directory.c_str(), 0755);
        for (unsigned f = 0; f < files; ++f) {
            const int fd =
                open((directory + "/file" + std::to_string(f)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
            if (fd < 0 || write(fd, content.data(), bytes) != static_cast<ssize_t>(bytes)) {
                die("cannot make the tree");
            }
            close(fd);
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    const std::string path = argc > 2 ? argv[2] : "";
    const unsigned rounds = argc > 3 ? static_cast<unsigned>(atoi(argv[3])) : 5;
    aioc_options options = AIOC_OPTIONS_INIT;
    options.flags = AIOC_SINGLE_THREADED;
    if (rounds == 0 || path.empty() || aioc_create(&ctx, &options) < 0) {
        fprintf(
            stderr,
            "usage: %s walk|stat DIRECTORY [ROUNDS]\n       %s copy|remove DIRECTORY [ROUNDS]  (makes trees of 20,000 "
            "files there, and removes them at the end)\n",
            argv[0], argv[0]);
        return 2;
    }
    if (what == "walk") {
        const uint64_t entries = walk(path, 0); // warms
        printf("{\"entries\":%llu}\n", static_cast<unsigned long long>(entries));
        measure("walk",
                {{"aioclone", [&] { walk(path, 0); }, {}},
                 {"find", [&] { run_program({"find", path}); }, {}},
                 {"find-type", [&] { run_program({"find", path, "-printf", "%y %p\\n"}); }, {}},
                 {"readdir", [&] { read_directories(path); }, {}}},
                rounds);
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        printf("{\"max_resident_kib\":%ld}\n", usage.ru_maxrss);
    } else if (what == "stat") {
        walk(path, AIOC_WALK_STAT);
        measure("walk with status",
                {{"aioclone", [&] { walk(path, AIOC_WALK_STAT); }, {}},
                 {"find-size", [&] { run_program({"find", path, "-printf", "%s\\n"}); }, {}}},
                rounds);
    } else if (what == "copy" || what == "remove") {
        const std::string base = path + "/aioclone-bench-trees";
        const std::string source = base + "/source";
        unsigned next = 0;
        mkdir(base.c_str(), 0755);
        make_tree(source, 200, 100, 4600);
        const auto fresh = [&] { return base + "/copy" + std::to_string(next++); };
        const auto copy = [&](const std::string& to) {
            int64_t result = 0;
            wait_for(aioc_copy_tree(ctx, source.c_str(), to.c_str(), 0, nullptr, finished, &result), result);
        };
        if (what == "copy") {
            measure("copy_tree",
                    {{"aioclone", [&] { copy(fresh()); }, {}},
                     {"cp -r", [&] { run_program({"cp", "-r", source, fresh()}); }, {}}},
                    rounds);
        } else {
            std::vector<std::string> trees;
            for (unsigned i = 0; i < 2 * rounds; ++i) {
                trees.push_back(fresh());
                copy(trees.back());
            }
            sync();
            const auto take = [&] {
                std::string tree = trees.back();
                trees.pop_back();
                return tree;
            };
            measure("remove_tree",
                    {{"aioclone",
                      [&] {
                          int64_t result = 0;
                          wait_for(aioc_remove_tree(ctx, take().c_str(), nullptr, finished, &result), result);
                      },
                      {}},
                     {"rm -r", [&] { run_program({"rm", "-r", take()}); }, {}}},
                    rounds);
        }
        run_program({"rm", "-rf", base});
    }
    aioc_destroy(ctx);
    return 0;
}
