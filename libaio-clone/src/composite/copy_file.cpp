// SPDX-License-Identifier: MIT
// Worker zone: one file, with what belongs to it.
#include "composite/copy_file.hpp"

#include "composite/temporary.hpp"

namespace aioc {
namespace {

constexpr unsigned set_user_id = 04000;
constexpr unsigned set_group_id = 02000;

AIOC_INLINE bool starts_with(const char* text, const char* prefix) noexcept {
    while (*prefix != '\0' && *text == *prefix) {
        ++text;
        ++prefix;
        __asm__ volatile("" ::: "memory");
    }
    return *prefix == '\0';
}

// Those of the system are set by those who may.
AIOC_INLINE bool may_fail(const char* name, long error) noexcept {
    return error == -EOPNOTSUPP || ((error == -EPERM || error == -EACCES) && !starts_with(name, "user."));
}

AIOC_INLINE long copy_xattrs(Copier* c, long in, long out) noexcept {
    if (!need_buffer(c)) {
        return -ENOMEM;
    }
    constexpr uint64_t names_bytes = 64 << 10; // XATTR_LIST_MAX, and XATTR_SIZE_MAX behind it
    char* const value = c->buffer + names_bytes;
    const long names = sys::call(SYS_flistxattr, in, c->buffer, names_bytes);
    if (names < 0) {
        return names == -EOPNOTSUPP || names == -ENOSYS ? 0 : names;
    }
    for (long at = 0; at < names;) {
        const char* const name = c->buffer + at;
        at += static_cast<long>(zone::length_of(name)) + 1;
        const long length = sys::call(SYS_fgetxattr, in, name, value, names_bytes);
        long result = length;
        if (length >= 0) {
            result = sys::call(SYS_fsetxattr, out, name, value, length, 0);
        }
        if (result < 0 && result != -ENODATA && !may_fail(name, result)) {
            return result;
        }
    }
    return 0;
}

// A set-user-ID bit is worth something only with the user it was set by.
AIOC_INLINE unsigned kept_mode(long out, const struct statx& file) noexcept {
    unsigned mode = file.stx_mode & 07777u;
    struct statx copy;
    if ((mode & (set_user_id | set_group_id)) != 0) {
        const bool known = zone::status_of(out, STATX_UID | STATX_GID, &copy) == 0;
        if (!known || copy.stx_uid != file.stx_uid) {
            mode &= ~set_user_id;
        }
        if (!known || copy.stx_gid != file.stx_gid || copy.stx_uid != file.stx_uid) {
            mode &= ~set_group_id;
        }
    }
    return mode;
}

AIOC_INLINE void times_of(const struct statx& file, int64_t* ret) noexcept {
    ret[0] = file.stx_atime.tv_sec;
    ret[1] = file.stx_atime.tv_nsec;
    ret[2] = file.stx_mtime.tv_sec;
    ret[3] = file.stx_mtime.tv_nsec;
}

// What is not allowed is left as it is: as with cp -p for others than root.
AIOC_INLINE long forgive_owner(long result) noexcept { return result == -EPERM || result == -EINVAL ? 0 : result; }

AIOC_INLINE long fill(Copier* c, long in, long out, const struct statx& file) noexcept {
    long error = copy_data(c, in, out, file);
    if (error == 0) {
        error = copy_attributes(c, in, out, file);
    }
    if (error == 0 && (c->flags & AIOC_COPY_SYNC) != 0) {
        error = sys::call(SYS_fsync, out);
    }
    const long closed = sys::call(SYS_close, out);
    return error == 0 && closed < 0 && closed != -EINTR ? closed : error;
}

AIOC_INLINE unsigned first_mode(const Copier* c, const struct statx& file) noexcept {
    return (c->flags & AIOC_COPY_MODE) != 0 ? 0600 : file.stx_mode & 0777u;
}

AIOC_INLINE long special_attributes(const Copier* c, const struct statx& file, long to, const char* name) noexcept {
    if ((c->flags & AIOC_COPY_OWNER) != 0) {
        const long error =
            forgive_owner(sys::call(SYS_fchownat, to, name, file.stx_uid, file.stx_gid, AT_SYMLINK_NOFOLLOW));
        if (error < 0) {
            return error;
        }
    }
    if ((c->flags & AIOC_COPY_TIMES) != 0) {
        int64_t times[4];
        times_of(file, times);
        return sys::call(SYS_utimensat, to, name, times, AT_SYMLINK_NOFOLLOW);
    }
    return 0;
}

AIOC_INLINE long make_special(Copier* c, long from, const char* name, const struct statx& file, long to,
                              const char* to_name) noexcept {
    if (!zone::has_type(file, S_IFLNK)) {
        const uint64_t device = (static_cast<uint64_t>(file.stx_rdev_major) << 8 & 0xfff00) |
                                (file.stx_rdev_minor & 0xff) |
                                static_cast<uint64_t>(file.stx_rdev_minor & 0xfff00) << 12;
        const unsigned kept = (c->flags & AIOC_COPY_MODE) != 0 ? 07777 : 0777;
        return sys::call(SYS_mknodat, to, to_name, file.stx_mode & (S_IFMT | kept), device);
    }
    if (!need_buffer(c)) {
        return -ENOMEM;
    }
    const long length = sys::call(SYS_readlinkat, from, name, c->buffer, copy_buffer_bytes - 1);
    if (length < 0) {
        return length;
    }
    c->buffer[length] = '\0';
    return sys::call(SYS_symlinkat, c->buffer, to, to_name);
}

// Over what is there: made under another name first.
template <typename Make> AIOC_INLINE long make_and_rename(long to, const char* to_name, Make make) noexcept {
    zone::TemporaryName temporary;
    long result = -EEXIST;
    for (int i = 0; i < zone::temporary_attempts && result == -EEXIST; ++i) {
        zone::draw_name(&temporary);
        result = make(temporary.text);
    }
    if (result == 0) {
        result = sys::call(SYS_renameat2, to, temporary.text, to, to_name, 0);
        if (result < 0) {
            zone::unlink_at(to, temporary.text);
        }
    }
    return result;
}

} // namespace

long copy_attributes(Copier* c, long in, long out, const struct statx& file) noexcept {
    long error = 0;
    if ((c->flags & AIOC_COPY_OWNER) != 0) {
        error = forgive_owner(sys::call(SYS_fchown, out, file.stx_uid, file.stx_gid));
    }
    if (error == 0 && (c->flags & AIOC_COPY_XATTRS) != 0) {
        error = copy_xattrs(c, in, out);
    }
    if (error == 0 && (c->flags & AIOC_COPY_MODE) != 0) { // after the owner, whose change takes bits away
        error = sys::call(SYS_fchmod, out, kept_mode(out, file));
    }
    if (error == 0 && (c->flags & AIOC_COPY_TIMES) != 0) {
        int64_t times[4];
        times_of(file, times);
        error = sys::call(SYS_utimensat, out, 0L, times, 0);
    }
    return error;
}

long copy_regular(Copier* c, long in, const struct statx& file, long to, const char* to_name) noexcept {
    const unsigned mode = first_mode(c, file);
    const auto copy_as = [&](const char* name) __attribute__((always_inline)) {
        const long out = zone::open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        if (out < 0) {
            return out;
        }
        const long error = fill(c, in, out, file);
        if (error < 0) {
            zone::unlink_at(to, name);
        }
        return error;
    };
    return (c->flags & AIOC_COPY_OVERWRITE) != 0 ? make_and_rename(to, to_name, copy_as) : copy_as(to_name);
}

long copy_special(Copier* c, long from, const char* name, const struct statx& file, long to,
                  const char* to_name) noexcept {
    const auto make_as = [&](const char* as) __attribute__((always_inline)) {
        long error = make_special(c, from, name, file, to, as);
        if (error == 0) {
            error = special_attributes(c, file, to, as);
            if (error < 0) {
                zone::unlink_at(to, as);
            }
        }
        return error;
    };
    return (c->flags & AIOC_COPY_OVERWRITE) != 0 ? make_and_rename(to, to_name, make_as) : make_as(to_name);
}

} // namespace aioc
