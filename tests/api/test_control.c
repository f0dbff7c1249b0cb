/* SPDX-License-Identifier: MIT */
/* Polling, batching, limits, workers' numbers, cancel. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static aioc_context *ctx;
static struct record records[8];

/* A worker that sits in open(2) of a fifo until unblock(). */
static char fifo[64];
static aioc_request block_worker(struct record *record) {
    const aioc_request id = block_worker_in(ctx, fifo, record_callback, record);
    assert_true(id > 0);
    return id;
}
static int unblock(void) { return open(fifo, O_WRONLY | O_CLOEXEC); }

static int make_fifo(void) {
    memset(records, 0, sizeof records);
    snprintf(fifo, sizeof fifo, "/tmp/aioclone-fifo-%d", (int)getpid());
    unlink(fifo);
    return mkfifo(fifo, 0600);
}
static int setup(void **state) {
    count_one(state);
    ctx = make_context(1);
    return make_fifo();
}
static int setup_shared(void **state) {
    count_one(state);
    ctx = make_shared_context(1);
    return make_fifo();
}
/* For what is about workers alone. */
static int setup_workers(void **state) {
    count_one(state);
    ctx = make_workers_context(1);
    return make_fifo();
}
static int teardown(void **state) {
    (void)state;
    unlink(fifo);
    return aioc_destroy(ctx);
}

static void ignore_signal(int number) { (void)number; }

/* As poll(2), also for a handler that was installed with SA_RESTART, as signal(3) does. */
static void signal_ends_the_wait(void **state) {
    (void)state;
    struct sigaction action = {.sa_handler = ignore_signal, .sa_flags = SA_RESTART}, before;
    const struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    const int timeouts[] = {-1, 20000};
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    block_worker(&records[0]);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; ++i) {
        assert_int_equal(aioc_poll_wait(ctx, timeouts[i]), -EINTR);
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    const int other = unblock();
    wait_all(ctx);
    assert_true(records[0].done.result >= 0);
    close((int)records[0].done.result);
    close(other);
    sigaction(SIGALRM, &before, NULL);
}

static void nothing_outstanding_returns_at_once(void **state) {
    (void)state;
    assert_int_equal(aioc_poll_cb(ctx), 0);
    assert_int_equal(aioc_poll_wait(ctx, -1), 0);
    assert_int_equal(aioc_nreqs(ctx), 0);
    assert_int_equal(count_workers(), 0); /* none before the first request */
}

/* A worker may tell of what was taken already: then once more. */
static void becomes_quiet(struct pollfd *descriptor) {
    int tries = 0;
    do {
        assert_int_equal(aioc_poll_cb(ctx), 0);
        assert_true(++tries <= 100);
    } while (poll(descriptor, 1, 0) != 0);
}

static void descriptor_is_readable_exactly_while_completions_wait(void **state) {
    (void)state;
    struct pollfd descriptor = {aioc_poll_fileno(ctx), POLLIN, 0};
    assert_int_equal(poll(&descriptor, 1, 0), 0);
    for (int i = 0; i < 3; ++i) {
        aioc_nop(ctx, record_callback, &records[0]);
    }
    assert_int_equal(poll(&descriptor, 1, 10000), 1);
    while (aioc_nreqs(ctx) > 0) {
        aioc_completion done = {sizeof done, 0, 0, 0, 0, 0, NULL};
        assert_int_equal(poll(&descriptor, 1, 10000), 1);
        assert_true(aioc_reap(ctx, &done, 1) <= 1);
    }
    becomes_quiet(&descriptor);
}

static void breaking_callback(const aioc_completion *done, void *user_data) {
    record_callback(done, user_data);
    assert_int_equal(aioc_poll_break(ctx), 0);
}
static void poll_break_leaves_the_rest_ready(void **state) {
    (void)state;
    struct pollfd descriptor = {aioc_poll_fileno(ctx), POLLIN, 0};
    for (int i = 0; i < 3; ++i) {
        aioc_nop(ctx, breaking_callback, &records[0]);
    }
    for (int left = 3; left > 0; --left) {
        assert_int_equal(aioc_nreqs(ctx), left);
        assert_int_equal(poll(&descriptor, 1, 10000), 1);
        assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
        assert_int_equal(aioc_poll_cb(ctx), 1);
        const int more = (records[0].done.flags & AIOC_MORE) != 0;
        if (tested_engine() == AIOC_ENGINE_AUTO || tested_engine() == AIOC_ENGINE_INLINE) { /* all are answered */
            assert_int_equal(more, left > 1);
        }
        assert_true(!more || (left > 1 && poll(&descriptor, 1, 0) == 1));
    }
    becomes_quiet(&descriptor);
}

static void held_requests_start_at_release(void **state) {
    (void)state;
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    assert_int_equal(aioc_hold(ctx), 0);
    for (int i = 0; i < 5; ++i) {
        aioc_nop(ctx, record_callback, &records[0]);
    }
    aioc_stats(ctx, &stats);
    assert_int_equal(stats.queued, 5);
    assert_int_equal(stats.workers, 0);
    assert_int_equal(aioc_release(ctx), 0);
    wait_all(ctx);
    assert_int_equal(records[0].calls, 5);
    aioc_hold(ctx); /* poll_wait starts what is held: no hang */
    aioc_nop(ctx, record_callback, &records[0]);
    wait_all(ctx);
    aioc_release(ctx);
}

static void reap_hands_over_records(void **state) {
    (void)state;
    aioc_completion done[4];
    memset(done, 0, sizeof done);
    assert_int_equal(aioc_reap(ctx, done, 4), -EINVAL);
    done[0].size = sizeof done[0];
    assert_int_equal(aioc_reap(ctx, NULL, 4), -EFAULT);
    assert_int_equal(aioc_reap(ctx, done, 4), 0);
    const aioc_request id = aioc_nop(ctx, record_callback, (void *)(uintptr_t)0xdeadbeef);
    assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
    assert_int_equal(aioc_reap(ctx, done, 4), 1);
    assert_int_equal(done[0].request, id);
    assert_ptr_equal(done[0].user_data, (void *)(uintptr_t)0xdeadbeef);
    assert_int_equal(done[0].size, sizeof done[0]);
}

static aioc_operation nop_with(uintptr_t user_data) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = AIOC_OP_NOP;
    op.user_data = (void *)user_data;
    return op;
}

/* What is still missing is waited for and reaped, one by one. */
static uint64_t sum_of_user_data(const aioc_completion *done, uint32_t taken, uint32_t expected) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < taken; ++i) {
        sum += (uintptr_t)done[i].user_data;
    }
    for (; taken < expected; ++taken) {
        aioc_completion one = {.size = sizeof one};
        assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
        assert_int_equal(aioc_reap(ctx, &one, 1), 1);
        sum += (uintptr_t)one.user_data;
    }
    assert_int_equal(aioc_nreqs(ctx), 0);
    return sum;
}

static void exchange_submits_and_takes(void **state) {
    (void)state;
    aioc_operation ops[3] = {nop_with(1), nop_with(2), nop_with(4)};
    aioc_completion done[4] = {{.size = sizeof *done}};
    aioc_request ids[3] = {0};
    uint32_t taken = 9;
    assert_int_equal(aioc_exchange(ctx, ops, 3, ids, done, 4, &taken), 3);
    assert_true(ids[0] > 0 && ids[1] > 0 && ids[2] > 0 && taken <= 3);
    assert_int_equal(sum_of_user_data(done, taken, 3), 7);
    assert_int_equal(aioc_exchange(ctx, ops, 1, ids, done, 4, &taken), 1); /* alone it takes another way */
    assert_true(ids[0] > 0 && taken <= 1);
    assert_int_equal(sum_of_user_data(done, taken, 1), 1);
    if (tested_engine() == AIOC_ENGINE_INLINE) {
        assert_int_equal(taken, 1);
    }
}

static void exchange_takes_what_others_submitted(void **state) {
    (void)state;
    assert_true(aioc_nop(ctx, NULL, (void *)8) > 0);
    aioc_completion done[1] = {{.size = sizeof *done}};
    uint32_t taken = 0;
    for (int tries = 0; tries < 1000 && taken == 0; ++tries) {
        assert_true(aioc_poll_wait(ctx, 10000) >= 0);
        assert_int_equal(aioc_exchange(ctx, NULL, 0, NULL, done, 1, &taken), 0);
    }
    assert_int_equal(sum_of_user_data(done, taken, 1), 8);
}

/* What does not fit waits for the next poll, and the descriptor says so. */
static void exchange_leaves_the_rest(void **state) {
    (void)state;
    struct pollfd descriptor = {aioc_poll_fileno(ctx), POLLIN, 0};
    aioc_operation ops[3] = {nop_with(1), nop_with(2), nop_with(4)};
    aioc_completion done[1] = {{.size = sizeof *done}};
    uint32_t taken = 0;
    assert_int_equal(aioc_exchange(ctx, ops, 3, NULL, done, 1, &taken), 3);
    assert_true(taken <= 1);
    assert_int_equal(poll(&descriptor, 1, 10000), 1);
    assert_int_equal(sum_of_user_data(done, taken, 3), 7);
    assert_int_equal(aioc_exchange(ctx, ops, 1, NULL, NULL, 0, &taken), 1);
    assert_int_equal(taken, 0);
    assert_int_equal(poll(&descriptor, 1, 10000), 1);
    assert_int_equal(sum_of_user_data(done, 0, 1), 1);
}

static void exchange_refuses_as_submit(void **state) {
    (void)state;
    aioc_operation ops[2] = {nop_with(1), nop_with(2)};
    aioc_completion done[2] = {{.size = 3}};
    uint32_t taken = 9;
    assert_int_equal(aioc_exchange(ctx, ops, 1, NULL, done, 2, &taken), -EINVAL); /* done[0].size */
    assert_int_equal(aioc_nreqs(ctx), 0);
    done[0].size = sizeof *done;
    ops[0].code = 9999;
    assert_int_equal(aioc_exchange(ctx, ops, 2, NULL, done, 2, &taken), -EINVAL);
    assert_int_equal(taken, 0);
    assert_int_equal(aioc_exchange(ctx, ops, 1, NULL, done, 2, &taken), -EINVAL);
    ops[0] = nop_with(1);
    ops[1].code = 9999;
    assert_int_equal(aioc_exchange(ctx, ops, 2, NULL, done, 2, &taken), 1); /* the good one before it */
    assert_int_equal(sum_of_user_data(done, taken, 1), 1);
    assert_int_equal(aioc_exchange(ctx, ops, 1, NULL, done, 2, NULL), -EFAULT);
    ops[0].size = 3;
    assert_int_equal(aioc_exchange(ctx, ops, 1, NULL, done, 2, &taken), -EINVAL);
    assert_int_equal(aioc_nreqs(ctx), 0);
}

static aioc_completion nested_done[2] = {{.size = sizeof(aioc_completion)}};
static uint32_t nested_taken;
static void exchange_inside(const aioc_completion *done, void *user_data) {
    (void)done;
    (void)user_data;
    aioc_operation op = nop_with(16);
    assert_int_equal(aioc_exchange(ctx, &op, 1, NULL, nested_done, 2, &nested_taken), 1);
}
static void exchange_inside_a_callback(void **state) {
    (void)state;
    nested_taken = 0;
    assert_true(aioc_nop(ctx, exchange_inside, NULL) > 0);
    assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
    assert_int_equal(aioc_poll_cb(ctx), 1);
    assert_int_equal(sum_of_user_data(nested_done, nested_taken, 1), 16);
}

/* As the manual says: it asks for a wait of 0 after it has submitted, and sleeps on the descriptor. */
static void loop_inside(const aioc_completion *done, void *user_data) {
    (void)done;
    static struct statx status[2];
    struct pollfd descriptor = {aioc_poll_fileno(ctx), POLLIN, 0};
    for (int round = 0; round < 5; ++round) {
        struct record record[2] = {0};
        for (int i = 0; i < 2; ++i) {
            assert_true(aioc_stat(ctx, "/", &status[i], record_callback, &record[i]) > 0);
        }
        for (int turns = 0; record[0].calls + record[1].calls < 2; ++turns) {
            assert_true(turns < 1000);
            assert_true(aioc_poll_wait(ctx, 0) >= 0);
            assert_int_equal(poll(&descriptor, 1, 10000), 1);
            assert_true(aioc_poll_cb(ctx) >= 0);
        }
        ++*(int *)user_data;
    }
}
static void an_event_loop_inside_a_callback(void **state) {
    (void)state;
    int rounds = 0;
    assert_true(aioc_nop(ctx, loop_inside, &rounds) > 0);
    assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
    assert_true(aioc_poll_cb(ctx) >= 1);
    assert_int_equal(rounds, 5);
}

/* While another thread polls it only submits. */
static void *poll_until_done(void *unused) {
    (void)unused;
    return (void *)(intptr_t)aioc_poll_wait(ctx, 20000);
}
static void exchange_beside_a_poller_only_submits(void **state) {
    (void)state;
    block_worker(&records[0]);
    pthread_t poller;
    assert_int_equal(pthread_create(&poller, NULL, poll_until_done, NULL), 0);
    aioc_completion done[2] = {{.size = sizeof *done}};
    for (int tries = 0; aioc_reap(ctx, done, 1) != -EBUSY; ++tries) {
        assert_true(tries < 10000);
        const struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
    aioc_operation op = nop_with(32);
    uint32_t taken = 9;
    assert_int_equal(aioc_exchange(ctx, &op, 1, NULL, done, 2, &taken), 1);
    assert_int_equal(taken, 0);
    const int fd = unblock();
    void *result = NULL;
    assert_int_equal(pthread_join(poller, &result), 0);
    assert_int_equal((intptr_t)result, 1);
    close(fd);
    uint32_t seen = 0;
    for (int tries = 0; seen < 2; ++tries) {
        assert_true(tries < 10);
        assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
        done[0].size = sizeof *done;
        const int count = aioc_reap(ctx, done, 1);
        assert_true(count >= 0);
        seen += (uint32_t)count;
        if (count == 1 && done[0].operation == AIOC_OP_OPEN) {
            close((int)done[0].result);
        }
    }
    assert_int_equal(aioc_nreqs(ctx), 0);
}

/* Reaping is a poll: after it requests are answered inline again, however many there were before. */
static void reaping_begins_a_new_burst(void **state) {
    (void)state;
    enum { more_than_a_burst = 30000 }; /* of 0.5 ms */
    struct pollfd descriptor = {aioc_poll_fileno(ctx), POLLIN, 0};
    aioc_completion done = {.size = sizeof done};
    for (int i = 0; i < more_than_a_burst; ++i) {
        assert_true(aioc_nop(ctx, NULL, NULL) > 0);
        for (int tries = 0; aioc_reap(ctx, &done, 1) != 1; ++tries) {
            assert_true(tries < 100);
            assert_true(poll(&descriptor, 1, 10000) >= 0);
        }
    }
    if (tested_engine() == AIOC_ENGINE_INLINE) {
        assert_int_equal(aioc_count(ctx, AIOC_OP_NOP, AIOC_ENGINE_INLINE), more_than_a_burst);
    }
}

static void limit_refuses_with_eagain(void **state) {
    (void)state;
    aioc_context *limited;
    aioc_options options = AIOC_OPTIONS_INIT;
    options.max_outstanding = 2;
    options.flags = AIOC_SINGLE_THREADED;
    assert_int_equal(aioc_create(&limited, &options), 0);
    assert_true(aioc_nop(limited, NULL, NULL) > 0);
    assert_true(aioc_nop(limited, NULL, NULL) > 0);
    assert_int_equal(aioc_nop(limited, NULL, NULL), -EAGAIN);
    wait_all(limited);
    assert_true(aioc_nop(limited, NULL, NULL) > 0);
    assert_int_equal(aioc_destroy(limited), 0);
}

static void chain_callback(const aioc_completion *done, void *user_data) {
    int *left = user_data;
    assert_int_equal(done->result, 0);
    if (--*left > 0) {
        assert_true(aioc_nop(ctx, chain_callback, user_data) > 0);
    }
}
static void callbacks_submit_more(void **state) {
    (void)state;
    int left = 1000;
    aioc_nop(ctx, chain_callback, &left);
    wait_all(ctx);
    assert_int_equal(left, 0);
}

static void nesting_callback(const aioc_completion *done, void *user_data) {
    record_callback(done, user_data);
    struct record inner = {0};
    aioc_nop(ctx, record_callback, &inner);
    while (inner.calls == 0) {
        assert_true(aioc_poll_wait(ctx, 10000) == 1);
        aioc_poll_cb(ctx);
    }
}
static void nested_poll_is_allowed(void **state) {
    (void)state;
    aioc_nop(ctx, nesting_callback, &records[0]);
    wait_all(ctx);
    assert_int_equal(records[0].calls, 1);
}

static void max_parallel_ends_workers_and_the_next_request_starts_one(void **state) {
    (void)state;
    assert_int_equal(aioc_min_parallel(ctx, 5), 0);
    assert_int_equal(count_workers() <= 5, 1);
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    aioc_stats(ctx, &stats);
    assert_int_equal(stats.workers, 5);
    assert_int_equal(aioc_max_parallel(ctx, 2), 0);
    aioc_stats(ctx, &stats);
    assert_int_equal(stats.workers, 2);
    for (int i = 0; i < 100; ++i) {
        aioc_nop(ctx, record_callback, &records[0]);
    }
    assert_int_equal(aioc_max_parallel(ctx, 0), 0); /* after the queue is empty */
    assert_int_equal(count_workers(), 0);
    assert_int_equal(aioc_poll_cb(ctx), 100);
    struct record record = {0};
    assert_int_equal(result_of(ctx, aioc_nop(ctx, record_callback, &record), &record), 0);
    assert_int_equal(count_workers(), 1);
    assert_int_equal(record.done.engine, AIOC_ENGINE_WORKERS);
}

static void idle_workers_end(void **state) {
    (void)state;
    aioc_context *elastic;
    aioc_options options = AIOC_OPTIONS_INIT;
    options.max_workers = 4;
    options.idle_timeout_ms = 20;
    assert_int_equal(aioc_create(&elastic, &options), 0);
    assert_int_equal(aioc_min_parallel(elastic, 4), 0);
    assert_int_equal(aioc_min_parallel(elastic, 1), 0);
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    for (int tries = 0; tries < 500; ++tries) {
        aioc_stats(elastic, &stats);
        if (stats.workers == 1) {
            break;
        }
        poll(NULL, 0, 20);
    }
    assert_int_equal(stats.workers, 1);
    assert_int_equal(stats.workers_started, 4);
    assert_int_equal(aioc_destroy(elastic), 0);
}

static void queued_is_cancelled_while_the_worker_is_blocked(void **state) {
    (void)state;
    const aioc_request running = block_worker(&records[0]);
    const aioc_request queued = aioc_nop(ctx, record_callback, &records[1]);
    assert_int_equal(aioc_cancel(ctx, queued), 0);
    assert_int_equal(aioc_poll_wait(ctx, 10000), 1);
    assert_int_equal(aioc_poll_cb(ctx), 1);
    assert_int_equal(records[1].done.result, -ECANCELED);
    const int fds = count_fds();
    assert_int_equal(aioc_cancel(ctx, running), 0); /* an open: its descriptor is closed */
    close(unblock());
    wait_all(ctx);
    assert_int_equal(records[0].done.result, -ECANCELED);
    assert_int_equal(count_fds(), fds);
}

static void held_is_cancelled(void **state) {
    (void)state;
    aioc_hold(ctx);
    const aioc_request held = aioc_nop(ctx, record_callback, &records[0]);
    assert_int_equal(aioc_cancel(ctx, held), 0);
    wait_all(ctx);
    aioc_release(ctx);
    assert_int_equal(records[0].calls, 1);
    assert_int_equal(records[0].done.result, -ECANCELED);
}

/* On every engine it ends up with a worker, that sits in open(2). */
static void running_open_is_cancelled_and_leaves_no_descriptor(void **state) {
    (void)state;
    const int fds = count_fds();
    const aioc_request running = block_worker(&records[0]);
    assert_int_equal(aioc_cancel(ctx, running), 0);
    close(unblock());
    wait_all(ctx);
    assert_int_equal(records[0].calls, 1);
    assert_int_equal(records[0].done.result, -ECANCELED);
    const int wakes = aioc_poll_fileno(ctx); /* the ring has come with the first request */
    assert_true(wakes >= 0 && count_fds() <= fds + 1);
}

static void destroy_cancels_what_is_queued(void **state) {
    (void)state;
    block_worker(&records[0]);
    aioc_nop(ctx, record_callback, &records[1]);
    const int writer = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC); /* the open ends by itself now */
    assert_int_equal(aioc_destroy(ctx), 0);
    close(writer);
    assert_int_equal(records[0].calls, 1);
    assert_true(records[0].done.result >= 0);
    close((int)records[0].done.result);
    assert_int_equal(records[1].done.result == -ECANCELED || records[1].done.result == 0, 1);
    ctx = make_context(1); /* for the teardown */
}

/* Cancel races completion: exactly one completion each, from several threads. */
enum { racers = 3, races = 20000 };
static void count_callback(const aioc_completion *done, void *user_data) {
    assert_true(done->result == 0 || done->result == -ECANCELED);
    ++*(unsigned char *)user_data;
}
static void *race(void *counts) {
    for (int i = 0; i < races; ++i) {
        const aioc_request id = aioc_nop(ctx, count_callback, (unsigned char *)counts + i);
        const int result = i % 2 ? aioc_cancel(ctx, id) : 0;
        if (id <= 0 || (result != 0 && result != -EALREADY && result != -ENOENT)) {
            abort();
        }
    }
    return NULL;
}
static void cancel_races_completion(void **state) {
    (void)state;
    pthread_t threads[racers];
    unsigned char *counts = calloc(racers, races);
    for (int i = 0; i < racers; ++i) {
        assert_int_equal(pthread_create(&threads[i], NULL, race, counts + i * races), 0);
    }
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    while (stats.completed < (uint64_t)racers * races) {
        aioc_poll_wait(ctx, 100);
        aioc_poll_cb(ctx);
        aioc_stats(ctx, &stats);
    }
    for (int i = 0; i < racers; ++i) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < racers * races; ++i) {
        assert_int_equal(counts[i], 1);
    }
    free(counts);
}

static void information(void **state) {
    (void)state;
    aioc_engine_report report = AIOC_ENGINE_REPORT_INIT;
    assert_int_equal(aioc_engine_info(ctx, AIOC_ENGINE_WORKERS, &report), 0);
    assert_int_equal(report.status, 0);
    assert_non_null(report.reason);
    assert_int_equal(aioc_engine_info(ctx, 99, &report), -EINVAL);
    assert_int_equal(aioc_probe(AIOC_ENGINE_WORKERS), 0);
    const int ring = aioc_probe(AIOC_ENGINE_RING);
    assert_true(ring <= 0); /* as this build and machine have it */
    if (tested_engine() == AIOC_ENGINE_RING || expected_ring_status() < 0) {
        assert_int_equal(ring, tested_engine() == AIOC_ENGINE_RING ? 0 : expected_ring_status());
    }
    assert_int_equal(aioc_engine_info(ctx, AIOC_ENGINE_RING, &report), 0);
    assert_int_equal(report.status, ring);
    assert_non_null(report.reason);
    assert_int_equal(aioc_probe(99), -EINVAL);
    assert_string_equal(aioc_strerror(-ENOENT), strerror(ENOENT));
    assert_string_equal(aioc_strerror(ENOENT), strerror(ENOENT));
    assert_non_null(aioc_strerror(INT64_MIN));
    assert_int_equal(aioc_version() >> 16, AIOC_VERSION_MAJOR);
}

int main(void) {
#define C(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SHARED(name) cmocka_unit_test_setup_teardown(name, setup_shared, teardown)
#define WORKERS(name) cmocka_unit_test_setup_teardown(name, setup_workers, teardown)
    const struct CMUnitTest tests[] = {C(nothing_outstanding_returns_at_once),
                                       C(signal_ends_the_wait),
                                       C(descriptor_is_readable_exactly_while_completions_wait),
                                       C(poll_break_leaves_the_rest_ready),
                                       C(held_requests_start_at_release),
                                       C(reap_hands_over_records),
                                       C(exchange_submits_and_takes),
                                       C(exchange_takes_what_others_submitted),
                                       C(exchange_leaves_the_rest),
                                       C(exchange_refuses_as_submit),
                                       C(exchange_inside_a_callback),
                                       C(an_event_loop_inside_a_callback),
                                       SHARED(exchange_beside_a_poller_only_submits),
                                       C(reaping_begins_a_new_burst),
                                       C(limit_refuses_with_eagain),
                                       C(callbacks_submit_more),
                                       C(nested_poll_is_allowed),
                                       WORKERS(max_parallel_ends_workers_and_the_next_request_starts_one),
                                       C(idle_workers_end),
                                       WORKERS(queued_is_cancelled_while_the_worker_is_blocked),
                                       C(held_is_cancelled),
                                       C(running_open_is_cancelled_and_leaves_no_descriptor),
                                       C(destroy_cancels_what_is_queued),
                                       SHARED(cancel_races_completion),
                                       C(information)};
    return run_group(tests);
}
