// SPDX-License-Identifier: MIT
// What the worker zone does with requests that were cancelled while they ran: what they obtained is given up again.
#include <initializer_list>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" { // its header does not say so
#include <cmocka.h>
}

#include "core/operation_table.hpp"
#include "worker/job_queue.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace aioc;

namespace {

struct Block { // as Context::copy_extra makes it
    Extra extra{};
    char path[64]{};
};

int count_lines(const char *path) {
    FILE *const f = fopen(path, "re");
    assert_non_null(f);
    int lines = 0;
    for (int c = getc(f); c != EOF; c = getc(f)) {
        lines += c == '\n';
    }
    fclose(f);
    return lines;
}
int count_descriptors() {
    int count = 0;
    DIR *const all = opendir("/proc/self/fd");
    while (readdir(all)) {
        ++count;
    }
    closedir(all);
    return count;
}

Request make(uint16_t operation, Block *block, const char *path, int fd) {
    Request r{};
    snprintf(block->path, sizeof block->path, "%s", path);
    block->extra.path2 = block->path + strlen(block->path);
    r.operation = operation;
    r.path = block->path;
    r.fd = fd;
    r.held_fd = -1;
    return r;
}

// Runs it with the state that a cancel at this moment would leave.
int64_t run(Request r, uint32_t state) {
    r.state = state;
    aioc_zone_execute(&r);
    aioc_zone_finish(&r);
    assert_int_equal(r.state, state_done);
    return r.result;
}

void cancel_of_a_running_call_that_gives_a_descriptor_leaks_none(void **) {
    Block block;
    for (uint16_t code = 1; find_operation(code); ++code) {
        if ((find_operation(code)->uses & gives_fd) == 0 || code == AIOC_OP_OPEN_BY_HANDLE) {
            continue; // a handle of a file needs rights that not every user has
        }
        const bool by_path = (find_operation(code)->uses & use_path) != 0;
        const Request r = make(code, &block, "/", by_path ? AT_FDCWD : STDIN_FILENO);
        const int before = count_descriptors();
        assert_int_equal(run(r, state_cancelling), -ECANCELED);
        assert_int_equal(count_descriptors(), before);
        const int64_t fd = run(r, state_running);
        if (fd == -ENOSYS) {
            continue; // openat2 before Linux 5.6
        }
        assert_true(fd >= 0);
        assert_int_equal(count_descriptors(), before + 1);
        close(static_cast<int>(fd));
    }
}

// The defect of eio.c: a readdir that was cancelled while it ran left its descriptor open.
void cancel_of_a_running_readdir_leaks_nothing(void **) {
    Block block;
    aioc_directory *directory = nullptr;
    for (const uint32_t flags : {0, AIOC_READDIR_STAT_ORDER, AIOC_READDIR_DIRS_FIRST}) {
        Request r = make(AIOC_OP_READDIR, &block, "/usr/lib", AT_FDCWD);
        r.operation_flags = flags;
        r.buffer = &directory;
        const int before = count_descriptors();
        run(r, state_cancelling); // what libc maps at its first use is mapped
        const int mappings = count_lines("/proc/self/maps");
        for (int i = 0; i < 20; ++i) {
            assert_int_equal(run(r, state_cancelling), -ECANCELED);
        }
        assert_null(directory);
        assert_int_equal(count_descriptors(), before);
        assert_in_range(count_lines("/proc/self/maps"), 0, mappings + 1);
        assert_true(run(r, state_running) > 0);
        assert_non_null(directory);
        aioc_directory_free(directory);
        directory = nullptr;
        assert_int_equal(count_descriptors(), before);
    }
}

// Cancelled between its end and its finish: the object was made, and is freed.
void a_readdir_that_is_cancelled_at_its_end_leaks_nothing(void **) {
    Block block;
    aioc_directory *directory = nullptr;
    for (int i = 0; i < 20; ++i) {
        Request r = make(AIOC_OP_READDIR, &block, "/etc", AT_FDCWD);
        r.buffer = &directory;
        r.state = state_running;
        aioc_zone_execute(&r);
        assert_true(r.result > 0);
        r.state = state_cancelling;
        aioc_zone_finish(&r);
        assert_int_equal(r.result, -ECANCELED);
        assert_null(directory);
    }
}

[[maybe_unused]] rlimit limit_address_space(rlim_t bytes) {
    rlimit before{};
    getrlimit(RLIMIT_AS, &before);
    const rlimit less{bytes, before.rlim_max};
    setrlimit(RLIMIT_AS, &less);
    return before;
}

// Memory that cannot be had is an error, and leaves nothing open.
void readdir_without_memory_says_so(void **) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they need address space of their own
    Block block;
    aioc_directory *directory = nullptr;
    Request r = make(AIOC_OP_READDIR, &block, "/etc", AT_FDCWD);
    r.buffer = &directory;
    const int before = count_descriptors();
    const rlimit limit = limit_address_space(4096);
    const int64_t result = run(r, state_running);
    setrlimit(RLIMIT_AS, &limit);
    assert_int_equal(result, -ENOMEM);
    assert_null(directory);
    assert_int_equal(count_descriptors(), before);
#endif
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(cancel_of_a_running_call_that_gives_a_descriptor_leaks_none),
        cmocka_unit_test(cancel_of_a_running_readdir_leaks_nothing),
        cmocka_unit_test(a_readdir_that_is_cancelled_at_its_end_leaks_nothing),
        cmocka_unit_test(readdir_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
