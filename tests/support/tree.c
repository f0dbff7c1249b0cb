/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static pid_t owner;

static void remove_all(void) {
    if (owner == getpid()) {
        char command[200];
        snprintf(command, sizeof command, "chmod -R u+rwx %s 2>/dev/null; rm -rf %s", directory, directory);
        if (system(command) != 0) {
            fprintf(stderr, "%s could not be removed\n", directory);
        }
    }
}

const char *in_tree(const char *name) {
    static char paths[16][4200];
    static unsigned next;
    if (!directory[0]) {
        /* In memory if there is such a place: on ext4, making files soon after others were removed is slow. */
        const char *const where = getenv("AIOC_TEST_DIRECTORY");
        const char *const memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(directory, sizeof directory, "%s/aioclone-tree-XXXXXX", where ? where : memory);
        assert_non_null(mkdtemp(directory));
        assert_int_equal(chmod(directory, 0755), 0);
        owner = getpid();
        atexit(remove_all);
    }
    char *const path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

void make_dir(const char *name) { assert_int_equal(mkdir(in_tree(name), 0755), 0); }

static void put(const char *name, const char *content, size_t bytes) {
    const int fd = open(in_tree(name), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, bytes), bytes);
    close(fd);
}

void put_file(const char *name, const char *content) { put(name, content, strlen(content)); }

void put_bytes(const char *name, size_t bytes) {
    char *const content = malloc(bytes + 1);
    assert_non_null(content);
    for (size_t i = 0; i < bytes; ++i) {
        content[i] = (char)(i * 7 + i / 4096);
    }
    put(name, content, bytes);
    free(content);
}

const char *content_of(const char *name) {
    static char content[65536];
    const int fd = open(in_tree(name), O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? 0 : read(fd, content, sizeof content - 1);
    content[n < 0 ? 0 : n] = '\0';
    if (fd >= 0) {
        close(fd);
    }
    return content;
}

int exists(const char *name) {
    struct stat status;
    return lstat(in_tree(name), &status) == 0;
}

void make_many(const char *name, int directories, int files) {
    char path[300];
    make_dir(name);
    for (int d = 0; d < directories; ++d) {
        snprintf(path, sizeof path, "%s/dir_%d", name, d);
        make_dir(path);
        for (int f = 0; f < files; ++f) {
            snprintf(path, sizeof path, "%s/dir_%d/file_%d", name, d, f);
            put_file(path, path);
        }
    }
}

static void format_command(char *ret, size_t bytes, const char *format, va_list arguments) {
    in_tree("");
    const int length = snprintf(ret, bytes, "cd %s && ", directory);
    vsnprintf(ret + length, bytes - (size_t)length, format, arguments);
}

void shell(const char *format, ...) {
    char command[9000];
    va_list arguments;
    va_start(arguments, format);
    format_command(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0) {
        fail_msg("%s", command);
    }
}

long shell_number(const char *format, ...) {
    char command[9000];
    char text[64] = "";
    va_list arguments;
    va_start(arguments, format);
    format_command(command, sizeof command, format, arguments);
    va_end(arguments);
    FILE *const output = popen(command, "re");
    assert_non_null(output);
    assert_non_null(fgets(text, sizeof text, output));
    pclose(output);
    return atol(text);
}
