// SPDX-License-Identifier: MIT
#include "api/guard.hpp"
#include "api/sized.hpp"

using namespace aioc;

namespace {

aioc_request submit_one(aioc_context* ctx, const aioc_operation& op) noexcept {
    return with_context(ctx, [&](Context& c) { return c.submit_one(op); });
}

} // namespace

extern "C" {

int aioc_submit(aioc_context* ctx, const aioc_operation* ops, uint32_t count, aioc_request* ret) {
    return with_context(ctx, [&](Context& c) -> int {
        if (count == 0) {
            return 0;
        }
        const int64_t stride = stated_size(ops);
        if (stride < 0) {
            return static_cast<int>(stride);
        }
        const auto bytes = static_cast<size_t>(stride);
        if (count > INT32_MAX || !sys::is_readable(ops, bytes * count) ||
            (ret && !sys::is_writable(ret, sizeof *ret * count))) {
            return -EFAULT;
        }
        uint32_t good = 0;
        int error = 0;
        while (good < count && error == 0) {
            error = check_tail(reinterpret_cast<const char*>(ops) + bytes * good, bytes, sizeof *ops);
            good += error == 0;
        }
        return good == 0 ? error : c.submit(ops, static_cast<uint32_t>(stride), good, ret);
    });
}

int aioc_cancel(aioc_context* ctx, aioc_request request) {
    return with_context(ctx, [&](Context& c) { return c.cancel(request); });
}

int64_t aioc_nreqs(aioc_context* ctx) {
    return with_context(ctx, [](Context& c) -> int64_t { return c.outstanding(); });
}

// The named functions: one per row of the operation table.
#define AIOC_PARAMETERS(...) aioc_context *ctx, __VA_ARGS__ __VA_OPT__(, ) aioc_callback callback, void *user_data
#define AIOC_OPERATION(CODE, name, uses, credentials, parameters, assignments)                                         \
    aioc_request aioc_##name(AIOC_PARAMETERS parameters) {                                                             \
        aioc_operation op = AIOC_OPERATION_INIT;                                                                       \
        op.code = AIOC_OP_##CODE;                                                                                      \
        op.callback = callback;                                                                                        \
        op.user_data = user_data;                                                                                      \
        assignments;                                                                                                   \
        return submit_one(ctx, op);                                                                                    \
    }
#include "core/operations.def"
#undef AIOC_OPERATION

} // extern "C"
