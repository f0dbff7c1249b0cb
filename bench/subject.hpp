// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <stdint.h>
#include <string>
#include <vector>

struct Job {
    enum class Kind { nop, read_cached } kind = Kind::nop;
    int fd = -1;
    uint64_t blocks = 0; // of 4 KiB, in the file
    unsigned depth = 1;
    unsigned workers = 1;
};

struct Counts {
    uint64_t operations = 0;
    uint64_t wakes = 0;   // of workers
    uint64_t signals = 0; // eventfd writes
};

// A closed loop: `depth` requests outstanding, each completion starts the next, until `stop` says so
// (it is asked once a batch).
class Subject {
public:
    virtual ~Subject() = default;
    virtual Counts run(const std::function<bool()>& stop) = 0;
};

using Maker = std::unique_ptr<Subject> (*)(const Job&);
std::unique_ptr<Subject> make_clone(const Job& job);
std::unique_ptr<Subject> make_pthread(const Job& job);
std::unique_ptr<Subject> make_pool(const Job& job);
std::unique_ptr<Subject> make_sync(const Job& job);

struct Random { // xorshift: the same blocks for every subject
    uint64_t state = 88172645463325252u;
    uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        return state ^= state << 17;
    }
};
