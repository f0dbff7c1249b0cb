/* SPDX-License-Identifier: MIT */
#include "capi.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Blocks are in the program's own data, where the library need not ask the kernel whether they are mapped. So many
 * threads are rarely in a call at once; further ones get a block from the heap.
 */
enum { STATIC_BLOCKS = 64 };
static capi_block blocks[STATIC_BLOCKS];
static atomic_bool taken[STATIC_BLOCKS];

capi_block *capi_block_take(void) {
    for (uint32_t i = 0; i < STATIC_BLOCKS; ++i) {
        if (!atomic_load_explicit(&taken[i], memory_order_relaxed) && !atomic_exchange(&taken[i], 1)) {
            blocks[i].index = i;
            return &blocks[i];
        }
    }
    capi_block *const block = malloc(sizeof *block);
    if (block) {
        block->index = STATIC_BLOCKS;
    }
    return block;
}

void capi_block_give(capi_block *block) {
    if (block->index < STATIC_BLOCKS) {
        atomic_store(&taken[block->index], 0);
    } else {
        free(block);
    }
}

int capi_exchange(aioc_context *ctx, capi_block *block, uint32_t count) {
    block->completions[0].size = sizeof *block->completions;
    block->taken = 0;
    return aioc_exchange(ctx, block->operations, count, block->requests, block->completions, CAPI_BATCH, &block->taken);
}

int capi_reap(aioc_context *ctx, capi_block *block) {
    block->completions[0].size = sizeof *block->completions;
    return aioc_reap(ctx, block->completions, CAPI_BATCH);
}

uintptr_t capi_allocate(size_t bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = NULL;
    if (bytes < page) {
        memory = malloc(bytes);
    } else if (posix_memalign(&memory, page, bytes) != 0) {
        return 0;
    }
    return (uintptr_t)memory;
}

void capi_deallocate(uintptr_t memory) {
    free((void *)memory);
}

int capi_layout(uint32_t position) {
#define AT(type, member) (int)offsetof(type, member)
    static const int numbers[] = {
        CAPI_BATCH,
        sizeof(aioc_operation),
        AT(aioc_operation, code),
        AT(aioc_operation, flags),
        AT(aioc_operation, fd),
        AT(aioc_operation, operation_flags),
        AT(aioc_operation, mode),
        AT(aioc_operation, path),
        AT(aioc_operation, buffer),
        AT(aioc_operation, length),
        AT(aioc_operation, offset),
        AT(aioc_operation, callback),
        AT(aioc_operation, user_data),
        AT(aioc_operation, path2),
        AT(aioc_operation, offset2),
        AT(aioc_operation, argument),
        AT(aioc_operation, fd2),
        AT(aioc_operation, uid),
        AT(aioc_operation, gid),
        AT(aioc_operation, priority),
        AT(aioc_operation, group),
        AT(aioc_operation, timeout_ns),
        sizeof(aioc_completion),
        AT(aioc_completion, operation),
        AT(aioc_completion, engine),
        AT(aioc_completion, request),
        AT(aioc_completion, result),
        AT(aioc_completion, user_data),
        sizeof(capi_block),
        AT(capi_block, requests),
        AT(capi_block, completions),
        AT(capi_block, taken),
        AT(capi_block, index),
        AT(capi_block, paths),
        sizeof(aioc_options),
        AT(aioc_options, device_workers),
        sizeof(aioc_statistics),
        AT(aioc_statistics, timed_out),
        sizeof(aioc_engine_report),
        AT(aioc_engine_report, reason),
        sizeof(aioc_group_report),
        AT(aioc_group_report, first_failed),
        sizeof(aioc_report),
        AT(aioc_report, path),
        sizeof(aioc_entry),
        AT(aioc_entry, error),
        sizeof(aioc_buffer_report),
        AT(aioc_buffer_report, buffer_size),
        -1,
    };
    return position < sizeof numbers / sizeof *numbers ? numbers[position] : -1;
}
