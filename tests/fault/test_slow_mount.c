/* SPDX-License-Identifier: MIT */
/* Usage: test_slow_mount SLEEPFS
 * A mount that hangs takes only its own workers, and one that is slow gets as many as it can use. Needs root and
 * /dev/fuse; where those are missing it says so, and is skipped. */
#define _GNU_SOURCE
#include "schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { latency_us = 5000, skipped = 77 };
static const char *sleepfs;
static char mount_point[64];
static pid_t server;
static int server_input = -1;

/* 0: it is mounted. */
static int start_server(void) {
    int input[2], output[2];
    char text[8] = "", microseconds[16];
    snprintf(microseconds, sizeof microseconds, "%d", latency_us);
    snprintf(mount_point, sizeof mount_point, "/tmp/aioclone mount %d",
             (int)getpid()); /* with blanks: they are escaped */
    mkdir(mount_point, 0700);
    if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0) {
        return -1;
    }
    server = fork();
    if (server == 0) {
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        execl(sleepfs, sleepfs, mount_point, microseconds, (char *)NULL);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    server_input = input[1];
    const int ready = read(output[0], text, 5) == 5;
    close(output[0]);
    return ready ? 0 : -1;
}

/* What hangs fails then. */
static void stop_server(void) {
    if (server > 0) {
        close(server_input);
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        server = 0;
        umount2(mount_point, MNT_DETACH);
        rmdir(mount_point);
    }
}

static int setup_of(void **state, uint32_t workers, uint32_t device_workers) {
    schedule_setup_workers(state);
    assert_int_equal(aioc_destroy(ctx), 0);
    aioc_options options = test_options();
    options.max_workers = workers;
    options.device_workers = device_workers;
    options.idle_timeout_ms = 200;
    assert_int_equal(aioc_create(&ctx, &options), 0);
    return server > 0 ? 0 : start_server();
}
static int setup(void **state) { return setup_of(state, 8, 0); }
static int setup_default(void **state) { return setup_of(state, 0, 0); }
static int setup_two(void **state) { return setup_of(state, 8, 2); }
static int setup_many(void **state) { return setup_of(state, 1024, 0); }
static int setup_trees(void **state) { return setup_of(state, 64, 0); }
static int teardown(void **state) {
    stop_server();
    return schedule_teardown(state);
}

static const char *path_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", mount_point, name);
    return path;
}

static struct statx status[2000];
static aioc_request stat_on_mount(const char *name, uintptr_t number, uint64_t timeout_ns) {
    aioc_operation op = operation(AIOC_OP_STAT, number);
    op.path = path_of(name);
    op.buffer = &status[number];
    op.timeout_ns = timeout_ns;
    const aioc_request id = submit_operation(&op);
    assert_true(id > 0);
    return id;
}

static uint64_t waiting(void) {
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    assert_int_equal(aioc_stats(ctx, &stats), 0);
    return stats.waiting;
}

/* They must end while the mount hangs. */
static void local_requests_end(uintptr_t first, const uint32_t *codes, int kinds) {
    static char text[8];
    enum { count = 40 };
    const int before = deliveries;
    const int fd = open(scratch_path(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    for (uintptr_t i = 0; i < count; ++i) {
        aioc_operation op = operation(codes[i % (uintptr_t)kinds], first + i);
        op.path = scratch_path();
        op.buffer = op.code == AIOC_OP_LSTAT ? (void *)&status[first + i] : text;
        op.fd = fd;
        op.mode = 0600;
        assert_true(submit_operation(&op) > 0);
    }
    wait_for_deliveries(before + count);
    close(fd);
    for (uintptr_t i = 0; i < count; ++i) {
        assert_int_equal(delivery_of(first + i)->result, 0);
    }
}

static void hangs_and_leaves_the_rest(int requests, int places) {
    for (uintptr_t i = 1; i <= (uintptr_t)requests; ++i) {
        stat_on_mount("hang", i, 0);
    }
    assert_int_equal(waiting(), requests - places);
    /* Quick ones have fewer workers, and those that hang are not among them; then what waits for a disk. */
    local_requests_end(1000, (const uint32_t[]){AIOC_OP_FCHMOD}, 1);
    local_requests_end(1100, (const uint32_t[]){AIOC_OP_LSTAT, AIOC_OP_FCHMOD}, 2);
    local_requests_end(1200, (const uint32_t[]){AIOC_OP_FSYNC, AIOC_OP_READAHEAD, AIOC_OP_LSTAT}, 3);
    assert_int_equal(deliveries, 120);
    stop_server(); /* what hangs fails, and what waits is tried */
    wait_for_deliveries(120 + requests);
    assert_int_equal(waiting(), 0);
}
static void a_mount_that_hangs_takes_only_its_own_workers(void **state) {
    (void)state;
    hangs_and_leaves_the_rest(50, 7);
}
static void also_with_the_default_options(void **state) {
    (void)state;
    hangs_and_leaves_the_rest(60, 28);
}
/* As many workers as requests, and all of them hang: those that are quick need more. */
static void quick_requests_find_workers_when_all_hang(void **state) {
    (void)state;
    hangs_and_leaves_the_rest(6, 6);
}
static void the_option_sets_the_number(void **state) {
    (void)state;
    hangs_and_leaves_the_rest(50, 2);
}

static void by_descriptor_too(void **state) {
    (void)state;
    /* Reads of 5 ms each: more than the device has places for. */
    static char texts[30][16];
    const int fd = open(path_of("file"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (uintptr_t i = 1; i <= 30; ++i) {
        aioc_operation op = operation(AIOC_OP_READ, i);
        op.fd = fd;
        op.buffer = texts[i - 1];
        op.length = sizeof texts[0];
        assert_true(submit_operation(&op) > 0);
    }
    assert_int_equal(waiting(), 28);
    wait_for_deliveries(30);
    for (uintptr_t i = 1; i <= 30; ++i) {
        assert_int_equal(delivery_of(i)->result, sizeof texts[0]);
    }
    close(fd);
}

/* Its threads are few, and would all hang: also with O_DIRECT, for which it is there elsewhere. */
static void reads_are_not_given_to_the_ring(void **state) {
    (void)state;
    assert_int_equal(aioc_destroy(ctx), 0);
    const aioc_options options = AIOC_OPTIONS_INIT;
    assert_int_equal(create_unforced(&ctx, &options), 0);
    static char text[4096] __attribute__((aligned(4096)));
    int fds[2]; /* two, both open: of a number that is used again the flags are known for a while */
    for (uintptr_t i = 1; i <= 2; ++i) {
        fds[i - 1] = open(path_of("file"), O_RDONLY | O_CLOEXEC | (i == 2 ? O_DIRECT : 0));
        assert_true(fds[i - 1] >= 0);
        aioc_operation op = operation(AIOC_OP_READ, i);
        op.fd = fds[i - 1];
        op.buffer = text;
        op.length = sizeof text;
        assert_true(submit_operation(&op) > 0);
        wait_for_deliveries((int)i);
        assert_int_equal(delivery_of(i)->result, sizeof text);
        assert_int_equal(delivery_of(i)->engine, AIOC_ENGINE_WORKERS);
    }
    close(fds[0]);
    close(fds[1]);
}

static void what_waits_for_its_device_can_be_cancelled_and_time_out(void **state) {
    (void)state;
    aioc_request ids[13];
    for (uintptr_t i = 1; i <= 10; ++i) {
        ids[i] = stat_on_mount("hang", i, i == 9 ? 20000000 : 0);
    }
    assert_int_equal(waiting(), 8);
    assert_int_equal(aioc_cancel(ctx, ids[5]), 0);
    wait_for_deliveries(2);
    assert_int_equal(delivery_of(5)->result, -ECANCELED);
    assert_int_equal(delivery_of(9)->result, -ETIMEDOUT);
    assert_int_equal(waiting(), 6);
    aioc_operation chain[2] = {operation(AIOC_OP_LSTAT, 11), operation(AIOC_OP_NOP, 12)};
    chain[0].path = path_of("hang");
    chain[0].buffer = &status[11];
    chain[0].flags = AIOC_LINK;
    assert_int_equal(aioc_submit(ctx, chain, 2, ids + 11), 2);
    assert_int_equal(aioc_cancel(ctx, ids[11]), 0);
    wait_for_deliveries(4);
    assert_int_equal(delivery_of(12)->result, -ECANCELED);
    stop_server();
    wait_for_deliveries(12);
}

static void destroy_ends_what_waits_for_its_device(void **state) {
    (void)state;
    for (uintptr_t i = 1; i <= 10; ++i) {
        stat_on_mount("slow", i, 0);
    }
    assert_int_equal(aioc_destroy(ctx), 0);
    ctx = NULL;
    assert_int_equal(deliveries, 10);
    int cancelled = 0;
    for (int i = 0; i < 10; ++i) {
        cancelled += delivered[i].result == -ECANCELED;
    }
    assert_true(cancelled >= 8);
}

/* --- Speed */

static int fast_fd, left;
static char texts[1024][16];
static void read_again(const aioc_completion *done, void *user_data) {
    assert_int_equal(done->result, sizeof texts[0]);
    ++deliveries;
    if (left-- > 0) {
        assert_true(aioc_read(ctx, fast_fd, texts[(uintptr_t)user_data], sizeof texts[0], 0, read_again, user_data) >
                    0);
    }
}

static double reads_per_second(int outstanding, int count, uint32_t *ret_workers) {
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    deliveries = 0;
    left = count - outstanding;
    *ret_workers = 0;
    const int64_t start = now_ns();
    for (uintptr_t i = 0; i < (uintptr_t)outstanding; ++i) {
        assert_true(aioc_read(ctx, fast_fd, texts[i], sizeof texts[0], 0, read_again, (void *)i) > 0);
    }
    while (aioc_nreqs(ctx) > 0) {
        aioc_poll_wait(ctx, 1000);
        aioc_poll_cb(ctx);
        aioc_stats(ctx, &stats);
        *ret_workers = stats.workers > *ret_workers ? stats.workers : *ret_workers;
    }
    assert_int_equal(deliveries, count);
    return 1e9 * count / (double)(now_ns() - start);
}

/* The same by as many threads that do nothing else: what this machine can do at this moment. */
static int pool_left;
static void *read_in_pool(void *unused) {
    char text[16];
    while (__atomic_sub_fetch(&pool_left, 1, __ATOMIC_RELAXED) >= 0) {
        assert_int_equal(pread(fast_fd, text, sizeof text, 0), sizeof text);
    }
    return unused;
}
static double reads_per_second_of_pool(int threads, int count) {
    pthread_t ids[1024];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    pool_left = count;
    const int64_t start = now_ns();
    for (int i = 0; i < threads; ++i) {
        assert_int_equal(pthread_create(&ids[i], &small, read_in_pool, NULL), 0);
    }
    for (int i = 0; i < threads; ++i) {
        pthread_join(ids[i], NULL);
    }
    pthread_attr_destroy(&small);
    return 1e9 * count / (double)(now_ns() - start);
}

static void throughput_scales_and_the_pool_shrinks(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    enum { instrumented = 1 }; /* their threads are dear */
#else
    enum { instrumented = 0 };
#endif
    const int outstanding[] = {16, 64, 1000};
    fast_fd = open(path_of("fast"), O_RDONLY | O_CLOEXEC);
    assert_true(fast_fd >= 0);
    for (int i = 0; i < (instrumented ? 2 : 3); ++i) {
        const int count = outstanding[i] * 20;
        double best = 0, bound = 0;
        for (int tries = 0; tries < (instrumented ? 1 : 5) && (tries == 0 || best < 0.8 * bound);
             ++tries) { /* others use the machine too */
            uint32_t workers;
            const double pool = reads_per_second_of_pool(outstanding[i], count);
            const double speed = reads_per_second(outstanding[i], count, &workers);
            const double ideal = 1e6 / latency_us * workers;
            bound = ideal < pool ? ideal : pool;
            best = speed / bound > best / bound ? speed : best;
            printf("%d outstanding: %u workers, %.0f/s, %.0f %% of workers / latency, %.0f %% of plain threads\n",
                   outstanding[i], workers, speed, 100 * speed / ideal, 100 * speed / pool);
            assert_true(workers >= (uint32_t)outstanding[i] / 2);
        }
        /* A thousand workers are more than two processors can keep busy: docs/scheduling.md has what they do. */
        assert_true(instrumented || best >= (outstanding[i] < 1000 ? 0.8 : 0.3) * bound);
    }
    close(fast_fd);
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    const int64_t limit = now_ns() + 20000000000;
    do {
        poll(NULL, 0, 20);
        aioc_stats(ctx, &stats);
        assert_true(now_ns() < limit);
    } while (stats.workers > 1);
}

/* --- Trees ------------------------------------------------------------------------------ */

static double seconds_of(const char *format, const char *place) { /* of a command of the shell */
    char command[400];
    snprintf(command, sizeof command, format, place);
    const int64_t start = now_ns();
    assert_int_equal(system(command), 0);
    return (double)(now_ns() - start) / 1e9;
}

static int64_t run_to_end(aioc_operation op) {
    const int before = deliveries;
    assert_true(submit_operation(&op) > 0);
    wait_for_deliveries(before + 1);
    return delivery_of((uintptr_t)op.user_data)->result;
}

static int64_t walk_with_status(const char *path) {
    aioc_walk *walk = NULL;
    int64_t count = 0;
    assert_int_equal(aioc_walk_create(ctx, path, AIOC_WALK_STAT, &walk), 0);
    for (int64_t more = 1; more != 0; count += more) {
        aioc_entries *entries = NULL;
        aioc_operation op = operation(AIOC_OP_WALK_NEXT, (uintptr_t)deliveries + 1);
        op.argument = (uintptr_t)walk;
        op.buffer = (void *)&entries;
        more = run_to_end(op);
        assert_true(more >= 0);
        for (int64_t i = 0; i < more; ++i) {
            assert_non_null(aioc_entries_at(entries, (uint64_t)i)->status);
        }
        aioc_free(entries);
    }
    assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
    return count;
}

static void copy_whole(const char *from, const char *to, int64_t entries) {
    aioc_operation op = operation(AIOC_OP_COPY_TREE, (uintptr_t)deliveries + 1);
    op.path = from;
    op.path2 = to;
    assert_int_equal(run_to_end(op), entries + 1);
}

static void check_speedup(const char *what, double theirs, int64_t start) {
    enum { least = 4 }; /* two workers reach 2; docs/limits.md has what an idle machine does */
    const double ours = (double)(now_ns() - start) / 1e9;
    printf("%s: %.2f s, %.1f times as fast\n", what, ours, theirs / ours);
    assert_true(theirs > least * ours);
}

/* A composite has as many workers as its mount may have, whatever the number of processors. */
static void trees_use_the_workers_of_their_mount(void **state) {
    (void)state;
    enum { entries = 5 + 25 + 25 };
    char source[64], tree[160], copy[160];
    snprintf(source, sizeof source, "/tmp/aioclone-source-%d", (int)getpid());
    snprintf(tree, sizeof tree, "%s", path_of("tree/one"));
    snprintf(copy, sizeof copy, "%s", path_of("tree/two"));
    seconds_of(
        "for d in a b c d e; do for i in 1 2 3 4 5; do mkdir -p %1$s/$d/$i && echo $d$i > %1$s/$d/$i/file; done; "
        "done",
        source);
    copy_whole(source, tree, entries);

    const double find = seconds_of("find '%s/tree/one' -printf '%%s' > /dev/null", mount_point);
    int64_t start = now_ns();
    assert_int_equal(walk_with_status(tree), entries);
    check_speedup("walk", find, start);

    const double cp = seconds_of("cd '%s/tree' && cp -r one three", mount_point);
    start = now_ns();
    copy_whole(tree, copy, entries);
    check_speedup("copy_tree", cp, start);
    char compare[300];
    snprintf(compare, sizeof compare, "diff -r %s '%%s/tree/two'", source);
    seconds_of(compare, mount_point);

    const double rm = seconds_of("rm -r '%s/tree/three'", mount_point);
    aioc_operation op = operation(AIOC_OP_REMOVE_TREE, (uintptr_t)deliveries + 1);
    op.path = copy;
    start = now_ns();
    assert_int_equal(run_to_end(op), entries + 1);
    check_speedup("remove_tree", rm, start);
    seconds_of("rm -r %s", source);
    assert_int_equal(access(copy, F_OK), -1);
}

int main(int argc, char **argv) {
    sleepfs = argc > 1 ? argv[1] : "";
    if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) != 0 || start_server() != 0) {
        stop_server();
        printf(
            "not tested here: a FUSE file system cannot be mounted (root, /dev/fuse and CAP_SYS_ADMIN are needed)\n");
        return skipped;
    }
    stop_server();
#define MOUNT(name, how) cmocka_unit_test_setup_teardown(name, how, teardown)
    const struct CMUnitTest tests[] = {MOUNT(a_mount_that_hangs_takes_only_its_own_workers, setup),
                                       MOUNT(also_with_the_default_options, setup_default),
                                       MOUNT(quick_requests_find_workers_when_all_hang, setup_default),
                                       MOUNT(the_option_sets_the_number, setup_two),
                                       MOUNT(by_descriptor_too, setup_two),
                                       MOUNT(reads_are_not_given_to_the_ring, setup_default),
                                       MOUNT(what_waits_for_its_device_can_be_cancelled_and_time_out, setup_two),
                                       MOUNT(destroy_ends_what_waits_for_its_device, setup_two),
                                       MOUNT(trees_use_the_workers_of_their_mount, setup_trees),
                                       MOUNT(throughput_scales_and_the_pool_shrinks, setup_many)};
    return run_group(tests);
}
