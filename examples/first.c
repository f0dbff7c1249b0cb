#include <aioclone.h>
#include <fcntl.h>
#include <stdio.h>

static void finished(const aioc_completion *done, void *user_data) {
    *(int64_t *)user_data = done->result; /* >= 0, or -errno */
}

int main(void) {
    aioc_context *ctx;
    int64_t fd, bytes, closed;
    char text[15];
    if (aioc_create(&ctx, NULL) < 0) return 1;
    aioc_open(ctx, "/etc/passwd", O_RDONLY, 0, finished, &fd);
    while (aioc_poll_wait(ctx, -1) > 0) aioc_poll_cb(ctx);
    aioc_read(ctx, (int)fd, text, sizeof text, 7, finished, &bytes);
    while (aioc_poll_wait(ctx, -1) > 0) aioc_poll_cb(ctx);
    aioc_close(ctx, (int)fd, finished, &closed);
    aioc_destroy(ctx); /* delivers what is outstanding */
    if (fd < 0 || bytes < 0) return 1;
    printf("%.*s\n", (int)bytes, text);
    return 0;
}
