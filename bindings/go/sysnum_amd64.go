// SPDX-License-Identifier: MIT

package aioclone

// System calls that package syscall has no names for: linux/include/uapi/asm/unistd_64.h.
const (
	sysPreadv2 = 327
	sysStatx   = 332
)
