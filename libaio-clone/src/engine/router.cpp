// SPDX-License-Identifier: MIT
#include "engine/router.hpp"

#include "core/operation_table.hpp"

#include <iterator>
#include <linux/fs.h>

namespace aioc {
namespace {

enum RingUse : uint8_t {
    ring_never,   // no opcode, or not the same answer
    ring_forced,  // workers do as well: only if the ring is asked for
    ring_crowded, // the same, or when no worker is left for it
    ring_direct,  // O_DIRECT and what is known not to be cached
};

struct Rule {
    uint8_t operation;
    uint16_t nanoseconds; // of the plain call, hot
    bool moves_data;      // and more for its bytes
    Pace pace;            // of the plain call, as a rule
    RingUse ring;
    bool shares; // pays to run on two cores at once
};

// What changes or reads names and attributes: as fast on workers as on a ring, and never answered inline.
constexpr Rule metadata(uint8_t operation, RingUse ring = ring_never) {
    return {operation, 5000, false, pace_quick, ring, false};
}
// What waits for a device, a server, a lock or a clock.
constexpr Rule slow(uint8_t operation, RingUse ring = ring_never) {
    return {operation, 40000, false, pace_slow, ring, false};
}
// What changes the process, in memory.
constexpr Rule light(uint8_t operation, RingUse ring = ring_never) {
    return {operation, 700, false, pace_quick, ring, false};
}
// Costs are measured (docs/benchmarks.md); only their proportions matter.
constexpr Rule rules[] = {
    {AIOC_OP_NOP, 50, false, pace_quick, ring_forced, false},
    {AIOC_OP_OPEN, 3300, false, pace_quick, ring_crowded, true},
    {AIOC_OP_CLOSE, 700, false, pace_quick, ring_forced, true},
    {AIOC_OP_READ, 1000, true, pace_quick, ring_direct, true},
    {AIOC_OP_WRITE, 1800, true, pace_quick, ring_direct, true},
    {AIOC_OP_READAHEAD, 40000, false, pace_slow, ring_never, false},
    {AIOC_OP_STAT, 1900, false, pace_quick, ring_crowded, true},
    {AIOC_OP_LSTAT, 1900, false, pace_quick, ring_crowded, true},
    {AIOC_OP_FSTAT, 600, false, pace_quick, ring_forced, true},
    {AIOC_OP_UNLINK, 9000, false, pace_quick, ring_crowded, false},
    {AIOC_OP_FSYNC, 40000, false, pace_slow, ring_crowded, false},
    {AIOC_OP_FDATASYNC, 40000, false, pace_slow, ring_crowded, false},
    metadata(AIOC_OP_MKDIR, ring_crowded),
    metadata(AIOC_OP_RMDIR, ring_crowded),
    metadata(AIOC_OP_RENAME, ring_crowded),
    metadata(AIOC_OP_LINK, ring_crowded),
    metadata(AIOC_OP_SYMLINK, ring_crowded),
    metadata(AIOC_OP_MKNOD),
    metadata(AIOC_OP_READLINK),
    metadata(AIOC_OP_REALPATH),
    metadata(AIOC_OP_READDIR),
    metadata(AIOC_OP_OPENAT2),
    metadata(AIOC_OP_FLINK),
    metadata(AIOC_OP_STATX, ring_crowded),
    metadata(AIOC_OP_STATVFS),
    metadata(AIOC_OP_FSTATVFS),
    metadata(AIOC_OP_CHMOD),
    metadata(AIOC_OP_FCHMOD),
    metadata(AIOC_OP_CHOWN),
    metadata(AIOC_OP_LCHOWN),
    metadata(AIOC_OP_FCHOWN),
    metadata(AIOC_OP_UTIMENS),
    metadata(AIOC_OP_FUTIMENS),
    metadata(AIOC_OP_TRUNCATE),
    metadata(AIOC_OP_FTRUNCATE, ring_crowded),
    metadata(AIOC_OP_GETXATTR, ring_crowded),
    metadata(AIOC_OP_LGETXATTR),
    metadata(AIOC_OP_FGETXATTR, ring_crowded),
    metadata(AIOC_OP_SETXATTR, ring_crowded),
    metadata(AIOC_OP_LSETXATTR),
    metadata(AIOC_OP_FSETXATTR, ring_crowded),
    metadata(AIOC_OP_LISTXATTR),
    metadata(AIOC_OP_LLISTXATTR),
    metadata(AIOC_OP_FLISTXATTR),
    metadata(AIOC_OP_REMOVEXATTR),
    metadata(AIOC_OP_LREMOVEXATTR),
    metadata(AIOC_OP_FREMOVEXATTR),
    {AIOC_OP_READV, 1500, false, pace_quick, ring_direct, false},
    {AIOC_OP_WRITEV, 2500, false, pace_quick, ring_direct, false},
    light(AIOC_OP_SEEK),
    slow(AIOC_OP_FALLOCATE, ring_crowded),
    metadata(AIOC_OP_FADVISE, ring_forced),
    slow(AIOC_OP_SYNC),
    slow(AIOC_OP_SYNCFS),
    slow(AIOC_OP_SYNC_FILE_RANGE, ring_crowded),
    slow(AIOC_OP_SENDFILE),
    slow(AIOC_OP_COPY_FILE_RANGE),
    slow(AIOC_OP_SPLICE, ring_forced),
    slow(AIOC_OP_TEE, ring_forced),
    slow(AIOC_OP_FICLONE),
    slow(AIOC_OP_FICLONERANGE),
    metadata(AIOC_OP_FIEMAP),
    light(AIOC_OP_DUP),
    light(AIOC_OP_DUP3),
    slow(AIOC_OP_FCNTL),
    slow(AIOC_OP_IOCTL),
    slow(AIOC_OP_FLOCK),
    slow(AIOC_OP_OFD_LOCK),
    metadata(AIOC_OP_NAME_TO_HANDLE),
    metadata(AIOC_OP_OPEN_BY_HANDLE),
    slow(AIOC_OP_FSVERITY_ENABLE),
    metadata(AIOC_OP_FSVERITY_MEASURE),
    slow(AIOC_OP_MSYNC),
    slow(AIOC_OP_MADVISE, ring_forced),
    slow(AIOC_OP_MTOUCH),
    slow(AIOC_OP_MLOCK),
    light(AIOC_OP_MUNLOCK),
    slow(AIOC_OP_MLOCKALL),
    light(AIOC_OP_MUNLOCKALL),
    slow(AIOC_OP_BUSY),
    slow(AIOC_OP_READ_FULL),
    slow(AIOC_OP_WRITE_FULL),
    {AIOC_OP_LOAD, 5000, false, pace_quick, ring_never, true},
    metadata(AIOC_OP_SCANDIR),
    slow(AIOC_OP_REPLACE),
    slow(AIOC_OP_PATHSYNC),
    slow(AIOC_OP_COPY),
    slow(AIOC_OP_COPY_TREE),
    slow(AIOC_OP_MOVE),
    slow(AIOC_OP_REMOVE_TREE),
    slow(AIOC_OP_WALK_NEXT),
};

constexpr bool complete() {
    for (uint32_t i = 0; i < std::size(rules); ++i) {
        if (rules[i].operation != i + 1) {
            return false;
        }
    }
    return true;
}
static_assert(complete(), "one rule per operation, in the order of their codes");
#define AIOC_OPERATION(CODE, ...) static_assert(AIOC_OP_##CODE <= std::size(rules));
#include "core/operations.def"
#undef AIOC_OPERATION

constexpr uint64_t bytes_per_ns = 12;

const Rule& rule_of(const Request& r) noexcept { return rules[r.operation - 1]; }

// RWF_DSYNC, RWF_SYNC: the write waits for the device.
bool is_durable(const Request& r) noexcept {
    return (r.operation == AIOC_OP_WRITE || r.operation == AIOC_OP_WRITEV) &&
           (r.operation_flags & (RWF_DSYNC | RWF_SYNC)) != 0;
}

bool wants_ring(const Request& r, RingUse use, const Circumstances& is) noexcept {
    if (is.remote) {
        return false; // the ring's threads are few, and would all hang
    }
    switch (use) {
    case ring_never:
    case ring_forced:
        return false;
    case ring_crowded:
        return is.crowded;
    case ring_direct:
        return is.direct || (is.missed && r.operation == AIOC_OP_READ) || (is_durable(r) && is.crowded);
    }
    return false;
}

} // namespace

bool Router::shares(const Request& r) noexcept { return rule_of(r).shares; }

bool Router::only_looks(const Request& r) noexcept {
    return r.operation == AIOC_OP_READ || r.operation == AIOC_OP_STAT || r.operation == AIOC_OP_LSTAT;
}

uint32_t Router::cost_of(const Request& r) noexcept {
    const Rule& rule = rule_of(r);
    constexpr uint64_t bytes_max = uint64_t{1} << 30;
    const uint64_t bytes = r.length < bytes_max ? r.length : bytes_max;
    return rule.nanoseconds + static_cast<uint32_t>(rule.moves_data ? bytes / bytes_per_ns : 0);
}

bool Router::waits(const Request& r) noexcept { return rule_of(r).pace == pace_slow || is_durable(r); }

bool Router::is_brief(const Request& r) noexcept {
    switch (r.operation) {
    case AIOC_OP_OPEN: // maybe of a FIFO
    case AIOC_OP_OPENAT2:
    case AIOC_OP_OPEN_BY_HANDLE:
    case AIOC_OP_READ: // maybe from a pipe
    case AIOC_OP_READV:
    case AIOC_OP_WRITE:
    case AIOC_OP_WRITEV:
    case AIOC_OP_LOAD:
        return false;
    case AIOC_OP_FSYNC:
    case AIOC_OP_FDATASYNC:
    case AIOC_OP_SYNC_FILE_RANGE:
    case AIOC_OP_FALLOCATE:
        return true;
    default:
        return rule_of(r).pace == pace_quick;
    }
}

void Router::route(Request* r, const Circumstances& is) const noexcept {
    const Rule& rule = rule_of(*r);
    r->pace = is.direct || is.missed || is.remote || waits(*r) ? pace_slow : rule.pace;
    const bool ring = rule.ring != ring_never && (choice_.ring_for_all || wants_ring(*r, rule.ring, is));
    r->engine = choice_.ring && ring ? AIOC_ENGINE_RING : AIOC_ENGINE_WORKERS;
}

} // namespace aioc
