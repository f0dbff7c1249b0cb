/* SPDX-License-Identifier: MIT */
/* The library in a libuv loop. */
#define _GNU_SOURCE
#include <aioclone.h>
#include <stdio.h>
#include <sys/stat.h>
#include <uv.h>

static int good;
static aioc_context *ctx;

static void stated(const aioc_completion *done, void *user_data) {
    good += done->result == 0 && S_ISDIR(((struct statx *)user_data)->stx_mode);
}

static void readable(uv_poll_t *handle, int status, int events) {
    (void)status;
    (void)events;
    aioc_poll_cb(ctx);
    if (aioc_nreqs(ctx) == 0) uv_close((uv_handle_t *)handle, NULL);
}

int main(void) {
    struct statx status[2];
    uv_poll_t handle;
    if (aioc_create(&ctx, NULL) < 0) return 1;
    uv_poll_init(uv_default_loop(), &handle, aioc_poll_fileno(ctx));
    uv_poll_start(&handle, UV_READABLE, readable);
    aioc_stat(ctx, "/", &status[0], stated, &status[0]);
    aioc_stat(ctx, "/etc", &status[1], stated, &status[1]);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_loop_close(uv_default_loop());
    aioc_destroy(ctx);
    printf("%d directories\n", good);
    return good == 2 ? 0 : 1;
}
