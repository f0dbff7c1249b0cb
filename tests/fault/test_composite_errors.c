/* SPDX-License-Identifier: MIT */
/* Composites that fail half way: no memory, no space, no right to remove the source. What their names promise to change
 * in one step is not changed, and nothing half written stays. */
#define _GNU_SOURCE
#include "fault.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { nobody = 65534 };
static aioc_context *ctx;
static aioc_report *report;

#define RUN(name, ...) finish(ctx, aioc_##name(ctx, __VA_ARGS__, record_callback, &last))

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
/* --- No memory ---------------------------------------------------------------------- */

/* Mappings of this size. */
enum { buffer_of_worker = 64 << 10, memory_for_directories = 128 << 10, list_with_status = 256 << 10 };
static void refuse_mappings_of(uint32_t bytes) { refuse_syscall_with(SYS_mmap, 1, UINT32_MAX, bytes, ENOMEM); }

static char some[16]; /* a tree, of this case */
static void make_some(void) {
    snprintf(some, sizeof some, "some%d", (int)getpid());
    make_many(some, 4, 4);
}

static void check_walk_ends_without_memory(void) {
    enum { waiting = 3 };
    const int before = count_fds();
    aioc_walk *walk = NULL;
    aioc_entries *entries[waiting] = {NULL};
    struct record records[waiting] = {0};
    CHECK(aioc_walk_create(ctx, in_tree(some), AIOC_WALK_STAT, &walk) == 0);
    for (int i = 0; i < waiting; ++i) {
        CHECK(aioc_walk_next(ctx, walk, &entries[i], record_callback, &records[i]) > 0);
    }
    drain(ctx);
    for (int i = 0; i < waiting; ++i) {
        CHECK(records[i].calls == 1 && records[i].done.result == -ENOMEM && !entries[i]);
    }
    CHECK(RUN(walk_next, walk, &entries[0]) == -ENOMEM); /* again and again */
    CHECK(aioc_walk_destroy(ctx, walk) == 0);
    CHECK(count_fds() == before);
}

static void trees_without_memory_for_a_worker(void) {
    make_some();
    refuse_mappings_of(buffer_of_worker);
    for (int i = 0; i < 3; ++i) { /* nobody has a buffer, however many come */
        ctx = fault_context(i + 1);
        check_walk_ends_without_memory();
        CHECK(RUN(copy_tree, in_tree(some), in_tree("some.copy"), 0, NULL) == -ENOMEM);
        CHECK(!exists("some.copy"));
        CHECK(RUN(remove_tree, in_tree(some), NULL) == -ENOMEM);
        CHECK(shell_number("find %s -type f -printf 'x\\n' | wc -l", some) == 16);
        CHECK(aioc_destroy(ctx) == 0);
    }
}

static void trees_without_memory_for_directories(void) {
    make_some();
    refuse_mappings_of(memory_for_directories);
    ctx = fault_context(2);
    check_walk_ends_without_memory();
    CHECK(RUN(remove_tree, in_tree(some), NULL) == -ENOMEM);
    CHECK(shell_number("find %s -type f -printf 'x\\n' | wc -l", some) == 16);
    CHECK(aioc_destroy(ctx) == 0);
}

static void a_walk_without_memory_for_entries(void) {
    make_some();
    refuse_mappings_of(list_with_status);
    ctx = fault_context(2);
    check_walk_ends_without_memory();
    CHECK(aioc_destroy(ctx) == 0);
}

#endif
static void trees_without_memory(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    printf("their allocators need mappings of the same sizes\n");
#else
    assert_int_equal(in_child(trees_without_memory_for_a_worker), 0);
    assert_int_equal(in_child(trees_without_memory_for_directories), 0);
    assert_int_equal(in_child(a_walk_without_memory_for_entries), 0);
#endif
}

/* --- No O_TMPFILE --------------------------------------------------------------------- */

static long leftovers(void) { return shell_number("find . -name '.aioc-*' -printf 'x\\n' | wc -l"); }
static unsigned mode_of(const char *name) {
    struct stat file;
    CHECK(stat(in_tree(name), &file) == 0);
    return file.st_mode & 07777;
}

static void replace_without_tmpfile(void) {
    make_dir("drafts");
    put_file("drafts/old", "old");
    CHECK(chmod(in_tree("drafts/old"), 0640) == 0);
    make_dir("drafts/directory");
    refuse_tmpfile();
    CHECK(open(in_tree("drafts"), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) == -1 && errno == EOPNOTSUPP);
    ctx = fault_context(1);
    umask(022);
    CHECK(RUN(replace, in_tree("drafts/old"), "newer", 5, 0) == 5);
    CHECK(strcmp(content_of("drafts/old"), "newer") == 0 && mode_of("drafts/old") == 0640);
    CHECK(RUN(replace, in_tree("drafts/fresh"), "fresh", 5, 0) == 5);
    CHECK(strcmp(content_of("drafts/fresh"), "fresh") == 0 && mode_of("drafts/fresh") == 0644);
    CHECK(RUN(replace, in_tree("drafts/old"), "mode", 4, 0604) == 4);
    CHECK(strcmp(content_of("drafts/old"), "mode") == 0 && mode_of("drafts/old") == 0604);
    CHECK(leftovers() == 0);
    CHECK(RUN(replace, in_tree("drafts/directory"), "x", 1, 0) == -EISDIR); /* at the rename */
    CHECK(leftovers() == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
CHILD_CASE(replace_without_tmpfile)

/* --- No space ------------------------------------------------------------------------- */

enum { room = 256 << 10, part = 100 << 10, large = 1 << 20 };

/* A file system of its own, for this process and what it starts. */
static void mount_small(const char *name) {
    make_dir(name);
    CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    CHECK(mount("small", in_tree(name), "tmpfs", 0, "size=256k,mode=1777") == 0);
}

static void check_unchanged(const char *name) {
    CHECK(strcmp(content_of(name), "before") == 0);
    CHECK(leftovers() == 0);
}

static void copy_and_replace_without_space(void) {
    mount_small("full");
    put_bytes("large", large); /* copied in the kernel */
    put_bytes("part", part);   /* read and written */
    put_bytes("filler", room - part / 2);
    put_file("full/old", "before");
    ctx = fault_context(2);
    CHECK(RUN(copy, in_tree("large"), in_tree("full/new"), 0) == -ENOSPC);
    CHECK(!exists("full/new"));
    CHECK(RUN(copy, in_tree("large"), in_tree("full/old"), AIOC_COPY_OVERWRITE) == -ENOSPC);
    check_unchanged("full/old");
    char *const content = calloc(1, large);
    CHECK(RUN(replace, in_tree("full/old"), content, large, 0) == -ENOSPC);
    check_unchanged("full/old");
    CHECK(RUN(move, in_tree("large"), in_tree("full/moved"), 0, NULL) == -ENOSPC);
    CHECK(exists("large") && !exists("full/moved"));
    CHECK(RUN(copy, in_tree("filler"), in_tree("full/filler"), 0) == room - part / 2); /* nothing is lost: it fits */
    CHECK(RUN(copy, in_tree("part"), in_tree("full/new"), 0) == -ENOSPC);
    CHECK(!exists("full/new"));
    CHECK(RUN(copy, in_tree("part"), in_tree("full/old"), AIOC_COPY_OVERWRITE) == -ENOSPC);
    check_unchanged("full/old");
    CHECK(aioc_destroy(ctx) == 0);
    refuse_tmpfile(); /* whose draft has a name */
    ctx = fault_context(2);
    CHECK(RUN(replace, in_tree("full/old"), content, large, 0) == -ENOSPC);
    check_unchanged("full/old");
    CHECK(aioc_destroy(ctx) == 0);
    free(content);
}
ROOT_CASE(copy_and_replace_without_space)

static void trees_without_space(void) {
    char name[60];
    mount_small("full2");
    make_dir("parts");
    for (int i = 0; i < 6; ++i) {
        snprintf(name, sizeof name, "parts/dir_%d", i % 3);
        if (i < 3) {
            make_dir(name);
        }
        snprintf(name + strlen(name), 20, "/part_%d", i);
        put_bytes(name, part);
    }
    ctx = fault_context(2);
    CHECK(RUN(copy_tree, in_tree("parts"), in_tree("full2/parts"), 0, &report) == -ENOSPC);
    CHECK(report->error == -ENOSPC && report->errors == 4 && report->items == 4 + 2 && report->bytes >= 2 * part);
    snprintf(name, sizeof name, "full2/parts/%.40s", report->path);
    CHECK(!exists(name));
    aioc_free(report);
    CHECK(shell_number("find full2/parts -type f -printf 'x\\n' | wc -l") == 2);
    CHECK(shell_number("cd full2/parts; for i in $(find . -type f); do cmp $i ../../parts/$i; done | wc -l") == 0);
    CHECK(RUN(remove_tree, in_tree("full2/parts"), NULL) == 4 + 2);
    /* A move is all or nothing. */
    CHECK(RUN(move, in_tree("parts"), in_tree("full2/moved"), 0, &report) == -ENOSPC);
    CHECK(report->error == -ENOSPC && report->path);
    aioc_free(report);
    CHECK(shell_number("find parts -type f -size %dc -printf 'x\\n' | wc -l", part) == 6);
    CHECK(shell_number("find full2 -mindepth 1 -printf 'x\\n' | wc -l") == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(trees_without_space)

/* --- A source that stays ---------------------------------------------------------------- */

/* The copy has its name when it turns out that the source cannot be removed: both are there, and the error says so. */
static void move_from_where_nothing_may_be_removed(void) {
    mount_small("to");
    make_many("stays", 2, 3);
    put_file("stays alone", "alone");
    CHECK(setresgid(nobody, nobody, nobody) == 0 && setresuid(nobody, nobody, nobody) == 0);
    leaks_can_be_checked = 0;
    ctx = fault_context(2);
    CHECK(RUN(move, in_tree("stays"), in_tree("to/moved"), 0, &report) == -EACCES);
    CHECK(report->error == -EACCES && report->errors >= 1 && report->items == 9);
    CHECK(strncmp(report->path, "dir_", 4) == 0);
    aioc_free(report);
    CHECK(shell_number("diff -r stays to/moved >&2; echo $?") == 0);
    CHECK(shell_number("find stays -type f -printf 'x\\n' | wc -l") == 6);
    CHECK(RUN(move, in_tree("stays alone"), in_tree("to/alone"), 0, &report) == -EACCES);
    CHECK(report->error == -EACCES && report->errors == 1 && report->items == 1);
    aioc_free(report);
    CHECK(strcmp(content_of("to/alone"), "alone") == 0 && strcmp(content_of("stays alone"), "alone") == 0);
    CHECK(leftovers() == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(move_from_where_nothing_may_be_removed)

int main(void) {
    in_tree("."); /* this process's, which outlives the cases */
    const struct CMUnitTest tests[] = {
        CASE(trees_without_memory),

        CHILD(replace_without_tmpfile), CHILD(copy_and_replace_without_space),
        CHILD(trees_without_space),     CHILD(move_from_where_nothing_may_be_removed),
    };
    return run_group(tests);
}
