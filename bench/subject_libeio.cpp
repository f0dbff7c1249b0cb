// SPDX-License-Identifier: MIT
// Debian has libeio only inside Perl's IO::AIO: a Perl program loops by itself and reports its figures.
#include "subject.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

class Libeio final : public Subject {
public:
    ~Libeio() override {
        if (stream_) {
            fclose(stream_); // the script ends at the end of its input
        }
        if (pid_ > 0) {
            waitpid(pid_, nullptr, 0);
        }
    }

    bool open(const Job& job) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
            return false;
        }
        const std::string depth = std::to_string(job.depth);
        const std::string length = std::to_string(job.workload->length);
        const char* const arguments[] = {"perl",
                                         LIBEIO_SCRIPT,
                                         job.workload->name,
                                         depth.c_str(),
                                         length.c_str(),
                                         job.files.data_path.c_str(),
                                         job.files.directory.c_str(),
                                         nullptr};
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        const int error = posix_spawnp(&pid_, "perl", &actions, nullptr, const_cast<char* const*>(arguments), environ);
        posix_spawn_file_actions_destroy(&actions);
        close(ends[1]);
        stream_ = fdopen(ends[0], "r+");
        char line[64];
        return error == 0 && stream_ && fgets(line, sizeof line, stream_);
    }

    void run(Load& load) override { load.end(); }

    bool measure(double seconds, Sample* ret) override {
        char line[512];
        fprintf(stream_, "%g\n", seconds);
        fflush(stream_);
        Quantiles& q = ret->latency;
        if (!fgets(line, sizeof line, stream_) ||
            sscanf(line, "%lf %lf %lf %lf %lf %lf %lf %lf %lf", &ret->operations, &ret->seconds, &ret->cpu_seconds,
                   &ret->errors, &q.p50, &q.p90, &q.p99, &q.p999, &q.max) != 9) {
            ret->errors = 1;
        }
        cpu_ += ret->cpu_seconds;
        return true;
    }

    double foreign_cpu() override { return cpu_; }

private:
    double cpu_ = 0;
    pid_t pid_ = -1;
    FILE* stream_ = nullptr;
};

} // namespace

std::unique_ptr<Subject> make_libeio(const std::string&, const Job& job, Load&, std::string* why) {
    const Kind kind = job.workload->kind;
    if (kind == Kind::mixed || kind == Kind::burst || kind == Kind::idle) {
        *why = "not written for Perl";
        return nullptr;
    }
    auto subject = std::make_unique<Libeio>();
    if (!subject->open(job)) {
        *why = "perl does not run it";
        return nullptr;
    }
    return subject;
}
