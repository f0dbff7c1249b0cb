/* SPDX-License-Identifier: MIT */
/* The matrix of operations on names: make, move, link, remove, list, resolve, open. */
#define _GNU_SOURCE
#include "matrix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static ino_t inode_of(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 ? status.st_ino : 0;
}
static int open_directory(const char *path) { return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC); }

static void mkdir_and_rmdir(void **state) {
    (void)state;
    struct stat status;
    const char *const path = in_directory("new");
    const mode_t before = umask(027);
    assert_int_equal(RUN(mkdir, path, 0777), 0);
    umask(before);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFDIR | 0750);
    assert_int_equal(RUN(mkdir, path, 0777), -EEXIST);
    assert_int_equal(RUN(mkdir, "/nonexistent/x", 0777), -ENOENT);
    assert_int_equal(RUN(mkdir, "", 0777), -ENOENT);
    file_with("new/file", "x");
    assert_int_equal(RUN(rmdir, path), -ENOTEMPTY);
    assert_int_equal(RUN(rmdir, in_directory("new/file")), -ENOTDIR);
    assert_int_equal(unlink(in_directory("new/file")), 0);
    assert_int_equal(RUN(rmdir, path), 0);
    assert_int_equal(RUN(rmdir, path), -ENOENT);
}

static void mkdir_and_rmdir_below_a_descriptor(void **state) {
    (void)state;
    aioc_operation op = operation(AIOC_OP_MKDIR);
    op.flags = AIOC_USE_DIRFD;
    op.fd = open_directory(test_directory());
    op.path = "below";
    op.mode = 0700;
    assert_int_equal(run_operation(op), 0);
    assert_true(inode_of(in_directory("below")) != 0);
    op.code = AIOC_OP_RMDIR;
    assert_int_equal(run_operation(op), 0);
    assert_true(inode_of(in_directory("below")) == 0);
    close(op.fd);
    assert_int_equal(run_operation(op), -EBADF);
    op.path = "/nonexistent"; /* absolute: the descriptor is not looked at */
    assert_int_equal(run_operation(op), -ENOENT);
}

static void rename_moves_and_its_flags(void **state) {
    (void)state;
    const char *const a = file_with("a", "A"), *const b = file_with("b", "B");
    const ino_t ino_a = inode_of(a), ino_b = inode_of(b);
    assert_int_equal(RUN(rename, a, b, 1 /* RENAME_NOREPLACE */), -EEXIST);
    assert_int_equal(RUN(rename, a, b, 2 /* RENAME_EXCHANGE */), 0);
    assert_int_equal(inode_of(a), ino_b);
    assert_int_equal(inode_of(b), ino_a);
    assert_int_equal(RUN(rename, a, b, 0), 0);
    assert_int_equal(inode_of(b), ino_b);
    assert_int_equal(RUN(rename, a, b, 0), -ENOENT);
    assert_int_equal(RUN(rename, b, b, 0x40000000), -EINVAL);
    char longest[NAME_MAX + 2];
    memset(longest, 'n', sizeof longest - 1);
    longest[NAME_MAX + 1] = 0;
    assert_int_equal(RUN(rename, b, in_directory(longest), 0), -ENAMETOOLONG);
    longest[NAME_MAX] = 0;
    const char *const renamed = in_directory(longest);
    assert_int_equal(RUN(rename, b, renamed, 0), 0);
    assert_int_equal(inode_of(renamed), ino_b);
}

static void rename_between_two_descriptors(void **state) {
    (void)state;
    assert_int_equal(mkdir(in_directory("from"), 0700), 0);
    assert_int_equal(mkdir(in_directory("to"), 0700), 0);
    const ino_t ino = inode_of(file_with("from/f", "x"));
    aioc_operation op = operation(AIOC_OP_RENAME);
    op.flags = AIOC_USE_DIRFD | AIOC_USE_DIRFD2;
    op.fd = open_directory(in_directory("from"));
    op.fd2 = open_directory(in_directory("to"));
    op.path = "f";
    op.path2 = "g";
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(inode_of(in_directory("to/g")), ino);
    assert_int_equal(run_operation(op), -ENOENT);
    op.code = AIOC_OP_LINK;
    op.fd = op.fd2;
    op.path = "g";
    op.path2 = "h";
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(inode_of(in_directory("to/h")), ino);
    close(op.fd2);
    close(open_directory("/"));
    op.fd2 = -1;
    assert_int_equal(run_operation(op), -EBADF);
}

static void link_follows_links_only_if_told(void **state) {
    (void)state;
    const char *const target = file_with("target", "x"), *const soft = in_directory("soft");
    assert_int_equal(symlink("target", soft), 0);
    const char *const plain = in_directory("plain"), *const followed = in_directory("followed");
    assert_int_equal(RUN(link, soft, plain, 0), 0);
    assert_int_equal(inode_of(plain), inode_of(soft));
    assert_int_equal(RUN(link, soft, followed, AT_SYMLINK_FOLLOW), 0);
    assert_int_equal(inode_of(followed), inode_of(target));
    assert_int_equal(RUN(link, target, followed, 0), -EEXIST);
    assert_int_equal(RUN(link, test_directory(), in_directory("hard"), 0), -EPERM);
    assert_int_equal(RUN(link, target, "/dev/shm/aioclone-link", 0), -EXDEV);
    assert_int_equal(RUN(link, target, plain, 0x40000000), -EINVAL);
}

static void symlink_makes_any_text_a_link(void **state) {
    (void)state;
    char text[32] = "";
    const char *const path = in_directory("dangling");
    assert_int_equal(RUN(symlink, "no such \xff thing", path), 0);
    assert_int_equal(readlink(path, text, sizeof text), 15);
    assert_memory_equal(text, "no such \xff thing", 15);
    assert_int_equal(RUN(symlink, "x", path), -EEXIST);
    assert_int_equal(RUN(symlink, "", in_directory("empty")), -ENOENT);
}

/* The defect of eio.c: the first descriptor was taken, and the one of the new name ignored. */
static void symlinks_dirfd_ignored(void **state) {
    (void)state;
    assert_int_equal(mkdir(in_directory("new_names"), 0700), 0);
    aioc_operation op = operation(AIOC_OP_SYMLINK);
    op.flags = AIOC_USE_DIRFD | AIOC_USE_DIRFD2;
    op.fd = open_directory("/");
    op.fd2 = open_directory(in_directory("new_names"));
    op.path = "target";
    op.path2 = "link";
    assert_int_equal(run_operation(op), 0);
    assert_true(inode_of(in_directory("new_names/link")) != 0);
    assert_int_equal(access("link", F_OK), -1);
    assert_int_equal(access("/link", F_OK), -1);
    close(op.fd);
    close(op.fd2);
}

static void mknod_makes_what_it_is_told(void **state) {
    (void)state;
    struct stat status;
    const char *const fifo = in_directory("fifo");
    assert_int_equal(RUN(mknod, fifo, S_IFIFO | 0600, 0), 0);
    assert_int_equal(stat(fifo, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(RUN(mknod, fifo, S_IFIFO | 0600, 0), -EEXIST);
    assert_int_equal(RUN(mknod, in_directory("odd"), S_IFDIR | 0700, 0), -EPERM);
    assert_int_equal(RUN(mknod, in_directory("far"), S_IFCHR | 0600, UINT64_C(1) << 40), -EINVAL);
    const char *const device = in_directory("null");
    const int64_t result = RUN(mknod, device, S_IFCHR | 0600, makedev(1, 3));
    if (is_root() && result == 0) { /* a container's root may not */
        assert_int_equal(stat(device, &status), 0);
        assert_int_equal(status.st_rdev, makedev(1, 3));
    } else {
        assert_int_equal(result, -EPERM);
    }
}

static void readlink_gives_the_text_without_nul(void **state) {
    (void)state;
    char text[32];
    const char *const path = in_directory("text");
    assert_int_equal(symlink("0123456789", path), 0);
    memset(text, '-', sizeof text);
    assert_int_equal(RUN(readlink, path, text, sizeof text), 10);
    assert_memory_equal(text, "0123456789--", 12);
    memset(text, '-', sizeof text);
    assert_int_equal(RUN(readlink, path, text, 4), 4); /* as readlink(2): cut off */
    assert_memory_equal(text, "0123--", 6);
    assert_int_equal(RUN(readlink, path, text, 0), -EINVAL);
    assert_int_equal(RUN(readlink, test_directory(), text, 4), -EINVAL);
    assert_int_equal(RUN(readlink, "/nonexistent", text, 4), -ENOENT);
    aioc_operation op = operation(AIOC_OP_READLINK);
    op.flags = AIOC_USE_DIRFD;
    op.fd = open_directory(test_directory());
    op.path = "text";
    op.buffer = text;
    op.length = INT64_MAX; /* more than the call's int: not negative */
    assert_int_equal(run_operation(op), 10);
    close(op.fd);
}

static void expect_realpath(const char *path) {
    char expected[PATH_MAX], found[PATH_MAX];
    assert_non_null(realpath(path, expected));
    const size_t length = strlen(expected);
    assert_int_equal(RUN(realpath, path, found, sizeof found), length);
    assert_memory_equal(found, expected, length);
    memset(found, '-', sizeof found);
    assert_int_equal(RUN(realpath, path, found, length), length); /* fits exactly */
    assert_int_equal(found[length], '-');
    if (length > 1) {
        assert_int_equal(RUN(realpath, path, found, length - 1), -ERANGE);
    }
}

static void realpath_resolves_everything(void **state) {
    (void)state;
    char found[PATH_MAX];
    assert_int_equal(mkdir(in_directory("deep"), 0700), 0);
    file_with("deep/file (deleted)", "x");
    assert_int_equal(symlink("deep/../deep/./file (deleted)", in_directory("to_file")), 0);
    assert_int_equal(symlink("loop", in_directory("loop")), 0);
    expect_realpath("/");
    expect_realpath(".");
    expect_realpath(in_directory("to_file"));
    expect_realpath(in_directory("deep/../deep/../deep"));
    file_with("unreadable", "x");
    assert_int_equal(chmod(in_directory("unreadable"), 0), 0);
    expect_realpath(in_directory("unreadable"));
    assert_int_equal(RUN(realpath, in_directory("loop"), found, sizeof found), -ELOOP);
    assert_int_equal(RUN(realpath, in_directory("nothing"), found, sizeof found), -ENOENT);
    assert_int_equal(RUN(realpath, in_directory("to_file/x"), found, sizeof found), -ENOTDIR);
    assert_int_equal(RUN(realpath, "", found, sizeof found), -ENOENT);
    /* The working directory is there no more: a path that leads nowhere is no answer. */
    const int back = open(".", O_PATH | O_CLOEXEC);
    assert_int_equal(mkdir(in_directory("gone"), 0700), 0);
    assert_int_equal(chdir(in_directory("gone")), 0);
    assert_int_equal(rmdir(in_directory("gone")), 0);
    assert_int_equal(RUN(realpath, ".", found, sizeof found), -ENOENT);
    assert_int_equal(fchdir(back), 0);
    close(back);
    aioc_operation op = operation(AIOC_OP_REALPATH);
    op.flags = AIOC_USE_DIRFD;
    op.fd = open_directory(in_directory("deep"));
    op.path = "..";
    op.buffer = found;
    op.length = sizeof found;
    assert_int_equal(run_operation(op), strlen(test_directory()));
    assert_memory_equal(found, test_directory(), strlen(test_directory()));
    close(op.fd);
}

static void flink_names_a_temporary_file(void **state) {
    (void)state;
    char text[8] = "";
    const int64_t fd = RUN(open, test_directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write((int)fd, "named", 5), 5);
    const char *const path = in_directory("named");
    assert_int_equal(RUN(flink, (int)fd, path), 0);
    assert_int_equal(RUN(flink, (int)fd, path), -EEXIST);
    const int again = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(again, text, sizeof text), 5);
    assert_memory_equal(text, "named", 5);
    close(again);
    aioc_operation op = operation(AIOC_OP_FLINK);
    op.fd = (int)fd;
    op.flags = AIOC_USE_DIRFD2;
    op.fd2 = open_directory(test_directory());
    op.path2 = "named too";
    assert_int_equal(run_operation(op), 0);
    assert_int_equal(inode_of(in_directory("named too")), inode_of(path));
    close(op.fd2);
    close((int)fd);
    assert_int_equal(RUN(flink, -1, path), -EBADF);
    assert_int_equal(RUN(open, "/nonexistent", O_RDONLY, 0), -ENOENT);
}

static void openat2_resolves_as_told(void **state) {
    (void)state;
    if (aioc_probe_operation(AIOC_OP_OPENAT2) != 0) {
        assert_int_equal(RUN(openat2, "/", O_RDONLY, 0, 0), aioc_probe_operation(AIOC_OP_OPENAT2));
        cannot_be_brought_about(AIOC_OP_OPENAT2, "the kernel has it not");
        return;
    }
    const char *const file = file_with("plain file", "x"), *const soft = in_directory("soft link");
    assert_int_equal(symlink("plain file", soft), 0);
    const int64_t fd = RUN(openat2, soft, O_RDONLY | O_CLOEXEC, 0, 0);
    assert_true(fd >= 0);
    close((int)fd);
    assert_int_equal(RUN(openat2, soft, O_RDONLY, 0, RESOLVE_NO_SYMLINKS), -ELOOP);
    assert_int_equal(RUN(openat2, file, O_RDONLY, 0, UINT64_C(1) << 50), -EINVAL);
    assert_int_equal(RUN(openat2, file, O_RDONLY, 0600, 0), -EINVAL); /* a mode, and nothing is created */
    aioc_operation op = operation(AIOC_OP_OPENAT2);
    op.flags = AIOC_USE_DIRFD;
    op.fd = open_directory(test_directory());
    op.path = "../etc/passwd";
    op.argument = RESOLVE_BENEATH;
    assert_int_equal(run_operation(op), -EXDEV);
    op.path = "made";
    op.operation_flags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC;
    op.mode = 0640;
    const int64_t made = run_operation(op);
    assert_true(made >= 0);
    close((int)made);
    close(op.fd);
}

enum { many = 1500 };
static void make_many(const char *directory) {
    char name[64];
    assert_int_equal(mkdir(in_directory(directory), 0700), 0);
    const int at = open_directory(in_directory(directory));
    for (int i = 0; i < many; ++i) {
        snprintf(name, sizeof name, "%s%d%s", i % 7 == 0 ? "a-much-longer-name-" : "", i, i % 3 == 0 ? ".txt" : "");
        if (i % 10 == 0) {
            assert_int_equal(mkdirat(at, name, 0700), 0);
        } else {
            close(openat(at, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        }
    }
    close(at);
}

/* The defects of the anchors: what a call that was cancelled while it ran obtains stays open. (open: test_control.c;
 * all others: tests/unit/test_execute.cpp) */
static void leaked_descriptor_on_cancel_of_a_running_openat2(void **state) {
    (void)state;
    if (aioc_probe_operation(AIOC_OP_OPENAT2) != 0) {
        return;
    }
    struct record opened = {0};
    const char *const fifo = in_directory("nobody writes");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    aioc_context *const own = make_context(0);
    aioc_poll_fileno(own);
    const aioc_request first = aioc_nop(own, NULL, NULL); /* a ring, if there is to be one, is made */
    assert_true(first > 0);
    wait_all(own);
    const int before = count_fds();
    const aioc_request id = aioc_openat2(own, fifo, O_RDONLY | O_CLOEXEC, 0, 0, record_callback, &opened);
    const time_t deadline = time(NULL) + 20;
    while (!a_worker_is_in(SYS_openat2)) {
        assert_true(time(NULL) < deadline);
        aioc_poll_wait(own, 1);
    }
    assert_int_equal(aioc_cancel(own, id), 0);
    assert_int_equal(aioc_cancel(own, id), -EALREADY);
    const int writer = open(fifo, O_WRONLY | O_CLOEXEC);
    wait_all(own);
    close(writer);
    assert_int_equal(opened.calls, 1);
    assert_int_equal(opened.done.result, -ECANCELED);
    assert_int_equal(count_fds(), before);
    assert_int_equal(aioc_destroy(own), 0);
}

static void leaked_descriptor_on_cancel_of_a_running_readdir(void **state) {
    (void)state;
    enum { rounds = 20, at_once = 8 };
    struct record records[at_once];
    aioc_directory *directories[at_once];
    int cancelled = 0;
    make_many("many");
    const char *const path = in_directory("many");
    aioc_context *const own = make_context(0);
    for (int round = 0; round < rounds; ++round) {
        aioc_request ids[at_once];
        memset(records, 0, sizeof records);
        memset(directories, 0, sizeof directories);
        const int before = count_fds();
        for (int i = 0; i < at_once; ++i) {
            ids[i] = aioc_readdir(own, path, i % 4, &directories[i], record_callback, &records[i]);
            assert_true(ids[i] > 0);
        }
        for (int i = 0; i < at_once; ++i) { /* some wait, some run, some have ended */
            const int answer = aioc_cancel(own, ids[i]);
            assert_true(answer == 0 || answer == -EALREADY || answer == -ENOENT); /* or were delivered */
            cancelled += answer == 0;
            if (i % 3 == 2) {
                aioc_poll_cb(own);
            }
        }
        wait_all(own);
        for (int i = 0; i < at_once; ++i) {
            assert_int_equal(records[i].calls, 1);
            assert_true(records[i].done.result == -ECANCELED || records[i].done.result == many);
            assert_int_equal(directories[i] != NULL, records[i].done.result == many);
            aioc_directory_free(directories[i]);
        }
        if (round > 0) {
            assert_int_equal(count_fds(), before);
        }
    }
    assert_true(cancelled > 0);
    assert_int_equal(aioc_destroy(own), 0);
}

/* --- readdir ------------------------------------------------------------------------- */

static aioc_directory *list(const char *path, int flags) {
    aioc_directory *directory = NULL;
    const int64_t count = RUN(readdir, path, flags, &directory);
    assert_true(count >= 0);
    assert_non_null(directory);
    assert_int_equal(aioc_directory_count(directory), count);
    return directory;
}

static void readdir_gives_names_types_and_inodes(void **state) {
    (void)state;
    const char *const path = in_directory("listed");
    assert_int_equal(mkdir(path, 0700), 0);
    aioc_directory *directory = list(path, 0); /* empty, and an object all the same */
    assert_int_equal(aioc_directory_count(directory), 0);
    assert_null(aioc_directory_name(directory, 0));
    aioc_directory_free(directory);
    file_with("listed/file", "x");
    file_with("listed/.hidden", "x");
    file_with("listed/not UTF-8: \xff\xfe", "x");
    assert_int_equal(mkdir(in_directory("listed/sub"), 0700), 0);
    assert_int_equal(symlink("x", in_directory("listed/link")), 0);
    assert_int_equal(mkfifo(in_directory("listed/fifo"), 0600), 0);
    directory = list(path, 0);
    assert_int_equal(aioc_directory_count(directory), 6);
    int found = 0;
    for (int64_t i = 0; i < 6; ++i) {
        const char *const name = aioc_directory_name(directory, i);
        const uint32_t type = aioc_directory_type(directory, i);
        char full[600];
        struct stat status;
        snprintf(full, sizeof full, "%s/%s", path, name);
        assert_int_equal(lstat(full, &status), 0);
        assert_int_equal(aioc_directory_inode(directory, i), status.st_ino);
        assert_true(type == DT_UNKNOWN || type == IFTODT(status.st_mode));
        found += type != DT_UNKNOWN;
    }
    assert_int_equal(aioc_directory_unknown(directory), 6 - found);
    assert_null(aioc_directory_name(directory, 6));
    assert_null(aioc_directory_name(directory, -1));
    assert_int_equal(aioc_directory_type(directory, 6), 0);
    assert_int_equal(aioc_directory_inode(directory, INT64_MAX), 0);
    aioc_directory_free(directory);
}

static void readdir_below_a_descriptor(void **state) {
    (void)state;
    aioc_directory *directory = NULL;
    aioc_operation op = operation(AIOC_OP_READDIR);
    op.flags = AIOC_USE_DIRFD;
    op.fd = open_directory("/proc/self");
    op.path = "."; /* a directory that is open */
    op.buffer = &directory;
    assert_true(run_operation(op) > 10);
    aioc_directory_free(directory);
    op.path = "task";
    assert_true(run_operation(op) >= 1);
    aioc_directory_free(directory);
    close(op.fd);
}

static void readdir_errors_leave_nothing_open(void **state) {
    (void)state;
    aioc_directory *const untouched = (aioc_directory *)&record, *directory = untouched;
    const int before = count_fds();
    assert_int_equal(RUN(readdir, "/nonexistent", 0, &directory), -ENOENT);
    assert_int_equal(RUN(readdir, file_with("no directory", "x"), 0, &directory), -ENOTDIR);
    assert_int_equal(RUN(readdir, "/", 0x100, &directory), -EINVAL);
    assert_int_equal(RUN(readdir, "", 0, &directory), -ENOENT);
    assert_ptr_equal(directory, untouched);
    assert_int_equal(count_fds(), before);
}

static void readdir_orders_as_told(void **state) {
    (void)state;
    const char *const path = in_directory("many");
    aioc_directory *plain = list(path, 0);
    assert_int_equal(aioc_directory_count(plain), many);
    aioc_directory *by_inode = list(path, AIOC_READDIR_STAT_ORDER);
    aioc_directory *dirs_first = list(path, AIOC_READDIR_DIRS_FIRST);
    aioc_directory *both = list(path, AIOC_READDIR_STAT_ORDER | AIOC_READDIR_DIRS_FIRST);
    const bool types = aioc_directory_unknown(plain) == 0;
    int64_t at = 0; /* in plain: within a group its order stays */
    for (int64_t i = 0; i < many; ++i) {
        const bool is_directory = i < many / 10;
        if (i > 0) {
            assert_true(aioc_directory_inode(by_inode, i - 1) < aioc_directory_inode(by_inode, i));
        }
        if (types) {
            assert_int_equal(aioc_directory_type(both, i) == DT_DIR, is_directory);
            assert_int_equal(aioc_directory_type(dirs_first, i) == DT_DIR, is_directory);
            if (i > 0 && i != many / 10) {
                assert_true(aioc_directory_inode(both, i - 1) < aioc_directory_inode(both, i));
            }
            at = i == many / 10 ? 0 : at;
            while ((aioc_directory_type(plain, at) == DT_DIR) != is_directory) {
                ++at;
            }
            assert_string_equal(aioc_directory_name(dirs_first, i), aioc_directory_name(plain, at++));
        }
    }
    aioc_directory_free(plain);
    aioc_directory_free(by_inode);
    aioc_directory_free(dirs_first);
    aioc_directory_free(both);
}

static int64_t resident_bytes(void) {
    long pages = 0, resident = 0;
    FILE *const f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &pages, &resident), 2);
    fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

static void readdirs_memory_is_that_of_the_names(void **state) {
    (void)state;
    enum { lists = 64, per_entry = 48 };
    aioc_directory *directories[lists];
    const char *const path = in_directory("many");
    aioc_directory_free(list(path, 0));
    const int64_t before = resident_bytes();
    for (int i = 0; i < lists; ++i) {
        directories[i] = list(path, 0);
    }
    const int64_t grown = resident_bytes() - before;
    for (int i = 0; i < lists; ++i) {
        aioc_directory_free(directories[i]);
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (!getenv("AIOC_UNDER_VALGRIND")) {
        assert_true(grown < (int64_t)lists * (many * per_entry + (64 << 10)));
    }
#endif
    assert_true(grown >= 0);
    assert_true(resident_bytes() - before < (2 << 20)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
                || 1
#endif
    );
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(mkdir_and_rmdir),
                                       CASE(mkdir_and_rmdir_below_a_descriptor),
                                       CASE(rename_moves_and_its_flags),
                                       CASE(rename_between_two_descriptors),
                                       CASE(link_follows_links_only_if_told),
                                       CASE(symlink_makes_any_text_a_link),
                                       CASE(symlinks_dirfd_ignored),
                                       CASE(mknod_makes_what_it_is_told),
                                       CASE(readlink_gives_the_text_without_nul),
                                       CASE(realpath_resolves_everything),
                                       CASE(flink_names_a_temporary_file),
                                       CASE(openat2_resolves_as_told),
                                       CASE(leaked_descriptor_on_cancel_of_a_running_openat2),
                                       CASE(leaked_descriptor_on_cancel_of_a_running_readdir),
                                       CASE(readdir_gives_names_types_and_inodes),
                                       CASE(readdir_below_a_descriptor),
                                       CASE(readdir_errors_leave_nothing_open),
                                       CASE(readdir_orders_as_told),
                                       CASE(readdirs_memory_is_that_of_the_names),
                                       MATRIX_CASES};
    ctx = make_context(0);
    const int failed = run_group(tests);
    return failed || aioc_destroy(ctx) != 0;
}
