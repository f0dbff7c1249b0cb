/* SPDX-License-Identifier: MIT */
/* Composites on trees: walk, remove_tree, copy_tree, move. */
#define _GNU_SOURCE
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

/* --- walk -------------------------------------------------------------------- */

struct seen {
    int64_t entries, directories, errors, lists;
    uint64_t inodes; /* their sum: which ones they were */
    char last_error[600];
    uint32_t depth_max;
};

static int64_t walk_with(aioc_walk *walk, struct seen *ret) {
    struct seen seen = {0};
    for (;;) {
        aioc_entries *entries = NULL;
        const int64_t n = RUN(walk_next, walk, &entries);
        if (n <= 0) {
            assert_null(entries);
            *ret = seen;
            return n;
        }
        ++seen.lists;
        assert_int_equal(aioc_entries_count(entries), n);
        for (int64_t i = 0; i < n; ++i) {
            const aioc_entry *const e = aioc_entries_at(entries, (uint64_t)i);
            assert_int_equal(strlen(e->name), e->name_length);
            assert_int_equal(strlen(e->directory), e->directory_length);
            seen.depth_max = e->depth > seen.depth_max ? e->depth : seen.depth_max;
            if (e->error < 0) {
                ++seen.errors;
                snprintf(seen.last_error, sizeof seen.last_error, "%s/%s %d", e->directory, e->name, e->error);
                continue;
            }
            ++seen.entries;
            seen.directories += e->type == DT_DIR;
            seen.inodes += e->inode;
            if (e->status) {
                assert_int_equal(e->status->stx_ino, e->inode);
                assert_int_equal(IFTODT(e->status->stx_mode), e->type);
            }
        }
        aioc_free(entries);
    }
}

static struct seen walk_all(const char *path, int flags) {
    aioc_walk *walk = NULL;
    struct seen seen;
    assert_int_equal(aioc_walk_create(ctx, path, flags, &walk), 0);
    assert_int_equal(walk_with(walk, &seen), 0);
    aioc_entries *entries = NULL;
    assert_int_equal(RUN(walk_next, walk, &entries), 0); /* again and again */
    assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
    assert_int_equal(aioc_walk_destroy(ctx, walk), -EINVAL);
    return seen;
}

static void walk_sees_what_find_sees(void **state) {
    (void)state;
    make_many("walk", 40, 50);
    make_many("walk/dir_3/deeper", 5, 5);
    assert_int_equal(symlink("..", in_tree("walk/loop")), 0); /* not followed */
    assert_int_equal(symlink("nowhere", in_tree("walk/dangling")), 0);
    assert_int_equal(mkfifo(in_tree("walk/fifo"), 0600), 0);
    put_file("walk/dir_1/\xf0\x28\x8c not UTF-8\n", "");
    const int before = count_fds();
    for (int flags = 0; flags <= AIOC_WALK_STAT; ++flags) {
        const struct seen seen = walk_all(in_tree("walk"), flags);
        assert_int_equal(seen.entries, shell_number("find walk -mindepth 1 -printf 'x\\n' | wc -l"));
        assert_int_equal(seen.directories, shell_number("find walk -mindepth 1 -type d -printf 'x\\n' | wc -l"));
        assert_int_equal(
            seen.inodes,
            shell_number("find walk -mindepth 1 -printf '%%i\\n' | awk '{s+=$1} END {printf \"%%.0f\\n\", s}'"));
        assert_int_equal(seen.depth_max, 4);
        assert_int_equal(seen.errors, 0);
    }
    assert_int_equal(count_fds(), before);
}

static void walk_names_places_from_the_root(void **state) {
    (void)state;
    aioc_walk *walk = NULL;
    make_dir("places");
    make_dir("places/a");
    make_dir("places/a/b");
    put_file("places/a/b/c", "");
    assert_int_equal(aioc_walk_create(ctx, in_tree("places"), 0, &walk), 0);
    int found = 0;
    for (aioc_entries *entries = NULL; RUN(walk_next, walk, &entries) > 0; aioc_free(entries)) {
        for (uint64_t i = 0; i < aioc_entries_count(entries); ++i) {
            const aioc_entry *const e = aioc_entries_at(entries, i);
            const char *const expected = strcmp(e->name, "a") == 0 ? "" : strcmp(e->name, "b") == 0 ? "a" : "a/b";
            assert_string_equal(e->directory, expected);
            ++found;
        }
    }
    assert_int_equal(found, 3);
    assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
}

static void walk_tells_errors(void **state) {
    (void)state;
    aioc_walk *walk = NULL;
    aioc_entries *entries = NULL;
    struct seen seen;
    assert_int_equal(aioc_walk_create(ctx, in_tree("missing"), 0, &walk), 0);
    assert_int_equal(walk_with(walk, &seen), -ENOENT);
    assert_int_equal(walk_with(walk, &seen), -ENOENT);
    assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
    put_file("a file", "");
    assert_int_equal(aioc_walk_create(ctx, in_tree("a file"), 0, &walk), 0);
    assert_int_equal(walk_with(walk, &seen), -ENOTDIR);
    assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
    assert_int_equal(aioc_walk_create(ctx, NULL, 0, &walk), -EFAULT);
    assert_int_equal(aioc_walk_create(ctx, "/", 0, NULL), -EFAULT);
    assert_int_equal(aioc_walk_create(ctx, "/", 64, &walk), -EINVAL);
    assert_int_equal(aioc_walk_destroy(ctx, NULL), 0);
    assert_int_equal(aioc_walk_next(ctx, NULL, &entries, NULL, NULL), -EINVAL);
    assert_int_equal(aioc_walk_next(ctx, (aioc_walk *)ctx, &entries, NULL, NULL), -EINVAL);
    make_dir("empty");
    assert_int_equal(walk_all(in_tree("empty"), 0).entries, 0);
}

/* More than can wait: reading stops for who does not ask, and goes on. */
static void walk_stops_reading_when_nobody_asks(void **state) {
    (void)state;
    enum { directories = 60, files = 300 };
    aioc_walk *walk = NULL;
    aioc_entries *entries = NULL;
    struct seen seen;
    make_many("many", directories, files);
    const int before = count_fds();
    assert_int_equal(aioc_walk_create(ctx, in_tree("many"), AIOC_WALK_STAT, &walk), 0);
    const int64_t first = RUN(walk_next, walk, &entries);
    aioc_free(entries);
    assert_true(first > 0);
    assert_int_equal(walk_with(walk, &seen), 0);
    assert_int_equal(seen.entries + first, directories * (files + 1));
    assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
    assert_int_equal(count_fds(), before);
}

static void several_can_wait_for_entries(void **state) {
    (void)state;
    enum { waiting = 20 };
    aioc_walk *walk = NULL;
    struct record records[waiting] = {0};
    aioc_entries *entries[waiting] = {0};
    aioc_request ids[waiting];
    assert_int_equal(aioc_walk_create(ctx, in_tree("many"), 0, &walk), 0);
    int64_t sum = 0;
    for (int more = 1; more;) {
        for (int i = 0; i < waiting; ++i) {
            records[i].calls = 0;
            ids[i] = aioc_walk_next(ctx, walk, &entries[i], record_callback, &records[i]);
            assert_true(ids[i] > 0);
        }
        assert_true(aioc_cancel(ctx, ids[waiting - 1]) != -ENOENT);
        wait_all(ctx);
        more = 0;
        for (int i = 0; i < waiting; ++i) {
            assert_int_equal(records[i].calls, 1);
            if (records[i].done.result > 0) {
                sum += records[i].done.result;
                aioc_free(entries[i]);
                more = 1;
            } else {
                assert_true(records[i].done.result == 0 || (i == waiting - 1 && records[i].done.result == -ECANCELED));
            }
        }
    }
    assert_int_equal(sum, 60 * 301);
    assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
}

static void a_walk_can_be_left_at_any_time(void **state) {
    (void)state;
    const int before = count_fds();
    for (int i = 0; i < 60; ++i) {
        aioc_walk *walk = NULL;
        aioc_entries *entries = NULL;
        struct record own = {0};
        assert_int_equal(aioc_walk_create(ctx, in_tree("many"), i & 1, &walk), 0);
        for (int lists = 0; lists < i % 7; ++lists) {
            assert_true(RUN(walk_next, walk, &entries) > 0);
            aioc_free(entries);
        }
        entries = NULL;
        assert_true(aioc_walk_next(ctx, walk, &entries, record_callback, &own) > 0);
        if (i % 3 == 0) {
            usleep((useconds_t)(i * 20)); /* any moment will do */
        }
        assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
        wait_all(ctx);
        assert_int_equal(own.calls, 1);
        assert_true(own.done.result > 0 || own.done.result == -ECANCELED);
        aioc_free(own.done.result > 0 ? entries : NULL);
    }
    for (int i = 0; i < 1000 && count_fds() != before; ++i) {
        usleep(10000); /* its workers close what they have open */
    }
    assert_int_equal(count_fds(), before);
}

static void make_chain(const char *name, int depth) {
    int at = open(in_tree("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(at, name, 0755), 0);
    for (int i = 0; i < depth; ++i) {
        const int next = openat(at, i == 0 ? name : "down", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(at);
        at = next;
        assert_int_equal(mkdirat(at, "down", 0755), 0);
    }
    close(at);
}

/* Longer than PATH_MAX, and deeper than descriptors may be open. */
static void trees_may_be_deep(void **state) {
    (void)state;
    enum { depth = 1500 };
    const int before = count_fds();
    make_chain("chain", depth);
    const struct seen seen = walk_all(in_tree("chain"), AIOC_WALK_STAT);
    assert_int_equal(seen.entries, depth);
    assert_int_equal(seen.depth_max, depth);
    assert_int_equal(RUN(copy_tree, in_tree("chain"), in_tree("chain.copy"), AIOC_COPY_TIMES, NULL), depth + 1);
    assert_int_equal(walk_all(in_tree("chain.copy"), 0).entries, depth);
    assert_int_equal(RUN(remove_tree, in_tree("chain"), NULL), depth + 1);
    assert_int_equal(RUN(remove_tree, in_tree("chain.copy"), NULL), depth + 1);
    assert_false(exists("chain"));
    assert_int_equal(count_fds(), before);
}

/* --- remove_tree ------------------------------------------------------------- */

static void remove_tree_removes_all(void **state) {
    (void)state;
    const int before = count_fds();
    aioc_report *report = NULL;
    shell("cp -a walk gone");
    const long items = shell_number("find gone -printf 'x\\n' | wc -l");
    assert_int_equal(RUN(remove_tree, in_tree("gone"), &report), items);
    assert_int_equal(report->items, items);
    assert_int_equal(report->error, 0);
    assert_null(report->path);
    aioc_free(report);
    assert_false(exists("gone"));
    assert_true(exists("walk/dir_1"));
    assert_int_equal(RUN(remove_tree, in_tree("gone"), &report), -ENOENT);
    assert_string_equal(report->path, "");
    aioc_free(report);
    put_file("single", "");
    assert_int_equal(RUN(remove_tree, in_tree("single"), NULL), 1); /* IO::AIO: ENOTDIR */
    assert_false(exists("single"));
    assert_int_equal(mkfifo(in_tree("a fifo"), 0600), 0);
    assert_int_equal(RUN(remove_tree, in_tree("a fifo"), NULL), 1);
    make_dir("slash");
    assert_int_equal(RUN(remove_tree, in_tree("slash///"), NULL), 1);
    make_dir("dots");
    assert_int_equal(RUN(remove_tree, in_tree("dots/."), NULL), -EINVAL);
    assert_int_equal(RUN(remove_tree, in_tree("dots/.."), NULL), -EINVAL);
    assert_int_equal(RUN(remove_tree, "/", NULL), -EINVAL);
    assert_int_equal(RUN(remove_tree, "", NULL), -ENOENT);
    assert_true(exists("dots"));
    assert_int_equal(count_fds(), before);
}

/* IO::AIO's rmtree empties what a symbolic link points to. */
static void rmtree_through_a_symlink(void **state) {
    (void)state;
    make_many("target", 3, 3);
    assert_int_equal(symlink("target", in_tree("points")), 0);
    assert_int_equal(RUN(remove_tree, in_tree("points/"), NULL), -ENOTDIR);
    assert_int_equal(RUN(remove_tree, in_tree("points"), NULL), 1);
    assert_false(exists("points"));
    make_many("holder", 1, 1);
    assert_int_equal(symlink("../../target", in_tree("holder/dir_0/points")), 0);
    assert_int_equal(symlink("..", in_tree("holder/up")), 0);
    assert_int_equal(RUN(remove_tree, in_tree("holder"), NULL), 5);
    assert_int_equal(shell_number("find target -type f -printf 'x\\n' | wc -l"), 9);
}

/* While it runs another thread changes directories for symbolic links to what must not be touched, and back. */
static int swapping;
static void *swap(void *path) {
    const int base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (__atomic_load_n(&swapping, __ATOMIC_RELAXED)) {
        for (int i = 0; i < 10; ++i) {
            char name[32], moved[32];
            snprintf(name, sizeof name, "dir_%d", i);
            snprintf(moved, sizeof moved, "moved_%d", i);
            if (renameat(base, name, base, moved) == 0) {
                if (symlinkat("../../precious", base, name) == 0) {
                    unlinkat(base, name, 0);
                }
                renameat(base, moved, base, name);
            }
        }
    }
    close(base);
    return NULL;
}

static void remove_tree_stays_inside_when_a_directory_becomes_a_symlink(void **state) {
    (void)state;
    make_many("precious", 10, 20);
    for (int i = 0; i < 15; ++i) {
        pthread_t swapper;
        make_dir("outer");
        make_many("outer/tree", 10, 20);
        char path[4200];
        snprintf(path, sizeof path, "%s", in_tree("outer/tree"));
        __atomic_store_n(&swapping, 1, __ATOMIC_RELAXED);
        assert_int_equal(pthread_create(&swapper, NULL, swap, path), 0);
        RUN(remove_tree, in_tree("outer/tree"), NULL);
        __atomic_store_n(&swapping, 0, __ATOMIC_RELAXED);
        pthread_join(swapper, NULL);
        const int64_t rest = RUN(remove_tree, in_tree("outer"), NULL);
        assert_true(rest > 0);
        assert_int_equal(shell_number("find precious -type f -printf 'x\\n' | wc -l"), 200);
    }
}

/* At most 3,000 at once: an adder that is faster than the walk would make it endless. */
static void *add_files(void *path) {
    char name[64];
    for (int i = 0; __atomic_load_n(&swapping, __ATOMIC_RELAXED); ++i) {
        snprintf(name, sizeof name, "dir_%d/added_%d", i % 10, i % 3000);
        const int base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const int fd = base < 0 ? -1 : openat(base, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        close(fd);
        close(base);
    }
    return NULL;
}

/* Trees that grow while they are removed, walked, copied: an end, and no error but "not empty". */
static void trees_may_change_meanwhile(void **state) {
    (void)state;
    for (int i = 0; i < 10; ++i) {
        pthread_t adder;
        char path[4200];
        make_many("grows", 10, 30);
        snprintf(path, sizeof path, "%s", in_tree("grows"));
        __atomic_store_n(&swapping, 1, __ATOMIC_RELAXED);
        assert_int_equal(pthread_create(&adder, NULL, add_files, path), 0);
        const struct seen seen = walk_all(path, AIOC_WALK_STAT);
        assert_true(seen.entries >= 310);
        assert_true(RUN(copy_tree, path, in_tree("grown"), 0, NULL) >= 311);
        const int64_t removed = RUN(remove_tree, path, NULL);
        assert_true(removed >= 311 || removed == -ENOTEMPTY);
        __atomic_store_n(&swapping, 0, __ATOMIC_RELAXED);
        pthread_join(adder, NULL);
        RUN(remove_tree, path, NULL);
        assert_false(exists("grows"));
        assert_true(RUN(remove_tree, in_tree("grown"), NULL) >= 311);
    }
}

/* --- copy_tree --------------------------------------------------------------- */

static void make_unusual(const char *name) {
    char path[200];
    make_many(name, 5, 5);
    shell("cd %s && ln -s dir_0 link && ln -s nowhere dangling && mkfifo fifo && ln dir_1/file_0 hard && "
          "ln dir_1/file_0 dir_2/hard && truncate -s 20M sparse && chmod 640 dir_3/file_1 && chmod 555 dir_4",
          name);
    snprintf(path, sizeof path, "%s/\xfe\xff", name);
    put_file(path, "not UTF-8");
    snprintf(path, sizeof path, "%s/socket", name);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_tree(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    snprintf(path, sizeof path, "%s/dir_0/file_0", name);
    setxattr(in_tree(path), "user.color", "green", 5, 0);
    shell("touch -d '2001-02-03 04:05:06.123456789' %s/dir_0 %s/dir_0/file_2", name, name);
}

#define LISTING "find . -printf '%%P %%y %%m %%n %%l %%s %%T@ %%U %%G\\n' | sort"

static void copy_tree_is_like_cp(void **state) {
    (void)state;
    const int before = count_fds();
    make_unusual("source");
    aioc_report *report = NULL;
    const long items = shell_number("find source -printf 'x\\n' | wc -l");
    assert_int_equal(RUN(copy_tree, in_tree("source"), in_tree("like-a"), AIOC_COPY_ALL, &report), items);
    assert_int_equal(report->items, items);
    assert_int_equal(report->errors, 0);
    aioc_free(report);
    shell("(cd source && " LISTING ") > expected; (cd like-a && " LISTING ") > got; "
          "sed -i 's/^ d \\([0-9]*\\) .*/root/' expected got; diff expected got");
    shell("find source -type f -exec sh -c 'cmp \"$1\" \"like-a/${1#source/}\"' - {} \\;");
    assert_true(shell_number("stat -c %%b like-a/sparse") < 100);
    char value[16] = "";
    struct stat one, two;
    if (getxattr(in_tree("source/dir_0/file_0"), "user.color", value, sizeof value) == 5) {
        assert_int_equal(getxattr(in_tree("like-a/dir_0/file_0"), "user.color", value, sizeof value), 5);
    }
    assert_int_equal(stat(in_tree("like-a/hard"), &one), 0);
    assert_int_equal(stat(in_tree("like-a/dir_2/hard"), &two), 0);
    assert_int_equal(one.st_ino, two.st_ino);
    /* Without flags: as cp -r. */
    assert_int_equal(RUN(copy_tree, in_tree("source"), in_tree("like-r"), 0, NULL), items);
    shell("cp -r source by-cp 2>/dev/null || true; find source -name socket -exec cp -a {} by-cp/ \\; ; for d in "
          "like-r by-cp; do "
          "(cd $d && find . ! -name socket -printf '%%P %%y %%m %%l\\n' | sort) > list.$d; done; diff list.like-r "
          "list.by-cp");
    assert_int_equal(count_fds(), before);
}

static void copy_tree_refuses_and_overwrites(void **state) {
    (void)state;
    aioc_report *report = NULL;
    make_many("from", 2, 2);
    make_many("to", 1, 1);
    put_file("to/dir_0/other", "stays");
    put_file("to/dir_0/file_0", "old");
    assert_int_equal(RUN(copy_tree, in_tree("from"), in_tree("to"), 0, &report), -EEXIST);
    assert_string_equal(report->path, "");
    assert_int_equal(report->errors, 1);
    aioc_free(report);
    assert_string_equal(content_of("to/dir_0/file_0"), "old");
    assert_int_equal(RUN(copy_tree, in_tree("from"), in_tree("to"), AIOC_COPY_OVERWRITE, NULL), 7);
    assert_string_equal(content_of("to/dir_0/file_0"), "from/dir_0/file_0");
    assert_string_equal(content_of("to/dir_0/other"), "stays");
    assert_int_equal(RUN(copy_tree, in_tree("missing"), in_tree("nothing"), 0, NULL), -ENOENT);
    assert_false(exists("nothing"));
    /* A root that is no directory. */
    put_file("one", "one file");
    assert_int_equal(symlink("one", in_tree("to one")), 0);
    assert_int_equal(RUN(copy_tree, in_tree("one"), in_tree("one.copy"), 0, NULL), 1);
    assert_string_equal(content_of("one.copy"), "one file");
    assert_int_equal(RUN(copy_tree, in_tree("to one"), in_tree("to one.copy"), 0, NULL), 1);
    struct stat status;
    assert_int_equal(lstat(in_tree("to one.copy"), &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    /* Nothing is written through a link that is there. */
    assert_int_equal(symlink("../precious", in_tree("to/dir_1/file_0.link")), 0);
    make_dir("from/dir_1/file_0.link");
    put_file("from/dir_1/file_0.link/dir_0", "x");
    assert_true(RUN(copy_tree, in_tree("from"), in_tree("to"), AIOC_COPY_OVERWRITE, NULL) < 0);
    assert_int_equal(shell_number("find precious -type f -printf 'x\\n' | wc -l"), 200);
}

static void a_copy_into_itself_has_an_end(void **state) {
    (void)state;
    aioc_report *report = NULL;
    make_many("self", 2, 2);
    assert_int_equal(RUN(copy_tree, in_tree("self"), in_tree("self/copy"), 0, &report), -EINVAL);
    assert_string_equal(report->path, "copy");
    aioc_free(report);
    assert_true(exists("self/copy/dir_1/file_1"));
    assert_false(exists("self/copy/copy"));
}

/* --- move -------------------------------------------------------------------- */

static void move_within_a_file_system_is_a_rename(void **state) {
    (void)state;
    make_many("here", 2, 2);
    assert_int_equal(RUN(move, in_tree("here"), in_tree("there"), 0, NULL), 1);
    assert_false(exists("here"));
    assert_true(exists("there/dir_1/file_1"));
    put_file("p", "p");
    put_file("q", "q");
    assert_int_equal(RUN(move, in_tree("p"), in_tree("q"), AIOC_MOVE_NOREPLACE, NULL), -EEXIST);
    assert_int_equal(RUN(move, in_tree("p"), in_tree("q"), 0, NULL), 1);
    assert_string_equal(content_of("q"), "p");
    assert_int_equal(RUN(move, in_tree("p"), in_tree("q"), 0, NULL), -ENOENT);
}

static void move_to_another_file_system(void **state) {
    (void)state;
    struct stat here, there;
    char path[100], file[120];
    const int in_memory = strncmp(in_tree("."), "/dev/shm", 8) == 0;
    snprintf(path, sizeof path, "%s/aioclone-move-%d", in_memory ? "/var/tmp" : "/dev/shm", (int)getpid());
    if (stat(in_memory ? "/var/tmp" : "/dev/shm", &there) != 0 || stat(in_tree("."), &here) != 0 ||
        here.st_dev == there.st_dev) {
        printf("no other file system here\n");
        return;
    }
    make_unusual("moves");
    if (geteuid() != 0) {
        shell("chmod 755 moves/dir_4"); /* only root can empty a directory that nobody may write */
    }
    const long items = shell_number("find moves -printf 'x\\n' | wc -l");
    shell("(cd moves && " LISTING ") > expected");
    assert_int_equal(RUN(move, in_tree("moves"), path, 0, NULL), items);
    assert_false(exists("moves"));
    shell("(cd %s && " LISTING
          ") > got; sed -i 's/^\\([^ ]*\\) d \\([0-9]*\\) [0-9]* *[0-9]* /\\1 d \\2 /' expected got; "
          "diff expected got",
          path);
    snprintf(file, sizeof file, "%s/dir_0/file_0", path);
    assert_int_equal(RUN(move, file, in_tree("moved back"), 0, NULL), 1);
    assert_string_equal(content_of("moved back"), "moves/dir_0/file_0");
    /* The destination is there: what fails leaves the source, and no copy. */
    make_many("blocked", 1, 1);
    assert_true(RUN(move, path, in_tree("blocked"), 0, NULL) < 0);
    assert_int_equal(access(path, F_OK), 0);
    assert_true(exists("blocked/dir_0/file_0"));
    assert_int_equal(shell_number("ls -A | grep -c '^.aioc-' || true"), 0);
    assert_int_equal(RUN(move, path, in_tree("blocked/in"), AIOC_MOVE_NOREPLACE, NULL) > 0, 1);
    assert_int_equal(access(path, F_OK), -1);
}

/* --- Cancellation ------------------------------------------------------------ */

static void *random_cancel(void *id) {
    static unsigned seed = 1;
    usleep((useconds_t)(rand_r(&seed) % 3000));
    aioc_cancel(ctx, *(aioc_request *)id);
    return NULL;
}

static void cancelled_trees_close_what_they_opened(void **state) {
    (void)state;
    const int before = count_fds();
    int cancelled = 0;
    make_many("cancels", 20, 20);
    for (int i = 0; i < 20; ++i) {
        pthread_t thread;
        aioc_request id = aioc_copy_tree(ctx, in_tree("cancels"), in_tree("cancelled"), AIOC_COPY_ALL, NULL,
                                         record_callback, &record);
        aioc_report progress = AIOC_REPORT_INIT;
        assert_int_equal(aioc_progress(ctx, id, &progress), 0);
        const int at_once = i % 4 == 0 || getenv("AIOC_TEST_SINGLE_THREADED"); /* some are sure to be in time */
        if (at_once) {
            aioc_poll_wait(ctx, 0);
            aioc_cancel(ctx, id);
        } else {
            assert_int_equal(pthread_create(&thread, NULL, random_cancel, &id), 0);
        }
        const int64_t result = run(id);
        if (!at_once) {
            pthread_join(thread, NULL);
        }
        assert_true(result == -ECANCELED || result == 421);
        cancelled += result == -ECANCELED;
        if (exists("cancelled")) {
            assert_int_equal(shell_number("find cancelled -type f -size 0 -printf 'x\\n' | wc -l"),
                             0); /* whole files */
        }
        const aioc_request removal = aioc_remove_tree(ctx, in_tree("cancelled"), NULL, record_callback, &record);
        if (i % 2) {
            aioc_cancel(ctx, removal);
        }
        run(removal);
        assert_int_equal(count_fds(), before);
        const int64_t removed = RUN(remove_tree, in_tree("cancelled"), NULL);
        assert_true(removed > 0 || removed == -ENOENT);
    }
    assert_true(cancelled > 0);
    assert_int_equal(count_fds(), before);
}

static int open_context(void **state) {
    (void)state;
    ctx = make_context(0);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(walk_sees_what_find_sees),
        CASE(walk_names_places_from_the_root),
        CASE(walk_tells_errors),
        CASE(walk_stops_reading_when_nobody_asks),
        CASE(several_can_wait_for_entries),
        CASE(a_walk_can_be_left_at_any_time),
        CASE(trees_may_be_deep),
        CASE(remove_tree_removes_all),
        CASE(rmtree_through_a_symlink),
        CASE(remove_tree_stays_inside_when_a_directory_becomes_a_symlink),
        CASE(trees_may_change_meanwhile),
        CASE(copy_tree_is_like_cp),
        CASE(copy_tree_refuses_and_overwrites),
        CASE(a_copy_into_itself_has_an_end),
        CASE(move_within_a_file_system_is_a_rename),
        CASE(move_to_another_file_system),
        CASE(cancelled_trees_close_what_they_opened),
    };
    void *unused = NULL;
    open_context(&unused);
    const int failed = run_group(tests);
    return aioc_destroy(ctx) | failed;
}
