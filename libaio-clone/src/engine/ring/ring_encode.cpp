// SPDX-License-Identifier: MIT
#include "engine/ring/ring_encode.hpp"

#include "engine/ring/ring_buffers.hpp"
#include "engine/ring/ring_files.hpp"
#include "sys/memory.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

namespace aioc {
namespace {

constexpr uint8_t no_opcode = 0xff;

struct Row {
    uint16_t operation;
    uint8_t opcode;
    bool takes_file; // the descriptor may be a registered one
};
constexpr Row rows[] = {
    {AIOC_OP_NOP, IORING_OP_NOP, false},
    {AIOC_OP_OPEN, IORING_OP_OPENAT, false},
    {AIOC_OP_CLOSE, IORING_OP_CLOSE, false},
    {AIOC_OP_READ, IORING_OP_READ, true},
    {AIOC_OP_WRITE, IORING_OP_WRITE, true},
    {AIOC_OP_READAHEAD, no_opcode, false}, // FADVISE WILLNEED accepts what readahead(2) refuses
    {AIOC_OP_STAT, IORING_OP_STATX, false},
    {AIOC_OP_LSTAT, IORING_OP_STATX, false},
    {AIOC_OP_FSTAT, IORING_OP_STATX, false},
    {AIOC_OP_UNLINK, IORING_OP_UNLINKAT, false},
    {AIOC_OP_FSYNC, IORING_OP_FSYNC, true},
    {AIOC_OP_FDATASYNC, IORING_OP_FSYNC, true},
};
constexpr bool complete() {
    uint16_t next = 1;
    for (const Row& row : rows) {
        if (row.operation != next++) {
            return false;
        }
    }
    return true;
}
static_assert(complete(), "one row per operation, in the order of their codes");
#define AIOC_OPERATION(CODE, ...) static_assert(AIOC_OP_##CODE <= sizeof rows / sizeof *rows);
#include "core/operations.def"
#undef AIOC_OPERATION

// Flags that mean on a ring what they mean to preadv2(2). NOWAIT does not: a buffered write answers
// EAGAIN where pwritev2 says EOPNOTSUPP; HIPRI wants an IOPOLL ring. Unknown ones are the kernel's to refuse.
constexpr uint32_t rwf_served =
    RWF_DSYNC | RWF_SYNC | RWF_APPEND | ring_abi::rwf_noappend | ring_abi::rwf_atomic | ring_abi::rwf_dontcache;

// MAX_RW_COUNT: a plain call transfers no more. Longer ones are left to it, for it also checks that all
// the bytes beyond could be the program's (access_ok).
uint64_t longest_transfer() noexcept { return uint64_t{INT32_MAX} & ~(uint64_t{sys::page_bytes()} - 1); }

bool encodes_transfer(const Request& r) noexcept {
    // An offset of -1 would mean the file's own position.
    return (r.operation_flags & ~rwf_served) == 0 && r.length <= longest_transfer() && r.offset >= 0;
}

void encode_transfer(const Request& r, const RingBuffers& buffers, io_uring_sqe* ret) noexcept {
    char* const at = static_cast<char*>(r.buffer) + r.partial;
    const uint64_t length = r.length - r.partial;
    ret->addr = reinterpret_cast<uintptr_t>(at);
    ret->len = static_cast<uint32_t>(length);
    ret->off = static_cast<uint64_t>(r.offset) + r.partial;
    ret->rw_flags = static_cast<int>(r.operation_flags);
    if (const int index = buffers.registered_index(at, length); index >= 0) {
        ret->opcode = r.operation == AIOC_OP_READ ? IORING_OP_READ_FIXED : IORING_OP_WRITE_FIXED;
        ret->buf_index = static_cast<uint16_t>(index);
    }
}

// The flags and the mask of worker/execute.cpp.
void encode_statx(const Request& r, const char* path, uint32_t flags, io_uring_sqe* ret) noexcept {
    ret->addr = reinterpret_cast<uintptr_t>(path);
    ret->len = STATX_BASIC_STATS | STATX_BTIME;
    ret->off = reinterpret_cast<uintptr_t>(r.buffer);
    ret->statx_flags = flags | AT_NO_AUTOMOUNT;
}

} // namespace

int probe_operations(io_uring* ring, uint64_t* ret_operations) noexcept {
    constexpr unsigned opcodes = 256;
    auto* const probe =
        static_cast<io_uring_probe*>(calloc(1, sizeof(io_uring_probe) + opcodes * sizeof(io_uring_probe_op)));
    if (!probe) {
        return -ENOMEM;
    }
    const int error = io_uring_register_probe(ring, probe, opcodes);
    uint64_t operations = 0;
    if (error >= 0) {
        // Before 5.15.90 and from 5.16 to 6.0 a program that was just written, closed by the ring and
        // executed gave ETXTBSY (libuv, src/unix/linux.c).
        const bool close_is_sound = io_uring_opcode_supported(probe, ring_abi::op_sendmsg_zc);
        for (const Row& row : rows) {
            const bool is_there = row.opcode != no_opcode && io_uring_opcode_supported(probe, row.opcode);
            if (is_there && (row.operation != AIOC_OP_CLOSE || close_is_sound)) {
                operations |= uint64_t{1} << row.operation;
            }
        }
    }
    free(probe);
    *ret_operations = operations;
    return error < 0 ? error : 0;
}

bool encodes(const Request& r) noexcept {
    switch (r.operation) {
    case AIOC_OP_READ:
    case AIOC_OP_WRITE:
        return encodes_transfer(r);
    case AIOC_OP_OPEN:
        return r.held_fd < 0; // a FIFO, known to wait for its other end: a worker's
    case AIOC_OP_FSTAT:
        return r.fd >= 0; // AT_EMPTY_PATH with AT_FDCWD would name the working directory
    default:
        return r.operation >= 1 && r.operation <= sizeof rows / sizeof *rows;
    }
}

bool has_position(int fd, bool to_read) noexcept {
    struct statx file{};
    if (sys::call(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE, &file) < 0) {
        return true;
    }
    if (S_ISBLK(file.stx_mode)) {
        return true;
    }
    return S_ISREG(file.stx_mode) && (!to_read || file.stx_size > 0) &&
           sys::call(SYS_lseek, fd, 0L, SEEK_CUR) != -ESPIPE;
}

void encode(const Request& r, const RingBuffers& buffers, const RingFiles& files, io_uring_sqe* ret) noexcept {
    const Row& row = rows[r.operation - 1];
    memset(ret, 0, sizeof *ret);
    ret->opcode = row.opcode;
    ret->fd = r.fd;
    ret->user_data = reinterpret_cast<uintptr_t>(&r);
    switch (r.operation) {
    case AIOC_OP_OPEN:
        ret->addr = reinterpret_cast<uintptr_t>(r.path);
        ret->open_flags = r.operation_flags;
        ret->len = r.mode;
        break;
    case AIOC_OP_READ:
    case AIOC_OP_WRITE:
        encode_transfer(r, buffers, ret);
        break;
    case AIOC_OP_STAT:
        encode_statx(r, r.path, 0, ret);
        break;
    case AIOC_OP_LSTAT:
        encode_statx(r, r.path, AT_SYMLINK_NOFOLLOW, ret);
        break;
    case AIOC_OP_FSTAT:
        encode_statx(r, "", AT_EMPTY_PATH, ret);
        break;
    case AIOC_OP_UNLINK:
        ret->addr = reinterpret_cast<uintptr_t>(r.path);
        break;
    case AIOC_OP_FDATASYNC:
        ret->fsync_flags = IORING_FSYNC_DATASYNC;
        break;
    default: // NOP, CLOSE, FSYNC
        break;
    }
    if (row.takes_file) {
        if (const int slot = files.slot_of(r.fd); slot >= 0) {
            ret->fd = slot;
            ret->flags |= IOSQE_FIXED_FILE;
        }
    }
}

} // namespace aioc
