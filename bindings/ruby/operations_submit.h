/* SPDX-License-Identifier: MIT */
/* The operation table as C++ functions that fill the general form of each operation and hand it to aioclone_submit: run
 * through the C preprocessor, as bindings/swig/operations.h. With AIOCLONE_DECLARE their declarations. */
#define AIOC_WITH_CONTEXT(...) (aioc_context *ctx, __VA_ARGS__ __VA_OPT__(,) aioc_callback callback, void *user_data)
#ifdef AIOCLONE_DECLARE
#define AIOCLONE_BODY(CODE, assignments) ;
#else
#define AIOCLONE_BODY(CODE, assignments)                                                                               \
    {                                                                                                                  \
        aioc_operation op;                                                                                             \
        begin(&op, AIOC_OP_##CODE, callback, user_data);                                                               \
        assignments;                                                                                                   \
        return aioclone_submit(ctx, &op);                                                                              \
    }
#endif
#define AIOC_OPERATION(CODE, name, uses, credentials, parameters, assignments)                                         \
    aioc_request aioclone_submit_##name AIOC_WITH_CONTEXT parameters AIOCLONE_BODY(CODE, assignments)
#include "core/operations.def"
