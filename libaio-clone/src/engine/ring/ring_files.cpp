// SPDX-License-Identifier: MIT
#include "engine/ring/ring_files.hpp"

#include "sys/syscall.hpp"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace aioc {

RingFiles::~RingFiles() { free(slot_by_fd_); }

void RingFiles::open(uint32_t slots) noexcept { slots_ = slots < slots_max ? slots : slots_max; }

void RingFiles::forget() noexcept {
    free(slot_by_fd_);
    slot_by_fd_ = nullptr;
    known_ = slots_ = 0;
    memset(used_, 0, sizeof used_);
}

int RingFiles::suits(int fd) noexcept {
    struct statx file{};
    if (fd < 0 || sys::call(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &file) < 0) {
        return -EBADF;
    }
    const bool of_files = S_ISREG(file.stx_mode) || S_ISBLK(file.stx_mode);
    return of_files && sys::call(SYS_lseek, fd, 0L, SEEK_CUR) >= 0 ? 0 : -EINVAL;
}

int RingFiles::grow(uint32_t fds) noexcept {
    if (fds <= known_) {
        return 0;
    }
    constexpr uint32_t step = 1024;
    const uint32_t length = (fds + step - 1) / step * step;
    auto* const longer = static_cast<int16_t*>(realloc(slot_by_fd_, sizeof(int16_t) * length));
    if (!longer) {
        return -ENOMEM;
    }
    memset(longer + known_, 0, sizeof(int16_t) * (length - known_));
    slot_by_fd_ = longer;
    known_ = length;
    return 0;
}

int RingFiles::add(int fd) noexcept {
    if (slot_of(fd) >= 0) {
        return -EEXIST;
    }
    if (const int error = grow(static_cast<uint32_t>(fd) + 1); error < 0) {
        return error;
    }
    for (uint32_t slot = 0; slot < slots_; ++slot) {
        if (!used_[slot]) {
            used_[slot] = true;
            slot_by_fd_[fd] = static_cast<int16_t>(slot + 1);
            return static_cast<int>(slot);
        }
    }
    return -ENFILE;
}

void RingFiles::remove(int fd) noexcept {
    const int slot = slot_of(fd);
    if (slot >= 0) {
        used_[slot] = false;
        slot_by_fd_[fd] = 0;
    }
}

} // namespace aioc
