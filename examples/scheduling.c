/* SPDX-License-Identifier: MIT */
/* Usage: scheduling FILE
 *
 * Reads the first bytes of a file and closes it, as a chain: the close cannot overtake the read. Both have to be done
 * within a second, and go before other requests. A group tells when everything is over. */
#include <aioclone.h>
#include <fcntl.h>
#include <stdio.h>

static char text[64];

static void finished(const aioc_completion *done, void *user_data) {
    printf("%s: %lld\n", (const char *)user_data, (long long)done->result);
}

static void all_over(const aioc_completion *done, void *user_data) {
    if (done->result < 0)
        printf("first error: %s\n", aioc_strerror(done->result));
    *(int *)user_data = done->result < 0;
}

int main(int argc, char **argv) {
    const int fd = open(argc > 1 ? argv[1] : "/etc/passwd", O_RDONLY | O_CLOEXEC);
    aioc_operation ops[2] = {AIOC_OPERATION_INIT, AIOC_OPERATION_INIT};
    aioc_context *ctx;
    int failed = 1;
    if (fd < 0 || aioc_create(&ctx, NULL) < 0)
        return 1;
    const aioc_request group = aioc_group(ctx, all_over, &failed);
    for (int i = 0; i < 2; ++i) {
        ops[i].fd = fd;
        ops[i].group = group;
        ops[i].priority = 4;
        ops[i].timeout_ns = 1000000000;
        ops[i].callback = finished;
    }
    ops[0].code = AIOC_OP_READ;
    ops[0].flags = AIOC_LINK; /* if it fails, the close is cancelled */
    ops[0].buffer = text;
    ops[0].length = sizeof text;
    ops[0].user_data = "read";
    ops[1].code = AIOC_OP_CLOSE;
    ops[1].user_data = "close";
    if (aioc_submit(ctx, ops, 2, NULL) != 2)
        return 1;
    aioc_group_close(ctx, group);
    while (aioc_poll_wait(ctx, -1) > 0)
        aioc_poll_cb(ctx);
    aioc_destroy(ctx);
    return failed;
}
