// SPDX-License-Identifier: MIT
#include "api/arrays.hpp"
#include "api/guard.hpp"

using namespace aioc;

extern "C" {

int aioc_poll_fileno(aioc_context* ctx) {
    return with_context(ctx, [](Context& c) { return c.poll_fd(); });
}

int aioc_poll_cb(aioc_context* ctx) {
    return with_context(ctx, [](Context& c) { return c.poll_callbacks(); });
}

int aioc_poll_wait(aioc_context* ctx, int timeout_ms) {
    return with_context(ctx, [&](Context& c) { return c.poll_wait(timeout_ms); });
}

int aioc_poll_break(aioc_context* ctx) {
    return with_context(ctx, [](Context& c) { return c.poll_break(); });
}

int aioc_reap(aioc_context* ctx, aioc_completion* ret, uint32_t max) {
    return with_context(ctx, [&](Context& c) -> int {
        Completions taking{ret, max};
        if (const int error = max > 0 ? check_completions(&taking) : 0; error < 0 || max == 0) {
            return error;
        }
        const int count = c.reap(Context::Taking{ret, taking.stride, taking.max});
        clear_tails(taking, count);
        return count;
    });
}

} // extern "C"
