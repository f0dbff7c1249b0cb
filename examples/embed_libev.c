/* SPDX-License-Identifier: MIT */
/* The library in a libev loop. */
#define _GNU_SOURCE
#include <aioclone.h>
#include <ev.h>
#include <stdio.h>
#include <sys/stat.h>

static int good;
static aioc_context *ctx;

static void stated(const aioc_completion *done, void *user_data) {
    good += done->result == 0 && S_ISDIR(((struct statx *)user_data)->stx_mode);
}

static void readable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)events;
    aioc_poll_cb(ctx);
    if (aioc_nreqs(ctx) == 0) ev_io_stop(loop, watcher);
}

int main(void) {
    struct statx status[2];
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    ev_io watcher;
    if (!loop || aioc_create(&ctx, NULL) < 0) return 1;
    ev_io_init(&watcher, readable, aioc_poll_fileno(ctx), EV_READ);
    ev_io_start(loop, &watcher);
    aioc_stat(ctx, "/", &status[0], stated, &status[0]);
    aioc_stat(ctx, "/etc", &status[1], stated, &status[1]);
    ev_run(loop, 0);
    ev_loop_destroy(loop);
    aioc_destroy(ctx);
    printf("%d directories\n", good);
    return good == 2 ? 0 : 1;
}
