/* SPDX-License-Identifier: MIT */
/* The library in a GLib main loop. */
#define _GNU_SOURCE
#include <aioclone.h>
#include <glib-unix.h>
#include <stdio.h>
#include <sys/stat.h>

static int good;
static aioc_context *ctx;

static void stated(const aioc_completion *done, void *user_data) {
    good += done->result == 0 && S_ISDIR(((struct statx *)user_data)->stx_mode);
}

static gboolean readable(gint fd, GIOCondition condition, gpointer loop) {
    (void)fd;
    (void)condition;
    aioc_poll_cb(ctx);
    if (aioc_nreqs(ctx) > 0)
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

int main(void) {
    struct statx status[2];
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    if (aioc_create(&ctx, NULL) < 0)
        return 1;
    g_unix_fd_add(aioc_poll_fileno(ctx), G_IO_IN, readable, loop);
    aioc_stat(ctx, "/", &status[0], stated, &status[0]);
    aioc_stat(ctx, "/etc", &status[1], stated, &status[1]);
    g_main_loop_run(loop);
    g_main_loop_unref(loop);
    aioc_destroy(ctx);
    printf("%d directories\n", good);
    return good == 2 ? 0 : 1;
}
