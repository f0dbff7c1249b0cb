/* SPDX-License-Identifier: MIT */
/* The operation table as C declarations: run through the C preprocessor (cc -E -P -I libaio-clone/src) this
 * gives one prototype for each operation, which aioclone.i includes. SWIG's own preprocessor cannot do it: it has no
 * way to drop the comma of an operation without parameters. */
#define AIOC_WITH_CONTEXT(...) (aioc_context *ctx, __VA_ARGS__ __VA_OPT__(,) aioc_callback callback, void *user_data)
#define AIOC_OPERATION(CODE, name, uses, credentials, parameters, assignments)                                         \
    aioc_request aioc_##name AIOC_WITH_CONTEXT parameters;
#ifndef AIOC_SWIG_COMPOSITES /* a language that has typemaps for them defines it */
#define AIOC_WITHOUT_COMPOSITES
#endif
#include "core/operations.def"
