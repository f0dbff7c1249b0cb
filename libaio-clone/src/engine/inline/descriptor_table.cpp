// SPDX-License-Identifier: MIT
#include "engine/inline/descriptor_table.hpp"

#include "sys/syscall.hpp"

#include <fcntl.h>

namespace aioc {

Descriptor* DescriptorTable::find(int fd) noexcept {
    Descriptor& d = at(fd);
    return fd >= 0 && d.fd == fd ? &d : nullptr;
}

Descriptor* DescriptorTable::look_at(int fd) noexcept {
    if (fd < 0) {
        return nullptr;
    }
    Descriptor& d = at(fd);
    if (d.fd != fd || d.uses_left == 0) {
        const Descriptor before = d;
        d = Descriptor{};
        const long flags = sys::call(SYS_fcntl, fd, F_GETFL);
        if (flags < 0) {
            return nullptr;
        }
        opened(fd, static_cast<uint32_t>(flags));
        if (before.fd == fd && before.type_known && before.no_nowait != 0) {
            d.had_no_nowait = before.no_nowait;
            d.had_device = before.device;
        }
    }
    --d.uses_left;
    return &d;
}

void DescriptorTable::opened(int fd, uint32_t flags) noexcept {
    Descriptor& d = at(fd);
    d = Descriptor{};
    d.fd = fd;
    d.flags = flags;
    d.uses_left = uses;
}

} // namespace aioc
