// SPDX-License-Identifier: MIT
// A slot's operation as plain system calls.
#pragma once
#include "workload.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

inline constexpr unsigned stat_mask = STATX_BASIC_STATS | STATX_BTIME; // as the library asks for

inline int64_t plain(Slot& slot) {
    const auto offset = static_cast<off_t>(slot.offset);
    const auto answer = [](int64_t result) { return result < 0 ? -errno : result; };
    switch (slot.op) {
    case Op::nop:
        syscall(SYS_getppid);
        return 0;
    case Op::read:
        return answer(pread(slot.fd, slot.buffer, slot.length, offset));
    case Op::write: {
        if (slot.rw_flags == 0) {
            return answer(pwrite(slot.fd, slot.buffer, slot.length, offset));
        }
        const iovec vector{slot.buffer, slot.length};
        return answer(pwritev2(slot.fd, &vector, 1, offset, slot.rw_flags));
    }
    case Op::write_then_sync: {
        const ssize_t written = pwrite(slot.fd, slot.buffer, slot.length, offset);
        return written < 0 ? -errno : answer(fdatasync(slot.fd));
    }
    case Op::fdatasync:
        return answer(fdatasync(slot.fd));
    case Op::stat:
        return answer(statx(AT_FDCWD, slot.path, AT_NO_AUTOMOUNT, stat_mask, &slot.status));
    case Op::open:
        return answer(open(slot.path, O_RDONLY | O_CLOEXEC));
    case Op::fstat:
        return answer(statx(slot.fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, stat_mask, &slot.status));
    case Op::close:
        return answer(close(slot.fd));
    case Op::load:
        break;
    }
    return -ENOSYS;
}
