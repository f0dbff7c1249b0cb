// SPDX-License-Identifier: MIT
#pragma once
#include "core/operation_uses.hpp"
#include "core/request.hpp"

#include <stdint.h>

namespace aioc {

struct OperationRow {
    const char* name;
    uint16_t uses; // OperationUse
    bool credentials;
};

// Null for an unknown code.
const OperationRow* find_operation(uint32_t code) noexcept;
inline bool depends_on_credentials(const Request& r) noexcept { return find_operation(r.operation)->credentials; }

} // namespace aioc
