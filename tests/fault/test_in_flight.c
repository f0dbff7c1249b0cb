/* SPDX-License-Identifier: MIT */
/* Destroying and cancelling with requests in flight: each completes once, a promised cancel is kept, and no descriptor
 * is left. */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { many = 64 };
static const char *file;

static int delivered;
static void count_delivery(const aioc_completion *done, void *user_data) {
    (void)user_data;
    ++delivered;
    if (done->operation == AIOC_OP_OPEN && done->result >= 0) {
        close((int)done->result);
    }
}

static void start_several_kinds(aioc_context *ctx, int fd) {
    static char bytes[many][4096];
    for (int i = 0; i < many; ++i) {
        CHECK(aioc_read(ctx, fd, bytes[i], sizeof bytes[i], i, count_delivery, NULL) > 0);
        CHECK(aioc_fdatasync(ctx, fd, count_delivery, NULL) > 0);
        CHECK(aioc_open(ctx, file, O_RDWR | O_CREAT | O_CLOEXEC, 0600, count_delivery, NULL) > 0);
        CHECK(aioc_nop(ctx, count_delivery, NULL) > 0);
    }
}
enum { several_kinds = 4 * many };

static void destroy_delivers_what_is_in_flight(void) {
    const int fd = open(file, O_RDWR | O_CLOEXEC), fds = count_fds();
    for (int i = 0; i < 20; ++i) {
        aioc_context *ctx = fault_context(2);
        delivered = 0;
        start_several_kinds(ctx, fd);
        if (i % 2) { /* some of them delivered */
            aioc_poll_wait(ctx, 1000);
            CHECK(aioc_poll_cb(ctx) >= 0);
        }
        CHECK(aioc_destroy(ctx) == 0);
        CHECK(delivered == several_kinds);
    }
    CHECK(count_fds() == fds);
    close(fd);
}
CHILD_CASE(destroy_delivers_what_is_in_flight)

static void destroy_waits_for_what_runs(void) {
    const int fd = open(file, O_RDWR | O_CLOEXEC);
    aioc_context *ctx = fault_context(2);
    delivered = 0;
    start_blocked(ctx, count_delivery, NULL);
    start_several_kinds(ctx, fd);
    release_worker();
    CHECK(aioc_destroy(ctx) == 0);
    CHECK(delivered == several_kinds + 1);
    close(fd);
}
CHILD_CASE(destroy_waits_for_what_runs)

/* The ring can be asked to stop what waits in a thread of the kernel's: nobody opens the other end here. */
static void destroy_stops_what_the_kernel_runs(void) {
    if (fault_engine() != AIOC_ENGINE_RING) {
        return;
    }
    aioc_context *ctx = fault_context(2);
    last.calls = 0;
    start_blocked(ctx, record_callback, &last);
    const int fds = count_fds();
    CHECK(aioc_destroy(ctx) == 0);
    CHECK(last.calls == 1 && last.done.result == -ECANCELED);
    CHECK(count_fds() <= fds);
}
CHILD_CASE(destroy_stops_what_the_kernel_runs)

/* --- Cancel ------------------------------------------------------------------------ */

enum { rounds = 300, batch = 32, columns = batch };
struct outcome {
    aioc_request id;
    int calls;
    int64_t result;
};
static struct outcome outcomes[rounds][columns];
static aioc_request ids[columns]; /* as aioc_submit fills them */
static aioc_request promised[columns][rounds];
static int promises[columns];
static uint32_t stop;
static aioc_context *raced;

static void note(const aioc_completion *done, void *user_data) {
    struct outcome *outcome = user_data;
    ++outcome->calls;
    outcome->id = done->request;
    outcome->result = done->result;
    if (done->result >= 0 && done->operation == AIOC_OP_OPEN) {
        close((int)done->result);
    }
}

/* The ids are read while aioc_submit writes them, which is the race that is wanted. */
__attribute__((no_sanitize("thread"))) static void *cancel_all(void *unused) {
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        for (int i = 0; i < columns; ++i) {
            const aioc_request id = __atomic_load_n(&ids[i], __ATOMIC_ACQUIRE);
            if (id > 0 && aioc_cancel(raced, id) == 0) {
                CHECK(promises[i] < rounds); /* of each id once: it is under way to its end */
                promised[i][promises[i]++] = id;
            }
        }
    }
    return NULL;
}

static void a_promise_is_kept(int column, aioc_request id) {
    for (int round = 0; round < rounds; ++round) {
        if (outcomes[round][column].id == id) {
            CHECK(outcomes[round][column].result == -ECANCELED);
            return;
        }
    }
    CHECK(false);
}

/* Opens that the inline engine answers, and opens that it gives up, since they lead to another mount. */
static void promised_cancels_are_kept(void) {
    const char *const paths[] = {file, "/proc/self/status", "/nonexistent/x", "/dev/null"};
    const int fds = count_fds();
    int kept = 0;
    pthread_t canceller;
    raced = shared_fault_context(2);
    CHECK(pthread_create(&canceller, NULL, cancel_all, NULL) == 0);
    for (int round = 0; round < rounds; ++round) {
        aioc_operation ops[batch];
        memset(ops, 0, sizeof ops);
        for (int i = 0; i < batch; ++i) {
            ops[i].size = sizeof ops[i];
            ops[i].code = AIOC_OP_OPEN;
            ops[i].path = paths[i % 4];
            ops[i].operation_flags = (i % 8 < 4 ? 0 : O_CREAT) | O_RDONLY | O_CLOEXEC;
            ops[i].mode = 0600;
            ops[i].callback = note;
            ops[i].user_data = &outcomes[round][i];
        }
        CHECK(aioc_submit(raced, ops, batch, ids) == batch);
        drain(raced);
        for (int i = 0; i < batch; ++i) {
            CHECK(outcomes[round][i].calls == 1);
        }
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    CHECK(pthread_join(canceller, NULL) == 0);
    for (int i = 0; i < columns; ++i) {
        kept += promises[i];
        for (int j = 0; j < promises[i]; ++j) {
            a_promise_is_kept(i, promised[i][j]);
        }
    }
    printf("%d of %d were cancelled\n", kept, rounds * batch);
    fflush(stdout);
    CHECK(aioc_destroy(raced) == 0);
    CHECK(count_fds() == fds);
}
CHILD_CASE(promised_cancels_are_kept)

int main(void) {
    file = make_file("content");
    const struct CMUnitTest tests[] = {
        CHILD(destroy_delivers_what_is_in_flight),
        CHILD(destroy_waits_for_what_runs),
        CHILD(destroy_stops_what_the_kernel_runs),
        CHILD(promised_cancels_are_kept),
    };
    return run_group(tests);
}
