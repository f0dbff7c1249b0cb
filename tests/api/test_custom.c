/* SPDX-License-Identifier: MIT */
/* Functions of the program's, run as requests. */
#define _GNU_SOURCE
#include "schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local int own_number;
static pthread_t main_thread;

static aioc_request submit_work(aioc_work work, void *argument, uintptr_t name) {
    return aioc_custom(ctx, work, argument, log_callback, (void *)name);
}

/* All of this crashes on a thread that the C library does not know. */
static int64_t use_the_library(void *argument) {
    char *const text = malloc(1000);
    ++own_number;
    errno = EDOM;
    const int length = snprintf(text, 1000, "%f %d", 1.5, own_number);
    FILE *const file = fopen("/proc/self/comm", "re");
    const int opened = file != NULL;
    if (file) {
        fclose(file);
    }
    free(text);
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    const int right = length > 9 && opened && !pthread_equal(pthread_self(), main_thread) &&
                      sigismember(&blocked, SIGUSR1) && sigismember(&blocked, SIGINT);
    return right ? *(int *)argument : -EPROTO;
}

static void runs_on_a_thread_of_the_c_library(void **state) {
    (void)state;
    int numbers[100];
    main_thread = pthread_self();
    for (int i = 0; i < 100; ++i) {
        numbers[i] = i;
        assert_true(submit_work(use_the_library, &numbers[i], (uintptr_t)i) > 0);
    }
    wait_for_deliveries(100);
    assert_int_equal(own_number, 0);
    for (int i = 0; i < 100; ++i) {
        assert_int_equal(delivered[i].result, (uintptr_t)delivered[i].user_data);
        assert_int_equal(delivered[i].operation, AIOC_OP_CUSTOM);
        assert_int_equal(delivered[i].engine, AIOC_ENGINE_WORKERS);
    }
    assert_int_equal(aioc_count(ctx, AIOC_OP_CUSTOM, AIOC_ENGINE_WORKERS), 100);
    assert_string_equal(aioc_operation_name(AIOC_OP_CUSTOM), "custom");
}

static int64_t answer(void *argument) { return *(int *)argument; }

static void the_result_is_the_functions(void **state) {
    (void)state;
    int error = -EBADMSG;
    assert_true(submit_work(answer, &error, 1) > 0);
    wait_for_deliveries(1);
    assert_int_equal(delivered[0].result, -EBADMSG);
    assert_int_equal(submit_work(NULL, NULL, 1), -EFAULT);
    assert_int_equal(aioc_nreqs(ctx), 0);
}

/* Reads from a pipe until its other end is closed. */
static int pipe_ends[2];
static int64_t wait_for_pipe(void *unused) {
    char byte;
    (void)unused;
    return read(pipe_ends[0], &byte, 1);
}
static aioc_request start_waiting(uintptr_t name) {
    if (name == 1) {
        assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    }
    const aioc_request id = submit_work(wait_for_pipe, NULL, name);
    assert_true(id > 0);
    return id;
}
static void end_waiting(void) { close(pipe_ends[1]); }

static uint64_t queued(void) {
    aioc_statistics stats = AIOC_STATISTICS_INIT;
    aioc_stats(ctx, &stats);
    return stats.queued;
}
static void wait_until_none_is_queued(void) {
    for (int tries = 0; tries < 20000 && queued() > 0; ++tries) {
        usleep(1000);
    }
    assert_int_equal(queued(), 0);
}

static void one_that_blocks_keeps_no_file_operation(void **state) {
    (void)state;
    static struct statx status;
    start_waiting(1);
    for (uintptr_t name = 2; name < 50; ++name) {
        assert_true(aioc_lstat(ctx, "/", &status, log_callback, (void *)name) > 0);
    }
    wait_for_deliveries(48);
    end_waiting();
    wait_for_deliveries(49);
    assert_int_equal(delivery_of(1)->result, 0);
    close(pipe_ends[0]);
}

static void queued_is_cancelled_and_running_is_not(void **state) {
    (void)state;
    const aioc_request running = start_waiting(1);
    wait_until_none_is_queued();
    const aioc_request behind = start_waiting(2); /* there is one worker */
    assert_int_equal(aioc_cancel(ctx, running), -EALREADY);
    assert_int_equal(aioc_cancel(ctx, behind), 0);
    wait_for_deliveries(1);
    assert_int_equal(delivery_of(2)->result, -ECANCELED);
    end_waiting();
    wait_for_deliveries(2);
    assert_int_equal(delivery_of(1)->result, 0);
    close(pipe_ends[0]);
}

static void has_priority_deadline_chain_and_group(void **state) {
    (void)state;
    static int number = 7;
    aioc_operation ops[2] = {operation(AIOC_OP_CUSTOM, 2), operation(AIOC_OP_NOP, 3)};
    aioc_request ids[2];
    const aioc_request group = aioc_group(ctx, log_callback, (void *)4);
    start_waiting(1);
    wait_until_none_is_queued();
    ops[0].argument = (uintptr_t)answer;
    ops[0].buffer = &number;
    ops[0].flags = AIOC_LINK;
    ops[0].group = ops[1].group = group;
    ops[0].priority = 4;
    assert_int_equal(aioc_submit(ctx, ops, 2, ids), 2);
    ops[0].user_data = (void *)5;
    ops[0].flags = 0;
    ops[0].timeout_ns = 10000000;
    assert_int_equal(aioc_submit(ctx, ops, 1, NULL), 1);
    aioc_group_close(ctx, group);
    wait_for_deliveries(1);
    assert_int_equal(delivery_of(5)->result, -ETIMEDOUT);
    end_waiting();
    wait_for_deliveries(5);
    assert_int_equal(delivery_of(2)->result, 7);
    assert_int_equal(delivery_of(3)->result, 0);
    assert_int_equal(delivery_of(4)->result, -ETIMEDOUT);
    close(pipe_ends[0]);
}

static int64_t submit_more(void *argument) { return aioc_nop(argument, log_callback, (void *)2) > 0 ? 0 : -EPROTO; }
static void may_submit(void **state) {
    (void)state;
    assert_int_equal(aioc_destroy(ctx), 0);
    ctx = make_shared_context(1);
    assert_true(submit_work(submit_more, ctx, 1) > 0);
    wait_for_deliveries(2);
    assert_int_equal(delivery_of(1)->result, 0);
    assert_int_equal(delivery_of(2)->result, 0);
}

static void its_threads_end(void **state) {
    (void)state;
    int number = 1;
    assert_true(submit_work(answer, &number, 1) > 0);
    wait_for_deliveries(1);
    assert_int_equal(aioc_max_parallel(ctx, 0), 0);
    assert_int_equal(count_workers(), 0);
    assert_true(submit_work(answer, &number, 2) > 0); /* and one comes back */
    wait_for_deliveries(2);
}

static void destroy_waits_for_it(void **state) {
    (void)state;
    start_waiting(1);
    wait_until_none_is_queued();
    start_waiting(2);
    end_waiting(); /* the second one may or may not have begun */
    assert_int_equal(aioc_destroy(ctx), 0);
    ctx = NULL;
    assert_int_equal(deliveries, 2);
    assert_int_equal(delivery_of(1)->result, 0);
    assert_int_equal(count_workers(), 0);
    close(pipe_ends[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {SCHEDULE(runs_on_a_thread_of_the_c_library),
                                       SCHEDULE(the_result_is_the_functions),
                                       SCHEDULE(one_that_blocks_keeps_no_file_operation),
                                       SCHEDULE(queued_is_cancelled_and_running_is_not),
                                       SCHEDULE(has_priority_deadline_chain_and_group),
                                       SCHEDULE(may_submit),
                                       SCHEDULE(its_threads_end),
                                       SCHEDULE(destroy_waits_for_it)};
    return run_group(tests);
}
