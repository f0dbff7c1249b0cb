/* SPDX-License-Identifier: MIT */
/* The errors that the other test programs do not bring about; for seen_errors.py. */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char long_path[PATH_MAX + 1];
static const char *const unreadable = (const char *)16;

static int submit(aioc_context *ctx, uint32_t code, const char *path) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = code;
    op.path = path;
    return aioc_submit(ctx, &op, 1, NULL);
}

static int exchange(aioc_context *ctx, uint32_t code, const char *path) {
    aioc_operation op = AIOC_OPERATION_INIT;
    uint32_t taken;
    op.code = code;
    op.path = path;
    return aioc_exchange(ctx, &op, 1, NULL, NULL, 0, &taken);
}

static void too_long_and_unreadable_paths_are_refused(void) {
    struct statx file;
    aioc_context *const ctx = fault_context(1);
    memset(long_path, 'x', PATH_MAX);
    CHECK(aioc_open(ctx, long_path, 0, 0, NULL, NULL) == -ENAMETOOLONG);
    CHECK(aioc_unlink(ctx, long_path, NULL, NULL) == -ENAMETOOLONG);
    CHECK(aioc_stat(ctx, long_path, &file, NULL, NULL) == -ENAMETOOLONG);
    CHECK(aioc_lstat(ctx, long_path, &file, NULL, NULL) == -ENAMETOOLONG);
    CHECK(aioc_lstat(ctx, unreadable, &file, NULL, NULL) == -EFAULT);
    CHECK(submit(ctx, AIOC_OP_UNLINK, long_path) == -ENAMETOOLONG);
    CHECK(exchange(ctx, AIOC_OP_UNLINK, long_path) == -ENAMETOOLONG);
    CHECK(aioc_destroy(ctx) == 0);
}

static void an_exchange_of_more_than_is_known_is_refused(void) {
    struct {
        aioc_operation known;
        int more;
    } op = {AIOC_OPERATION_INIT, 1};
    uint32_t taken;
    aioc_context *const ctx = fault_context(1);
    op.known.size = sizeof op;
    op.known.code = AIOC_OP_NOP;
    CHECK(aioc_exchange(ctx, &op.known, 1, NULL, NULL, 0, &taken) == -E2BIG);
    CHECK(aioc_destroy(ctx) == 0);
}

static void more_than_max_outstanding_are_refused(void) {
    aioc_options options = AIOC_OPTIONS_INIT;
    aioc_context *ctx;
    options.max_outstanding = 1;
    CHECK(aioc_create(&ctx, &options) == 0);
    CHECK(submit(ctx, AIOC_OP_NOP, NULL) == 1);
    CHECK(submit(ctx, AIOC_OP_NOP, NULL) == -EAGAIN);
    CHECK(exchange(ctx, AIOC_OP_NOP, NULL) == -EAGAIN);
    CHECK(aioc_destroy(ctx) == 0);
}

static aioc_context *shared;

static void in_destroy(const aioc_completion *done, void *user_data) {
    (void)done;
    *(int *)user_data = submit(shared, AIOC_OP_NOP, NULL);
    CHECK(exchange(shared, AIOC_OP_NOP, NULL) == -ESHUTDOWN);
    CHECK(aioc_destroy(shared) == -EDEADLK);
}

static void a_callback_of_destroy_can_neither_submit_nor_destroy(void) {
    int answer = 0;
    shared = fault_context(1);
    CHECK(aioc_hold(shared) == 0);
    CHECK(aioc_nop(shared, in_destroy, &answer) > 0);
    CHECK(aioc_destroy(shared) == 0);
    CHECK(answer == -ESHUTDOWN);
}

/* Within a callback this thread polls: another one cannot. */
static void *poll_too(void *unused) {
    (void)unused;
    aioc_completion done[1] = {{.size = sizeof done[0]}};
    CHECK(aioc_poll_cb(shared) == -EBUSY);
    CHECK(aioc_poll_wait(shared, 0) == -EBUSY);
    CHECK(aioc_reap(shared, done, 1) == -EBUSY);
    CHECK(aioc_destroy(shared) == -EBUSY);
    return NULL;
}

static void in_poll(const aioc_completion *done, void *user_data) {
    (void)done;
    (void)user_data;
    pthread_t other;
    CHECK(pthread_create(&other, NULL, poll_too, NULL) == 0);
    CHECK(pthread_join(other, NULL) == 0);
}

static void a_second_thread_cannot_poll(void) {
    CHECK(aioc_create(&shared, NULL) == 0);
    CHECK(aioc_nop(shared, in_poll, NULL) > 0);
    CHECK(aioc_poll_wait(shared, 5000) == 1);
    CHECK(aioc_poll_cb(shared) == 1);
    CHECK(aioc_destroy(shared) == 0);
}

static void create_and_probe_need_descriptors(void) {
    struct rlimit before, none = {0, 0};
    aioc_context *ctx = NULL;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none.rlim_max = before.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    const int created = aioc_create(&ctx, NULL);
    const int probed = aioc_probe(AIOC_ENGINE_RING);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(created == -EMFILE);
    CHECK(ctx == NULL);
    CHECK(probed == -EMFILE || probed == -ENOSYS);
}

static void no_ring(int error) {
    aioc_options options = AIOC_OPTIONS_INIT;
    aioc_engine_report report = AIOC_ENGINE_REPORT_INIT;
    aioc_context *ctx = NULL;
    refuse_syscall(SYS_io_uring_setup, error);
    options.engine = AIOC_ENGINE_RING;
    CHECK(aioc_create(&ctx, &options) == -error || aioc_probe(AIOC_ENGINE_RING) == -ENOSYS);
    CHECK(ctx == NULL);
    CHECK(aioc_probe(AIOC_ENGINE_RING) == -error || aioc_probe(AIOC_ENGINE_RING) == -ENOSYS);
    /* Whatever it is, the report can be read. */
    CHECK(aioc_create(&ctx, NULL) == 0);
    CHECK(aioc_engine_info(ctx, AIOC_ENGINE_RING, &report) == 0);
    CHECK(report.status == aioc_probe(AIOC_ENGINE_RING));
    CHECK(aioc_destroy(ctx) == 0);
}
static void ring_refused_with_eperm_is_reported(void) { no_ring(EPERM); }
static void ring_refused_with_enosys_is_reported(void) { no_ring(ENOSYS); }
static void ring_refused_with_einval_is_reported(void) { no_ring(EINVAL); }
static void ring_refused_with_enomem_is_reported(void) { no_ring(ENOMEM); }
static void ring_refused_with_eopnotsupp_is_reported(void) { no_ring(EOPNOTSUPP); }
static void ring_refused_with_eacces_is_reported(void) { no_ring(EACCES); }

static void no_worker(int error) {
    aioc_options options = AIOC_OPTIONS_INIT;
    aioc_context *ctx;
    refuse_syscall(SYS_clone, error);
    options.spawner = AIOC_SPAWNER_CLONE;
    CHECK(aioc_create(&ctx, &options) == 0);
    CHECK(aioc_min_parallel(ctx, 1) == -error);
    CHECK(aioc_destroy(ctx) == 0);
}
static void clone_refused_with_eagain_is_reported(void) { no_worker(EAGAIN); }
static void clone_refused_with_enosys_is_reported(void) { no_worker(ENOSYS); }
static void clone_refused_with_eperm_is_reported(void) { no_worker(EPERM); }
static void clone_refused_with_enomem_is_reported(void) { no_worker(ENOMEM); }

static void no_operation(int error) {
    refuse_syscall(SYS_renameat2, error);
    CHECK(aioc_probe_operation(AIOC_OP_RENAME) == -error);
    CHECK(aioc_probe_operation(AIOC_OP_UNLINK) == 0);
}
static void operation_refused_with_enosys_is_reported(void) { no_operation(ENOSYS); }
static void operation_refused_with_eopnotsupp_is_reported(void) { no_operation(EOPNOTSUPP); }

static void composites_refuse_bad_pointers_and_paths(void) {
    aioc_walk *walk = NULL;
    void *text = NULL;
    aioc_context *const ctx = fault_context(1);
    memset(long_path, 'x', PATH_MAX);
    CHECK(aioc_walk_create(ctx, long_path, 0, &walk) == -ENAMETOOLONG);
    CHECK(walk == NULL);
    CHECK(aioc_hold(ctx) == 0);
    const aioc_request request = aioc_load(ctx, "/dev/null", 0, &text, NULL, NULL);
    CHECK(request > 0);
    CHECK(aioc_progress(ctx, request, (aioc_report *)unreadable) == -EFAULT);
    CHECK(aioc_release(ctx) == 0);
    drain(ctx);
    aioc_free(text);
    CHECK(aioc_destroy(ctx) == 0);
}

CHILD_CASE(composites_refuse_bad_pointers_and_paths)
CHILD_CASE(operation_refused_with_enosys_is_reported)
CHILD_CASE(operation_refused_with_eopnotsupp_is_reported)

static int64_t work(void *unused) {
    (void)unused;
    return 0;
}
static void groups_are_refused_like_requests(void) {
    aioc_options options = AIOC_OPTIONS_INIT;
    aioc_context *ctx;
    options.max_outstanding = 1;
    CHECK(aioc_create(&ctx, &options) == 0);
    CHECK(aioc_group(ctx, NULL, NULL) > 0);
    CHECK(aioc_group(ctx, NULL, NULL) == -EAGAIN);
    CHECK(aioc_custom(ctx, work, NULL, NULL, NULL) == -EAGAIN);
    CHECK(aioc_destroy(ctx) == 0);
}

static void in_destroy_of_a_group(const aioc_completion *done, void *user_data) {
    (void)done;
    *(int64_t *)user_data = aioc_group(shared, NULL, NULL);
    CHECK(aioc_custom(shared, work, NULL, NULL, NULL) == -ESHUTDOWN);
}
static void a_callback_of_destroy_can_make_no_group(void) {
    int64_t answer = 0;
    shared = fault_context(1);
    CHECK(aioc_group(shared, in_destroy_of_a_group, &answer) > 0);
    CHECK(aioc_destroy(shared) == 0);
    CHECK(answer == -ESHUTDOWN);
}

/* The descriptor could not become readable in time. */
static void no_alarm(int error) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = AIOC_OP_GROUP;
    op.timeout_ns = 3600000000000;
    aioc_context *ctx = fault_context(1);
    refuse_syscall(SYS_io_setup, error);
    CHECK(aioc_submit(ctx, &op, 1, NULL) == 1); /* poll_wait needs no alarm */
    CHECK(aioc_poll_fileno(ctx) == -error);
    CHECK(aioc_submit(ctx, &op, 1, NULL) == -error);
    CHECK(aioc_nreqs(ctx) == 1);
    op.timeout_ns = 1000000;
    op.code = AIOC_OP_NOP;
    CHECK(aioc_submit(ctx, &op, 1, NULL) == -error);
    CHECK(aioc_nop(ctx, NULL, NULL) > 0);
    CHECK(aioc_destroy(ctx) == 0);
}
static void deadlines_without_aio_are_refused_with_enosys(void) { no_alarm(ENOSYS); }
static void deadlines_without_aio_are_refused_with_eperm(void) { no_alarm(EPERM); }

CHILD_CASE(groups_are_refused_like_requests)
CHILD_CASE(a_callback_of_destroy_can_make_no_group)
CHILD_CASE(deadlines_without_aio_are_refused_with_enosys)
CHILD_CASE(deadlines_without_aio_are_refused_with_eperm)
CHILD_CASE(too_long_and_unreadable_paths_are_refused)
CHILD_CASE(an_exchange_of_more_than_is_known_is_refused)
CHILD_CASE(more_than_max_outstanding_are_refused)
CHILD_CASE(a_callback_of_destroy_can_neither_submit_nor_destroy)
CHILD_CASE(a_second_thread_cannot_poll)
CHILD_CASE(create_and_probe_need_descriptors)
CHILD_CASE(ring_refused_with_eperm_is_reported)
CHILD_CASE(ring_refused_with_enosys_is_reported)
CHILD_CASE(ring_refused_with_einval_is_reported)
CHILD_CASE(ring_refused_with_enomem_is_reported)
CHILD_CASE(ring_refused_with_eopnotsupp_is_reported)
CHILD_CASE(ring_refused_with_eacces_is_reported)
CHILD_CASE(clone_refused_with_eagain_is_reported)
CHILD_CASE(clone_refused_with_enosys_is_reported)
CHILD_CASE(clone_refused_with_eperm_is_reported)
CHILD_CASE(clone_refused_with_enomem_is_reported)

int main(void) {
    const struct CMUnitTest tests[] = {
        CHILD(composites_refuse_bad_pointers_and_paths),
        CHILD(operation_refused_with_enosys_is_reported),
        CHILD(operation_refused_with_eopnotsupp_is_reported),
        CHILD(groups_are_refused_like_requests),
        CHILD(a_callback_of_destroy_can_make_no_group),
        CHILD(deadlines_without_aio_are_refused_with_enosys),
        CHILD(deadlines_without_aio_are_refused_with_eperm),
        CHILD(too_long_and_unreadable_paths_are_refused),
        CHILD(an_exchange_of_more_than_is_known_is_refused),
        CHILD(more_than_max_outstanding_are_refused),
        CHILD(a_callback_of_destroy_can_neither_submit_nor_destroy),
        CHILD(a_second_thread_cannot_poll),
        CHILD(create_and_probe_need_descriptors),
        CHILD(ring_refused_with_eperm_is_reported),
        CHILD(ring_refused_with_enosys_is_reported),
        CHILD(ring_refused_with_einval_is_reported),
        CHILD(ring_refused_with_enomem_is_reported),
        CHILD(ring_refused_with_eopnotsupp_is_reported),
        CHILD(ring_refused_with_eacces_is_reported),
        CHILD(clone_refused_with_eagain_is_reported),
        CHILD(clone_refused_with_enosys_is_reported),
        CHILD(clone_refused_with_eperm_is_reported),
        CHILD(clone_refused_with_enomem_is_reported),
    };
    return run_group(tests);
}
