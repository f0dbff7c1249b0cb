/* SPDX-License-Identifier: MIT */
/* One function for each operation: its general form. C++ because the operation table is. */
#include <aioclone.h>

struct iovec;
struct statvfs;
struct statx;
#include <time.h>

extern "C" {
aioc_request aioclone_submit(aioc_context *ctx, aioc_operation *op);

static void begin(aioc_operation *op, uint32_t code, aioc_callback callback, void *user_data) {
    const aioc_operation zero = AIOC_OPERATION_INIT;
    *op = zero;
    op->code = code;
    op->callback = callback;
    op->user_data = user_data;
}

#include "submit.inc"
}
