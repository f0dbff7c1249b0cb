// SPDX-License-Identifier: MIT
// What other processes used of the machine. Kernel threads work for the subject as likely as not, so they
// do not count.
#pragma once
#include <stdint.h>

struct MachineTime {
    double all = 0;    // user, nice, system and stolen seconds of all processors
    double kernel = 0; // of kernel threads in it
};

MachineTime machine_time();

// In cores. `own`: CPU seconds of the run.
double disturbance(const MachineTime& before, const MachineTime& after, double own, double seconds);
