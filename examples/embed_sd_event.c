/* SPDX-License-Identifier: MIT */
/* The library in an sd-event loop. */
#define _GNU_SOURCE
#include <aioclone.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

static int good;
static aioc_context *ctx;

static void stated(const aioc_completion *done, void *user_data) {
    good += done->result == 0 && S_ISDIR(((struct statx *)user_data)->stx_mode);
}

static int readable(sd_event_source *source, int fd, uint32_t events, void *user_data) {
    (void)fd;
    (void)events;
    (void)user_data;
    aioc_poll_cb(ctx);
    return aioc_nreqs(ctx) > 0 ? 0 : sd_event_exit(sd_event_source_get_event(source), 0);
}

int main(void) {
    struct statx status[2];
    sd_event *loop = NULL;
    if (sd_event_new(&loop) < 0 || aioc_create(&ctx, NULL) < 0)
        return 1;
    if (sd_event_add_io(loop, NULL, aioc_poll_fileno(ctx), EPOLLIN, readable, NULL) < 0)
        return 1;
    aioc_stat(ctx, "/", &status[0], stated, &status[0]);
    aioc_stat(ctx, "/etc", &status[1], stated, &status[1]);
    if (sd_event_loop(loop) < 0)
        return 1;
    sd_event_unref(loop);
    aioc_destroy(ctx);
    printf("%d directories\n", good);
    return good == 2 ? 0 : 1;
}
