/* SPDX-License-Identifier: MIT */
/* The operation table as elements of a C array: run through the C preprocessor, as bindings/swig/operations.h. */
#define AIOC_OPERATION(CODE, name, uses, credentials, parameters, assignments) {#name, #parameters},
#include "core/operations.def"
