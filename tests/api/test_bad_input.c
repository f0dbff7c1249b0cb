/* SPDX-License-Identifier: MIT */
/* Each wrong argument has the answer that the header states, and none raises a signal. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static aioc_context *ctx;

static void null_context(void **state) {
    (void)state;
    assert_int_equal(aioc_nop(NULL, NULL, NULL), -EINVAL);
    assert_int_equal(aioc_poll_cb(NULL), -EINVAL);
    assert_int_equal(aioc_cancel(NULL, 1), -EINVAL);
    assert_int_equal(aioc_nreqs(NULL), -EINVAL);
    assert_int_equal(aioc_destroy(NULL), 0);
    assert_int_equal(aioc_create(NULL, NULL), -EFAULT);
}

static void bad_paths(void **state) {
    (void)state;
    struct statx status;
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 4096, 4096, PROT_NONE);
    memset(pages, 'a', 4096);
    assert_int_equal(aioc_stat(ctx, NULL, &status, NULL, NULL), -EFAULT);
    if (!getenv("AIOC_UNDER_VALGRIND")) { /* there a wild path is reported and then read */
        assert_int_equal(aioc_stat(ctx, (const char *)1, &status, NULL, NULL), -EFAULT);
        assert_int_equal(aioc_unlink(ctx, pages + 4096, NULL, NULL), -EFAULT);
        assert_int_equal(aioc_unlink(ctx, pages + 4000, NULL, NULL), -EFAULT); /* runs into it */
    }
    char *longest = malloc(PATH_MAX + 2);
    memset(longest, 'a', PATH_MAX + 1);
    longest[PATH_MAX + 1] = 0;
    assert_int_equal(aioc_unlink(ctx, longest, NULL, NULL), -ENAMETOOLONG);
    longest[PATH_MAX] = 0;
    assert_int_equal(aioc_unlink(ctx, longest, NULL, NULL), -ENAMETOOLONG);
    longest[PATH_MAX - 1] = 0; /* the kernel's to judge: its name is too long too */
    struct record record = {0};
    assert_int_equal(result_of(ctx, aioc_unlink(ctx, longest, record_callback, &record), &record), -ENAMETOOLONG);
    free(longest);
    munmap(pages, 8192);
    assert_int_equal(aioc_nreqs(ctx), 0);
}

static void bad_numbers(void **state) {
    (void)state;
    char byte;
    struct record record = {0};
    assert_int_equal(aioc_read(ctx, 0, &byte, (size_t)SSIZE_MAX + 1, 0, NULL, NULL), -EINVAL);
    assert_int_equal(aioc_read(ctx, 0, &byte, 1, -1, NULL, NULL), -EINVAL);
    assert_int_equal(aioc_write(ctx, 0, &byte, 1, INT64_MIN, NULL, NULL), -EINVAL);
    assert_int_equal(result_of(ctx, aioc_read(ctx, -1, &byte, 1, 0, record_callback, &record), &record), -EBADF);
    assert_int_equal(aioc_min_parallel(ctx, 1025), -EINVAL);
    assert_int_equal(aioc_max_parallel(ctx, 1025), -EINVAL);
    assert_int_equal(aioc_release(ctx), -EINVAL);
    assert_int_equal(aioc_poll_break(ctx), -EINVAL);
}

static void bad_operations(void **state) {
    (void)state;
    aioc_operation ops[3] = {AIOC_OPERATION_INIT, AIOC_OPERATION_INIT, AIOC_OPERATION_INIT};
    aioc_request ids[3] = {0, 0, 0};
    assert_int_equal(aioc_submit(ctx, ops, 1, ids), -EINVAL); /* code 0 */
    ops[0].code = 9999;
    assert_int_equal(aioc_submit(ctx, ops, 1, ids), -EINVAL);
    ops[0].code = AIOC_OP_NOP;
    ops[0].flags = 0x80;
    assert_int_equal(aioc_submit(ctx, ops, 1, ids), -EINVAL);
    ops[0].flags = 0;
    ops[0].size = 2;
    assert_int_equal(aioc_submit(ctx, ops, 1, ids), -EINVAL);
    ops[0].size = sizeof ops[0];
    ops[1].code = AIOC_OP_NOP;
    assert_int_equal(aioc_submit(ctx, ops, 3, ids), 2); /* the third has no code */
    assert_true(ids[0] > 0 && ids[1] > 0 && ids[2] == 0);
    assert_int_equal(aioc_submit(ctx, NULL, 1, ids), -EFAULT);
    assert_int_equal(aioc_submit(ctx, ops, 0, ids), 0);
    wait_all(ctx);
}

static void stale_and_forged_ids(void **state) {
    (void)state;
    struct record record = {0};
    const aioc_request id = aioc_nop(ctx, record_callback, &record);
    wait_all(ctx);
    assert_int_equal(aioc_cancel(ctx, id), -ENOENT);
    assert_int_equal(aioc_cancel(ctx, 0), -ENOENT);
    assert_int_equal(aioc_cancel(ctx, -5), -ENOENT);
    assert_int_equal(aioc_cancel(ctx, INT64_MAX), -ENOENT);
    assert_int_equal(aioc_cancel(ctx, 12345), -ENOENT);
    const aioc_request next = aioc_nop(ctx, record_callback, &record);
    assert_int_not_equal(id, next);
    assert_int_equal(aioc_cancel(ctx, id), -ENOENT);
    wait_all(ctx);
}

static void options_are_checked(void **state) {
    (void)state;
    aioc_context *other = (aioc_context *)1;
    aioc_options options = AIOC_OPTIONS_INIT;
    options.flags = 0x100;
    assert_int_equal(aioc_create(&other, &options), -EINVAL);
    options.flags = 0;
    options.max_workers = 5000;
    assert_int_equal(aioc_create(&other, &options), -EINVAL);
    options.max_workers = 0;
    options.engine = AIOC_ENGINE_RING;
    if (aioc_probe(AIOC_ENGINE_RING) < 0) { /* as this build and machine have it */
        assert_int_equal(create_unforced(&other, &options), aioc_probe(AIOC_ENGINE_RING));
    }
    options.engine = 77;
    assert_int_equal(create_unforced(&other, &options), -EINVAL);
    assert_ptr_equal(other, (aioc_context *)1); /* untouched on failure */
    struct {
        aioc_options options;
        uint64_t more;
    } larger = {AIOC_OPTIONS_INIT, 0};
    larger.options.size = sizeof larger;
    assert_int_equal(aioc_create(&other, &larger.options), 0);
    assert_int_equal(aioc_destroy(other), 0);
    larger.more = 1;
    assert_int_equal(aioc_create(&other, &larger.options), -E2BIG);
    larger.options.size = 8; /* an older program's: the rest is zero */
    larger.options.max_workers = 5000;
    assert_int_equal(aioc_create(&other, &larger.options), 0);
    assert_int_equal(aioc_destroy(other), 0);
    larger.options.size = 0;
    assert_int_equal(aioc_create(&other, &larger.options), -EINVAL);
}

/* aioc_create with one variable changed. */
static int create_with(const char *variable, const char *value, aioc_context **ret) {
    char *const before = getenv(variable) ? strdup(getenv(variable)) : NULL;
    setenv(variable, value, 1);
    const int created = aioc_create(ret, NULL);
    if (before) {
        setenv(variable, before, 1);
    } else {
        unsetenv(variable);
    }
    free(before);
    return created;
}

static void environment_overrides(void **state) {
    (void)state;
    aioc_context *other;
    assert_int_equal(create_with("AIOC_SPAWNER", "typo", &other), -EINVAL);
    assert_int_equal(create_with("AIOC_ENGINE", "typo", &other), -EINVAL);
    const int created = create_with("AIOC_ENGINE", "ring", &other);
    assert_int_equal(created, aioc_probe(AIOC_ENGINE_RING));
    if (created == 0) {
        assert_int_equal(aioc_destroy(other), 0);
    }
}

static int destroy_result;
static void destroying_callback(const aioc_completion *done, void *user_data) {
    (void)done;
    destroy_result = aioc_destroy(user_data);
}

static void destroy_in_a_callback_is_refused(void **state) {
    (void)state;
    aioc_nop(ctx, destroying_callback, ctx);
    wait_all(ctx);
    assert_int_equal(destroy_result, -EDEADLK);
}

static int elsewhere;
static void *poll_elsewhere(void *shared) {
    elsewhere = aioc_poll_cb(shared);
    return NULL;
}
static void polling_callback(const aioc_completion *done, void *shared) {
    (void)done;
    pthread_t thread;
    pthread_create(&thread, NULL, poll_elsewhere, shared);
    pthread_join(thread, NULL);
}

static void two_pollers_at_once_are_refused(void **state) {
    (void)state;
    aioc_context *const shared = make_shared_context(0);
    aioc_nop(shared, polling_callback, shared);
    wait_all(shared);
    assert_int_equal(elsewhere, -EBUSY);
    assert_int_equal(aioc_destroy(shared), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(null_context),
                                       CASE(bad_paths),
                                       CASE(bad_numbers),
                                       CASE(bad_operations),
                                       CASE(stale_and_forged_ids),
                                       CASE(options_are_checked),
                                       CASE(environment_overrides),
                                       CASE(destroy_in_a_callback_is_refused),
                                       CASE(two_pollers_at_once_are_refused)};
    ctx = make_context(0);
    const int failed = run_group(tests);
    return failed || aioc_destroy(ctx) != 0;
}
