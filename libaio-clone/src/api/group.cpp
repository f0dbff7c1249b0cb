// SPDX-License-Identifier: MIT
#include "api/guard.hpp"
#include "api/sized.hpp"

using namespace aioc;

namespace {

aioc_request submit_special(aioc_context* ctx, const aioc_operation& op) noexcept {
    return with_context(ctx, [&](Context& c) {
        aioc_request id = 0;
        const int accepted = c.submit(&op, sizeof op, 1, &id);
        return accepted < 0 ? aioc_request{accepted} : id;
    });
}

} // namespace

extern "C" {

aioc_request aioc_group(aioc_context* ctx, aioc_callback callback, void* user_data) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = AIOC_OP_GROUP;
    op.callback = callback;
    op.user_data = user_data;
    return submit_special(ctx, op);
}

aioc_request aioc_custom(aioc_context* ctx, aioc_work work, void* argument, aioc_callback callback, void* user_data) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = AIOC_OP_CUSTOM;
    op.argument = reinterpret_cast<uintptr_t>(work);
    op.buffer = argument;
    op.callback = callback;
    op.user_data = user_data;
    return submit_special(ctx, op);
}

int aioc_group_close(aioc_context* ctx, aioc_request group) {
    return with_context(ctx, [&](Context& c) { return c.group_close(group); });
}

int aioc_group_feed(aioc_context* ctx, aioc_request group, uint32_t limit, aioc_feeder feeder, void* user_data) {
    return with_context(ctx, [&](Context& c) { return c.group_feed(group, limit, feeder, user_data); });
}

int aioc_group_info(aioc_context* ctx, aioc_request group, aioc_group_report* ret) {
    return with_context(ctx, [&](Context& c) -> int {
        aioc_group_report report{};
        if (const int error = copy_out_sized(report, ret); error < 0) {
            return error;
        }
        const int error = c.group_report(group, &report);
        return error < 0 ? error : copy_out_sized(report, ret);
    });
}

} // extern "C"
