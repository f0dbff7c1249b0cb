// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>
#include <string>
#include <vector>

struct Settings { // the command line
    bool list = false;
    std::string workload = "nop";
    unsigned depth = 0; // 0: the workload's
    unsigned workers = 4;
    unsigned cpus = 0; // 0: as they are
    unsigned rounds = 5;
    double seconds = 0.35;
    bool external = false;
    std::vector<std::string> subjects;
    std::string file;
    std::string directory = "/var/tmp/aioclone-bench";
    std::string json;
    uint64_t bytes = uint64_t{1} << 30;
    unsigned repeats = 3; // of a disturbed run
};
