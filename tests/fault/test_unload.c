/* SPDX-License-Identifier: MIT */
/* dlclose of what uses the library while its workers sleep or sit in a system call: their code must stay. This
 * program does not link the library; plugins bring it, shared or static. */
#define _GNU_SOURCE
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *plugin_path; /* as given to this program: with the shared or with the static library */
static bool is_static;

static void check(bool good, int line) {
    if (!good) {
        fprintf(stderr, "child: line %d (%s)\n", line, strerror(errno));
        _exit(1);
    }
}
#define CHECK(condition) check((condition), __LINE__)

static void *load(int (**ret_start)(const char *, int)) {
    leaks_can_be_checked = 0; /* the context of a plugin that went is nobody's */
    void *const plugin = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin) {
        fprintf(stderr, "%s\n", dlerror());
    }
    CHECK(plugin != NULL);
    *(void **)ret_start = dlsym(plugin, "plugin_start");
    CHECK(*ret_start != NULL);
    return plugin;
}

/* The code of the workers is there: a plugin with the shared library goes, the library stays. */
static void expect_unloaded(void) {
    CHECK((dlopen(plugin_path, RTLD_NOW | RTLD_NOLOAD) != NULL) == is_static);
    if (!is_static) {
        CHECK(dlopen("libaioclone.so.1", RTLD_NOW | RTLD_NOLOAD) != NULL);
    }
}

static void wait_for_workers(int count) {
    for (int tries = 0; tries < 2000 && count_workers() != count; ++tries) {
        poll(NULL, 0, 5);
    }
    CHECK(count_workers() == count);
}

/* Three of the sleeping workers wake up after their time, in code that a plain dlclose would have unmapped. */
static void with_idle_workers(void) {
    int (*start)(const char *, int);
    void *const plugin = load(&start);
    CHECK(start(NULL, 64) >= 0);
    CHECK(dlclose(plugin) == 0);
    expect_unloaded();
    wait_for_workers(1);
}

static void with_a_blocked_worker(void) {
    char fifo[64];
    int (*start)(const char *, int);
    child_fifo_path(getpid(), fifo, sizeof fifo);
    CHECK(mkfifo(fifo, 0600) == 0);
    void *const plugin = load(&start);
    struct pollfd descriptor = {start(fifo, 64), POLLIN, 0};
    CHECK(descriptor.fd >= 0);
    CHECK(dlclose(plugin) == 0);
    expect_unloaded();
    wait_for_workers(1);
    CHECK(open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC) >= 0); /* lets it go on */
    CHECK(poll(&descriptor, 1, 10000) == 1);
}

static void and_loaded_again(void) {
    for (int i = 0; i < 20; ++i) {
        int (*start)(const char *, int);
        void *const plugin = load(&start);
        CHECK(start(NULL, 64) >= 0);
        CHECK(dlclose(plugin) == 0);
    }
}

/* Without a use there are no workers, and no reason to stay. */
static void without_a_use(void) {
    int (*start)(const char *, int);
    CHECK(dlclose(load(&start)) == 0);
    CHECK(dlopen(plugin_path, RTLD_NOW | RTLD_NOLOAD) == NULL);
}

static void dlclose_with_idle_workers(void **state) {
    (void)state;
    assert_int_equal(in_child(with_idle_workers), 0);
}
static void dlclose_with_a_blocked_worker(void **state) {
    (void)state;
    assert_int_equal(in_child(with_a_blocked_worker), 0);
}
static void dlclose_and_dlopen_again(void **state) {
    (void)state;
    assert_int_equal(in_child(and_loaded_again), 0);
}
static void dlclose_of_an_unused_plugin_unloads_it(void **state) {
    (void)state;
    assert_int_equal(in_child(without_a_use), 0);
}

/* Usage: test_unload PLUGIN shared|static */
int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    plugin_path = argv[1];
    is_static = strcmp(argv[2], "static") == 0;
    const struct CMUnitTest tests[] = {CASE(dlclose_with_idle_workers), CASE(dlclose_with_a_blocked_worker),
                                       CASE(dlclose_and_dlopen_again), CASE(dlclose_of_an_unused_plugin_unloads_it)};
    return run_group(tests);
}
