// SPDX-License-Identifier: MIT
// Worker zone: pathsync, what is at a path and its name in its directory, on the device.
#include "composite/zone.hpp"

namespace aioc {
namespace {

// fsync(2) needs a descriptor, of any kind; a file may be writable only.
AIOC_INLINE long sync_path(const Request& r) noexcept {
    long fd = zone::open_at(r.fd, r.path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd == -EACCES) {
        fd = zone::open_at(r.fd, r.path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    }
    if (fd < 0) {
        return fd;
    }
    const long result = sys::call(SYS_fsync, fd);
    zone::close_file(fd);
    return result;
}

} // namespace

long execute_pathsync(Request& r) noexcept {
    long result = sync_path(r);
    zone::Split at;
    if (result < 0 || zone::split_path(r.path, &at) < 0) {
        return result; // "/" and ".." have no name of their own to be synced
    }
    if (must_stop(r)) {
        return -ECANCELED;
    }
    const long directory = zone::open_at(r.fd, at.directory, O_RDONLY | O_DIRECTORY);
    if (directory < 0) {
        return directory;
    }
    result = zone::sync_directory(directory);
    zone::close_file(directory);
    return result;
}

} // namespace aioc
