// SPDX-License-Identifier: MIT
#pragma once
#include "core/operation_uses.hpp"
#include "engine/ring/ring_abi.hpp"

namespace aioc {

class RingBuffers;
class RingFiles;

// Asks the kernel which opcodes it has: 0 and the operations, or -errno.
int probe_operations(io_uring* ring, OperationSet* ret_operations) noexcept;

// Would the ring's answer be the one of the plain call? (What the opcode is, and the arguments; the
// descriptor's file is another matter: has_position.)
bool encodes(const Request& r) noexcept;

inline bool is_read(uint32_t operation) noexcept { return operation == AIOC_OP_READ || operation == AIOC_OP_READV; }
inline bool is_transfer(uint32_t operation) noexcept {
    return is_read(operation) || operation == AIOC_OP_WRITE || operation == AIOC_OP_WRITEV;
}

// pread(2) and pwrite(2) refuse what has no position (-ESPIPE), while the ring would read a pipe or a
// terminal and ignore the offset: so only regular files and block devices are read and written by the
// ring. Of these it does not read what has no size: files of /proc answer pread(2) in pieces, and the
// ring puts the pieces together (need_complete_io, io_uring/rw.c). One statx(2) that asks no server, and
// one lseek(2). True also when the descriptor is bad: the ring says so.
bool has_position(int fd, bool to_read) noexcept;

// Fills the entry. Buffers and files that are registered are named as such.
void encode(const Request& r, const RingBuffers& buffers, const RingFiles& files, io_uring_sqe* ret) noexcept;

} // namespace aioc
