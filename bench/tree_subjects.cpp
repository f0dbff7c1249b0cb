// SPDX-License-Identifier: MIT
#include "tree_subjects.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

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

// A Perl program that waits for lines, so that its start is not measured.
FILE* start_perl() {
#ifdef TREES_SCRIPT
    int ends[2];
    char line[32];
    signal(SIGPIPE, SIG_IGN);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return nullptr;
    }
    if (fork() == 0) {
        dup2(ends[1], 0);
        dup2(ends[1], 1);
        execlp("perl", "perl", TREES_SCRIPT, nullptr);
        _exit(127);
    }
    close(ends[1]);
    FILE* const stream = fdopen(ends[0], "r+");
    return stream && fgets(line, sizeof line, stream) ? stream : nullptr;
#else
    return nullptr;
#endif
}
FILE* perl() {
    static FILE* const stream = start_perl();
    return stream;
}

} // namespace

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

bool has_io_aio() { return perl() != nullptr; }

uint64_t walk_by_io_aio(const char* way, const std::string& path) {
    char line[32];
    fprintf(perl(), "%s %s\n", way, path.c_str());
    fflush(perl());
    if (!fgets(line, sizeof line, perl())) {
        die("perl has ended");
    }
    return strtoull(line, nullptr, 10);
}

void open_context(uint32_t max_workers) {
    aioc_options options = AIOC_OPTIONS_INIT;
    options.flags = AIOC_SINGLE_THREADED;
    options.max_workers = max_workers;
    if (const int error = aioc_create(&ctx, &options); error < 0) {
        die(aioc_strerror(error));
    }
}

void close_context() { aioc_destroy(ctx); }

uint64_t walk(const std::string& path, int flags) {
    aioc_walk* walk = nullptr;
    uint64_t count = 0;
    if (const int error = aioc_walk_create(ctx, path.c_str(), flags, &walk); error < 0) {
        die(aioc_strerror(error));
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

void copy_tree(const std::string& from, const std::string& to) {
    int64_t result = 0;
    wait_for(aioc_copy_tree(ctx, from.c_str(), to.c_str(), 0, nullptr, finished, &result), result);
}

void remove_tree(const std::string& path) {
    int64_t result = 0;
    wait_for(aioc_remove_tree(ctx, path.c_str(), nullptr, finished, &result), result);
}
