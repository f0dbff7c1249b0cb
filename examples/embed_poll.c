/* SPDX-License-Identifier: MIT */
/* The library in a poll(2) loop. */
#define _GNU_SOURCE
#include <aioclone.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

static int good;

static void stated(const aioc_completion *done, void *user_data) {
    good += done->result == 0 && S_ISDIR(((struct statx *)user_data)->stx_mode);
}

int main(void) {
    struct statx status[2];
    aioc_context *ctx;
    if (aioc_create(&ctx, NULL) < 0) return 1;
    aioc_stat(ctx, "/", &status[0], stated, &status[0]);
    aioc_stat(ctx, "/etc", &status[1], stated, &status[1]);
    struct pollfd descriptor = {aioc_poll_fileno(ctx), POLLIN, 0};
    while (aioc_nreqs(ctx) > 0)
        if (poll(&descriptor, 1, 5000) > 0) aioc_poll_cb(ctx);
    aioc_destroy(ctx);
    printf("%d directories\n", good);
    return good == 2 ? 0 : 1;
}
