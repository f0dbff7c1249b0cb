/* SPDX-License-Identifier: MIT */
/* Usage: test_walk_memory [long]
 * What a walk takes of memory, whatever the size of its tree: names of one file, in memory where that can be. With long
 * there are 1,000,000 in each tree (a minute, and 2 GiB), else fewer but for the flat one. */
#define _GNU_SOURCE
#include "matrix.h"
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { links_max = 60000, walk_bytes_max = 8 << 20 }; /* the goal is 32 MiB */
static int is_long;

/* From now on VmHWM is the peak of what follows: proc(5), clear_refs. */
static void forget_peak(void) {
    const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "5", 1), 1);
    close(fd);
}

static void make_files(const char *path, int count) {
    char name[32], first[32] = "";
    const int at = open(path, O_PATH | O_CLOEXEC);
    for (int i = 0; i < count; ++i) {
        snprintf(name, sizeof name, "entry%d", i);
        if (i % links_max == 0) {
            close(openat(at, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
            strcpy(first, name);
        } else {
            assert_int_equal(linkat(at, first, at, name, 0), 0);
        }
    }
    close(at);
}

static int64_t walk_all(const char *name, int flags, int slowly) {
    aioc_walk *walk = NULL;
    int64_t count = 0;
    assert_int_equal(aioc_walk_create(ctx, in_tree(name), flags, &walk), 0);
    for (int64_t more = 1; more > 0; count += more) {
        aioc_entries *entries = NULL;
        more = RUN(walk_next, walk, &entries);
        assert_true(more >= 0);
        if (slowly && count % 64 == 0) {
            usleep(1000); /* its workers fill what there may be */
        }
        aioc_free(entries);
    }
    assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
    return count;
}

static void check_walks(const char *name, int64_t entries) {
    for (int i = 0; i < 3; ++i) {
        const int flags = i > 0 ? AIOC_WALK_STAT : 0;
        forget_peak();
        const int64_t before = process_status("VmRSS:");
        assert_int_equal(walk_all(name, flags, i == 2), entries);
        const int64_t grown = process_status("VmHWM:") - before;
        printf("%s, %lld entries%s%s: %lld KiB\n", name, (long long)entries, flags ? ", with status" : "",
               i == 2 ? ", read slowly" : "", (long long)grown);
        assert_true(grown * 1024 < walk_bytes_max);
    }
    assert_true(RUN(remove_tree, in_tree(name), NULL) > 0);
}

static void one_directory(void **state) {
    (void)state;
    make_dir("flat");
    make_files(in_tree("flat"), 1000000);
    check_walks("flat", 1000000);
}

static void a_tree(void **state) {
    (void)state;
    const int files = is_long ? 999 : 99;
    char name[32];
    make_dir("tree");
    for (int i = 0; i < 1000; ++i) {
        snprintf(name, sizeof name, "tree/directory%d", i);
        make_dir(name);
        make_files(in_tree(name), files);
    }
    check_walks("tree", 1000 * (files + 1));
}

/* More directories in one than may wait to be read. */
static void directories_only(void **state) {
    (void)state;
    const int count = is_long ? 1000000 : 50000;
    char name[32];
    make_dir("directories");
    for (int i = 0; i < count; ++i) {
        snprintf(name, sizeof name, "directories/%d", i);
        make_dir(name);
    }
    check_walks("directories", count);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {CASE(one_directory), CASE(a_tree), CASE(directories_only)};
    is_long = argc > 1 && strcmp(argv[1], "long") == 0;
    ctx = make_workers_context(0);
    const int failed = run_group(tests);
    return failed || aioc_destroy(ctx) != 0;
}
