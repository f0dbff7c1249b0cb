// SPDX-License-Identifier: MIT
// The build without liburing: no ring. A pool of buffers is there all the same.
#include "engine/ring/ring_engine.hpp"

#include <errno.h>

namespace aioc {

int RingEngine::probe(const char** ret_reason) noexcept {
    *ret_reason = "built without liburing";
    return -ENOSYS;
}
int RingEngine::open(const RingSettings&, int) noexcept { return -ENOSYS; }
bool RingEngine::can_wait() const noexcept { return false; }
int RingEngine::wait(const sys::Timeout*) const noexcept { return -ENOSYS; }
uint32_t RingEngine::rung() const noexcept { return 0; }
const char* RingEngine::rung_name() const noexcept { return "none"; }
uint32_t RingEngine::setup_flags() const noexcept { return 0; }
bool RingEngine::serves(const Request&) const noexcept { return false; }
void RingEngine::submit(RequestList&) noexcept {}
void RingEngine::reap(RequestList*, RequestList*) noexcept {}
int RingEngine::cancel(Request*) noexcept { return -EALREADY; }
void RingEngine::cancel_all() noexcept {}
void RingEngine::stop() noexcept {}
void RingEngine::forget() noexcept { buffers_.forget(); }
int RingEngine::register_buffers() noexcept { return -ENOSYS; }
int RingEngine::register_file(int fd) noexcept {
    const int error = RingFiles::suits(fd);
    return error < 0 ? error : -ENOSYS;
}
int RingEngine::unregister_file(int) noexcept { return -ENOENT; }

} // namespace aioc
