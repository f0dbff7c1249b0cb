/* SPDX-License-Identifier: MIT */
/* A directory of 1,000,000 entries: hard links of one file, in memory where that can be. */
#define _GNU_SOURCE
#include "matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { entries = 1000000, links_max = 60000 };

static int make_entries(void) {
    char name[32], first[32] = "";
    const int at = open(test_directory(), O_PATH | O_CLOEXEC);
    for (int i = 0; i < entries; ++i) {
        snprintf(name, sizeof name, "entry%d", i);
        if (i % links_max == 0) {
            close(openat(at, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
            strcpy(first, name);
        } else {
            assert_int_equal(linkat(at, first, at, name, 0), 0);
        }
    }
    return at;
}

static void a_million_entries_in_memory_of_their_names(void **state) {
    (void)state;
    enum { bytes_per_entry = 36 };
    unsigned char *const seen = calloc(entries, 1);
    const int at = make_entries();
    aioc_directory *directory = NULL;
    const int64_t before = process_status("VmRSS:") * 1024;
    assert_int_equal(RUN(readdir, test_directory(), 0, &directory), entries);
    const int64_t grown = process_status("VmRSS:") * 1024 - before;
    printf("%d entries: %lld bytes\n", entries, (long long)grown);
    assert_true(grown < (int64_t)entries * bytes_per_entry);
    for (int64_t i = 0; i < entries; ++i) {
        const char *const name = aioc_directory_name(directory, i);
        const int number = atoi(name + 5);
        assert_true(number >= 0 && number < entries && !seen[number]);
        seen[number] = 1;
        unlinkat(at, name, 0);
    }
    aioc_directory_free(directory);
    assert_true(process_status("VmRSS:") * 1024 - before < (8 << 20));
    assert_int_equal(RUN(readdir, test_directory(), AIOC_READDIR_STAT_ORDER, &directory), 0);
    aioc_directory_free(directory);
    close(at);
    free(seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(a_million_entries_in_memory_of_their_names)};
    setenv("TEST_DIRECTORY", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", 0);
    ctx = make_workers_context(0);
    const int failed = run_group(tests);
    return failed || aioc_destroy(ctx) != 0;
}
