// SPDX-License-Identifier: MIT
#pragma once
// Code that the worker zone uses must not become a comdat function: the linker could pick a copy
// that another file compiled with a stack protector or a sanitizer. So it is always inlined.
#define AIOC_INLINE [[gnu::always_inline]] inline
