// SPDX-License-Identifier: MIT
#include "api/guard.hpp"
#include "api/sized.hpp"

using namespace aioc;

extern "C" {

int aioc_buffer_create(aioc_context* ctx, uint64_t size, uint32_t count) {
    return with_context(ctx, [&](Context& c) { return c.create_buffers(size, count); });
}

int aioc_buffer_get(aioc_context* ctx, void** ret) {
    return with_context(
        ctx, [&](Context& c) -> int { return sys::is_writable(ret, sizeof *ret) ? c.get_buffer(ret) : -EFAULT; });
}

int aioc_buffer_put(aioc_context* ctx, void* buffer) {
    return with_context(ctx, [&](Context& c) { return c.put_buffer(buffer); });
}

int aioc_buffer_info(aioc_context* ctx, aioc_buffer_report* ret) {
    return with_context(ctx, [&](Context& c) -> int {
        aioc_buffer_report report{};
        const int error = c.buffers_report(&report);
        return error < 0 ? error : copy_out_sized(report, ret);
    });
}

int aioc_file_register(aioc_context* ctx, int fd) {
    return with_context(ctx, [&](Context& c) { return c.register_file(fd); });
}

int aioc_file_unregister(aioc_context* ctx, int fd) {
    return with_context(ctx, [&](Context& c) { return c.unregister_file(fd); });
}

} // extern "C"
