#include <aioclone.h>
#include <stdio.h>

static aioc_context *ctx;
static char text[64];

static void was_read(const aioc_completion *done, void *user_data) {
    (void)user_data;
    printf("%.*s\n", done->result > 0 ? (int)done->result : 0, text);
}

static void opened(const aioc_completion *done, void *user_data) {
    if (done->result < 0) printf("%s: %s\n", (const char *)user_data, aioc_strerror(done->result));
    else aioc_read(ctx, (int)done->result, text, sizeof text, 0, was_read, NULL);
}

int main(void) {
    if (aioc_create(&ctx, NULL) < 0) return 1;
    aioc_open(ctx, "/etc/passwd", 0 /* O_RDONLY */, 0, opened, "/etc/passwd");
    while (aioc_poll_wait(ctx, -1) > 0) aioc_poll_cb(ctx); /* or in your event loop */
    return aioc_destroy(ctx) < 0;
}
