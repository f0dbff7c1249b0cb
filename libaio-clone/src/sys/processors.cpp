// SPDX-License-Identifier: MIT
#include "sys/processors.hpp"

#include "sys/atomic.hpp"
#include "sys/clock.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

namespace aioc::sys {
namespace {

// Up to size - 1 bytes; false if it can't be read.
bool read_text(const char* path, char* ret, size_t size) noexcept {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const ssize_t length = read(fd, ret, size - 1);
    close(fd);
    if (length < 0) {
        return false;
    }
    ret[length] = '\0';
    return true;
}

// Whole processors that cpu.max allows; 0: no limit is known.
uint32_t quota() noexcept {
    char text[PATH_MAX];
    if (!read_text("/proc/self/cgroup", text, sizeof text)) {
        return 0;
    }
    const char* const line = strstr(text, "0::/"); // cgroups(7): the unified hierarchy
    if (!line) {
        return 0;
    }
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/cpu.max", static_cast<int>(strcspn(line + 3, "\n")), line + 3);
    unsigned long long allowed = 0;
    unsigned long long period = 0;
    if (!read_text(path, text, sizeof text) || sscanf(text, "%llu %llu", &allowed, &period) != 2 || period == 0) {
        return 0;
    }
    return allowed < period ? 1 : static_cast<uint32_t>(allowed / period);
}

} // namespace

uint32_t usable_processors() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    // More processors than the set has: surely more than one.
    const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 2;
    const uint32_t limit = quota();
    const auto usable = static_cast<uint32_t>(count < 1 ? 1 : count);
    return limit > 0 && limit < usable ? limit : usable;
}

uint32_t looks_in_ns(int64_t ns) noexcept {
    static uint32_t looks_per_64_us = 0; // the same for every thread that measures it
    uint32_t known = load_relaxed(looks_per_64_us);
    if (known == 0) {
        constexpr uint32_t turns = 512;
        int64_t best = INT64_MAX;
        for (int attempt = 0; attempt < 3; ++attempt) { // an interruption must not make it too short
            const uint32_t word = 0;
            const int64_t start = now_ns();
            for (uint32_t i = 0; i < turns && load_relaxed(word) == 0; ++i) {
                relax();
            }
            const int64_t spent = now_ns() - start;
            best = spent < best ? spent : best;
        }
        known = static_cast<uint32_t>(turns * int64_t{64'000} / (best > 0 ? best : 1)) + 1;
        store_relaxed(looks_per_64_us, known);
    }
    const int64_t looks = known * ns / 64'000;
    return looks < 1 ? 1 : static_cast<uint32_t>(looks);
}

} // namespace aioc::sys
