/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static size_t cases_run;
static char directory[64];
static char file_path[96];

int count_setup(void **state) {
    (void)state;
    cases_run = 0;
    return 0;
}

int count_one(void **state) {
    (void)state;
    ++cases_run;
    return 0;
}

/* cmocka calls a group whose cases were all skipped a success. */
int finish_group(int failed, size_t tests) {
    if (cases_run != tests || tests == 0) {
        fprintf(stderr, "only %zu of %zu cases ran\n", cases_run, tests);
        return 1;
    }
    return failed;
}

int count_workers(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *e; tasks && (e = readdir(tasks));) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
        FILE *f = fopen(path, "re");
        if (f) {
            count += fgets(name, sizeof name, f) && strcmp(name, "aioc-worker\n") == 0;
            fclose(f);
        }
    }
    closedir(tasks);
    return count;
}

int a_worker_opens(void) { return a_worker_is_in(SYS_openat); }

/* proc(5), /proc/pid/task/tid/syscall: the number of the call, or "running". */
int a_worker_is_in(long number) {
    int found = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *e; tasks && !found && (e = readdir(tasks));) {
        char path[300], text[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
        FILE *f = fopen(path, "re");
        if (f) {
            const int is_worker = fgets(text, sizeof text, f) && strcmp(text, "aioc-worker\n") == 0;
            fclose(f);
            snprintf(path, sizeof path, "/proc/self/task/%s/syscall", e->d_name);
            f = is_worker ? fopen(path, "re") : NULL;
        }
        if (f) {
            found = fgets(text, sizeof text, f) && text[0] != 'r' && atol(text) == number;
            fclose(f);
        }
    }
    closedir(tasks);
    return found;
}

int count_fds(void) {
    int count = 0;
    DIR *fds = opendir("/proc/self/fd");
    while (fds && readdir(fds)) {
        ++count;
    }
    closedir(fds);
    return count;
}

static void remove_directory(void) {
    if (directory[0]) {
        unlink(file_path);
        rmdir(directory);
    }
}

const char *make_file(const char *content) {
    if (!directory[0]) {
        strcpy(directory, "/tmp/aioclone-test-XXXXXX");
        assert_non_null(mkdtemp(directory));
        snprintf(file_path, sizeof file_path, "%s/file", directory);
        atexit(remove_directory);
    }
    const int fd = open(file_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    return file_path;
}

void child_fifo_path(int child, char *ret, size_t bytes) { snprintf(ret, bytes, "/tmp/aioclone-fifo-of-%d", child); }

#if defined(__SANITIZE_ADDRESS__)
int __lsan_do_recoverable_leak_check(void);
#endif

int leaks_can_be_checked = 1;

void end_child(int status) {
#if defined(AIOC_COVERAGE)
    exit(status); /* _exit would lose what the library ran in this child */
#endif
    _exit(status);
}

int in_child(void (*body)(void)) {
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        directory[0] = 0; /* the parent's to remove */
        alarm(30);
        body();
#if defined(__SANITIZE_ADDRESS__)
        /* A body that comes back has destroyed its contexts. */
        if (leaks_can_be_checked && __lsan_do_recoverable_leak_check()) {
            end_child(23);
        }
#endif
        end_child(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    char fifo[64];
    child_fifo_path(child, fifo, sizeof fifo);
    unlink(fifo);
    return status;
}
