/* SPDX-License-Identifier: MIT */
/* AIOC_IN_ORDER with one worker: what changes something is in its place, also while a second core helps with what only
 * looks. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { depth = 64, file_bytes = 4096 };

struct step {
    aioc_operation op;
    long place;        /* in the order of submission */
    uint64_t expected; /* read: what the last write before it wrote */
    uint64_t data;
    struct statx status;
};

static struct step steps[depth];
static aioc_context *ctx;
static int fd;
static const char *path;
static char link_path[128], missing_path[128];
static unsigned seed;
static uint32_t ordered; /* what has its place: a write, or an fstat, which is answered at once */
static int one_in;       /* so many are one */
static unsigned kinds;   /* of which the first four are reads; then follow those that a worker gets alone */
static uint64_t written;
static bool last_waited; /* so do all behind one that waits on the queue: then no worker has helped */
static long submitted, delivered, steps_max, by_workers;

static void on_done(const aioc_completion *done, void *user_data);

static void fill_next(struct step *s) {
    aioc_operation op = AIOC_OPERATION_INIT;
    const unsigned kind = (unsigned)rand_r(&seed) / 7 % kinds;
    s->place = submitted++;
    s->expected = written;
    s->data = ~UINT64_C(0);
    op.fd = fd;
    op.buffer = &s->data;
    op.length = sizeof s->data;
    op.callback = on_done;
    op.user_data = s;
    if (one_in > 0 && rand_r(&seed) / 7 % one_in == 0) {
        op.code = ordered;
        if (ordered == AIOC_OP_WRITE) {
            s->data = ++written;
        } else {
            op.buffer = &s->status;
            op.length = 0;
        }
    } else if (kind < 4) {
        op.code = AIOC_OP_READ;
    } else {
        op.code = kind == 4 ? AIOC_OP_LSTAT : AIOC_OP_STAT;
        op.path = kind == 5 ? missing_path : kind == 4 || kind == 6 ? link_path : path;
        op.buffer = &s->status;
        op.length = 0;
        memset(&s->status, 0, sizeof s->status);
    }
    s->op = op;
}

static void submit_next(struct step *s) {
    fill_next(s);
    assert_true(aioc_submit(ctx, &s->op, 1, NULL) == 1);
}

static void check_status(const struct step *s, int64_t result) {
    if (s->op.path == missing_path) {
        assert_int_equal(result, -ENOENT);
        return;
    }
    assert_int_equal(result, 0);
    if (s->op.code == AIOC_OP_LSTAT) {
        assert_true(S_ISLNK(s->status.stx_mode));
    } else {
        assert_true(S_ISREG(s->status.stx_mode));
        assert_int_equal(s->status.stx_size, file_bytes);
    }
}

static void on_done(const aioc_completion *done, void *user_data) {
    struct step *const s = user_data;
    by_workers += done->engine == AIOC_ENGINE_WORKERS;
    if (s->place == steps_max - 1) {
        last_waited = done->engine != AIOC_ENGINE_INLINE;
    }
    switch (s->op.code) {
    case AIOC_OP_WRITE:
    case AIOC_OP_FSTAT: /* all before it were delivered, and none that is behind it */
        assert_int_equal(done->result, ordered == AIOC_OP_WRITE ? sizeof s->data : 0);
        assert_int_equal(s->place, delivered);
        break;
    case AIOC_OP_READ:
        assert_int_equal(done->result, sizeof s->data);
        assert_int_equal(s->data, s->expected);
        break;
    default:
        check_status(s, done->result);
    }
    ++delivered;
    if (submitted < steps_max) {
        submit_next(s);
    }
}

static void run_steps(long count, int ordered_one_in, bool evict) {
    one_in = ordered_one_in;
    kinds = ordered_one_in > 0 && ordered_one_in < 100 ? 8 : 4;
    submitted = delivered = by_workers = 0;
    steps_max = count;
    assert_int_equal(pwrite(fd, &written, sizeof written, 0), sizeof written);
    for (int i = 0; i < depth; ++i) {
        submit_next(&steps[i]);
    }
    for (long polls = 0; delivered < count; ++polls) {
        assert_true(aioc_poll_wait(ctx, 20000) > 0);
        assert_true(aioc_poll_cb(ctx) >= 0);
        if (evict && polls % 16 == 0) { /* a part that a worker has may then have to wait */
            sync_file_range(fd, 0, file_bytes, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
            posix_fadvise(fd, 0, file_bytes, POSIX_FADV_DONTNEED);
        }
    }
}

static void open_context(uint32_t more_flags) {
    aioc_options options = test_options();
    options.flags |= AIOC_IN_ORDER | more_flags;
    assert_int_equal(aioc_create(&ctx, &options), 0);
}

/* Once one waits, all that follow do: a run is short, so that there are others. */
static void run_both_kinds(uint32_t more_flags) {
    open_context(more_flags);
    seed = 7;
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (int i = 0; i < 200; ++i) {
        static const int rarities[] = {150, 40, 8};
        ordered = i % 2 == 0 ? AIOC_OP_WRITE : AIOC_OP_FSTAT;
        run_steps(600, rarities[i / 2 % 3], i % 10 == 0);
    }
    close(fd);
    assert_int_equal(aioc_destroy(ctx), 0);
}

/* Arrays outside of a poll, in a context that any thread may use or one. */
static void run_arrays(uint32_t more_flags) {
    open_context(more_flags);
    seed = 11;
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    ordered = AIOC_OP_FSTAT;
    for (int round = 0; round < 2000; ++round) {
        const uint32_t count = 12 + (uint32_t)rand_r(&seed) / 7 % 29;
        aioc_operation ops[depth];
        submitted = delivered = 0;
        steps_max = count;
        assert_int_equal(pwrite(fd, &written, sizeof written, 0), sizeof written);
        for (uint32_t i = 0; i < count; ++i) {
            kinds = 4;
            one_in = i == 0 || i == count / 2 ? 1 : 0;
            fill_next(&steps[i]);
            ops[i] = steps[i].op;
        }
        assert_int_equal(aioc_submit(ctx, ops, count, NULL), count);
        while (delivered < count) {
            assert_true(aioc_poll_wait(ctx, 20000) > 0);
            assert_true(aioc_poll_cb(ctx) >= 0);
        }
    }
    close(fd);
    assert_int_equal(aioc_destroy(ctx), 0);
}

static void arrays_complete_in_order(void **state) {
    (void)state;
    run_arrays(0);
}
static void arrays_complete_in_order_in_one_thread(void **state) {
    (void)state;
    run_arrays(AIOC_SINGLE_THREADED);
}

static void what_changes_something_is_in_its_place(void **state) {
    (void)state;
    run_both_kinds(0);
}
static void what_changes_something_is_in_its_place_in_one_thread(void **state) {
    (void)state;
    run_both_kinds(AIOC_SINGLE_THREADED);
}

static double ns_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Computes for 3 ms; had this thread a processor all the time? */
static void *compute(void *ret) {
    const double begun = ns_of(CLOCK_MONOTONIC), used = ns_of(CLOCK_THREAD_CPUTIME_ID);
    double now;
    do {
        now = ns_of(CLOCK_MONOTONIC);
    } while (now < begun + 3e6);
    *(bool *)ret = ns_of(CLOCK_THREAD_CPUTIME_ID) - used > 0.95 * (now - begun);
    return NULL;
}

static bool second_core_is_free(void) {
    bool mine = false, other = false;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, compute, &other), 0);
    compute(&mine);
    pthread_join(thread, NULL);
    return mine && other;
}

/* As far as the machine has a core for it: before and after, so that it had one meanwhile. */
static void a_worker_helps_with_what_only_looks(void **state) {
    (void)state;
    if (tested_engine() != AIOC_ENGINE_AUTO) {
        return; /* nobody helps */
    }
    open_context(AIOC_SINGLE_THREADED);
    fd = open(path, O_RDWR | O_CLOEXEC);
    const double end = ns_of(CLOCK_MONOTONIC) + 15e9;
    int in_vain = 0;
    for (bool helped = false; !helped && ns_of(CLOCK_MONOTONIC) < end;) {
        const bool was_free = second_core_is_free();
        run_steps(40000, 0, false);
        helped = by_workers > 0 && !last_waited;
        in_vain += !helped && was_free && second_core_is_free();
        assert_true(in_vain < 50);
    }
    close(fd);
    assert_int_equal(aioc_destroy(ctx), 0);
}

int main(void) {
    char content[file_bytes + 1];
    memset(content, 'x', file_bytes);
    content[file_bytes] = '\0';
    path = make_file(content);
    const char *const name = strrchr(path, '/');
    snprintf(link_path, sizeof link_path, "%.*s/link", (int)(name - path), path);
    snprintf(missing_path, sizeof missing_path, "%.*s/missing", (int)(name - path), path);
    if (symlink(path, link_path) < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {CASE(what_changes_something_is_in_its_place),
                                       CASE(what_changes_something_is_in_its_place_in_one_thread),
                                       CASE(arrays_complete_in_order), CASE(arrays_complete_in_order_in_one_thread),
                                       CASE(a_worker_helps_with_what_only_looks)};
    const int failed = run_group(tests);
    unlink(link_path);
    return failed;
}
