// SPDX-License-Identifier: MIT
// Worker zone: replace, a file's new content in one step. A reader, and the disk after a crash, has the old content or
// the new: it is written and synced under no name or another one, and then renamed.
#include "composite/temporary.hpp"

namespace aioc {
namespace {

constexpr unsigned mode_of_new = 0666; // and the umask

struct Draft {
    long fd;
    bool has_name;
    zone::TemporaryName name;
};

AIOC_INLINE void write_digits(char* to, unsigned long number) noexcept {
    char digits[20];
    int count = 0;
    do {
        digits[count++] = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    *to = '\0';
}

// A file without a name leaves nothing when the process is killed. Where there is none, it has one from the start.
AIOC_INLINE long open_draft(long dir, unsigned mode, Draft* ret) noexcept {
    ret->has_name = false;
    ret->fd = zone::open_at(dir, ".", O_WRONLY | O_TMPFILE, mode);
    if (ret->fd == -EOPNOTSUPP || ret->fd == -EISDIR || ret->fd == -ENOENT || ret->fd == -EINVAL) {
        ret->fd = zone::open_temporary(dir, mode, &ret->name);
        ret->has_name = ret->fd >= 0;
    }
    return ret->fd < 0 ? ret->fd : 0;
}

// linkat(2) by descriptor needs a capability before Linux 6.10; through /proc it needs none.
AIOC_INLINE long give_name(long dir, Draft* draft) noexcept {
    char by_proc[40];
    zone::copy_bytes(by_proc, "/proc/self/fd/", 14);
    write_digits(by_proc + 14, static_cast<unsigned long>(draft->fd));
    long result = -EEXIST;
    for (int i = 0; i < zone::temporary_attempts && result == -EEXIST; ++i) {
        zone::draw_name(&draft->name);
        result = sys::call(SYS_linkat, AT_FDCWD, by_proc, dir, draft->name.text, AT_SYMLINK_FOLLOW);
        if (result == -ENOENT) { // no /proc
            result = sys::call(SYS_linkat, draft->fd, "", dir, draft->name.text, AT_EMPTY_PATH);
        }
    }
    draft->has_name = result == 0;
    return result;
}

// Mode 0 asks for the mode of the file that is there.
AIOC_INLINE long set_mode(const Request& r, long dir, const char* name, long fd) noexcept {
    if (r.mode != 0) {
        return sys::call(SYS_fchmod, fd, r.mode & 07777);
    }
    struct statx old;
    if (zone::status_at(dir, name, STATX_TYPE | STATX_MODE, &old) == 0 && zone::has_type(old, S_IFREG)) {
        return sys::call(SYS_fchmod, fd, old.stx_mode & 0777);
    }
    return 0;
}

AIOC_INLINE long fill(const Request& r, long dir, const char* name, Draft* draft) noexcept {
    long result = set_mode(r, dir, name, draft->fd);
    if (result == 0) {
        result = zone::write_all(draft->fd, static_cast<const char*>(r.buffer), r.length, r.composite->stop,
                                 &r.composite->bytes);
    }
    if (result == 0) {
        result = sys::call(SYS_fsync, draft->fd);
    }
    if (result == 0 && must_stop(r)) {
        result = -ECANCELED;
    }
    if (result == 0 && !draft->has_name) {
        result = give_name(dir, draft);
    }
    return result;
}

AIOC_INLINE long replace_in(const Request& r, long dir, const char* name) noexcept {
    Draft draft;
    if (const long error = open_draft(dir, r.mode != 0 ? 0600 : mode_of_new, &draft); error < 0) {
        return error;
    }
    long result = fill(r, dir, name, &draft);
    if (result == 0) {
        result = sys::call(SYS_renameat2, dir, draft.name.text, dir, name, 0);
    }
    if (result < 0 && draft.has_name) {
        zone::unlink_at(dir, draft.name.text);
    }
    const long closed = sys::call(SYS_close, draft.fd); // some servers say here that a write failed
    if (result == 0) {
        result = zone::sync_directory(dir);
    }
    return result == 0 && closed < 0 && closed != -EINTR ? closed : result;
}

} // namespace

long execute_replace(Request& r) noexcept {
    zone::Split at;
    if (const long error = zone::split_path(r.path, &at); error < 0) {
        return error;
    }
    if (at.slash) {
        return -EISDIR;
    }
    const long dir = zone::open_at(r.fd, at.directory, O_RDONLY | O_DIRECTORY);
    if (dir < 0) {
        return dir;
    }
    const long result = replace_in(r, dir, at.name);
    zone::close_file(dir);
    return result < 0 ? result : static_cast<long>(r.length);
}

} // namespace aioc
