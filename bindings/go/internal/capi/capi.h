/* SPDX-License-Identifier: MIT */
/*
 * What the Go package keeps in C's memory. A block is what one thread hands over and takes back in one call: goroutines
 * fill it, and read it afterwards, without another crossing.
 */
#ifndef AIOC_GO_CAPI_H
#define AIOC_GO_CAPI_H
#ifndef SWIG
#include <aioclone.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum { CAPI_BATCH = 64 }; /* operations and completions of a block; types.go has the same */

typedef struct capi_block {
    aioc_operation operations[CAPI_BATCH];
    aioc_request requests[CAPI_BATCH];
    aioc_completion completions[CAPI_BATCH];
    uint32_t taken; /* of the completions */
    uint32_t index; /* of the block */
    char paths[4 * PATH_MAX];
} capi_block;
#endif

/* A free block. NULL: no memory. Any thread. */
capi_block *capi_block_take(void);
void capi_block_give(capi_block *block);

/* aioc_exchange and aioc_reap with its arrays. */
int capi_exchange(aioc_context *ctx, capi_block *block, uint32_t count);
int capi_reap(aioc_context *ctx, capi_block *block);

/* At the start of a page if it is one or more, so that O_DIRECT can use it. 0: no memory. */
uintptr_t capi_allocate(size_t bytes);
void capi_deallocate(uintptr_t memory);

/* Numbers that types.go must agree with, by position; -1 after the last. */
int capi_layout(uint32_t position);
#endif
