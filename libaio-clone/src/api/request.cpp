// SPDX-License-Identifier: MIT
#include "api/arrays.hpp"
#include "api/guard.hpp"

using namespace aioc;

namespace {

aioc_request submit_one(aioc_context* ctx, const aioc_operation& op) noexcept {
    return with_context(ctx, [&](Context& c) { return c.submit_one(op); });
}

// The struct is cleared by plain stores: for its initializer g++ has `rep stos`, which costs more than a whole nop.
using Store __attribute__((vector_size(16), aligned(8), may_alias)) = uint64_t;
template <size_t... Index> void clear(void* at, std::index_sequence<Index...>) noexcept {
    ((static_cast<Store*>(at)[Index] = Store{}), ...);
}
AIOC_INLINE void begin(aioc_operation* op, uint32_t code) noexcept {
    static_assert(sizeof *op % sizeof(Store) == 0);
    clear(op, std::make_index_sequence<sizeof *op / sizeof(Store)>());
    op->size = sizeof *op;
    op->code = code;
}

} // namespace

extern "C" {

int aioc_submit(aioc_context* ctx, const aioc_operation* ops, uint32_t count, aioc_request* ret) {
    return with_context(ctx, [&](Context& c) -> int {
        Operations given{ops};
        if (const int error = count > 0 ? check_operations(&given, count, ret) : 0; error < 0) {
            return error;
        }
        return given.good == 0 ? given.error : c.submit(ops, given.stride, given.good, ret);
    });
}

int aioc_exchange(aioc_context* ctx, const aioc_operation* ops, uint32_t count, aioc_request* ret,
                  aioc_completion* done, uint32_t max, uint32_t* taken) {
    return with_context(ctx, [&](Context& c) -> int {
        Operations given{ops};
        Completions taking{done, max};
        int error = count > 0 ? check_operations(&given, count, ret) : 0;
        if (error == 0 && max > 0) {
            error = check_completions(&taking);
        }
        if (error == 0 && !sys::is_writable(taken, sizeof *taken)) {
            error = -EFAULT;
        }
        if (error < 0) {
            return error;
        }
        const Context::Taking to{done, taking.stride, taking.max};
        const int accepted = c.exchange(ops, given.stride, given.good, ret, to, taken);
        clear_tails(taking, static_cast<int>(*taken));
        return given.good == 0 ? given.error : accepted;
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
        aioc_operation op;                                                                                             \
        begin(&op, AIOC_OP_##CODE);                                                                                    \
        op.callback = callback;                                                                                        \
        op.user_data = user_data;                                                                                      \
        assignments;                                                                                                   \
        return submit_one(ctx, op);                                                                                    \
    }
#include "core/operations.def"
#undef AIOC_OPERATION

} // extern "C"
