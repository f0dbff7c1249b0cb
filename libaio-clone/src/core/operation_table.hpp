// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

#include <stdint.h>

namespace aioc {

enum OperationUse : uint8_t { use_path = 1, use_length = 2, use_offset = 4 };

struct OperationRow {
    const char* name;
    uint8_t uses;
    bool credentials;
};

constexpr uint32_t operations_max = 64;

// Null for an unknown code.
const OperationRow* find_operation(uint32_t code) noexcept;
inline bool depends_on_credentials(const Request& r) noexcept { return find_operation(r.operation)->credentials; }

} // namespace aioc
