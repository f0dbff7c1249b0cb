/* SPDX-License-Identifier: MIT */
/* Composites where a process is killed, forks, destroys its context, changes its user, or has no workers. */
#define _GNU_SOURCE
#include "fault.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

enum { nobody = 65534, length = 256 << 10 };

/* --- replace, killed at every system call of its worker --------------------------- */

static char target[4200];
static char *letters(char letter) {
    char *const text = malloc(length + 1);
    memset(text, letter, length);
    text[length] = '\0';
    return text;
}

static bool without_tmpfile;
static void replace_in_child(const char *content) {
    if (without_tmpfile) {
        refuse_tmpfile();
    }
    aioc_context *ctx = workers_context(1, 0);
    be_traced();
    if (aioc_replace(ctx, target, content, length, 0, NULL, NULL) <= 0) {
        _exit(2);
    }
    while (aioc_nreqs(ctx) > 0) {
        aioc_poll_wait(ctx, -1);
        aioc_poll_cb(ctx);
    }
    _exit(0);
}

/* So many entries to and returns from system calls the worker may do. */
static int stops_left;
static bool note_stop(pid_t tid, pid_t child, const struct __ptrace_syscall_info *info) {
    (void)info;
    return tid == child || --stops_left >= 0;
}

static char content_letter(void) {
    static char text[length + 2];
    const int fd = open(target, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(read(fd, text, sizeof text) == length); /* whole, whichever it is */
    close(fd);
    for (int i = 1; i < length; ++i) {
        CHECK(text[i] == text[0]);
    }
    return text[0];
}

static void replace_survives_a_kill_at_every_step(void) {
    alarm(90);
    snprintf(target, sizeof target, "%s", in_tree("killed"));
    char *const old = letters('o');
    char *const new = letters('n');
    int kills = 0;
    int old_ones = 0;
    int new_ones = 0;
    for (bool killed = true; killed; ++kills) {
        const int fd = open(target, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        CHECK(write(fd, old, length) == length);
        close(fd);
        const pid_t child = fork();
        if (child == 0) {
            replace_in_child(new);
        }
        stops_left = kills;
        killed = trace(child, note_stop);
        const char letter = content_letter();
        CHECK(letter == 'o' || letter == 'n');
        CHECK(killed || letter == 'n');
        ++*(letter == 'o' ? &old_ones : &new_ones);
    }
    CHECK(kills > 20 && old_ones > 10 && new_ones > 2); /* it was killed before and after the rename */
    free(old);
    free(new);
}
CHILD_CASE(replace_survives_a_kill_at_every_step)

static void also_where_the_draft_has_a_name(void) {
    without_tmpfile = true;
    replace_survives_a_kill_at_every_step();
}
CHILD_CASE(also_where_the_draft_has_a_name)

/* --- remove_tree, whose entry is exchanged for one of the other kind before each call that would remove it --- */

static int exchanges;
static char victim[4200], spare[4200];
static bool exchange_before_removal(pid_t tid, pid_t child, const struct __ptrace_syscall_info *info) {
    if (info->op != PTRACE_SYSCALL_INFO_ENTRY || info->entry.nr != SYS_unlinkat || tid == child) {
        return true;
    }
    const long name = ptrace(PTRACE_PEEKDATA, tid, (void *)(uintptr_t)info->entry.args[1], NULL);
    struct stat file;
    if (memcmp(&name, "victim", 7) == 0 && lstat(victim, &file) == 0 &&
        S_ISDIR(file.st_mode) == ((info->entry.args[2] & AT_REMOVEDIR) != 0)) {
        CHECK(renameat2(AT_FDCWD, victim, AT_FDCWD, spare, RENAME_EXCHANGE) == 0);
        ++exchanges;
    }
    return true;
}

static void remove_in_child(void) {
    aioc_report *report = NULL;
    aioc_context *ctx = workers_context(1, 0);
    be_traced();
    CHECK(finish(ctx, aioc_remove_tree(ctx, in_tree("exchanged"), &report, record_callback, &last)) == -EBUSY);
    CHECK(report && report->error == -EBUSY && strcmp(report->path, "victim") == 0);
    _exit(0);
}

static void remove_tree_gives_up_a_name_that_is_always_exchanged(void) {
    make_dir("exchanged");
    make_dir("exchanged/victim");
    put_file("spare", "");
    snprintf(victim, sizeof victim, "%s", in_tree("exchanged/victim"));
    snprintf(spare, sizeof spare, "%s", in_tree("spare"));
    const pid_t child = fork();
    if (child == 0) {
        remove_in_child();
    }
    CHECK(!trace(child, exchange_before_removal));
    CHECK(exchanges >= 16 && exists("exchanged/victim") && exists("spare"));
}
CHILD_CASE(remove_tree_gives_up_a_name_that_is_always_exchanged)

/* --- Rights ------------------------------------------------------------------------ */

static void become_nobody(void) {
    CHECK(setresgid(nobody, nobody, nobody) == 0 && setresuid(nobody, nobody, nobody) == 0);
}

static int64_t finish_report(aioc_context *ctx, aioc_request id, aioc_report **report, const char *path) {
    const int64_t result = finish(ctx, id);
    if (result < 0) {
        CHECK(*report && (*report)->error == result && (*report)->errors >= 1);
        CHECK(strcmp((*report)->path, path) == 0);
    }
    aioc_free(*report);
    *report = NULL;
    return result;
}

static char readable[4200];

static void unreadable_directories_are_told(void) {
    snprintf(readable, sizeof readable, "%s", in_tree("rights"));
    become_nobody();
    aioc_context *ctx = fault_context(2);
    aioc_walk *walk = NULL;
    aioc_entries *entries = NULL;
    aioc_report *report = NULL;
    int64_t good = 0, bad = 0;
    CHECK(aioc_walk_create(ctx, readable, 0, &walk) == 0);
    while (finish(ctx, aioc_walk_next(ctx, walk, &entries, record_callback, &last)) > 0) {
        for (uint64_t i = 0; i < aioc_entries_count(entries); ++i) {
            const aioc_entry *const e = aioc_entries_at(entries, i);
            good += e->error == 0;
            if (e->error != 0) {
                ++bad;
                CHECK(e->error == -EACCES && strcmp(e->name, "closed") == 0 && strcmp(e->directory, "open") == 0);
            }
        }
        aioc_free(entries);
    }
    CHECK(last.done.result == 0 && good == 3 && bad == 1);
    CHECK(aioc_walk_destroy(ctx, walk) == 0);
    CHECK(finish_report(ctx,
                        aioc_copy_tree(ctx, readable, "/tmp/aioclone-not-there/x", 0, &report, record_callback, &last),
                        &report, "") == -ENOENT);
    CHECK(finish_report(ctx, aioc_remove_tree(ctx, readable, &report, record_callback, &last), &report,
                        "open/closed") == -EACCES);
    CHECK(aioc_destroy(ctx) == 0);
}
static void unreadable_directories(void) {
    make_dir("rights");
    make_dir("rights/open");
    make_dir("rights/open/closed");
    put_file("rights/open/closed/x", "");
    put_file("rights/open/file", "");
    CHECK(chown(in_tree("rights"), nobody, nobody) == 0 && chown(in_tree("rights/open"), nobody, nobody) == 0);
    CHECK(chmod(in_tree("rights/open/closed"), 0700) == 0);
    unreadable_directories_are_told();
}
ROOT_CASE(unreadable_directories)

/* Work goes on with the rights of its submitter; what comes later has the new ones. */
static void trees_have_the_rights_of_their_submitter(void) {
    make_many("mine", 20, 30);
    make_many("later", 1, 1);
    chmod(in_tree("."), 0777);
    aioc_context *ctx = fault_context(2);
    struct record before = {0};
    CHECK(aioc_remove_tree(ctx, in_tree("mine"), NULL, record_callback, &before) > 0);
    become_nobody();
    aioc_report *report = NULL;
    CHECK(finish(ctx, aioc_remove_tree(ctx, in_tree("later"), &report, record_callback, &last)) == -EACCES);
    aioc_free(report);
    /* setuid() takes the threads that libc made along, also while they work; a raw worker has its rights to the end. */
    CHECK(before.calls == 1);
    CHECK(before.done.result == 621 || (!testing_spawner("clone") && before.done.result == -EACCES));
    aioc_walk *walk = NULL;
    aioc_entries *entries = NULL;
    CHECK(aioc_walk_create(ctx, in_tree("later"), 0, &walk) == 0);
    CHECK(finish(ctx, aioc_walk_next(ctx, walk, &entries, record_callback, &last)) > 0);
    aioc_free(entries);
    CHECK(aioc_destroy(ctx) == 0); /* with its walk */
}
ROOT_CASE(trees_have_the_rights_of_their_submitter)

/* --- Destruction and fork ----------------------------------------------------------- */

static void start_all(aioc_context *ctx, const char *busy, int round, struct record *records, aioc_entries **entries) {
    static aioc_walk *walk;
    char name[60];
    snprintf(name, sizeof name, "%s_copy_%d", busy, round);
    CHECK(aioc_copy_tree(ctx, in_tree(busy), in_tree(name), 0, NULL, record_callback, &records[0]) > 0);
    CHECK(aioc_walk_create(ctx, in_tree(busy), AIOC_WALK_STAT, &walk) == 0);
    CHECK(aioc_walk_next(ctx, walk, entries, record_callback, &records[1]) > 0);
    snprintf(name, sizeof name, "%s_removed_%d", busy, round);
    make_many(name, 5, 10);
    CHECK(aioc_remove_tree(ctx, in_tree(name), NULL, record_callback, &records[2]) > 0);
}

static void a_context_is_destroyed_while_trees_are_worked_on(void) {
    make_many("busy", 20, 50);
    const int before = count_fds();
    for (int i = 0; i < 20; ++i) {
        struct record records[3] = {0};
        aioc_entries *entries = NULL;
        aioc_context *ctx = fault_context(i % 4);
        start_all(ctx, "busy", i, records, &entries);
        usleep((useconds_t)(i * 150));
        CHECK(aioc_destroy(ctx) == 0);
        for (int r = 0; r < 3; ++r) {
            CHECK(records[r].calls == 1);
            CHECK(records[r].done.result > 0 || records[r].done.result == -ECANCELED);
        }
        aioc_free(records[1].done.result > 0 ? entries : NULL);
        CHECK(count_fds() == before);
    }
}
CHILD_CASE(a_context_is_destroyed_while_trees_are_worked_on)

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
static void a_child_has_no_trees(void) {
    make_many("busy2", 20, 50);
    aioc_context *ctx = shared_fault_context(2);
    aioc_walk *walk = NULL;
    aioc_entries *entries = NULL;
    struct record records[3] = {0};
    CHECK(aioc_walk_create(ctx, in_tree("busy2"), 0, &walk) == 0);
    start_all(ctx, "busy2", 0, records, &entries);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        CHECK(aioc_nreqs(ctx) == 0);
        CHECK(aioc_walk_next(ctx, walk, &entries, NULL, NULL) == -EINVAL);
        CHECK(aioc_walk_destroy(ctx, walk) == -EINVAL);
        CHECK(aioc_walk_create(ctx, in_tree("busy2"), 0, &walk) == 0);
        int64_t sum = 0;
        while (finish(ctx, aioc_walk_next(ctx, walk, &entries, record_callback, &last)) > 0) {
            sum += last.done.result;
            aioc_free(entries);
        }
        CHECK(sum == 20 * 51);
        CHECK(records[0].calls + records[1].calls + records[2].calls == 0);
        CHECK(aioc_destroy(ctx) == 0);
        _exit(0);
    }
    int status = -1;
    drain(ctx);
    CHECK(records[0].done.result == 1021 && records[1].done.result > 0 && records[2].done.result == 56);
    aioc_free(entries);
    CHECK(aioc_destroy(ctx) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}
#endif
static void fork_while_trees_are_worked_on(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    printf("their runtimes do not carry threads in a child of many\n");
#else
    assert_int_equal(in_child(a_child_has_no_trees), 0);
#endif
}

/* --- Without workers; large ---------------------------------------------------------- */

static void trees_without_workers(void) {
    const struct rlimit none = {0, 0};
    make_many("alone", 5, 5);
    chmod(in_tree("."), 0777);
    become_nobody();
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    leaks_can_be_checked = 0;
    aioc_context *ctx = fault_context(4);
    aioc_walk *walk = NULL;
    aioc_entries *entries = NULL;
    CHECK(aioc_walk_create(ctx, in_tree("alone"), 0, &walk) == 0);
    int64_t sum = 0;
    while (finish(ctx, aioc_walk_next(ctx, walk, &entries, record_callback, &last)) > 0) {
        sum += last.done.result;
        aioc_free(entries);
    }
    CHECK(sum == 30);
    CHECK(finish(ctx, aioc_copy_tree(ctx, in_tree("alone"), in_tree("alone.copy"), 0, NULL, record_callback, &last)) ==
          31);
    CHECK(last.done.engine == AIOC_ENGINE_SYNC);
    CHECK(finish(ctx, aioc_remove_tree(ctx, in_tree("alone.copy"), NULL, record_callback, &last)) == 31);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(trees_without_workers)

/* IO::AIO: cut at 2,147,479,552 bytes without an error. */
static void load_of_a_3_gib_file(void) {
    alarm(90);
    struct sysinfo memory;
    const int64_t bytes = (INT64_C(3) << 30) + 5;
    CHECK(sysinfo(&memory) == 0);
    if ((memory.freeram + memory.bufferram) * (uint64_t)memory.mem_unit < UINT64_C(5) << 30) {
        printf("not tested: it takes 3 GiB\n");
        return;
    }
    const int fd = open(in_tree("large"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(ftruncate(fd, bytes) == 0 && pwrite(fd, "the end", 7, bytes - 7) == 7);
    aioc_context *ctx = fault_context(1);
    char *data = NULL;
    CHECK(finish(ctx, aioc_load(ctx, in_tree("large"), 0, (void **)&data, record_callback, &last)) == bytes);
    CHECK(memcmp(data + bytes - 7, "the end", 8) == 0);
    /* The same memory serves for the other way. */
    CHECK(finish(ctx, aioc_read_full(ctx, fd, data, (size_t)bytes, 0, record_callback, &last)) == bytes);
    CHECK(memcmp(data + bytes - 7, "the end", 8) == 0);
    aioc_free(data);
    CHECK(aioc_destroy(ctx) == 0);
    close(fd);
    unlink(in_tree("large"));
}
CHILD_CASE(load_of_a_3_gib_file)

int main(void) {
    in_tree("."); /* this process's, which outlives the cases */
    const struct CMUnitTest tests[] = {
        CHILD(replace_survives_a_kill_at_every_step),
        CHILD(also_where_the_draft_has_a_name),
        CHILD(remove_tree_gives_up_a_name_that_is_always_exchanged),
        CHILD(unreadable_directories),
        CHILD(trees_have_the_rights_of_their_submitter),
        CHILD(a_context_is_destroyed_while_trees_are_worked_on),
        CASE(fork_while_trees_are_worked_on),
        CHILD(trees_without_workers),
        CHILD(load_of_a_3_gib_file),
    };
    return run_group(tests);
}
