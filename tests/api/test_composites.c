/* SPDX-License-Identifier: MIT */
/* Composites on one file or directory: read_full, write_full, load, scandir, replace, pathsync, copy. */
#define _GNU_SOURCE
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static aioc_context *ctx;
static struct record record;

static int64_t run(aioc_request request) {
    const int64_t result = result_of(ctx, request, &record);
    if (!engine_is_allowed(record.done.engine)) {
        fail_msg("%s ran on %s", aioc_operation_name(record.done.operation), aioc_engine_name(record.done.engine));
    }
    return result;
}
#define RUN(name, ...) run(aioc_##name(ctx, __VA_ARGS__, record_callback, &record))

static void read_full_and_write_full_go_to_the_end(void **state) {
    (void)state;
    enum { bytes = 20 << 20 };
    char *const data = malloc(bytes);
    char *const back = malloc(bytes);
    for (size_t i = 0; i < bytes; ++i) {
        data[i] = (char)(i * 13 + i / 4096);
    }
    const int fd = open(in_tree("full"), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(RUN(write_full, fd, data, bytes, 5), bytes);
    assert_int_equal(RUN(read_full, fd, back, bytes, 5), bytes);
    assert_memory_equal(data, back, bytes);
    assert_int_equal(RUN(read_full, fd, back, bytes, bytes), 5); /* short at the end of the file only */
    assert_int_equal(RUN(read_full, fd, back, 10, 2 * bytes), 0);
    assert_int_equal(RUN(read_full, fd, back, 0, 0), 0);
    assert_int_equal(RUN(write_full, fd, data, 0, 0), 0);
    close(fd);
    assert_int_equal(RUN(read_full, -1, back, 1, 0), -EBADF);
    assert_int_equal(RUN(write_full, -1, back, 1, 0), -EBADF);
    assert_true(aioc_read_full(ctx, 0, back, 1, -1, NULL, NULL) == -EINVAL);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(RUN(write_full, full, data, 100, 0), -ENOSPC);
    close(full);
    if (!getenv("AIOC_UNDER_VALGRIND")) {
        const int again = open(in_tree("full"), O_RDWR | O_CLOEXEC);
        assert_int_equal(RUN(read_full, again, NULL, 100, 0), -EFAULT);
        close(again);
    }
    free(data);
    free(back);
}

static void load_gives_the_whole_file(void **state) {
    (void)state;
    void *data = NULL;
    put_file("small", "hello");
    assert_int_equal(RUN(load, in_tree("small"), 0, &data), 5);
    assert_string_equal(data, "hello");
    aioc_free(data);
    put_file("empty", "");
    data = NULL;
    assert_int_equal(RUN(load, in_tree("empty"), 0, &data), 0);
    assert_non_null(data);
    assert_string_equal(data, "");
    aioc_free(data);
    for (size_t bytes = 4030; bytes <= 4100; ++bytes) { /* around a page less the header */
        put_bytes("page", bytes);
        data = NULL;
        assert_int_equal(RUN(load, in_tree("page"), bytes, &data), bytes);
        assert_int_equal(((char *)data)[bytes], 0);
        assert_int_equal(((char *)data)[bytes - 1], (char)((bytes - 1) * 7 + (bytes - 1) / 4096));
        aioc_free(data);
    }
    data = ctx;
    assert_int_equal(RUN(load, in_tree("page"), 100, &data), -EFBIG);
    assert_int_equal(RUN(load, in_tree("missing"), 0, &data), -ENOENT);
    assert_int_equal(RUN(load, in_tree("."), 0, &data), -EISDIR);
    assert_int_equal(RUN(load, "/dev/zero", 100000, &data), -EFBIG); /* no end, but a limit */
    assert_ptr_equal(data, ctx);                                     /* not written on failure */
    assert_true(aioc_load(ctx, NULL, 0, &data, NULL, NULL) == -EFAULT);
    assert_true(aioc_load(ctx, "x", 0, NULL, NULL, NULL) == -EFAULT);
    aioc_free(NULL);
}

/* What is freed is used again: as it is, and only for what fits. */
static void load_into_memory_that_was_used_before(void **state) {
    (void)state;
    enum { count = 100 };
    static void *data[count];
    put_file("small", "hello");
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < count; ++i) {
            data[i] = NULL;
            assert_int_equal(RUN(load, in_tree("small"), 0, &data[i]), 5);
            assert_string_equal(data[i], "hello");
            for (int j = 0; j < i; ++j) {
                assert_ptr_not_equal(data[i], data[j]);
            }
        }
        for (int i = 0; i < count; ++i) {
            assert_string_equal(data[i], "hello");
            aioc_free(data[i]);
        }
    }
    for (size_t bytes = (16 << 10) - 68; bytes <= (16 << 10) + 4; ++bytes) { /* where they end */
        put_bytes("page", bytes);
        void *large = NULL;
        assert_int_equal(RUN(load, in_tree("page"), 0, &large), bytes);
        assert_int_equal(((char *)large)[bytes], 0);
        assert_int_equal(((char *)large)[bytes - 1], (char)((bytes - 1) * 7 + (bytes - 1) / 4096));
        assert_int_equal(RUN(load, in_tree("small"), 0, &data[0]), 5);
        assert_string_equal(data[0], "hello");
        aioc_free(large);
        aioc_free(data[0]);
    }
    int different = 0;
    for (int i = 0; i < 1000; ++i) {
        void *one = NULL;
        assert_int_equal(RUN(load, in_tree("missing"), 0, &one), -ENOENT); /* gives back what it had */
        assert_int_equal(RUN(load, in_tree("small"), 0, &one), 5);
        aioc_free(one);
        int known = 0;
        while (known < different && data[known] != one) {
            ++known;
        }
        if (known == different) {
            assert_true(different < count);
            data[different++] = one;
        }
    }
    assert_true(different <= 64);
    /* It outlives its context. */
    assert_int_equal(RUN(load, in_tree("small"), 0, &data[0]), 5);
    assert_int_equal(aioc_destroy(ctx), 0);
    assert_string_equal(data[0], "hello");
    aioc_free(data[0]);
    ctx = make_context(2);
}

/* Alone in a callback it is tried twice. */
static void load_again(const aioc_completion *done, void *user_data) {
    static const char *const names[] = {"empty", "big", "small", "."};
    void **const left = user_data;
    assert_true(done->result >= 0 || done->result == -EISDIR);
    if (done->result >= 0) {
        aioc_free(left[1]);
    }
    const uintptr_t rest = (uintptr_t)left[0];
    left[0] = (void *)(rest - 1);
    if (rest > 0) {
        assert_true(aioc_load(ctx, in_tree(names[rest % 4]), 0, &left[1], load_again, left) > 0);
    }
}
static void loads_one_by_one_in_callbacks_leak_no_descriptor(void **state) {
    (void)state;
    put_file("empty", "");
    put_file("small", "hello");
    put_bytes("big", 100000);
    void *left[2] = {(void *)200, NULL};
    const int before = count_fds();
    assert_true(aioc_load(ctx, in_tree("small"), 0, &left[1], load_again, left) > 0);
    while ((intptr_t)left[0] >= 0) {
        assert_true(aioc_poll_wait(ctx, 10000) >= 0);
        assert_true(aioc_poll_cb(ctx) >= 0);
    }
    assert_true(count_fds() <= before + 1); /* the ring's own */
}
/* As many as there are, and more than the process may have open. */
static void a_batch_of_loads_needs_few_descriptors(void **state) {
    (void)state;
    enum { count = 2000, more = 20 };
    static void *data[count];
    static aioc_operation ops[count];
    put_bytes("big", 20000);
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < count; ++i) {
        ops[i] = (aioc_operation)AIOC_OPERATION_INIT;
        ops[i].code = AIOC_OP_LOAD;
        ops[i].path = in_tree("big");
        ops[i].buffer = &data[i];
    }
    few = before;
    few.rlim_cur = (rlim_t)count_fds() + more;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const int accepted = aioc_submit(ctx, ops, count, NULL);
    int good = 0;
    for (int done = 0; done < count;) {
        aioc_completion completions[64];
        completions[0].size = sizeof completions[0];
        assert_true(aioc_poll_wait(ctx, 10000) >= 0);
        const int n = aioc_reap(ctx, completions, 64);
        assert_true(n >= 0);
        for (int i = 0; i < n; ++i) {
            good += completions[i].result == 20000;
        }
        done += n;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < count; ++i) {
        aioc_free(data[i]);
    }
    assert_int_equal(accepted, count);
    assert_int_equal(good, count);
}

/* A writer that waits for the reader meets one reader, which stays. */
static void load_of_a_fifo_whose_writer_waits(void **state) {
    (void)state;
    assert_int_equal(mkfifo(in_tree("waited"), 0600), 0);
    for (int round = 0; round < 20; ++round) {
        const pid_t writer = fork();
        if (writer == 0) {
            const int fd = open(in_tree("waited"), O_WRONLY);
            _exit(fd < 0 || write(fd, "text", 4) != 4);
        }
        assert_true(writer > 0);
        char *data = NULL;
        assert_int_equal(RUN(load, in_tree("waited"), 0, (void **)&data), 4);
        assert_string_equal(data, "text");
        aioc_free(data);
        int status = -1;
        assert_int_equal(waitpid(writer, &status, 0), writer);
        assert_int_equal(status, 0);
    }
}

/* IO::AIO's slurp: -1 and a leaked descriptor for each call. */
static void load_of_proc_self_status(void **state) {
    (void)state;
    const int before = count_fds();
    for (int i = 0; i < 20; ++i) {
        char *text = NULL;
        const int64_t length = RUN(load, "/proc/self/status", 0, (void **)&text);
        assert_true(length > 100);
        assert_int_equal(strlen(text), length);
        assert_memory_equal(text, "Name:\t", 6);
        aioc_free(text);
    }
    assert_int_equal(count_fds(), before);
}

static void *write_to_fifo(void *path) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < 100; ++i) {
        if (write(fd, "0123456789", 10) != 10) {
            abort();
        }
    }
    close(fd);
    return NULL;
}

static void load_of_a_fifo_waits_for_its_writer(void **state) {
    (void)state;
    pthread_t writer;
    char *data = NULL;
    assert_int_equal(mkfifo(in_tree("fifo"), 0600), 0);
    const aioc_request id = aioc_load(ctx, in_tree("fifo"), 0, (void **)&data, record_callback, &record);
    assert_int_equal(pthread_create(&writer, NULL, write_to_fifo, (void *)in_tree("fifo")), 0);
    assert_int_equal(run(id), 1000);
    assert_memory_equal(data + 990, "0123456789", 11);
    aioc_free(data);
    pthread_join(writer, NULL);
}

static void a_load_that_waits_can_be_cancelled(void **state) {
    (void)state;
    void *data = ctx;
    const int before = count_fds();
    const aioc_request id = aioc_load(ctx, in_tree("fifo"), 0, &data, record_callback, &record);
    while (count_fds() == before) { /* until it has the descriptor */
        aioc_poll_wait(ctx, 1);
    }
    assert_int_equal(aioc_cancel(ctx, id), -EALREADY);
    assert_int_equal(run(id), -ECANCELED);
    assert_ptr_equal(data, ctx);
    assert_int_equal(count_fds(), before);
}

static void an_object_is_given_without_a_callback_too(void **state) {
    (void)state;
    void *data = NULL;
    assert_true(aioc_load(ctx, in_tree("small"), 0, &data, NULL, NULL) > 0);
    wait_all(ctx);
    assert_string_equal(data, "hello");
    aioc_free(data);
}

static void scandir_gives_directories_first(void **state) {
    (void)state;
    aioc_entries *entries = NULL;
    make_dir("scan");
    char name[32];
    for (int i = 0; i < 1500; ++i) { /* its list grows several times */
        snprintf(name, sizeof name, "scan/%s_%d", i % 3 ? "file" : "dir", i);
        if (i % 3) {
            put_file(name, "");
        } else {
            make_dir(name);
        }
    }
    assert_int_equal(symlink("dir_0", in_tree("scan/link")), 0);
    assert_int_equal(mkfifo(in_tree("scan/fifo"), 0600), 0);
    put_file("scan/\xff\xfe not UTF-8", "");
    assert_int_equal(RUN(scandir, in_tree("scan"), &entries), 1503);
    assert_int_equal(aioc_entries_count(entries), 1503);
    assert_int_equal(aioc_entries_directories(entries), 500);
    int strange = 0;
    for (uint64_t i = 0; i < 1503; ++i) {
        struct stat status;
        const aioc_entry *const e = aioc_entries_at(entries, i);
        assert_int_equal(e->type == DT_DIR, i < 500);
        assert_int_equal(strlen(e->name), e->name_length);
        char path[300];
        snprintf(path, sizeof path, "scan/%s", e->name);
        assert_int_equal(lstat(in_tree(path), &status), 0);
        assert_int_equal(e->inode, status.st_ino);
        assert_int_equal(e->type, IFTODT(status.st_mode));
        assert_null(e->directory);
        assert_null(e->status);
        strange += e->name[0] == '\xff';
    }
    assert_int_equal(strange, 1);
    assert_null(aioc_entries_at(entries, 1503));
    assert_int_equal(aioc_entries_count(NULL), 0);
    aioc_free(entries);
    make_dir("scan/none");
    assert_int_equal(RUN(scandir, in_tree("scan/none"), &entries), 0);
    assert_int_equal(aioc_entries_count(entries), 0);
    aioc_free(entries);
    assert_int_equal(RUN(scandir, in_tree("small"), &entries), -ENOTDIR);
    assert_int_equal(RUN(scandir, in_tree("missing"), &entries), -ENOENT);
    const aioc_operation init = AIOC_OPERATION_INIT;
    aioc_operation op = init;
    op.code = AIOC_OP_SCANDIR;
    op.flags = AIOC_USE_DIRFD;
    op.fd = open(in_tree("."), O_PATH | O_CLOEXEC);
    op.path = "scan";
    op.buffer = &entries;
    op.callback = record_callback;
    op.user_data = &record;
    aioc_request id;
    assert_int_equal(aioc_submit(ctx, &op, 1, &id), 1);
    assert_int_equal(run(id), 1504);
    aioc_free(entries);
    close(op.fd);
}

static void replace_changes_a_file_in_one_step(void **state) {
    (void)state;
    struct stat status;
    make_dir("replace");
    assert_int_equal(RUN(replace, in_tree("replace/file"), "first", 5, 0), 5);
    assert_string_equal(content_of("replace/file"), "first");
    assert_int_equal(RUN(replace, in_tree("replace/file"), "second one", 10, 0600), 10);
    assert_string_equal(content_of("replace/file"), "second one");
    assert_int_equal(stat(in_tree("replace/file"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(chmod(in_tree("replace/file"), 04751), 0);
    assert_int_equal(RUN(replace, in_tree("replace/file"), "", 0, 0), 0); /* keeps the mode, not the set-ID bit */
    assert_int_equal(stat(in_tree("replace/file"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0751);
    assert_int_equal(status.st_size, 0);
    put_file("replace/target", "untouched");
    assert_int_equal(symlink("target", in_tree("replace/link")), 0);
    assert_int_equal(RUN(replace, in_tree("replace/link"), "new", 3, 0644), 3);
    assert_string_equal(content_of("replace/target"), "untouched");
    assert_string_equal(content_of("replace/link"), "new");
    assert_int_equal(RUN(replace, in_tree("replace"), "x", 1, 0), -EISDIR);
    assert_int_equal(RUN(replace, in_tree("replace/"), "x", 1, 0), -EISDIR);
    assert_int_equal(RUN(replace, in_tree("replace/."), "x", 1, 0), -EINVAL);
    assert_int_equal(RUN(replace, in_tree("missing/x"), "x", 1, 0), -ENOENT);
    assert_int_equal(RUN(replace, "", "x", 1, 0), -ENOENT);
    if (!getenv("AIOC_UNDER_VALGRIND")) {
        assert_int_equal(RUN(replace, in_tree("replace/target"), NULL, 10, 0), -EFAULT);
    }
    assert_string_equal(content_of("replace/target"), "untouched");
    assert_int_equal(shell_number("ls -A replace | wc -l"), 3); /* nothing is left beside them */
}

static void a_replace_that_fails_leaves_the_old_file(void **state) {
    (void)state;
    struct rlimit before;
    put_file("replace/limited", "old");
    char *const large = calloc(1, 4 << 20);
    getrlimit(RLIMIT_FSIZE, &before);
    const struct rlimit small = {1 << 20, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    assert_int_equal(RUN(replace, in_tree("replace/limited"), large, 4 << 20, 0), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &before);
    free(large);
    assert_string_equal(content_of("replace/limited"), "old");
    assert_int_equal(shell_number("ls -A replace | grep -c aioc || true"), 0);
}

static void pathsync_takes_files_and_directories(void **state) {
    (void)state;
    assert_int_equal(RUN(pathsync, in_tree("small")), 0);
    assert_int_equal(RUN(pathsync, in_tree("scan")), 0);
    assert_int_equal(RUN(pathsync, in_tree("scan/")), 0);
    assert_int_equal(RUN(pathsync, in_tree("missing")), -ENOENT);
    assert_int_equal(RUN(pathsync, in_tree("small/x")), -ENOTDIR);
}

static void copy_is_the_same_file(void **state) {
    (void)state;
    put_bytes("big", 3 << 20);
    assert_int_equal(RUN(copy, in_tree("big"), in_tree("big.copy"), 0), 3 << 20);
    shell("cmp big big.copy");
    put_bytes("little", 1000);
    assert_int_equal(RUN(copy, in_tree("little"), in_tree("little.copy"), 0), 1000);
    shell("cmp little little.copy");
    assert_int_equal(RUN(copy, in_tree("big"), in_tree("little.copy"), 0), -EEXIST);
    shell("cmp little little.copy");
    assert_int_equal(RUN(copy, in_tree("big"), in_tree("little.copy"), AIOC_COPY_OVERWRITE), 3 << 20);
    shell("cmp big little.copy");
    assert_int_equal(RUN(copy, in_tree("empty"), in_tree("empty.copy"), AIOC_COPY_SYNC), 0);
    assert_true(exists("empty.copy"));
    assert_int_equal(RUN(copy, in_tree("missing"), in_tree("no"), 0), -ENOENT);
    assert_int_equal(RUN(copy, in_tree("scan"), in_tree("no"), 0), -EISDIR);
    assert_int_equal(RUN(copy, in_tree("fifo"), in_tree("no"), 0), -EINVAL);
    assert_int_equal(RUN(copy, in_tree("big"), in_tree("missing/no"), 0), -ENOENT);
    assert_int_equal(RUN(copy, in_tree("big"), in_tree("scan"), AIOC_COPY_OVERWRITE), -EISDIR);
    assert_false(exists("no"));
    assert_true(aioc_copy(ctx, "a", "b", 1 << 20, NULL, NULL) == -EINVAL);
    assert_true(aioc_copy(ctx, "a", NULL, 0, NULL, NULL) == -EFAULT);
    assert_int_equal(shell_number("ls -A | grep -c aioc || true"), 0);
}

/* IO::AIO: success with 0 bytes. */
static void copy_of_proc_self_status(void **state) {
    (void)state;
    const int64_t length = RUN(copy, "/proc/self/status", in_tree("status"), 0);
    assert_true(length > 100);
    assert_memory_equal(content_of("status"), "Name:\t", 6);
    assert_int_equal(strlen(content_of("status")), length);
}

static void copy_keeps_holes(void **state) {
    (void)state;
    struct stat from, to;
    const int fd = open(in_tree("sparse"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
    assert_int_equal(pwrite(fd, "middle", 6, 300 << 20), 6);
    assert_int_equal(ftruncate(fd, INT64_C(5) << 30), 0); /* beyond 4 GiB */
    close(fd);
    assert_int_equal(RUN(copy, in_tree("sparse"), in_tree("sparse.copy"), 0) >= 0, 1);
    assert_int_equal(stat(in_tree("sparse"), &from), 0);
    assert_int_equal(stat(in_tree("sparse.copy"), &to), 0);
    assert_int_equal(to.st_size, from.st_size);
    assert_true(to.st_blocks <= from.st_blocks + 64);
    shell("cmp -n 320000000 sparse sparse.copy");
    unlink(in_tree("sparse"));
    unlink(in_tree("sparse.copy"));
}

static void copy_keeps_what_is_chosen(void **state) {
    (void)state;
    struct stat from, to;
    char value[16] = "";
    put_file("attributes", "x");
    assert_int_equal(chmod(in_tree("attributes"), 04754), 0);
    const struct timespec times[2] = {{1000000001, 123456789}, {1000000002, 987654321}};
    assert_int_equal(utimensat(AT_FDCWD, in_tree("attributes"), times, 0), 0);
    const int has_xattrs = setxattr(in_tree("attributes"), "user.color", "red", 3, 0) == 0;
    assert_int_equal(RUN(copy, in_tree("attributes"), in_tree("a1"), 0), 1);
    assert_int_equal(stat(in_tree("a1"), &to), 0);
    const mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(to.st_mode & 07777, 0754 & ~mask);
    assert_true(to.st_mtim.tv_sec > 1000000002);
    assert_int_equal(getxattr(in_tree("a1"), "user.color", value, sizeof value), -1);
    assert_int_equal(RUN(copy, in_tree("attributes"), in_tree("a2"), AIOC_COPY_ALL), 1);
    assert_int_equal(stat(in_tree("attributes"), &from), 0);
    assert_int_equal(stat(in_tree("a2"), &to), 0);
    assert_int_equal(to.st_mode & 07777, 04754); /* IO::AIO loses the set-ID bit */
    assert_int_equal(to.st_mtim.tv_sec, 1000000002);
    assert_int_equal(to.st_mtim.tv_nsec, 987654321);
    if (has_xattrs) {
        assert_int_equal(getxattr(in_tree("a2"), "user.color", value, sizeof value), 3);
    }
}

/* Another user's set-user-ID file: the copy would run as whoever copied it. */
static void copy_keeps_set_id_bits_only_with_their_owner(void **state) {
    (void)state;
    struct stat to;
    if (geteuid() != 0) {
        return;
    }
    put_file("theirs", "x");
    assert_int_equal(chown(in_tree("theirs"), 1234, 5678), 0);
    assert_int_equal(chmod(in_tree("theirs"), 06755), 0);
    assert_int_equal(RUN(copy, in_tree("theirs"), in_tree("t1"), AIOC_COPY_MODE), 1);
    assert_int_equal(stat(in_tree("t1"), &to), 0);
    assert_int_equal(to.st_mode & 07777, 0755);
    assert_int_equal(RUN(copy, in_tree("theirs"), in_tree("t2"), AIOC_COPY_MODE | AIOC_COPY_OWNER), 1);
    assert_int_equal(stat(in_tree("t2"), &to), 0);
    assert_int_equal(to.st_mode & 07777, 06755);
    assert_int_equal(to.st_uid, 1234);
    assert_int_equal(to.st_gid, 5678);
}

static void a_cancelled_copy_leaves_nothing(void **state) {
    (void)state;
    const int before = count_fds();
    const int fd = open(in_tree("long"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    assert_int_equal(posix_fallocate(fd, 0, 256 << 20), 0);
    close(fd);
    const aioc_request id = aioc_copy(ctx, in_tree("long"), in_tree("long.copy"), 0, record_callback, &record);
    aioc_report report = AIOC_REPORT_INIT;
    while (aioc_progress(ctx, id, &report) == 0 && report.bytes == 0 && record.calls == 0) {
        aioc_poll_wait(ctx, 0);
    }
    aioc_cancel(ctx, id);
    const int64_t result = run(id);
    assert_true(result == -ECANCELED || result == 256 << 20);
    assert_int_equal(exists("long.copy"), result > 0);
    assert_int_equal(count_fds(), before);
    unlink(in_tree("long"));
    unlink(in_tree("long.copy"));
}

static void progress_is_told_until_delivery(void **state) {
    (void)state;
    aioc_report report = AIOC_REPORT_INIT;
    void *data = NULL;
    const aioc_request id = aioc_load(ctx, in_tree("big"), 0, &data, record_callback, &record);
    aioc_poll_wait(ctx, -1);
    assert_int_equal(aioc_progress(ctx, id, &report), 0);
    assert_int_equal(report.bytes, 3 << 20);
    assert_int_equal(run(id), 3 << 20);
    assert_int_equal(aioc_progress(ctx, id, &report), -ENOENT);
    aioc_free(data);
    const aioc_request nop = aioc_nop(ctx, record_callback, &record);
    assert_int_equal(aioc_progress(ctx, nop, &report), -EOPNOTSUPP);
    assert_int_equal(run(nop), 0);
    report.size = 3;
    assert_int_equal(aioc_progress(ctx, 0, &report), -ENOENT);
    assert_int_equal(aioc_progress(NULL, 0, &report), -EINVAL);
}

static int open_context(void **state) {
    (void)state;
    ctx = make_context(0);
    return 0;
}
static int close_context(void **state) {
    (void)state;
    return aioc_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(read_full_and_write_full_go_to_the_end),
        CASE(load_gives_the_whole_file),
        CASE(load_into_memory_that_was_used_before),
        CASE(loads_one_by_one_in_callbacks_leak_no_descriptor),
        CASE(a_batch_of_loads_needs_few_descriptors),
        CASE(load_of_a_fifo_whose_writer_waits),
        CASE(load_of_proc_self_status),
        CASE(load_of_a_fifo_waits_for_its_writer),
        CASE(a_load_that_waits_can_be_cancelled),
        CASE(an_object_is_given_without_a_callback_too),
        CASE(scandir_gives_directories_first),
        CASE(replace_changes_a_file_in_one_step),
        CASE(a_replace_that_fails_leaves_the_old_file),
        CASE(pathsync_takes_files_and_directories),
        CASE(copy_is_the_same_file),
        CASE(copy_of_proc_self_status),
        CASE(copy_keeps_holes),
        CASE(copy_keeps_what_is_chosen),
        CASE(copy_keeps_set_id_bits_only_with_their_owner),
        CASE(a_cancelled_copy_leaves_nothing),
        CASE(progress_is_told_until_delivery),
    };
    void *unused = NULL;
    open_context(&unused);
    const int failed = run_group(tests);
    return close_context(&unused) | failed;
}
