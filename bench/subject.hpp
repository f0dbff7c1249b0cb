// SPDX-License-Identifier: MIT
#pragma once
#include "workload.hpp"

#include <memory>
#include <string>

struct Quantiles { // nanoseconds
    double p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;
};

struct Counters { // since the subject was made; negative: not counted
    double wakes = -1;
    double signals = -1; // writes to the poll descriptor
    double inline_served = -1;
    double served = -1; // requests: an operation may be several
};

// One run. It crosses from the subject's process to the program in shared memory.
struct Sample {
    double operations = 0;
    double seconds = 0;
    double cpu_seconds = 0;
    double whole_cpu = 0; // with warm-up and restoring the files: what others did not use
    double allocations = -1;
    double errors = 0;
    int64_t first_error = 0;
    double idle_cpu = -1; // CPU seconds per second
    Counters counters;
    Quantiles latency;
    Quantiles cold;
    Quantiles submit;
    Quantiles stall;
    uint64_t submit_log2[48] = {}; // calls that took 2^i ns and more
    bool disturbed = false;
    bool failed = true;
};

// A closed loop: as many operations outstanding as there are slots, each completion starts the next.
class Subject {
public:
    virtual ~Subject() = default;
    // Until load.tick() says so and nothing is outstanding.
    virtual void run(Load& load) = 0;
    // Those who measure themselves (another language) fill operations, seconds, CPU and latency.
    virtual bool measure(double /* seconds */, Sample* /* ret */) { return false; }
    // CPU seconds so far of other processes that work for it.
    virtual double foreign_cpu() { return 0; }
    // What an idle program would do.
    virtual void idle(double seconds);
    virtual Counters counters() { return {}; }
    // Resident bytes that one more worker costs; negative: not known.
    virtual double worker_bytes() { return -1; }
};

// Null with the reason in *why: it cannot do this workload, or not here.
using Maker = std::unique_ptr<Subject> (*)(const std::string& name, const Job& job, Load& load, std::string* why);

struct SubjectInfo {
    const char* name;
    Maker make; // null: missing is the reason
    const char* missing;
    const char* text;
};

const SubjectInfo* find_subject(const std::string& name);
void list_subjects();
std::string all_subjects(); // that are there, with commas

std::unique_ptr<Subject> make_aioclone(const std::string&, const Job&, Load&, std::string*);
std::unique_ptr<Subject> make_sync(const std::string&, const Job&, Load&, std::string*);
std::unique_ptr<Subject> make_pool(const std::string&, const Job&, Load&, std::string*);
std::unique_ptr<Subject> make_liburing(const std::string&, const Job&, Load&, std::string*);
std::unique_ptr<Subject> make_libuv(const std::string&, const Job&, Load&, std::string*);
std::unique_ptr<Subject> make_posix_aio(const std::string&, const Job&, Load&, std::string*);
std::unique_ptr<Subject> make_libaio(const std::string&, const Job&, Load&, std::string*);
std::unique_ptr<Subject> make_libeio(const std::string&, const Job&, Load&, std::string*);

uint64_t allocations(); // of this process so far
