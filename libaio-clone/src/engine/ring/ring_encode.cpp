// SPDX-License-Identifier: MIT
#include "engine/ring/ring_encode.hpp"

#include "engine/ring/ring_buffers.hpp"
#include "engine/ring/ring_files.hpp"
#include "sys/memory.hpp"

#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

namespace aioc {
namespace {

struct Row {
    uint16_t operation;
    uint8_t opcode;
    bool takes_file; // the descriptor may be a registered one
};
// What is not here has no opcode, or one that answers otherwise (docs/ring.md).
constexpr Row rows[] = {
    {AIOC_OP_NOP, IORING_OP_NOP, false},
    {AIOC_OP_OPEN, IORING_OP_OPENAT, false},
    {AIOC_OP_CLOSE, IORING_OP_CLOSE, false},
    {AIOC_OP_READ, IORING_OP_READ, true},
    {AIOC_OP_WRITE, IORING_OP_WRITE, true},
    {AIOC_OP_STAT, IORING_OP_STATX, false},
    {AIOC_OP_LSTAT, IORING_OP_STATX, false},
    {AIOC_OP_FSTAT, IORING_OP_STATX, false},
    {AIOC_OP_UNLINK, IORING_OP_UNLINKAT, false},
    {AIOC_OP_FSYNC, IORING_OP_FSYNC, true},
    {AIOC_OP_FDATASYNC, IORING_OP_FSYNC, true},
    {AIOC_OP_MKDIR, IORING_OP_MKDIRAT, false},
    {AIOC_OP_RMDIR, IORING_OP_UNLINKAT, false},
    {AIOC_OP_RENAME, IORING_OP_RENAMEAT, false},
    {AIOC_OP_LINK, IORING_OP_LINKAT, false},
    {AIOC_OP_SYMLINK, IORING_OP_SYMLINKAT, false},
    {AIOC_OP_STATX, IORING_OP_STATX, false},
    {AIOC_OP_FTRUNCATE, ring_abi::op_ftruncate, true},
    {AIOC_OP_GETXATTR, IORING_OP_GETXATTR, false},
    {AIOC_OP_FGETXATTR, IORING_OP_FGETXATTR, true},
    {AIOC_OP_SETXATTR, IORING_OP_SETXATTR, false},
    {AIOC_OP_FSETXATTR, IORING_OP_FSETXATTR, true},
    {AIOC_OP_READV, IORING_OP_READV, true},
    {AIOC_OP_WRITEV, IORING_OP_WRITEV, true},
    {AIOC_OP_FALLOCATE, IORING_OP_FALLOCATE, true},
    {AIOC_OP_FADVISE, IORING_OP_FADVISE, true},
    {AIOC_OP_SYNC_FILE_RANGE, IORING_OP_SYNC_FILE_RANGE, true},
    {AIOC_OP_SPLICE, IORING_OP_SPLICE, false},
    {AIOC_OP_TEE, IORING_OP_TEE, false},
    {AIOC_OP_MADVISE, IORING_OP_MADVISE, false},
};

struct RowIndex {
    const Row* by_operation[operations_max] = {};
};
constexpr RowIndex make_index() {
    RowIndex index;
    for (const Row& row : rows) {
        index.by_operation[row.operation] = &row;
    }
    return index;
}
constexpr RowIndex row_index = make_index();

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

// Lengths that the entry has 32 bits for, where the call has 64.
bool fits(const Request& r) noexcept { return r.length <= UINT32_MAX; }

bool encodes_vector(const Request& r) noexcept {
    constexpr uint64_t vectors_max = 1024; // IOV_MAX
    return (r.operation_flags & ~rwf_served) == 0 && r.length <= vectors_max && r.offset >= 0;
}

// The opcode takes no directory; a value or a room beyond XATTR_SIZE_MAX is the call's to judge.
bool encodes_attribute(const Request& r) noexcept {
    const bool named = r.operation == AIOC_OP_FGETXATTR || r.operation == AIOC_OP_FSETXATTR || r.fd == AT_FDCWD;
    return named && r.length <= XATTR_SIZE_MAX;
}

uint64_t address(const void* at) noexcept { return reinterpret_cast<uintptr_t>(at); }

// Names and ranges: what few operations have.
void encode_other(const Request& r, io_uring_sqe* ret) noexcept {
    switch (r.operation) {
    case AIOC_OP_RMDIR:
        ret->unlink_flags = AT_REMOVEDIR;
        [[fallthrough]];
    case AIOC_OP_UNLINK:
        ret->addr = address(r.path);
        break;
    case AIOC_OP_MKDIR:
        ret->addr = address(r.path);
        ret->len = r.mode;
        break;
    case AIOC_OP_RENAME:
    case AIOC_OP_LINK:
        ret->addr = address(r.path);
        ret->len = static_cast<uint32_t>(extra_of(r).fd2);
        ret->addr2 = address(extra_of(r).path2);
        ret->rename_flags = r.operation_flags; // hardlink_flags lies there too
        break;
    case AIOC_OP_SYMLINK:
        ret->fd = extra_of(r).fd2;
        ret->addr = address(r.path);
        ret->addr2 = address(extra_of(r).path2);
        break;
    case AIOC_OP_GETXATTR:
    case AIOC_OP_SETXATTR:
        ret->fd = 0;
        ret->addr3 = address(r.path);
        [[fallthrough]];
    case AIOC_OP_FGETXATTR:
    case AIOC_OP_FSETXATTR:
        ret->addr = address(extra_of(r).path2);
        ret->addr2 = address(r.buffer);
        ret->len = static_cast<uint32_t>(r.length);
        ret->xattr_flags = r.operation_flags;
        break;
    case AIOC_OP_FALLOCATE:
        ret->off = static_cast<uint64_t>(r.offset);
        ret->addr = r.length;
        ret->len = r.operation_flags;
        break;
    case AIOC_OP_FTRUNCATE:
        ret->off = r.length;
        break;
    case AIOC_OP_FADVISE:
    case AIOC_OP_SYNC_FILE_RANGE:
        ret->off = static_cast<uint64_t>(r.offset);
        ret->len = static_cast<uint32_t>(r.length);
        ret->fadvise_advice = r.operation_flags; // sync_range_flags lies there too
        break;
    case AIOC_OP_MADVISE:
        ret->fd = -1;
        ret->addr = address(r.buffer);
        ret->len = static_cast<uint32_t>(r.length);
        ret->fadvise_advice = r.operation_flags;
        break;
    case AIOC_OP_SPLICE:
        ret->splice_off_in = static_cast<uint64_t>(r.offset);
        ret->off = static_cast<uint64_t>(extra_of(r).offset2);
        [[fallthrough]];
    case AIOC_OP_TEE:
        ret->fd = extra_of(r).fd2;
        ret->splice_fd_in = r.fd;
        ret->len = static_cast<uint32_t>(r.length);
        ret->splice_flags = r.operation_flags;
        break;
    default: // NOP, CLOSE, FSYNC
        break;
    }
}

// The flags and the mask of worker/execute_attributes.hpp.
void encode_statx(const Request& r, const char* path, uint32_t flags, io_uring_sqe* ret) noexcept {
    ret->addr = reinterpret_cast<uintptr_t>(path);
    ret->len = STATX_BASIC_STATS | STATX_BTIME;
    ret->off = reinterpret_cast<uintptr_t>(r.buffer);
    ret->statx_flags = flags | AT_NO_AUTOMOUNT;
}

} // namespace

int probe_operations(io_uring* ring, OperationSet* ret_operations) noexcept {
    constexpr unsigned opcodes = 256;
    auto* const probe =
        static_cast<io_uring_probe*>(calloc(1, sizeof(io_uring_probe) + opcodes * sizeof(io_uring_probe_op)));
    if (!probe) {
        return -ENOMEM;
    }
    const int error = io_uring_register_probe(ring, probe, opcodes);
    OperationSet operations;
    if (error >= 0) {
        // Before 5.15.90 and from 5.16 to 6.0 a program that was just written, closed by the ring and
        // executed gave ETXTBSY (libuv, src/unix/linux.c).
        const bool close_is_sound = io_uring_opcode_supported(probe, ring_abi::op_sendmsg_zc);
        for (const Row& row : rows) {
            const bool is_there = io_uring_opcode_supported(probe, row.opcode) != 0;
            if (is_there && (row.operation != AIOC_OP_CLOSE || close_is_sound)) {
                operations.add(row.operation);
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
    case AIOC_OP_READV:
    case AIOC_OP_WRITEV:
        return encodes_vector(r);
    case AIOC_OP_GETXATTR:
    case AIOC_OP_FGETXATTR:
    case AIOC_OP_SETXATTR:
    case AIOC_OP_FSETXATTR:
        return encodes_attribute(r);
    case AIOC_OP_FADVISE:
    case AIOC_OP_SYNC_FILE_RANGE:
    case AIOC_OP_MADVISE:
        return fits(r);
    case AIOC_OP_SPLICE:
    case AIOC_OP_TEE:
        return fits(r) && (r.operation_flags & SPLICE_F_FD_IN_FIXED) == 0;
    default:
        return row_index.by_operation[r.operation] != nullptr;
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
    const Row& row = *row_index.by_operation[r.operation];
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
    case AIOC_OP_STATX:
        ret->addr = reinterpret_cast<uintptr_t>(r.path);
        ret->len = r.mode;
        ret->off = reinterpret_cast<uintptr_t>(r.buffer);
        ret->statx_flags = r.operation_flags;
        break;
    case AIOC_OP_READV:
    case AIOC_OP_WRITEV:
        ret->addr = reinterpret_cast<uintptr_t>(r.buffer);
        ret->len = static_cast<uint32_t>(r.length);
        ret->off = static_cast<uint64_t>(r.offset);
        ret->rw_flags = static_cast<int>(r.operation_flags);
        break;
    case AIOC_OP_FDATASYNC:
        ret->fsync_flags = IORING_FSYNC_DATASYNC;
        break;
    default:
        encode_other(r, ret);
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
