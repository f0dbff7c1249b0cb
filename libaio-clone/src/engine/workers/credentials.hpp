// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <stdint.h>

namespace aioc {

// What the kernel judges a file operation by, of the calling thread.
struct Credentials {
    uint32_t fsuid = 0;
    uint32_t fsgid = 0;
    std::array<uint32_t, 6> capabilities{};
    uint32_t groups_count = 0;
    std::array<uint32_t, 64> groups{}; // more than these always count as changed

    static Credentials of_caller() noexcept;
    bool same(const Credentials& other) const noexcept;
};

// Could the calling thread change its credentials without exec? Only then an idle worker that it makes by
// raw clone, which setuid() does not reach, is a danger.
bool caller_is_privileged() noexcept;

// Can threads of this process differ in their credentials? They can as long as one is privileged, and
// nobody tells us of the other threads: so also in a process that was privileged when it started.
bool credentials_can_differ() noexcept;

} // namespace aioc
