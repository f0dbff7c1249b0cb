// SPDX-License-Identifier: MIT
#pragma once
// Worker zone (see execute.cpp): what is known of a file beside its content.
#include "worker/job_queue.hpp"

#include <asm/statfs.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/statvfs.h>

namespace aioc {

// stat(2): stat and lstat act as with AT_NO_AUTOMOUNT, which statx(2) must be told.
AIOC_INLINE long plain_statx(int fd, const char* path, int flags, void* ret) noexcept {
    return sys::call(SYS_statx, fd, path, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME, ret);
}
AIOC_INLINE long execute_stat(const Request& r) noexcept { return plain_statx(r.fd, r.path, 0, r.buffer); }
AIOC_INLINE long execute_lstat(const Request& r) noexcept {
    return plain_statx(r.fd, r.path, AT_SYMLINK_NOFOLLOW, r.buffer);
}
AIOC_INLINE long execute_fstat(const Request& r) noexcept {
    // AT_EMPTY_PATH with AT_FDCWD would name the working directory.
    return r.fd < 0 ? -EBADF : plain_statx(r.fd, "", AT_EMPTY_PATH, r.buffer);
}
AIOC_INLINE long execute_statx(const Request& r) noexcept {
    return sys::call(SYS_statx, r.fd, r.path, r.operation_flags, r.mode, r.buffer);
}

// As glibc's statvfs(3) makes it of statfs(2). Asked by an O_PATH descriptor where a directory descriptor is given: no
// read permission is needed.
AIOC_INLINE void convert(const struct statfs& from, struct statvfs* ret) noexcept {
    constexpr unsigned long valid = 0x20; // ST_VALID: f_flags is filled
    // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): the kernel has filled it
    ret->f_bsize = static_cast<unsigned long>(from.f_bsize);
    ret->f_frsize = static_cast<unsigned long>(from.f_frsize ? from.f_frsize : from.f_bsize);
    ret->f_blocks = static_cast<fsblkcnt_t>(from.f_blocks);
    ret->f_bfree = static_cast<fsblkcnt_t>(from.f_bfree);
    ret->f_bavail = static_cast<fsblkcnt_t>(from.f_bavail);
    ret->f_files = static_cast<fsfilcnt_t>(from.f_files);
    ret->f_ffree = ret->f_favail = static_cast<fsfilcnt_t>(from.f_ffree);
    ret->f_fsid = static_cast<unsigned>(from.f_fsid.val[0]) |
                  static_cast<unsigned long>(static_cast<unsigned>(from.f_fsid.val[1])) << 32;
    ret->f_flag = static_cast<unsigned long>(from.f_flags) & ~valid;
    ret->f_namemax = static_cast<unsigned long>(from.f_namelen);
}
AIOC_INLINE long execute_fstatvfs(const Request& r) noexcept {
    struct statfs found;
    const long result = sys::call(SYS_fstatfs, r.fd, &found);
    if (result == 0) {
        convert(found, static_cast<struct statvfs*>(r.buffer));
    }
    return result;
}
AIOC_INLINE long execute_statvfs(const Request& r) noexcept {
    struct statfs found;
    const long arguments[4] = {sys::word(&found), 0, 0, 0};
    const long result = aioc_zone_call_by_proc(&r, SYS_statfs, arguments);
    if (result == 0) {
        convert(found, static_cast<struct statvfs*>(r.buffer));
    }
    return result;
}

AIOC_INLINE long execute_chmod(const Request& r) noexcept {
    return r.operation_flags == 0 ? sys::call(SYS_fchmodat, r.fd, r.path, r.mode)
                                  : sys::call(SYS_fchmodat2, r.fd, r.path, r.mode, r.operation_flags);
}
AIOC_INLINE long execute_fchmod(const Request& r) noexcept { return sys::call(SYS_fchmod, r.fd, r.mode); }
AIOC_INLINE long change_owner(const Request& r, uint32_t flags) noexcept {
    const Extra& e = extra_of(r);
    return sys::call(SYS_fchownat, r.fd, r.path, e.uid, e.gid, r.operation_flags | flags);
}
AIOC_INLINE long execute_chown(const Request& r) noexcept { return change_owner(r, 0); }
AIOC_INLINE long execute_lchown(const Request& r) noexcept { return change_owner(r, AT_SYMLINK_NOFOLLOW); }
AIOC_INLINE long execute_fchown(const Request& r) noexcept {
    const Extra& e = extra_of(r);
    return sys::call(SYS_fchown, r.fd, e.uid, e.gid);
}

AIOC_INLINE const void* times_of(const Request& r) noexcept {
    const Extra& e = extra_of(r);
    return e.has_times != 0 ? e.times : nullptr;
}
AIOC_INLINE long execute_utimens(const Request& r) noexcept {
    return sys::call(SYS_utimensat, r.fd, r.path, times_of(r), r.operation_flags);
}
AIOC_INLINE long execute_futimens(const Request& r) noexcept {
    // AT_FDCWD without a path would be another error than that of a bad descriptor.
    return r.fd < 0 ? -EBADF : sys::call(SYS_utimensat, r.fd, 0L, times_of(r), 0);
}

AIOC_INLINE long execute_truncate(const Request& r) noexcept {
    const long arguments[4] = {sys::word(r.length), 0, 0, 0};
    return aioc_zone_call_by_proc(&r, SYS_truncate, arguments);
}
AIOC_INLINE long execute_ftruncate(const Request& r) noexcept { return sys::call(SYS_ftruncate, r.fd, r.length); }

// xattr(7): path, name, value, length, flags.
AIOC_INLINE long call_for_attribute(const Request& r, long number, const char* name) noexcept {
    const long arguments[4] = {sys::word(name), sys::word(r.buffer), sys::word(r.length), sys::word(r.operation_flags)};
    return aioc_zone_call_by_proc(&r, number, arguments);
}
AIOC_INLINE long execute_getxattr(const Request& r) noexcept {
    return call_for_attribute(r, SYS_getxattr, extra_of(r).path2);
}
AIOC_INLINE long execute_lgetxattr(const Request& r) noexcept {
    return call_for_attribute(r, SYS_lgetxattr, extra_of(r).path2);
}
AIOC_INLINE long execute_fgetxattr(const Request& r) noexcept {
    return sys::call(SYS_fgetxattr, r.fd, extra_of(r).path2, r.buffer, r.length);
}
AIOC_INLINE long execute_setxattr(const Request& r) noexcept {
    return call_for_attribute(r, SYS_setxattr, extra_of(r).path2);
}
AIOC_INLINE long execute_lsetxattr(const Request& r) noexcept {
    return call_for_attribute(r, SYS_lsetxattr, extra_of(r).path2);
}
AIOC_INLINE long execute_fsetxattr(const Request& r) noexcept {
    return sys::call(SYS_fsetxattr, r.fd, extra_of(r).path2, r.buffer, r.length, r.operation_flags);
}
AIOC_INLINE long list_attributes(const Request& r, long number) noexcept {
    const long arguments[4] = {sys::word(r.buffer), sys::word(r.length), 0, 0};
    return aioc_zone_call_by_proc(&r, number, arguments);
}
AIOC_INLINE long execute_listxattr(const Request& r) noexcept { return list_attributes(r, SYS_listxattr); }
AIOC_INLINE long execute_llistxattr(const Request& r) noexcept { return list_attributes(r, SYS_llistxattr); }
AIOC_INLINE long execute_flistxattr(const Request& r) noexcept {
    return sys::call(SYS_flistxattr, r.fd, r.buffer, r.length);
}
AIOC_INLINE long execute_removexattr(const Request& r) noexcept {
    return call_for_attribute(r, SYS_removexattr, extra_of(r).path2);
}
AIOC_INLINE long execute_lremovexattr(const Request& r) noexcept {
    return call_for_attribute(r, SYS_lremovexattr, extra_of(r).path2);
}
AIOC_INLINE long execute_fremovexattr(const Request& r) noexcept {
    return sys::call(SYS_fremovexattr, r.fd, extra_of(r).path2);
}

} // namespace aioc
