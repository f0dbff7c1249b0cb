/* SPDX-License-Identifier: MIT */
/* A program with two workers, for a debugger to look at. */
#include "fault.h"

int main(void) {
    char byte;
    aioc_context *const ctx = workers_context(2, 0);
    CHECK(aioc_min_parallel(ctx, 2) == 0);
    wait_for_workers(2);
    printf("ready\n");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    start_many(ctx, 64);
    drain(ctx);
    return aioc_destroy(ctx) == 0 ? 0 : 1;
}
