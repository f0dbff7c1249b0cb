/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <time.h>

void record_callback(const aioc_completion *done, void *user_data) {
    struct record *record = user_data;
    ++record->calls;
    record->done = *done;
}

aioc_context *make_context(uint32_t max_workers) {
    aioc_context *ctx = NULL;
    aioc_options options = AIOC_OPTIONS_INIT;
    options.max_workers = max_workers;
    assert_int_equal(aioc_create(&ctx, &options), 0);
    return ctx;
}

void wait_all(aioc_context *ctx) {
    const time_t deadline = time(NULL) + 20;
    while (aioc_nreqs(ctx) > 0) {
        assert_true(time(NULL) < deadline);
        aioc_poll_wait(ctx, 1000);
        assert_true(aioc_poll_cb(ctx) >= 0);
    }
}

int64_t result_of(aioc_context *ctx, aioc_request request, struct record *record) {
    assert_true(request > 0);
    wait_all(ctx);
    assert_int_equal(record->calls, 1);
    assert_int_equal(record->done.request, request);
    record->calls = 0;
    return record->done.result;
}
