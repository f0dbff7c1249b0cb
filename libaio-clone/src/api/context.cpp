// SPDX-License-Identifier: MIT
#include "api/guard.hpp"
#include "api/settings.hpp"
#include "engine/workers/spawner.hpp"
#include "sys/memory.hpp"

using namespace aioc;

extern "C" {

int aioc_create(aioc_context** ret, const aioc_options* options) {
    return guard([&]() -> int {
        if (!sys::is_writable(ret, sizeof *ret)) {
            return -EFAULT;
        }
        Settings settings;
        if (const int error = read_settings(options, &settings); error < 0) {
            return error;
        }
        keep_code_loaded();
        Context* context = nullptr;
        const int error = Context::create(settings, &context);
        if (error == 0) {
            *ret = reinterpret_cast<aioc_context*>(context);
        }
        return error;
    });
}

int aioc_destroy(aioc_context* ctx) {
    return ctx ? with_context(ctx, [](Context& c) { return c.destroy(); }) : 0;
}

int aioc_hold(aioc_context* ctx) {
    return with_context(ctx, [](Context& c) { return c.hold(); });
}

int aioc_release(aioc_context* ctx) {
    return with_context(ctx, [](Context& c) { return c.release(); });
}

int aioc_min_parallel(aioc_context* ctx, uint32_t count) {
    return with_context(ctx, [&](Context& c) { return count <= 1024 ? c.set_min_workers(count) : -EINVAL; });
}

int aioc_max_parallel(aioc_context* ctx, uint32_t count) {
    return with_context(ctx, [&](Context& c) { return count <= 1024 ? c.set_max_workers(count) : -EINVAL; });
}

int aioc_rebind(aioc_context* ctx) {
    return with_context(ctx, [](Context& c) { return c.rebind(); });
}

} // extern "C"
