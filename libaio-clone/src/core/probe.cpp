// SPDX-License-Identifier: MIT
#include "core/probe.hpp"

#include "composite/composite.hpp"
#include "core/operation_table.hpp"
#include "worker/job_queue.hpp"

#include <errno.h>
#include <fcntl.h>

namespace aioc {

// The operation itself is run, with an empty path, no descriptor and no memory: any answer but these two comes from a
// kernel that has it.
int probe_operation(uint32_t operation) noexcept {
    if (!find_operation(operation)) {
        return -EINVAL;
    }
    if (is_composite(operation)) {
        return 0; // made of what every kernel has, or with another way where it has not
    }
    if (operation == AIOC_OP_SYNC || operation == AIOC_OP_MUNLOCKALL) {
        return 0; // have nothing that could be wrong; every kernel has them
    }
    struct {
        Extra extra{};
        char path[8]{};
    } arguments;
    arguments.extra.path2 = arguments.path;
    arguments.extra.fd2 = -1;
    Request r{};
    r.operation = static_cast<uint16_t>(operation);
    r.path = arguments.path;
    r.fd = r.held_fd = -1;
    if ((find_operation(operation)->uses & use_path) != 0) {
        r.fd = arguments.extra.fd2 = AT_FDCWD;
    }
    aioc_zone_execute(&r);
    return r.result == -ENOSYS || r.result == -EOPNOTSUPP ? static_cast<int>(r.result) : 0;
}

} // namespace aioc
