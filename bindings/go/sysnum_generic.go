// SPDX-License-Identifier: MIT

//go:build !amd64

package aioclone

// System calls that package syscall has no names for: asm-generic/unistd.h, for arm64 and riscv64.
const (
	sysPreadv2 = 286
	sysStatx   = 291
)
