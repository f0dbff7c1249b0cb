/* SPDX-License-Identifier: MIT */
/* Several threads on one context, several contexts, and calls made inside callbacks. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { threads_max = 4, rounds = 2000 };

static int setup(void **state) {
    static char path[64];
    count_one(state);
    child_fifo_path((int)getpid(), path, sizeof path);
    *state = path;
    unlink(path); /* of a process that was killed, and had the same number */
    return mkfifo(path, 0600);
}
static int teardown(void **state) { return unlink(*state); }

/* A thread's own asserts would jump into the runner's stack. */
static void must(bool good) {
    if (!good) {
        abort();
    }
}

/* --- Destruction ------------------------------------------------------------------ */

static void *destroy(void *ctx) {
    must(aioc_destroy(ctx) == 0);
    return NULL;
}

/* The one worker sits in a fifo, so that destruction waits; what the other thread had accepted until then is
 * delivered, and from then on it is refused. */
static void count_call(const aioc_completion *done, void *user_data) {
    must(done->result == 0 || done->result == -ECANCELED);
    ++*(int *)user_data;
}
static void submissions_during_destruction_are_refused(void **state) {
    aioc_context *ctx = make_shared_context(1);
    struct record opened = {0};
    int delivered = 0, accepted = 0;
    pthread_t destroyer;
    /* what is queued only would be cancelled, and the context be gone */
    assert_true(block_worker_in(ctx, *state, record_callback, &opened) > 0);
    assert_int_equal(pthread_create(&destroyer, NULL, destroy, ctx), 0);
    const time_t deadline = time(NULL) + 20;
    aioc_request request;
    while ((request = aioc_nop(ctx, count_call, &delivered)) > 0) {
        ++accepted;
        assert_true(time(NULL) < deadline);
    }
    assert_int_equal(request, -ESHUTDOWN);
    assert_int_equal(aioc_nop(ctx, count_call, &delivered), -ESHUTDOWN);
    const int writer = open(*state, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(pthread_join(destroyer, NULL), 0);
    close(writer);
    assert_int_equal(delivered, accepted);
    assert_int_equal(opened.calls, 1);
    assert_true(opened.done.result >= 0 || opened.done.result == -ECANCELED);
    if (opened.done.result >= 0) {
        close((int)opened.done.result);
    }
}

static void *wait_for_completion(void *ctx) {
    int result;
    while ((result = aioc_poll_wait(ctx, 20000)) == -EBUSY) { /* the other thread just looked whether we poll */
        sched_yield();
    }
    must(result == 1);
    return NULL;
}
static bool is_polled(aioc_context *ctx) { return aioc_poll_cb(ctx) == -EBUSY; }

static void destruction_while_another_thread_polls_is_refused(void **state) {
    aioc_context *ctx = make_shared_context(1);
    struct record opened = {0};
    pthread_t poller;
    assert_true(block_worker_in(ctx, *state, record_callback, &opened) > 0);
    assert_int_equal(pthread_create(&poller, NULL, wait_for_completion, ctx), 0);
    for (int tries = 0; tries < 4000 && !is_polled(ctx); ++tries) {
        poll(NULL, 0, 5);
    }
    assert_int_equal(aioc_destroy(ctx), -EBUSY);
    const int writer = open(*state, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(pthread_join(poller, NULL), 0);
    assert_int_equal(aioc_poll_cb(ctx), 1);
    assert_true(opened.done.result >= 0);
    close((int)opened.done.result);
    close(writer);
    assert_int_equal(aioc_destroy(ctx), 0);
}

/* --- Callbacks --------------------------------------------------------------------- */

struct chain {
    aioc_context *ctx;
    aioc_request victim;
    int calls, cancelled, refused;
};
static void victim_callback(const aioc_completion *done, void *user_data) {
    struct chain *chain = user_data;
    chain->cancelled += done->result == -ECANCELED;
}
/* Submits, cancels what it submitted, tries to destroy, asks for numbers: all but destroy are allowed. */
static void busy_callback(const aioc_completion *done, void *user_data) {
    struct chain *chain = user_data;
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    must(done->result == 0);
    chain->victim = aioc_unlink(chain->ctx, "/nonexistent/x", victim_callback, chain); /* what no engine answers here */
    must(chain->victim > 0);
    must(aioc_cancel(chain->ctx, chain->victim) == 0); /* held back until the poll returns: it has not run */
    chain->refused += aioc_destroy(chain->ctx) == -EDEADLK;
    must(aioc_stats(chain->ctx, &stats) == 0 && stats.outstanding >= 1);
    if (++chain->calls < 100) {
        must(aioc_nop(chain->ctx, busy_callback, chain) > 0);
    }
}
static void callbacks_submit_cancel_and_may_not_destroy(void **state) {
    (void)state;
    struct chain chain = {make_shared_context(2), 0, 0, 0, 0};
    assert_true(aioc_nop(chain.ctx, busy_callback, &chain) > 0);
    wait_all(chain.ctx);
    assert_int_equal(chain.calls, 100);
    assert_int_equal(chain.cancelled, 100);
    assert_int_equal(chain.refused, 100);
    assert_int_equal(aioc_destroy(chain.ctx), 0);
}

/* A callback may use another context wholly, and destroy it. */
static void destroy_other(const aioc_completion *done, void *user_data) {
    (void)done;
    must(aioc_destroy(*(aioc_context **)user_data) == 0);
    *(aioc_context **)user_data = NULL;
}
static void callbacks_may_destroy_another_context(void **state) {
    (void)state;
    aioc_context *ctx = make_shared_context(1), *other = make_shared_context(1);
    struct record record = {0};
    assert_true(aioc_nop(other, record_callback, &record) > 0);
    assert_true(aioc_nop(ctx, destroy_other, &other) > 0);
    wait_all(ctx);
    assert_null(other);
    assert_int_equal(record.calls, 1);
    assert_int_equal(aioc_destroy(ctx), 0);
}

/* --- Threads ------------------------------------------------------------------------ */

static void *own_context(void *file) {
    for (int i = 0; i < 20; ++i) {
        struct record record = {0};
        char byte = 0;
        aioc_context *ctx = NULL;
        must(aioc_create(&ctx, NULL) == 0);
        const int fd = open(file, O_RDONLY | O_CLOEXEC);
        for (int j = 0; j < 50; ++j) {
            must(aioc_read(ctx, fd, &byte, 1, 0, record_callback, &record) > 0);
        }
        while (aioc_nreqs(ctx) > 0) {
            aioc_poll_wait(ctx, 1000);
            must(aioc_poll_cb(ctx) >= 0);
        }
        must(record.calls == 50 && record.done.result == 1 && byte == 'x');
        must(aioc_destroy(ctx) == 0);
        close(fd);
    }
    return NULL;
}
static void contexts_of_several_threads_are_independent(void **state) {
    (void)state;
    pthread_t threads[threads_max];
    void *const file = (void *)make_file("x");
    for (int i = 0; i < threads_max; ++i) {
        assert_int_equal(pthread_create(&threads[i], NULL, own_context, file), 0);
    }
    for (int i = 0; i < threads_max; ++i) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void *submit_many(void *ctx) {
    for (int i = 0; i < rounds; ++i) {
        must(aioc_nop(ctx, NULL, NULL) > 0);
    }
    return NULL;
}
static void run_beside_submitters(void (*meanwhile)(aioc_context *, int)) {
    aioc_context *ctx = make_shared_context(4);
    pthread_t threads[threads_max];
    for (int i = 0; i < threads_max; ++i) {
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, ctx), 0);
    }
    for (int i = 0; i < 20; ++i) {
        meanwhile(ctx, i);
    }
    for (int i = 0; i < threads_max; ++i) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    wait_all(ctx);
    assert_int_equal(aioc_count(ctx, AIOC_OP_NOP, 0), threads_max * rounds);
    assert_int_equal(aioc_destroy(ctx), 0);
}

static void change_limits(aioc_context *ctx, int i) {
    assert_int_equal(aioc_max_parallel(ctx, i % 2 ? 1 : 4), 0);
    assert_int_equal(aioc_min_parallel(ctx, i % 3), 0);
    assert_true(aioc_poll_cb(ctx) >= 0);
}
static void limits_change_while_others_submit(void **state) {
    (void)state;
    run_beside_submitters(change_limits);
}

static void rebind_now(aioc_context *ctx, int i) {
    (void)i;
    assert_int_equal(aioc_rebind(ctx), 0);
    assert_true(aioc_poll_cb(ctx) >= 0);
}
static void rebind_while_others_submit(void **state) {
    (void)state;
    run_beside_submitters(rebind_now);
}

/* The next request starts a worker again: also when it comes while max_parallel(0) still waits. */
static void end_all_workers(aioc_context *ctx, int i) {
    (void)i;
    assert_int_equal(aioc_max_parallel(ctx, 0), 0);
    assert_true(aioc_poll_cb(ctx) >= 0);
}
static void *end_workers(void *ctx) {
    must(aioc_max_parallel(ctx, 0) == 0);
    return NULL;
}
/* The old worker sits in a fifo; a request that comes meanwhile gets a new one, which nobody waits for. */
static void ending_workers_are_told_from_those_started_meanwhile(void **state) {
    aioc_context *ctx = make_workers_context(1);
    struct record opened = {0};
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    pthread_t ender;
    assert_true(block_worker_in(ctx, *state, record_callback, &opened) > 0);
    const time_t start = time(NULL);
    assert_int_equal(pthread_create(&ender, NULL, end_workers, ctx), 0);
    while (stats.workers_started < 2) {
        assert_true(time(NULL) - start < 5);
        assert_true(aioc_nop(ctx, NULL, NULL) > 0);
        aioc_stats(ctx, &stats);
    }
    const int writer = open(*state, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(pthread_join(ender, NULL), 0);
    assert_true(time(NULL) - start < 9); /* less than the idle timeout of the new one */
    wait_all(ctx);
    assert_true(opened.done.result >= 0);
    close((int)opened.done.result);
    close(writer);
    assert_int_equal(aioc_destroy(ctx), 0);
}

static void all_workers_end_while_others_submit(void **state) {
    (void)state;
    const time_t start = time(NULL);
    run_beside_submitters(end_all_workers);
    assert_true(time(NULL) - start < 9); /* not the idle timeout of those started meanwhile */
}

int main(void) {
#define C(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        C(submissions_during_destruction_are_refused),
        C(destruction_while_another_thread_polls_is_refused),
        C(callbacks_submit_cancel_and_may_not_destroy),
        C(callbacks_may_destroy_another_context),
        C(contexts_of_several_threads_are_independent),
        C(limits_change_while_others_submit),
        C(rebind_while_others_submit),
        C(ending_workers_are_told_from_those_started_meanwhile),
        C(all_workers_end_while_others_submit),
    };
    return run_group(tests);
}
