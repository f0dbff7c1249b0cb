// SPDX-License-Identifier: MIT
// Each subject lives in a process of its own: one that crashes or hangs ends alone, UV_THREADPOOL_SIZE can be
// set for each, and CPU time, memory and allocations are its own.
#pragma once
#include "settings.hpp"
#include "subject.hpp"

#include <string>
#include <sys/types.h>

class Child {
public:
    Child(const SubjectInfo& info, const Job& job);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    const char* name() const { return info_.name; }
    bool alive() const { return pid_ > 0; }
    const std::string& trouble() const { return trouble_; } // why it is not

    // One warm-up and one measured run.
    Sample run(double seconds);
    double worker_bytes();

private:
    struct Shared;
    void command(char what, double seconds, double patience);
    void end(const std::string& why);
    [[noreturn]] void serve(const Job& job, int from, int to);

    const SubjectInfo& info_;
    Shared* shared_;
    pid_t pid_ = -1;
    int to_ = -1;
    int from_ = -1;
    std::string trouble_;
};
