/* SPDX-License-Identifier: MIT */
/* A plugin that uses the library, shared or with the static library inside. */
#define _GNU_SOURCE /* O_DIRECT */
#include <aioclone.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int plugin_start(const char *fifo, int count);

static aioc_context *ctx;

static uint32_t engine_of(const char *name) {
    return !name || strcmp(name, "workers") == 0 ? AIOC_ENGINE_WORKERS
           : strcmp(name, "ring") == 0           ? AIOC_ENGINE_RING
                                                 : AIOC_ENGINE_AUTO;
}

/* Four workers that end after 20 ms when idle, down to one. With a fifo one of them sits in its open. Returns the
 * poll descriptor. */
int plugin_start(const char *fifo, int count) {
    aioc_options options = AIOC_OPTIONS_INIT;
    options.engine = engine_of(getenv("AIOC_FAULT_ENGINE"));
    options.max_workers = 4;
    options.idle_timeout_ms = 20;
    if (!ctx && aioc_create(&ctx, &options) != 0) {
        return -1;
    }
    if (aioc_min_parallel(ctx, 4) != 0 || aioc_min_parallel(ctx, 1) != 0) {
        return -1;
    }
    /* With O_CREAT the ring waits for its other end, in a thread of the kernel's; without, it is a worker's. */
    const int create = options.engine == AIOC_ENGINE_RING ? O_CREAT : 0;
    if (fifo && aioc_open(ctx, fifo, O_RDONLY | O_CLOEXEC | create, 0600, NULL, NULL) < 0) {
        return -1;
    }
    static _Alignas(4096) char page[4096];
    const int direct = open("/proc/self/exe", O_RDONLY | O_CLOEXEC | O_DIRECT); /* AUTO: the ring's */
    for (int i = 0; i < count; ++i) {
        if (aioc_nop(ctx, NULL, NULL) < 0 || aioc_fsync(ctx, -1, NULL, NULL) < 0 ||
            (direct >= 0 && aioc_read(ctx, direct, page, sizeof page, 0, NULL, NULL) < 0)) {
            return -1;
        }
    }
    const int descriptor =
        aioc_poll_fileno(ctx); /* readable once, as something may have completed; a poll settles it */
    while (aioc_nreqs(ctx) > (fifo ? 1 : 0)) {
        aioc_poll_wait(ctx, 1000);
        aioc_poll_cb(ctx);
    }
    aioc_poll_cb(ctx);
    if (direct >= 0) {
        close(direct);
    }
    return descriptor;
}
