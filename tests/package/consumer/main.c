#include <aioclone.h>

int main(void) {
    aioc_context *ctx;
    if (aioc_create(&ctx, NULL) < 0) return 1;
    if (aioc_nop(ctx, NULL, NULL) <= 0) return 1;
    if (aioc_poll_wait(ctx, -1) != 1 || aioc_poll_cb(ctx) != 1) return 1;
    return aioc_destroy(ctx) == 0 ? 0 : 1;
}
