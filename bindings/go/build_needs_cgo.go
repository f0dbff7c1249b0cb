// SPDX-License-Identifier: MIT

//go:build !linux || !cgo

package aioclone

// The message of the build is this name.
var _ = libaioclone_needs_Linux_and_CGO_ENABLED_1_with_a_C_compiler_and_libaioclone_dev
