// SPDX-License-Identifier: MIT
#include "disturbance.hpp"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <unistd.h>

namespace {

size_t read_file(const char* path, char* to, size_t bytes) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? -1 : read(fd, to, bytes - 1);
    if (fd >= 0) {
        close(fd);
    }
    to[got < 0 ? 0 : got] = '\0';
    return got < 0 ? 0 : static_cast<size_t>(got);
}

// Ticks of a kernel thread, 0 of anything else.
double kernel_thread_ticks(const char* pid) {
    char text[512];
    read_file((std::string("/proc/") + pid + "/stat").c_str(), text, sizeof text);
    const char* const after_name = strrchr(text, ')');
    long parent = 0;
    unsigned long flags = 0;
    unsigned long user = 0;
    unsigned long system = 0;
    constexpr unsigned long kernel_thread = 0x00200000; // PF_KTHREAD
    if (!after_name || sscanf(after_name + 1, " %*c %ld %*d %*d %*d %*d %lu %*u %*u %*u %*u %lu %lu", &parent, &flags,
                              &user, &system) != 4) {
        return 0;
    }
    return (flags & kernel_thread) != 0 ? static_cast<double>(user + system) : 0;
}

} // namespace

MachineTime machine_time() {
    const auto per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    MachineTime ret;
    char text[512];
    read_file("/proc/stat", text, sizeof text);
    double user = 0;
    double nice = 0;
    double system = 0;
    double stolen = 0;
    if (sscanf(text, "cpu %lf %lf %lf %*f %*f %*f %*f %lf", &user, &nice, &system, &stolen) == 4) {
        ret.all = (user + nice + system + stolen) / per_second;
    }
    DIR* const processes = opendir("/proc");
    while (const dirent* entry = processes ? readdir(processes) : nullptr) {
        if (isdigit(static_cast<unsigned char>(entry->d_name[0]))) {
            ret.kernel += kernel_thread_ticks(entry->d_name) / per_second;
        }
    }
    if (processes) {
        closedir(processes);
    }
    return ret;
}

double disturbance(const MachineTime& before, const MachineTime& after, double own, double seconds) {
    const double other = after.all - before.all - (after.kernel - before.kernel) - own;
    return seconds > 0 ? other / seconds : 0;
}
