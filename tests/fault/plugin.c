/* SPDX-License-Identifier: MIT */
/* A plugin that uses the library, shared or with the static library inside. */
#include <aioclone.h>
#include <fcntl.h>

int plugin_start(const char *fifo, int count);

static aioc_context *ctx;

/* Four workers that end after 20 ms when idle, down to one. With a fifo one of them sits in its open. Returns the
 * poll descriptor. */
int plugin_start(const char *fifo, int count) {
    aioc_options options = AIOC_OPTIONS_INIT;
    options.engine = AIOC_ENGINE_WORKERS;
    options.max_workers = 4;
    options.idle_timeout_ms = 20;
    if (!ctx && aioc_create(&ctx, &options) != 0) {
        return -1;
    }
    if (aioc_min_parallel(ctx, 4) != 0 || aioc_min_parallel(ctx, 1) != 0) {
        return -1;
    }
    if (fifo && aioc_open(ctx, fifo, O_RDONLY | O_CLOEXEC, 0, NULL, NULL) < 0) {
        return -1;
    }
    for (int i = 0; i < count; ++i) {
        if (aioc_nop(ctx, NULL, NULL) < 0) {
            return -1;
        }
    }
    const int descriptor = aioc_poll_fileno(ctx); /* readable once, as something may have completed; a poll settles it */
    while (aioc_nreqs(ctx) > (fifo ? 1 : 0)) {
        aioc_poll_wait(ctx, 1000);
        aioc_poll_cb(ctx);
    }
    aioc_poll_cb(ctx);
    return descriptor;
}
