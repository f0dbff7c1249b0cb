/* SPDX-License-Identifier: MIT */
/* The context's pool of buffers and its registered files: usable on every engine, and misuse is told. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static aioc_context *ctx;

static int new_context(void **state) {
    (void)state;
    count_one(state);
    ctx = make_context(2);
    return 0;
}

static int end_context(void **state) {
    (void)state;
    return aioc_destroy(ctx);
}

static void without_a_pool_there_is_none(void **state) {
    (void)state;
    void *buffer = NULL;
    aioc_buffer_report report = AIOC_BUFFER_REPORT_INIT;
    assert_int_equal(aioc_buffer_get(ctx, &buffer), -ENOENT);
    assert_int_equal(aioc_buffer_put(ctx, &buffer), -ENOENT);
    assert_int_equal(aioc_buffer_info(ctx, &report), -ENOENT);
    assert_int_equal(aioc_buffer_get(NULL, &buffer), -EINVAL);
    assert_int_equal(aioc_buffer_create(NULL, 1, 1), -EINVAL);
    assert_int_equal(aioc_buffer_put(NULL, buffer), -EINVAL);
    assert_int_equal(aioc_buffer_info(NULL, &report), -EINVAL);
}

static void impossible_sizes_are_refused(void **state) {
    (void)state;
    assert_int_equal(aioc_buffer_create(ctx, 0, 1), -EINVAL);
    assert_int_equal(aioc_buffer_create(ctx, 1, 0), -EINVAL);
    assert_int_equal(aioc_buffer_create(ctx, UINT64_MAX, 1), -EINVAL);
    assert_int_equal(aioc_buffer_create(ctx, UINT64_MAX / 2, UINT32_MAX), -EINVAL);
    assert_int_equal(aioc_buffer_create(ctx, 1, 1), 0); /* a refused one leaves nothing */
    assert_int_equal(aioc_buffer_create(ctx, 1, 1), -EEXIST);
}

static void every_buffer_is_aligned_and_given_once(void **state) {
    (void)state;
    enum { COUNT = 5 };
    const long page = sysconf(_SC_PAGESIZE);
    char *got[COUNT];
    void *more = NULL;
    aioc_buffer_report report = AIOC_BUFFER_REPORT_INIT;
    assert_int_equal(aioc_buffer_create(ctx, 5000, COUNT), 0);
    for (int i = 0; i < COUNT; ++i) {
        void *buffer = NULL;
        assert_int_equal(aioc_buffer_get(ctx, &buffer), 0);
        got[i] = buffer;
        assert_int_equal((uintptr_t)buffer % (uintptr_t)page, 0);
        memset(buffer, i + 1, 5000);
    }
    assert_int_equal(aioc_buffer_get(ctx, &more), -ENOBUFS);
    assert_null(more);
    assert_int_equal(aioc_buffer_info(ctx, &report), 0);
    assert_int_equal(report.count, COUNT);
    assert_int_equal(report.taken, COUNT);
    assert_int_equal(report.buffer_size % (uint64_t)page, 0);
    assert_true(report.buffer_size >= 5000 && report.registered <= 0);
    for (int i = 0; i < COUNT; ++i) {
        assert_int_equal(got[i][0], i + 1);
        assert_int_equal(got[i][4999], i + 1);
        assert_int_equal(aioc_buffer_put(ctx, got[i]), 0);
    }
    assert_int_equal(aioc_buffer_info(ctx, &report), 0);
    assert_int_equal(report.taken, 0);
}

static void misuse_is_told(void **state) {
    (void)state;
    char foreign;
    void *buffer = NULL;
    assert_int_equal(aioc_buffer_create(ctx, 4096, 2), 0);
    assert_int_equal(aioc_buffer_get(ctx, &buffer), 0);
    assert_int_equal(aioc_buffer_put(ctx, (char *)buffer + 1), -EINVAL);
    assert_int_equal(aioc_buffer_put(ctx, (char *)buffer + (64 << 20)), -EINVAL);
    assert_int_equal(aioc_buffer_put(ctx, &foreign), -EINVAL);
    assert_int_equal(aioc_buffer_put(ctx, NULL), -EINVAL);
    assert_int_equal(aioc_buffer_put(ctx, buffer), 0);
    assert_int_equal(aioc_buffer_put(ctx, buffer), -EALREADY);
    assert_int_equal(aioc_buffer_get(ctx, NULL), -EFAULT);
}

static void reads_and_writes_use_them(void **state) {
    (void)state;
    void *in = NULL, *out = NULL;
    struct record record = {0};
    const int fd = open(make_file(""), O_RDWR | O_CLOEXEC);
    assert_int_equal(aioc_buffer_create(ctx, 8192, 2), 0);
    assert_int_equal(aioc_buffer_get(ctx, &in), 0);
    assert_int_equal(aioc_buffer_get(ctx, &out), 0);
    memset(out, 'w', 8192);
    assert_int_equal(result_of(ctx, aioc_write(ctx, fd, out, 8192, 0, record_callback, &record), &record), 8192);
    assert_int_equal(result_of(ctx, aioc_read(ctx, fd, in, 8192, 0, record_callback, &record), &record), 8192);
    assert_memory_equal(in, out, 8192);
    memset(in, 0, 8192);
    /* part of one, and past the end of the file */
    assert_int_equal(result_of(ctx, aioc_read(ctx, fd, (char *)in + 10, 100, 8150, record_callback, &record), &record),
                     42);
    assert_int_equal(((char *)in)[9], 0);
    assert_int_equal(((char *)in)[10 + 41], 'w');
    assert_int_equal(((char *)in)[10 + 42], 0);
    close(fd);
}

static void direct_reads_use_them(void **state) {
    (void)state;
    void *buffer = NULL;
    struct record record = {0};
    char text[9000];
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = 0;
    const char *path = make_file(text);
    int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0) { /* not every file system has it */
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    assert_int_equal(aioc_buffer_create(ctx, 4096, 1), 0);
    assert_int_equal(aioc_buffer_get(ctx, &buffer), 0);
    assert_int_equal(result_of(ctx, aioc_read(ctx, fd, buffer, 4096, 4096, record_callback, &record), &record), 4096);
    assert_int_equal(((char *)buffer)[4095], 't');
    assert_int_equal(result_of(ctx, aioc_read(ctx, fd, buffer, 4096, 8192, record_callback, &record), &record), 807);
    close(fd);
}

static void files_can_be_registered(void **state) {
    (void)state;
    char byte = 0;
    struct record record = {0};
    const int fd = open(make_file("abc"), O_RDWR | O_CLOEXEC);
    const int error = aioc_file_register(ctx, fd);
    const uint32_t engine = tested_engine();
    const bool has_ring =
        (engine == AIOC_ENGINE_RING || engine == AIOC_ENGINE_AUTO) && aioc_probe(AIOC_ENGINE_RING) == 0;
    assert_int_equal(error, has_ring ? 0 : -ENOSYS);
    assert_int_equal(aioc_file_register(ctx, fd), error == 0 ? -EEXIST : -ENOSYS);
    assert_int_equal(aioc_file_register(ctx, -1), -EBADF);
    assert_int_equal(aioc_file_register(ctx, aioc_poll_fileno(ctx)), -EINVAL);
    assert_int_equal(aioc_file_register(NULL, fd), -EINVAL);
    assert_int_equal(result_of(ctx, aioc_read(ctx, fd, &byte, 1, 2, record_callback, &record), &record), 1);
    assert_int_equal(byte, 'c');
    assert_int_equal(result_of(ctx, aioc_fsync(ctx, fd, record_callback, &record), &record), 0);
    assert_int_equal(aioc_file_unregister(ctx, fd), error == 0 ? 0 : -ENOENT);
    assert_int_equal(aioc_file_unregister(ctx, fd), -ENOENT);
    assert_int_equal(aioc_file_unregister(NULL, fd), -EINVAL);
    close(fd);
}

static void *taken;

static void in_forked_child(void) {
    void *buffer = NULL;
    const char was = ((char *)taken)[0];
    if (was != 'x' || aioc_buffer_get(ctx, &buffer) != -ENOENT || aioc_buffer_put(ctx, taken) != -ENOENT ||
        aioc_buffer_create(ctx, 100, 1) != 0 || aioc_buffer_put(ctx, taken) != -EINVAL ||
        aioc_buffer_get(ctx, &buffer) != 0 || aioc_buffer_put(ctx, buffer) != 0) {
        _exit(1);
    }
}

static void a_child_has_no_pool(void **state) {
    (void)state;
    assert_int_equal(aioc_buffer_create(ctx, 4096, 2), 0);
    assert_int_equal(aioc_buffer_get(ctx, &taken), 0);
    memset(taken, 'x', 4096);
    assert_int_equal(in_child(in_forked_child), 0);
    assert_int_equal(aioc_buffer_put(ctx, taken), 0);
}

#define BUFFER_CASE(name) cmocka_unit_test_setup_teardown(name, new_context, end_context)

int main(void) {
    const struct CMUnitTest tests[] = {
        BUFFER_CASE(without_a_pool_there_is_none),
        BUFFER_CASE(impossible_sizes_are_refused),
        BUFFER_CASE(every_buffer_is_aligned_and_given_once),
        BUFFER_CASE(misuse_is_told),
        BUFFER_CASE(reads_and_writes_use_them),
        BUFFER_CASE(direct_reads_use_them),
        BUFFER_CASE(files_can_be_registered),
        BUFFER_CASE(a_child_has_no_pool),
    };
    return run_group(tests);
}
