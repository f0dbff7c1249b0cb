/* SPDX-License-Identifier: MIT */
/* Trees: list, copy, move and remove them, with progress on the way.
 * cc tree.c $(pkg-config --cflags --libs aioclone); ./a.out list DIRECTORY | copy FROM TO | move FROM TO | remove PATH
 */
#include <aioclone.h>

#include <stdio.h>
#include <string.h>

static void finished(const aioc_completion *done, void *user_data) { *(int64_t *)user_data = done->result; }

/* Polls until it is finished; an event loop would watch aioc_poll_fileno. */
static int64_t wait_for(aioc_context *ctx, aioc_request id, int64_t *result) {
    while (id > 0 && aioc_nreqs(ctx) > 0) {
        aioc_report report = AIOC_REPORT_INIT;
        if (aioc_poll_wait(ctx, 200) == 0 && aioc_progress(ctx, id, &report) == 0) {
            fprintf(stderr, "%llu items, %llu bytes\n", (unsigned long long)report.items,
                    (unsigned long long)report.bytes);
        }
        aioc_poll_cb(ctx);
    }
    return id > 0 ? *result : id;
}

static int64_t list(aioc_context *ctx, const char *root) {
    aioc_walk *walk;
    int64_t result = aioc_walk_create(ctx, root, 0, &walk);
    if (result < 0) {
        return result;
    }
    for (;;) {
        aioc_entries *entries = NULL;
        uint64_t i;
        result = wait_for(ctx, aioc_walk_next(ctx, walk, &entries, finished, &result), &result);
        if (result <= 0) {
            break;
        }
        for (i = 0; i < aioc_entries_count(entries); ++i) {
            const aioc_entry *const e = aioc_entries_at(entries, i);
            if (e->error < 0) {
                fprintf(stderr, "%s/%s: %s\n", e->directory, e->name, aioc_strerror(e->error));
            } else {
                printf("%s%s%s\n", e->directory, *e->directory ? "/" : "", e->name);
            }
        }
        aioc_free(entries);
    }
    aioc_walk_destroy(ctx, walk);
    return result;
}

int main(int argc, char **argv) {
    aioc_context *ctx;
    aioc_report *report = NULL;
    int64_t result = -1;
    const char *const what = argc > 2 ? argv[1] : "";
    if (aioc_create(&ctx, NULL) < 0) {
        return 1;
    }
    if (strcmp(what, "list") == 0) {
        result = list(ctx, argv[2]);
    } else if (strcmp(what, "copy") == 0 && argc > 3) {
        result =
            wait_for(ctx, aioc_copy_tree(ctx, argv[2], argv[3], AIOC_COPY_ALL, &report, finished, &result), &result);
    } else if (strcmp(what, "move") == 0 && argc > 3) {
        result = wait_for(ctx, aioc_move(ctx, argv[2], argv[3], 0, &report, finished, &result), &result);
    } else if (strcmp(what, "remove") == 0) {
        result = wait_for(ctx, aioc_remove_tree(ctx, argv[2], &report, finished, &result), &result);
    } else {
        fprintf(stderr, "usage: %s list DIRECTORY | copy FROM TO | move FROM TO | remove PATH\n", argv[0]);
    }
    if (result < 0 && report) {
        fprintf(stderr, "%s/%s: %s\n", argv[2], report->path ? report->path : "", aioc_strerror(result));
    }
    aioc_free(report);
    aioc_destroy(ctx);
    return result < 0;
}
