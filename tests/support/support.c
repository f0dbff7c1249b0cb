/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void record_callback(const aioc_completion *done, void *user_data) {
    struct record *record = user_data;
    ++record->calls;
    record->done = *done;
}

uint32_t tested_engine(void) {
    const char *const forced = getenv("AIOC_ENGINE");
    for (uint32_t engine = AIOC_ENGINE_INLINE; forced && engine <= AIOC_ENGINE_WORKERS; ++engine) {
        if (strcmp(forced, aioc_engine_name(engine)) == 0) {
            return engine;
        }
    }
    return AIOC_ENGINE_AUTO;
}

/* What a forced engine cannot serve is for the workers. SYNC is for where no worker can be started. */
int engine_is_allowed(uint32_t engine) {
    switch (tested_engine()) {
    case AIOC_ENGINE_INLINE:
        return engine == AIOC_ENGINE_INLINE || engine == AIOC_ENGINE_WORKERS;
    case AIOC_ENGINE_RING:
        return engine == AIOC_ENGINE_RING || engine == AIOC_ENGINE_WORKERS;
    case AIOC_ENGINE_WORKERS:
        return engine == AIOC_ENGINE_WORKERS;
    default:
        return engine == AIOC_ENGINE_INLINE || engine == AIOC_ENGINE_WORKERS ||
               (engine == AIOC_ENGINE_RING && expected_ring_status() >= 0);
    }
}

int expected_ring_status(void) {
    const char *const refused = getenv("AIOC_TEST_RING_REFUSED"); /* by deny_ring */
    return refused ? -atoi(refused) : 1;
}

aioc_options test_options(void) {
    const aioc_options defaults = AIOC_OPTIONS_INIT;
    aioc_options options = defaults;
    options.flags = getenv("AIOC_TEST_SINGLE_THREADED") ? AIOC_SINGLE_THREADED : 0;
    return options;
}

static aioc_context *make(const aioc_options *options) {
    enum { ctest_skips = 77 };
    aioc_context *ctx = NULL;
    const int status = tested_engine() == AIOC_ENGINE_RING ? aioc_probe(AIOC_ENGINE_RING) : 0;
    if (status < 0) {
        printf("not tested here: ring: %s\n", aioc_strerror(status));
        exit(getenv("CI") ? 1 : ctest_skips);
    }
    assert_int_equal(aioc_create(&ctx, options), 0);
    return ctx;
}

aioc_context *make_context(uint32_t max_workers) {
    aioc_options options = test_options();
    options.max_workers = max_workers;
    return make(&options);
}

aioc_context *make_shared_context(uint32_t max_workers) {
    aioc_options options = AIOC_OPTIONS_INIT;
    options.max_workers = max_workers;
    return make(&options);
}

int create_unforced(aioc_context **ret, const aioc_options *options) {
    const char *const forced = getenv("AIOC_ENGINE");
    char *const before = forced ? strdup(forced) : NULL;
    unsetenv("AIOC_ENGINE");
    const int result = aioc_create(ret, options);
    if (before) {
        setenv("AIOC_ENGINE", before, 1);
    }
    free(before);
    return result;
}

aioc_context *make_workers_context(uint32_t max_workers) {
    aioc_context *ctx = NULL;
    aioc_options options = test_options();
    options.engine = AIOC_ENGINE_WORKERS;
    options.max_workers = max_workers;
    assert_int_equal(create_unforced(&ctx, &options), 0);
    return ctx;
}

/* The ring tries such an open first, and gives it up when its completion is looked at. */
aioc_request block_worker_in(aioc_context *ctx, const char *fifo, aioc_callback callback, void *user_data) {
    const time_t deadline = time(NULL) + 20;
    const aioc_request id = aioc_open(ctx, fifo, O_RDONLY | O_CLOEXEC, 0, callback, user_data);
    while (id > 0 && time(NULL) < deadline && !a_worker_opens()) {
        aioc_poll_wait(ctx, 5);
    }
    return a_worker_opens() ? id : -ETIMEDOUT;
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

int64_t process_status(const char *field) {
    char line[200];
    int64_t value = -1;
    FILE *const f = fopen("/proc/self/status", "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, field, strlen(field)) == 0) {
            value = atoll(line + strlen(field));
        }
    }
    fclose(f);
    return value;
}
