// SPDX-License-Identifier: MIT
#include "core/operation_table.hpp"

#include "aioclone.h"

#include <iterator>

namespace aioc {
namespace {

constexpr OperationRow rows[] = {
#define AIOC_OPERATION(CODE, name, uses, credentials, ...) {#name, uses, credentials != 0},
#include "core/operations.def"
#undef AIOC_OPERATION
};
static_assert(std::size(rows) < operation_special_first && operation_special_first < operations_max);

// A code is its row's position, from 1.
enum Position : uint32_t {
    position_none,
#define AIOC_OPERATION(CODE, name, ...) position_##name,
#include "core/operations.def"
#undef AIOC_OPERATION
};
#define AIOC_OPERATION(CODE, name, ...) static_assert(uint32_t{AIOC_OP_##CODE} == uint32_t{position_##name});
#include "core/operations.def"
#undef AIOC_OPERATION

} // namespace

const OperationRow* find_operation(uint32_t code) noexcept {
    return code >= 1 && code <= std::size(rows) ? &rows[code - 1] : nullptr;
}

const char* operation_name(uint32_t code) noexcept {
    const OperationRow* const row = find_operation(code);
    return row ? row->name : code == AIOC_OP_GROUP ? "group" : code == AIOC_OP_CUSTOM ? "custom" : nullptr;
}

} // namespace aioc
