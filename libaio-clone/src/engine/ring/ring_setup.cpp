// SPDX-License-Identifier: MIT
#include "engine/ring/ring_setup.hpp"

#include "engine/ring/ring_encode.hpp"
#include "engine/ring/ring_order.hpp"
#include "sys/syscall.hpp"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace aioc {
namespace {

struct Rung {
    const char* name;
    uint32_t flags;
};

// SQPOLL is on no rung: its thread keeps the credentials of the ring's creation (CVE-2024-22017).
// IOPOLL neither: it serves O_DIRECT only.
constexpr uint32_t sized = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
constexpr uint32_t deferred = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
constexpr Rung ladder[rungs] = {
    {"deferred, without an array", deferred | IORING_SETUP_SUBMIT_ALL | sized | ring_abi::setup_no_sqarray},  // 6.6
    {"deferred", deferred | IORING_SETUP_SUBMIT_ALL | sized},                                                 // 6.1
    {"cooperative", IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | sized}, // 5.19
    {"submit all", IORING_SETUP_SUBMIT_ALL | sized},                                                          // 5.18
    {"sized", sized},                                                                                         // 5.6
    {"plain", 0},
};

// What only a ring of one thread may have. COOP_TASKRUN is among them: with it a completion waits until
// the thread that submitted enters the kernel, while another thread may be the one that polls.
constexpr uint32_t for_one_thread = deferred | IORING_SETUP_COOP_TASKRUN;

uint32_t flags_of(uint32_t rung, const RingSettings& settings) noexcept {
    return settings.single_threaded ? ladder[rung].flags : ladder[rung].flags & ~for_one_thread;
}

bool sysctl_forbids() noexcept {
    const int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC); // Linux 6.6
    char digit = '0';
    if (fd >= 0) {
        if (read(fd, &digit, 1) != 1) {
            digit = '0';
        }
        close(fd);
    }
    return digit != '0';
}

const char* reason_for(int error) noexcept {
    switch (-error) {
    case EPERM:
    case EACCES:
        return sysctl_forbids() ? "io_uring is turned off by the sysctl kernel.io_uring_disabled"
                                : "io_uring is not permitted here (a seccomp filter, as containers have, or an LSM)";
    case ENOSYS:
        return "no io_uring: the kernel has none, or a seccomp filter hides it";
    case EOPNOTSUPP:
        return "io_uring is not supported here (a sandbox answers EOPNOTSUPP)";
    case ENOMEM:
        return "not enough memory for a ring, or RLIMIT_MEMLOCK is too low (many kernels count it there)";
    case EMFILE:
    case ENFILE:
        return "no descriptor is left for a ring";
    case EINVAL:
        return "the kernel accepts none of our sets of ring flags";
    default:
        return "io_uring does not work here";
    }
}

// Versions are asked for defects only, never for what there is. Lost write completions (5.11 to 5.15.2,
// MariaDB MDEV-26674) and hanging thread exits (5.13 to 5.15, liburing#582) are mended in 5.15.90; kernels
// of distributions that call themselves older and have 5.17's LINKED_FILE have the mended code.
bool has_known_defects(uint32_t features) noexcept {
    if ((features & IORING_FEAT_LINKED_FILE) != 0) {
        return false;
    }
    utsname name{};
    if (uname(&name) != 0) {
        return true;
    }
    char* at = name.release;
    const unsigned long major = strtoul(at, &at, 10);
    const unsigned long minor = *at == '.' ? strtoul(at + 1, &at, 10) : 0;
    const unsigned long patch = *at == '.' ? strtoul(at + 1, &at, 10) : 0;
    return major < 5 || (major == 5 && (minor < 15 || (minor == 15 && patch < 90)));
}

// One rung. 0 or -errno.
int try_rung(const RingSettings& settings, uint32_t rung, uint32_t entries, RingSetup* ret) noexcept {
    io_uring_params params{};
    params.flags = flags_of(rung, settings);
    if ((params.flags & IORING_SETUP_CQSIZE) != 0) {
        const uint32_t wanted = settings.cq_entries ? settings.cq_entries : settings.max_in_flight;
        params.cq_entries = wanted > entries ? wanted : entries;
    }
    const int fd = io_uring_setup(entries, &params);
    if (fd < 0) {
        return fd;
    }
    if (const int error = io_uring_queue_mmap(fd, &params, &ret->ring); error < 0) {
        close(fd);
        return error;
    }
    ring_mapped();
    ret->ring.features = params.features;
    ret->rung = rung;
    ret->flags = params.flags;
    // A child of a fork has the descriptor, but never the memory.
    if (const int error = io_uring_ring_dontfork(&ret->ring); error < 0) {
        tear_down_ring(ret);
        return error;
    }
    // Entry and slot have the same number for ever: nothing is left to write there at submission, and
    // liburing 2.3, which knows no NO_SQARRAY, is not asked to (it would overwrite the head).
    if ((params.flags & ring_abi::setup_no_sqarray) == 0) {
        for (uint32_t i = 0; i < params.sq_entries; ++i) {
            ret->ring.sq.array[i] = i;
        }
    }
    return 0;
}

int climb_down(const RingSettings& settings, uint32_t entries, RingSetup* ret) noexcept {
    int error = -EINVAL;
    uint32_t tried = UINT32_MAX;
    for (uint32_t rung = settings.rung < rungs ? settings.rung : rungs - 1; rung < rungs; ++rung) {
        if (flags_of(rung, settings) == tried) {
            continue;
        }
        tried = flags_of(rung, settings);
        error = try_rung(settings, rung, entries, ret);
        if (error != -EINVAL) {
            break; // it works, or less flags do not help
        }
    }
    return error;
}

// The kernel threads of io-wq belong to the submitting thread and are shared with the rings that its
// program has. All that we submit is bounded work (regular files, block devices, paths), so the limit of
// unbounded work, RLIMIT_NPROC, is left alone. Not set before Linux 5.15; then it is min(entries, 4 * CPUs).
void limit_io_workers(io_uring* ring, uint32_t most) noexcept {
    unsigned values[2] = {0, 0};
    if (io_uring_register_iowq_max_workers(ring, values) < 0) { // zeros: only tells
        return;
    }
    if (values[0] > most) {
        values[0] = most;
        values[1] = 0;
        io_uring_register_iowq_max_workers(ring, values);
    }
}

// Is everything there that the engine relies on?
int inspect(const RingSettings& settings, RingSetup* setup, const char** ret_reason) noexcept {
    const io_uring& ring = setup->ring;
    if ((ring.features & IORING_FEAT_NODROP) == 0 || has_known_defects(ring.features)) {
        *ret_reason = "this kernel's io_uring has known defects (fixed in Linux 5.15.90)";
        return -ENOSYS;
    }
    // A filter may let a ring be made and then refuse its use.
    int error = io_uring_enter(static_cast<unsigned>(ring.ring_fd), 0, 0, 0, nullptr);
    if (error == 0) {
        error = probe_operations(&setup->ring, &setup->operations);
    }
    if (error < 0) {
        *ret_reason = reason_for(error);
        return error;
    }
    fstat(ring.ring_fd, &setup->identity);
    limit_io_workers(&setup->ring, settings.io_workers_max);
    // The index of a registered ring is the thread's own, so only one thread can use it.
    if (settings.single_threaded && io_uring_register_ring_fd(&setup->ring) == 1) {
        setup->enter_flags |= IORING_ENTER_REGISTERED_RING;
    }
    return 0;
}

} // namespace

const char* rung_name(uint32_t rung) noexcept { return rung < rungs ? ladder[rung].name : "none"; }

// Before Linux 5.12, and again on 6.18 (measured), an unprivileged ring counts against RLIMIT_MEMLOCK, which
// is 64 KiB in many containers: then a smaller one is tried.
int set_up_ring(const RingSettings& settings, RingSetup* ret, const char** ret_reason) noexcept {
    int error = climb_down(settings, settings.entries, ret);
    constexpr uint32_t few = 32;
    if (error == -ENOMEM && settings.entries > few) {
        RingSettings smaller = settings;
        smaller.max_in_flight = smaller.cq_entries = few * 4;
        error = climb_down(smaller, few, ret);
    }
    if (error < 0) {
        *ret_reason = reason_for(error);
        return error;
    }
    error = inspect(settings, ret, ret_reason);
    if (error < 0) {
        tear_down_ring(ret);
    } else {
        *ret_reason = "works";
    }
    return error;
}

int enter_ring(const RingSetup& setup, unsigned count, unsigned flags) noexcept {
    const auto index = static_cast<unsigned>(setup.ring.enter_ring_fd);
    const int taken = io_uring_enter(index, count, 0, flags | setup.enter_flags, nullptr);
    if ((taken == -EINVAL || taken == -EBADF) && setup.enter_flags != 0) {
        // Another thread than the one that registered the ring: it has no such index.
        return io_uring_enter(static_cast<unsigned>(setup.ring.ring_fd), count, 0, flags, nullptr);
    }
    return taken;
}

int wait_in_ring(const RingSetup& setup, const sys::Timeout* timeout) noexcept {
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | setup.enter_flags;
    if ((setup.ring.features & ring_abi::feat_no_iowait) != 0) {
        flags |= ring_abi::enter_no_iowait; // an idle program is not one that waits for the disk
    }
    io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<uintptr_t>(timeout); // the same layout as __kernel_timespec
    const int result = io_uring_enter2(static_cast<unsigned>(setup.ring.enter_ring_fd), 0, 1, flags,
                                       reinterpret_cast<sigset_t*>(&argument), sizeof argument);
    return result < 0 ? result : 0;
}

void tear_down_ring(RingSetup* setup) noexcept {
    ring_unmapped();
    io_uring_queue_exit(&setup->ring);
}

} // namespace aioc
