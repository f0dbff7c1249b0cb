// SPDX-License-Identifier: MIT
// What the workloads work on. Made once below one directory and used again by later runs.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string>
#include <vector>

struct Settings;
struct Workload;

struct FileSet {
    static constexpr unsigned sync_files = 8;
    static constexpr unsigned tree_files = 20000;

    std::string directory;
    std::string data_path; // what fd is open on
    int null_fd = -1;      // /dev/null: for a read of nothing
    int fd = -1;           // cached or direct reads, buffered writes
    uint64_t bytes = 0;    // of fd
    int cold_fd = -1;      // reads that must reach the device
    uint64_t cold_bytes = 0;
    int sync_fds[sync_files] = {};  // appended to
    int dsync_fds[sync_files] = {}; // the same files with O_DSYNC, for those who know no RWF_DSYNC
    std::vector<std::string> paths; // of the small files: small allocations, as programs have them

    const char* path(uint64_t i) const { return paths[i].c_str(); }
};

// False: a message was printed.
bool make_files(const Settings& settings, const Workload& workload, FileSet* ret);

// Before each run, outside of the measured time.
void restore_files(const Workload& workload, const FileSet& files);
