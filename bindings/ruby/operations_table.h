/* SPDX-License-Identifier: MIT */
/* The operation table for the C files: run through the C preprocessor, as bindings/swig/operations.h. */
#define AIOC_OPERATION(CODE, name, uses, credentials, parameters, assignments) AIOCLONE_OPERATION(name, #parameters, #uses)
#include "core/operations.def"
