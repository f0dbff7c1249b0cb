// SPDX-License-Identifier: MIT
#include "engine/workers/credentials.hpp"

#include "sys/syscall.hpp"

#include <linux/capability.h>
#include <string.h>
#include <sys/auxv.h>

namespace aioc {
namespace {

std::array<uint32_t, 6> capabilities_of_caller() noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    sys::call(SYS_capget, &header, data);
    return {data[0].effective, data[1].effective,   data[0].permitted,
            data[1].permitted, data[0].inheritable, data[1].inheritable};
}

bool is_mixed_or_root(unsigned long real, unsigned long effective) noexcept { return real != effective || real == 0; }

// As exec made the process; saved ids equal the effective ones there.
bool was_privileged_at_exec() noexcept {
    return getauxval(AT_SECURE) != 0 || is_mixed_or_root(getauxval(AT_UID), getauxval(AT_EUID)) ||
           getauxval(AT_GID) != getauxval(AT_EGID);
}

// Ambient capabilities are not in the auxiliary vector.
const bool was_privileged_at_load = caller_is_privileged();

} // namespace

Credentials Credentials::of_caller() noexcept {
    Credentials c;
    // An invalid id changes nothing and tells the present one (setfsuid(2)).
    c.fsuid = static_cast<uint32_t>(sys::call(SYS_setfsuid, -1));
    c.fsgid = static_cast<uint32_t>(sys::call(SYS_setfsgid, -1));
    c.capabilities = capabilities_of_caller();
    const long count = sys::call(SYS_getgroups, c.groups.size(), c.groups.data());
    c.groups_count = count < 0 ? UINT32_MAX : static_cast<uint32_t>(count);
    return c;
}

bool Credentials::same(const Credentials& other) const noexcept {
    return fsuid == other.fsuid && fsgid == other.fsgid && capabilities == other.capabilities &&
           groups_count == other.groups_count && groups_count != UINT32_MAX &&
           memcmp(groups.data(), other.groups.data(), groups_count * sizeof groups[0]) == 0;
}

bool caller_is_privileged() noexcept {
    uint32_t user[3]{};
    uint32_t group[3]{};
    sys::call(SYS_getresuid, &user[0], &user[1], &user[2]);
    sys::call(SYS_getresgid, &group[0], &group[1], &group[2]);
    const auto caps = capabilities_of_caller();
    return is_mixed_or_root(user[0], user[1]) || user[1] != user[2] || group[0] != group[1] || group[1] != group[2] ||
           (caps[0] | caps[1] | caps[2] | caps[3]) != 0;
}

bool credentials_can_differ() noexcept {
    return was_privileged_at_load || was_privileged_at_exec() || caller_is_privileged();
}

} // namespace aioc
