/* SPDX-License-Identifier: MIT */
/* After the program changed its ids, groups or capabilities no request runs with the old ones, and no worker that
 * has them stays around. Once per spawner, and with AUTO, which in a privileged process means pthread; and on the ring.
 */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { nobody = 65534 };
static const char *secret; /* root's, mode 0600 */

/* No worker but those with this user id and without capabilities. */
static bool no_worker_is_privileged(void *unused) {
    (void)unused;
    pid_t tids[workers_seen_max];
    const int count = find_workers(tids);
    for (int i = 0; i < count; ++i) {
        char uids[64], effective[64];
        thread_status(tids[i], "Uid:", uids, sizeof uids);
        thread_status(tids[i], "CapEff:", effective, sizeof effective);
        if (uids[0] && (strcmp(uids, "65534\t65534\t65534\t65534") != 0 || strtoull(effective, NULL, 16) != 0)) {
            return false;
        }
    }
    return true;
}

/* The same as ROOT_CASE, in the runs that test workers. */
#define WORKERS_ROOT_CASE(body)                                                                                        \
    ROOT_CASE(body)                                                                                                    \
    static void body##_of_workers(void **state) {                                                                      \
        WORKERS_ONLY(#body);                                                                                           \
        body##_in_child(state);                                                                                        \
    }
#define WORKERS_CHILD(body) CASE(body##_of_workers)

static void drop_ids(void) {
    CHECK(setgroups(0, NULL) == 0);
    CHECK(setresgid(nobody, nobody, nobody) == 0 && setresuid(nobody, nobody, nobody) == 0);
}

static void setuid_takes_idle_workers_along(void) {
    aioc_context *ctx = workers_context(2, 0);
    CHECK(try_open(ctx, secret) >= 0);
    wait_for_workers(1);
    CHECK(!no_worker_is_privileged(NULL)); /* the check can see one */
    drop_ids();
    if (testing_spawner("clone")) {
        /* setuid() does not reach a raw worker: it is found out, retired, and ends. */
        CHECK(!no_worker_is_privileged(NULL));
    } else {
        CHECK(no_worker_is_privileged(NULL)); /* pthread, and AUTO: at once, also idle */
    }
    CHECK(try_open(ctx, secret) == -EACCES);
    wait_until(no_worker_is_privileged, NULL, "the workers with old rights are gone");
    wait_for_workers(1);
    CHECK(aioc_max_parallel(ctx, 0) == 0);
    CHECK(count_workers() == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
WORKERS_ROOT_CASE(setuid_takes_idle_workers_along)

static void auto_means_pthread_in_a_privileged_process(void) {
    aioc_context *ctx = workers_context(1, 0);
    aioc_engine_report report = AIOC_ENGINE_REPORT_INIT;
    CHECK(finish(ctx, aioc_nop(ctx, record_callback, &last)) == 0);
    CHECK(aioc_engine_info(ctx, AIOC_ENGINE_WORKERS, &report) == 0);
    CHECK(report.spawner == (testing_spawner("clone") ? AIOC_SPAWNER_CLONE : AIOC_SPAWNER_PTHREAD));
    CHECK(aioc_destroy(ctx) == 0);
}
WORKERS_ROOT_CASE(auto_means_pthread_in_a_privileged_process)

static void auto_means_clone_in_an_unprivileged_process(void) {
    drop_ids();
    aioc_context *ctx = workers_context(1, 0);
    aioc_engine_report report = AIOC_ENGINE_REPORT_INIT;
    CHECK(finish(ctx, aioc_nop(ctx, record_callback, &last)) == 0);
    CHECK(aioc_engine_info(ctx, AIOC_ENGINE_WORKERS, &report) == 0);
#if !defined(__SANITIZE_THREAD__)
    CHECK(report.spawner == (testing_spawner("pthread") ? AIOC_SPAWNER_PTHREAD : AIOC_SPAWNER_CLONE));
#endif
    CHECK(aioc_destroy(ctx) == 0);
}
WORKERS_ROOT_CASE(auto_means_clone_in_an_unprivileged_process)

static void seteuid_is_followed_there_and_back(void) {
    aioc_context *ctx = fault_context(2);
    CHECK(try_open(ctx, secret) >= 0);
    CHECK(seteuid(nobody) == 0);
    CHECK(try_open(ctx, secret) == -EACCES);
    CHECK(seteuid(0) == 0);
    CHECK(try_open(ctx, secret) >= 0);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(seteuid_is_followed_there_and_back)

static void setfsuid_is_followed_there_and_back(void) {
    aioc_context *ctx = fault_context(2);
    CHECK(try_open(ctx, secret) >= 0);
    setfsuid(nobody);
    CHECK(try_open(ctx, secret) == -EACCES);
    setfsuid(0);
    CHECK(try_open(ctx, secret) >= 0);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(setfsuid_is_followed_there_and_back)

static void setgroups_is_followed(void) {
    const gid_t groups[2] = {2000, 2001};
    CHECK(chown(secret, 0, 2001) == 0 && chmod(secret, 0040) == 0);
    CHECK(setgroups(2, groups) == 0);
    setfsuid(nobody);
    aioc_context *ctx = fault_context(2);
    CHECK(try_open(ctx, secret) >= 0); /* by the group */
    setfsuid(0);
    CHECK(setgroups(1, groups) == 0);
    setfsuid(nobody);
    CHECK(try_open(ctx, secret) == -EACCES);
    setfsuid(0);
    CHECK(chown(secret, 0, 0) == 0 && chmod(secret, 0600) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(setgroups_is_followed)

/* capset(2) is per thread: no pthread pool that does not look follows it. */
static void capset_is_followed(void) {
    CHECK(chown(secret, 1000, 1000) == 0);
    aioc_context *ctx = fault_context(2);
    CHECK(try_open(ctx, secret) >= 0); /* another user's: by CAP_DAC_OVERRIDE */
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    CHECK(syscall(SYS_capget, &header, data) == 0);
    data[0].effective &= ~((1u << CAP_DAC_OVERRIDE) | (1u << CAP_DAC_READ_SEARCH));
    CHECK(syscall(SYS_capset, &header, data) == 0);
    CHECK(try_open(ctx, secret) == -EACCES);
    data[0].effective |= 1u << CAP_DAC_OVERRIDE;
    CHECK(syscall(SYS_capset, &header, data) == 0);
    CHECK(try_open(ctx, secret) >= 0);
    CHECK(chown(secret, 0, 0) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(capset_is_followed)

/* What was submitted before runs with the rights of then; the worker sits in a fifo meanwhile. */
static void queued_requests_keep_their_submitters_rights(void) {
    struct record before = {0};
    aioc_context *ctx = fault_context(1);
    start_blocked(ctx, NULL, NULL);
    CHECK(aioc_open(ctx, secret, O_RDONLY | O_CLOEXEC, 0, record_callback, &before) > 0);
    setfsuid(nobody);
    last.calls = 0;
    CHECK(aioc_open(ctx, secret, O_RDONLY | O_CLOEXEC, 0, record_callback, &last) > 0);
    setfsuid(0);
    release_worker();
    drain(ctx);
    CHECK(before.calls == 1 && before.done.result >= 0);
    CHECK(last.calls == 1 && last.done.result == -EACCES);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(queued_requests_keep_their_submitters_rights)

/* On the ring these go to threads of the kernel's, which look at nobody's rights but those that came with them. */
static void requests_in_flight_keep_their_submitters_rights(void) {
    enum { pairs = 16, flags = O_RDWR | O_CREAT | O_CLOEXEC };
    static struct record as_root[pairs], as_nobody[pairs];
    aioc_context *ctx = fault_context(2);
    for (int i = 0; i < pairs; ++i) {
        CHECK(aioc_open(ctx, secret, flags, 0600, record_callback, &as_root[i]) > 0);
        setfsuid(nobody);
        CHECK(aioc_open(ctx, secret, flags, 0600, record_callback, &as_nobody[i]) > 0);
        setfsuid(0);
    }
    drain(ctx);
    for (int i = 0; i < pairs; ++i) {
        CHECK(as_root[i].calls == 1 && as_root[i].done.result >= 0);
        CHECK(as_nobody[i].calls == 1 && as_nobody[i].done.result == -EACCES);
        CHECK(fault_engine_may_be(as_root[i].done.engine) && fault_engine_may_be(as_nobody[i].done.engine));
        close((int)as_root[i].done.result);
    }
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(requests_in_flight_keep_their_submitters_rights)

static void setuid_between_submissions_is_followed(void) {
    aioc_context *ctx = fault_context(2);
    CHECK(try_open(ctx, secret) >= 0);
    CHECK(fault_engine_may_be(last.done.engine));
    drop_ids();
    CHECK(try_open(ctx, secret) == -EACCES);
    struct statx status;
    CHECK(finish(ctx, aioc_unlink(ctx, secret, record_callback, &last)) == -EACCES);
    CHECK(finish(ctx, aioc_stat(ctx, secret, &status, record_callback, &last)) == 0);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(setuid_between_submissions_is_followed)

/* Requests whose answer does not depend on rights start workers too: with the rights of another
 * submitter these must not join those that serve the first one. */
static void workers_started_for_nops_do_not_lend_their_rights(void) {
    aioc_context *ctx = workers_context(4, 0);
    const char *fifo = blocking_fifo();
    setfsuid(nobody);
    CHECK(aioc_open(ctx, fifo, O_RDONLY | O_CLOEXEC, 0, NULL, NULL) > 0); /* nobody's one worker is busy */
    setfsuid(0);
    wait_for_blocked_worker();
    start_many(ctx, 8); /* root's: would grow the set */
    setfsuid(nobody);
    last.calls = 0;
    CHECK(aioc_open(ctx, secret, O_RDONLY | O_CLOEXEC, 0, record_callback, &last) > 0);
    setfsuid(0);
    release_worker();
    drain(ctx);
    CHECK(last.calls == 1 && last.done.result == -EACCES);
    CHECK(aioc_destroy(ctx) == 0);
}
WORKERS_ROOT_CASE(workers_started_for_nops_do_not_lend_their_rights)

/* A file server: each thread has dropped to its client's user by the raw system call. */
struct client {
    aioc_context *ctx;
    const char *path;
    uid_t uid;
    int64_t result;
};
static void *serve(void *argument) {
    struct client *client = argument;
    CHECK(syscall(SYS_setresuid, client->uid, client->uid, client->uid) == 0);
    client->result = try_open(client->ctx, client->path);
    return NULL;
}
static void threads_of_several_users_are_told_apart(void) {
    CHECK(chown(secret, 1000, 0) == 0);
    struct client clients[2] = {{shared_fault_context(2), secret, 1000, 0}, {NULL, secret, 1001, 0}};
    clients[1].ctx = clients[0].ctx;
    for (int i = 0; i < 2; ++i) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, serve, &clients[i]) == 0 && pthread_join(thread, NULL) == 0);
    }
    CHECK(clients[0].result >= 0);
    CHECK(clients[1].result == -EACCES);
    CHECK(chown(secret, 0, 0) == 0);
    CHECK(try_open(clients[0].ctx, secret) >= 0);
    CHECK(aioc_destroy(clients[0].ctx) == 0);
}
ROOT_CASE(threads_of_several_users_are_told_apart)

/* Blocking signal 33 on a worker would make libc's setuid() wait for ever: the child's alarm would end it. */
static void setuid_returns_while_a_worker_is_blocked(void) {
    aioc_context *ctx = fault_context(1);
    start_blocked(ctx, NULL, NULL);
    drop_ids();
    release_worker();
    drain(ctx);
    CHECK(aioc_destroy(ctx) == 0);
}
ROOT_CASE(setuid_returns_while_a_worker_is_blocked)

int main(void) {
    secret = make_file("secret");
    char directory[96];
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(secret, '/') - secret), secret);
    if (chmod(directory, 0711) != 0) { /* only the file's own rights are to decide */
        return 1;
    }
    const struct CMUnitTest tests[] = {
        WORKERS_CHILD(setuid_takes_idle_workers_along),
        WORKERS_CHILD(auto_means_pthread_in_a_privileged_process),
        WORKERS_CHILD(auto_means_clone_in_an_unprivileged_process),
        CHILD(seteuid_is_followed_there_and_back),
        CHILD(setfsuid_is_followed_there_and_back),
        CHILD(setgroups_is_followed),
        CHILD(capset_is_followed),
        CHILD(requests_in_flight_keep_their_submitters_rights),
        CHILD(setuid_between_submissions_is_followed),
        CHILD(queued_requests_keep_their_submitters_rights),
        WORKERS_CHILD(workers_started_for_nops_do_not_lend_their_rights),
        CHILD(threads_of_several_users_are_told_apart),
        CHILD(setuid_returns_while_a_worker_is_blocked),
    };
    return run_group(tests);
}
