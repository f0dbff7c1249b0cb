/* SPDX-License-Identifier: MIT */
/* The operation table for the C files: run through the C preprocessor, as bindings/swig/operations.h. */
#define AIOC_OPERATION(CODE, name, uses, credentials, parameters, assignments) AIOCLONE_OPERATION(name, #parameters, #uses)
#ifndef AIOC_SWIG_COMPOSITES /* as in bindings/swig/operations.h: without typemaps for them yet */
#define AIOC_WITHOUT_COMPOSITES
#endif
#include "core/operations.def"
