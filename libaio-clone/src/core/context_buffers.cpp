// SPDX-License-Identifier: MIT
// The context's pool of buffers, and what is registered with its ring.
#include "core/context.hpp"

#include <errno.h>

namespace aioc {

// The ring is opened for it, if there may be one: whoever makes such a pool is about to use it.
int Context::create_buffers(uint64_t size, uint32_t count) noexcept {
    lock_.lock();
    const int error = ring_.buffers().create(size, count);
    if (error == 0 && router_.choice().ring && open_ring()) {
        ring_.register_buffers();
    }
    lock_.unlock();
    return error;
}

int Context::get_buffer(void** ret) noexcept {
    lock_.lock();
    const int error = ring_.buffers().get(ret);
    lock_.unlock();
    return error;
}

int Context::put_buffer(const void* buffer) noexcept {
    lock_.lock();
    const int error = ring_.buffers().put(buffer);
    lock_.unlock();
    return error;
}

int Context::buffers_report(aioc_buffer_report* ret) noexcept {
    lock_.lock();
    const RingBuffers& buffers = ring_.buffers();
    const bool exists = buffers.exists();
    if (exists) {
        ret->count = buffers.count();
        ret->taken = buffers.taken();
        ret->registered = buffers.status();
        ret->buffer_size = buffers.size();
    }
    lock_.unlock();
    return exists ? 0 : -ENOENT;
}

int Context::register_file(int fd) noexcept {
    lock_.lock();
    if (router_.choice().ring) {
        open_ring(); // register_file says so if there is none
    }
    const int error = ring_.register_file(fd);
    lock_.unlock();
    return error;
}

int Context::unregister_file(int fd) noexcept {
    lock_.lock();
    const int error = ring_.unregister_file(fd);
    lock_.unlock();
    return error;
}

} // namespace aioc
