// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace aioc {

// Does this kernel have the calls of the operation? 0, -ENOSYS, -EOPNOTSUPP, or -EINVAL: no such operation.
int probe_operation(uint32_t operation) noexcept;

} // namespace aioc
