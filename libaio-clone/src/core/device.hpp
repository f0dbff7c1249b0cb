// SPDX-License-Identifier: MIT
#pragma once
#include "core/priority_list.hpp"

#include <array>
#include <memory>

namespace aioc {

// A remote file system, of whose requests only so many are given to the workers at once: if it hangs, the others
// still have some.
struct Device {
    uint64_t key = 0;
    uint32_t given = 0; // requests that have a place
    PriorityList waiting;
    std::unique_ptr<Device> next;
};

// Callers hold the context's lock.
class DeviceTable {
public:
    // Null: there is no memory, or there are too many; then it has no limit.
    Device* find(uint64_t key) noexcept;
    void forget() noexcept { (void)first_.release(); } // after a fork: left as it is

private:
    static constexpr uint32_t devices_max = 64;

    std::unique_ptr<Device> first_;
    uint32_t count_ = 0;
};

} // namespace aioc
