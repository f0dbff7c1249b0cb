/* SPDX-License-Identifier: MIT */
/* Usage: test_handover [SECONDS]. Requests change hands in every way there is: inside callbacks, held, one by one, from
 * several threads of one context and from contexts of one thread, while workers are blocked, end and are replaced. Each
 * completes once, with -ECANCELED if cancel said so, and none waits longer than a loaded machine explains: a lost wake
 * is not found later by traffic, since each thread waits for all that it has started before it starts more. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { longest_ms = 8000 };
#else
enum { longest_ms = 2000 };
#endif
enum { depth_max = 64, bytes = 4096, actors_max = 8 };

static double seconds = 1.2;
static atomic_bool stopping;
static atomic_bool submitters_ended; /* those that do not poll */
static const char *path;
static char fifo[64];

struct actor;
struct slot {
    struct actor *actor;
    atomic_int outstanding;
    atomic_llong since_ns;
    uint32_t operation;
    bool cancelled; /* the actor's, who is the poller where it is read */
    aioc_request id;
    struct statx status;
    char data[bytes];
};

/* A thread with requests of its own. Unless another thread polls for it, it delivers them itself. */
struct actor {
    aioc_context *ctx;
    bool polls;
    bool single;
    unsigned seed;
    int fd;
    int budget; /* of requests that callbacks start */
    long started;
    atomic_long done;
    atomic_int unfinished;
    struct slot slots[depth_max];
};
static struct actor actors[actors_max];
static atomic_int actors_started;
static atomic_llong longest_ns;

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* From any thread, where cmocka's asserts must not be used. */
static void check_that(bool good, const char *what, const struct slot *slot, int64_t result) {
    if (!good) {
        fprintf(stderr, "%s: operation %u, result %lld, actor %d\n", what, slot->operation, (long long)result,
                (int)(slot->actor - actors));
        abort();
    }
}

static unsigned choose(struct actor *a, unsigned below) { return (unsigned)rand_r(&a->seed) / 7 % below; }

static void start(struct slot *slot);

static void finish_one(const aioc_completion *done, struct slot *slot) {
    struct actor *const a = slot->actor;
    const long long waited = now_ns() - atomic_load(&slot->since_ns);
    check_that(atomic_exchange(&slot->outstanding, 0) == 1, "completed twice", slot, done->result);
    check_that(done->operation == slot->operation, "another request's completion", slot, done->result);
    check_that(!a->polls || !slot->cancelled || done->result == -ECANCELED, "cancelled, but not so", slot,
               done->result);
    check_that(done->result >= 0 || done->result == -ECANCELED, "failed", slot, done->result);
    if (slot->operation == AIOC_OP_OPEN && done->result >= 0) {
        close((int)done->result);
    }
    long long before = atomic_load(&longest_ns);
    while (waited > before && !atomic_compare_exchange_weak(&longest_ns, &before, waited)) {
    }
    atomic_fetch_add(&a->done, 1);
    if (a->polls && a->budget > 0) {
        --a->budget;
        start(slot);
    }
    atomic_fetch_sub(&a->unfinished, 1);
}

static void on_done(const aioc_completion *done, void *user_data) {
    struct slot *const slot = user_data;
    struct actor *const a = slot->actor;
    finish_one(done, slot);
    if (a->polls && choose(a, 64) == 0) {
        aioc_poll_break(a->ctx);
    }
}

static void start(struct slot *slot) {
    struct actor *const a = slot->actor;
    static const uint32_t operations[] = {AIOC_OP_READ,  AIOC_OP_READ, AIOC_OP_WRITE, AIOC_OP_STAT,     AIOC_OP_LSTAT,
                                          AIOC_OP_FSTAT, AIOC_OP_OPEN, AIOC_OP_NOP,   AIOC_OP_FDATASYNC};
    aioc_operation op = AIOC_OPERATION_INIT;
    const unsigned kind = choose(a, 400);
    op.code = kind == 0 ? AIOC_OP_FDATASYNC : operations[kind % 8];
    op.fd = a->fd;
    op.path = path;
    op.operation_flags = 0;
    op.buffer = slot->data;
    op.length = bytes;
    op.offset = (slot - a->slots) * (int64_t)bytes;
    if (op.code == AIOC_OP_STAT || op.code == AIOC_OP_LSTAT || op.code == AIOC_OP_FSTAT) {
        op.buffer = &slot->status;
    } else if (op.code == AIOC_OP_OPEN) {
        op.operation_flags = O_RDONLY | O_CLOEXEC;
        op.path = choose(a, 40) == 0 ? fifo : path; /* which blocks its worker for a while */
    }
    op.callback = on_done;
    op.user_data = slot;
    slot->operation = op.code;
    slot->cancelled = false;
    slot->id = 0;
    atomic_store(&slot->since_ns, now_ns());
    atomic_store(&slot->outstanding, 1);
    atomic_fetch_add(&a->unfinished, 1);
    ++a->started;
    aioc_request id = 0;
    const int accepted = aioc_submit(a->ctx, &op, 1, &id);
    check_that(accepted == 1, "refused", slot, accepted);
    slot->id = id;
}

static void maybe_cancel(struct actor *a) {
    struct slot *const slot = &a->slots[choose(a, depth_max)];
    if (slot->id > 0 && aioc_cancel(a->ctx, slot->id) == 0) {
        slot->cancelled = true;
    }
}

static void deliver(struct actor *a, unsigned how) {
    aioc_completion taken[7];
    switch (how) {
    case 0:
        aioc_poll_wait(a->ctx, -1);
        aioc_poll_cb(a->ctx);
        break;
    case 1: {
        struct pollfd descriptor = {aioc_poll_fileno(a->ctx), POLLIN, 0};
        if (aioc_nreqs(a->ctx) > 0) {
            poll(&descriptor, 1, -1);
        }
        aioc_poll_cb(a->ctx);
        break;
    }
    case 2:
        aioc_poll_wait(a->ctx, -1);
        taken[0].size = sizeof taken[0];
        for (int i = 0, n = aioc_reap(a->ctx, taken, 7); i < n; ++i) {
            finish_one(&taken[i], taken[i].user_data);
        }
        break;
    default:
        aioc_poll_cb(a->ctx);
    }
}

static void round_of(struct actor *a) {
    const unsigned depth = 1u << choose(a, 7);
    const bool held = choose(a, 2) == 0;
    a->budget = a->polls ? (int)choose(a, 4 * depth) : 0;
    if (held) {
        aioc_hold(a->ctx);
    }
    for (unsigned i = 0; i < depth; ++i) {
        start(&a->slots[i]);
    }
    if (held) {
        aioc_release(a->ctx);
    }
    const unsigned how = choose(a, 4);
    while (atomic_load(&a->unfinished) > 0) {
        if (choose(a, 4) == 0) {
            maybe_cancel(a);
        }
        if (a->polls) {
            deliver(a, how);
        } else {
            usleep(20);
        }
    }
    if (choose(a, 8) == 0) {
        usleep(choose(a, 3000)); /* workers fall asleep, or end */
    }
    if (a->single && choose(a, 64) == 0) {
        aioc_max_parallel(a->ctx, choose(a, 4));
        aioc_rebind(a->ctx);
    }
}

/* Of the same context. */
static void *deliver_for_others(void *argument) {
    struct actor *const a = argument;
    while (!atomic_load(&submitters_ended) || aioc_nreqs(a->ctx) > 0) {
        if (aioc_poll_wait(a->ctx, -1) == 0) {
            usleep(50);
        }
        aioc_poll_cb(a->ctx);
    }
    return NULL;
}

static void *act(void *argument) {
    struct actor *const a = argument;
    while (!atomic_load(&stopping)) {
        round_of(a);
    }
    return a->polls ? deliver_for_others(a) : NULL;
}

/* Whoever opens the fifo waits for this. */
static void *open_fifo_again_and_again(void *argument) {
    const atomic_bool *const done = argument;
    while (!atomic_load(done)) {
        const int fd = open(fifo, O_RDWR | O_CLOEXEC);
        usleep(500);
        close(fd);
        usleep(2500);
    }
    return NULL;
}

static void find_forgotten(void) {
    for (int i = 0; i < atomic_load(&actors_started); ++i) {
        for (struct slot *s = actors[i].slots; s < actors[i].slots + depth_max; ++s) {
            const long long waited = now_ns() - atomic_load(&s->since_ns);
            if (atomic_load(&s->outstanding) && waited > longest_ms * 1000000LL) {
                check_that(false, "forgotten", s, waited / 1000000);
            }
        }
    }
}

static struct actor *make_actor(aioc_context *ctx, bool polls) {
    struct actor *const a = &actors[atomic_load(&actors_started)];
    memset(a, 0, sizeof *a);
    a->ctx = ctx;
    a->polls = polls;
    a->seed = (unsigned)(now_ns() ^ (now_ns() << 7)) + (unsigned)atomic_load(&actors_started);
    a->fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(a->fd >= 0);
    for (int i = 0; i < depth_max; ++i) {
        a->slots[i].actor = a;
    }
    atomic_fetch_add(&actors_started, 1);
    return a;
}

static aioc_context *make_handover_context(uint32_t flags, uint32_t min_workers) {
    aioc_options options = AIOC_OPTIONS_INIT;
    options.flags = flags;
    options.min_workers = min_workers;
    options.max_workers = 4;
    options.idle_timeout_ms = 2;
    aioc_context *ctx = NULL;
    assert_int_equal(aioc_create(&ctx, &options), 0);
    return ctx;
}

static void nothing_is_forgotten_or_done_twice(void **state) {
    (void)state;
    static char content[depth_max * bytes];
    memset(content, 'x', sizeof content - 1);
    path = make_file(content);
    child_fifo_path((int)getpid(), fifo, sizeof fifo);
    unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    atomic_bool unblocked = false;
    pthread_t unblocker, poller, threads[actors_max];
    assert_int_equal(pthread_create(&unblocker, NULL, open_fifo_again_and_again, &unblocked), 0);

    aioc_context *const contexts[] = {make_handover_context(AIOC_SINGLE_THREADED, 0), make_handover_context(0, 2),
                                      make_handover_context(0, 0)};
    make_actor(contexts[0], true)->single = true;
    make_actor(contexts[1], true);
    make_actor(contexts[1], false); /* a second submitter; the first one polls for both */
    struct actor *const shared = make_actor(contexts[2], false);
    make_actor(contexts[2], false);
    const int count = atomic_load(&actors_started);
    assert_int_equal(pthread_create(&poller, NULL, deliver_for_others, shared), 0);
    for (int i = 0; i < count; ++i) {
        assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
    }
    const long long end = now_ns() + (long long)(seconds * 1e9);
    for (unsigned round = 0; now_ns() < end; ++round) {
        usleep(3000);
        find_forgotten();
        aioc_context *const ctx = contexts[1 + round % 2];
        if (round % 5 == 0) {
            assert_int_equal(aioc_max_parallel(ctx, round / 5 % 5), 0);
        } else if (round % 11 == 0) {
            assert_int_equal(aioc_rebind(ctx), 0);
        } else if (round % 17 == 0) {
            assert_int_equal(aioc_min_parallel(ctx, round % 3), 0);
        }
    }
    atomic_store(&stopping, true);
    for (int polls = 0; polls < 2; ++polls) {
        for (int i = 0; i < count; ++i) {
            if (actors[i].polls == polls) {
                pthread_join(threads[i], NULL);
            }
        }
        atomic_store(&submitters_ended, true);
    }
    pthread_join(poller, NULL);
    long started = 0;
    for (int i = 0; i < count; ++i) {
        started += actors[i].started;
        assert_int_equal(actors[i].started, atomic_load(&actors[i].done));
        close(actors[i].fd);
    }
    for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; ++i) {
        assert_int_equal(aioc_destroy(contexts[i]), 0);
    }
    atomic_store(&unblocked, true);
    pthread_join(unblocker, NULL);
    unlink(fifo);
    printf("%ld requests, the longest took %lld ms\n", started, atomic_load(&longest_ns) / 1000000);
    assert_true(started > 100);
    assert_in_range(atomic_load(&longest_ns) / 1000000, 0, longest_ms);
}

/* What can be tried without waiting needs a worker all the same, and one open that waits for ever leaves three. */
static void reads_do_not_wait_for_a_blocked_open(void **state) {
    (void)state;
    path = make_file("0123456789");
    child_fifo_path((int)getpid(), fifo, sizeof fifo);
    unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    aioc_context *const ctx = make_handover_context(0, 0);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct record opened[3] = {0}, read[3] = {0};
    char data[10];
    for (int i = 0; i < 3; ++i) {
        assert_true(aioc_open(ctx, fifo, O_RDONLY | O_CLOEXEC, 0, record_callback, &opened[i]) > 0);
        usleep(20000); /* the worker sits in it: nothing else is queued */
        assert_true(aioc_read(ctx, fd, data, sizeof data, 0, record_callback, &read[i]) > 0);
        const long long end = now_ns() + longest_ms * 1000000LL;
        while (read[i].calls == 0 && now_ns() < end) {
            aioc_poll_wait(ctx, 10);
            aioc_poll_cb(ctx);
        }
        assert_int_equal(read[i].calls, 1);
        assert_int_equal(read[i].done.result, sizeof data);
        assert_int_equal(opened[i].calls, 0);
    }
    const int writer = open(fifo, O_RDWR | O_CLOEXEC);
    wait_all(ctx);
    close(writer);
    close(fd);
    for (int i = 0; i < 3; ++i) {
        assert_true(opened[i].done.result >= 0);
        close((int)opened[i].done.result);
    }
    unlink(fifo);
    assert_int_equal(aioc_destroy(ctx), 0);
}

static void *unblock_later(void *unused) {
    usleep(20000);
    const int writer = open(fifo, O_RDWR | O_CLOEXEC);
    usleep(20000);
    close(writer);
    return unused;
}

/* Those that are told to end while a hot worker has the queue end, too, although they sleep without a timeout. */
static void all_workers_end_with_the_queue(void **state) {
    (void)state;
    alarm(30); /* else max_parallel would wait for ever */
    child_fifo_path((int)getpid(), fifo, sizeof fifo);
    unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    for (int round = 0; round < 5; ++round) {
        aioc_context *const ctx = make_handover_context(0, 4);
        assert_int_equal(aioc_min_parallel(ctx, 4), 0);
        usleep(5000);
        struct record opened = {0};
        assert_true(aioc_open(ctx, fifo, O_RDONLY | O_CLOEXEC, 0, record_callback, &opened) > 0);
        usleep(5000);
        pthread_t unblocker;
        assert_int_equal(pthread_create(&unblocker, NULL, unblock_later, NULL), 0);
        assert_true(aioc_unlink(ctx, "/nonexistent/x", NULL, NULL) > 0);
        assert_int_equal(aioc_max_parallel(ctx, 0), 0);
        wait_all(ctx);
        pthread_join(unblocker, NULL);
        close((int)opened.done.result);
        assert_int_equal(aioc_destroy(ctx), 0);
    }
    unlink(fifo);
    alarm(0);
}

int main(int argc, char **argv) {
    seconds = argc > 1 ? atof(argv[1]) : seconds;
    const struct CMUnitTest tests[] = {CASE(nothing_is_forgotten_or_done_twice),
                                       CASE(reads_do_not_wait_for_a_blocked_open),
                                       CASE(all_workers_end_with_the_queue)};
    return run_group(tests);
}
