// SPDX-License-Identifier: MIT
#include "api/guard.hpp"
#include "api/sized.hpp"

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
        if (max == 0) {
            return 0;
        }
        const int64_t stride = stated_size(ret);
        if (stride < 0) {
            return static_cast<int>(stride);
        }
        max = max > INT32_MAX ? INT32_MAX : max;
        if (!sys::is_writable(ret, static_cast<size_t>(stride) * max)) {
            return -EFAULT;
        }
        const int count = c.reap(ret, static_cast<uint32_t>(stride), max);
        // A newer program's elements: what this version does not know is zero.
        for (int64_t i = 0; i < count && stride > static_cast<int64_t>(sizeof *ret); ++i) {
            char* const element = reinterpret_cast<char*>(ret) + i * stride;
            memset(element + sizeof *ret, 0, static_cast<size_t>(stride) - sizeof *ret);
        }
        return count;
    });
}

} // extern "C"
