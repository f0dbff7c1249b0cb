// SPDX-License-Identifier: MIT
// Worker zone: copy, one file.
#include "composite/copy_file.hpp"

namespace aioc {
namespace {

AIOC_INLINE long copy_open(Request& r, long in) noexcept {
    struct statx file;
    if (const long error = zone::status_of(in, copied_mask, &file); error < 0) {
        return error;
    }
    if (!zone::has_type(file, S_IFREG)) {
        return zone::has_type(file, S_IFDIR) ? -EISDIR : -EINVAL;
    }
    zone::Split at;
    if (const long error = zone::split_path(extra_of(r).path2, &at); error < 0) {
        return error;
    }
    if (at.slash) {
        return -EISDIR;
    }
    const bool sync = (r.operation_flags & AIOC_COPY_SYNC) != 0; // which needs a descriptor for reading
    const long to = zone::open_at(extra_of(r).fd2, at.directory, (sync ? O_RDONLY : O_PATH) | O_DIRECTORY);
    if (to < 0) {
        return to;
    }
    Copier copier;
    copier.flags = r.operation_flags;
    copier.stop = &r.composite->stop;
    copier.progress = &r.composite->bytes;
    copier.bytes = 0;
    copier.no_reflink = copier.no_copy_range = false;
    copier.buffer = nullptr;
    long result = copy_regular(&copier, in, file, to, at.name);
    if (result == 0 && sync) {
        result = zone::sync_directory(to);
    }
    end_copier(&copier);
    zone::close_file(to);
    return result < 0 ? result : static_cast<long>(copier.bytes);
}

} // namespace

long execute_copy(Request& r) noexcept {
    // A FIFO must not keep it waiting: it is refused.
    const long in = zone::open_at(r.fd, r.path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (in < 0) {
        return in;
    }
    const long result = copy_open(r, in);
    zone::close_file(in);
    return result;
}

} // namespace aioc
