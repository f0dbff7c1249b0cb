// SPDX-License-Identifier: MIT
#pragma once
// What <liburing.h> 2.3 (Debian 12, headers of Linux 6.1) lacks. Numbers are the kernel's ABI
// (include/uapi/linux/io_uring.h, include/uapi/linux/fs.h); whether the running kernel has them is probed.
#include <liburing.h>

#include <linux/fs.h>
#include <stdint.h>

namespace aioc::ring_abi {

constexpr uint32_t setup_no_sqarray = 1u << 16; // Linux 6.6

constexpr uint32_t feat_no_iowait = 1u << 17; // Linux 6.15
constexpr uint32_t enter_no_iowait = 1u << 7; // with it

// Opcode 48 came with Linux 6.1: tells a kernel whose CLOSE is sound (ring_encode.cpp).
constexpr uint8_t op_sendmsg_zc = 48;
constexpr uint8_t op_ftruncate = 55; // Linux 6.9

// RWF_ flags of preadv2(2). The first three are in every header.
constexpr uint32_t rwf_noappend = 0x20;  // Linux 6.9
constexpr uint32_t rwf_atomic = 0x40;    // Linux 6.11
constexpr uint32_t rwf_dontcache = 0x80; // Linux 6.14

} // namespace aioc::ring_abi
