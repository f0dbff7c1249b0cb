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

// From here on: requests that are no file operation, and have no row.
constexpr uint32_t operation_special_first = AIOC_OP_GROUP;

// Null for a code that has no row.
const OperationRow* find_operation(uint32_t code) noexcept;
// Of any code; null for an unknown one.
const char* operation_name(uint32_t code) noexcept;
inline bool depends_on_credentials(const Request& r) noexcept {
    const OperationRow* const row = find_operation(r.operation);
    return !row || row->credentials; // what a function of the user's does, nobody knows
}

} // namespace aioc
