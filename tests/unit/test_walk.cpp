// SPDX-License-Identifier: MIT
// A walk whose reader and workers meet at every list: with lists of one page its workers find no room, and its reader
// makes room, thousands of times a second.
#include <aioclone.h>

#include "composite/crew.hpp"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern "C" {
#include <cmocka.h>
}

namespace {

constexpr int directories = 20;
constexpr int files = 400;
constexpr int rounds_max = 400;
constexpr int seconds_max = 8;
constexpr int looks_max = 20'000;
constexpr int patience_s = 10; // of the reader

std::string root;

int make_tree(void **) {
    const char *const memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    root = std::string(memory) + "/aioclone-walk-XXXXXX";
    assert_non_null(mkdtemp(root.data()));
    for (int d = 0; d < directories; ++d) {
        const std::string directory = root + "/directory" + std::to_string(d);
        assert_int_equal(mkdir(directory.c_str(), 0755), 0);
        for (int f = 0; f < files; ++f) {
            const std::string file = directory + "/file" + std::to_string(f);
            FILE *const made = fopen(file.c_str(), "we");
            assert_non_null(made);
            fclose(made);
        }
    }
    return 0;
}

int remove_tree(void **) { return system(("rm -rf " + root).c_str()); }

void finished(const aioc_completion *done, void *user_data) { *static_cast<int64_t *>(user_data) = done->result; }

// Waits until its workers find no room, and then takes everything at once and asks for more: while they leave. The
// number of entries; 0 at the end.
int64_t next_lists(aioc_context *ctx, aioc_walk *handle, uint32_t *full) {
    const auto *const walk = reinterpret_cast<const aioc::Walk *>(handle);
    constexpr int at_once = aioc::Walk::lists_max + 4;
    int64_t results[at_once];
    aioc_entries *entries[at_once] = {};
    for (int looks = 0; looks < looks_max && aioc::sys::load_relaxed(walk->lists) < aioc::Walk::lists_max; ++looks) {
        aioc::sys::relax();
    }
    *full += aioc::sys::load_relaxed(walk->lists) >= aioc::Walk::lists_max ? 1 : 0;
    aioc_hold(ctx);
    for (int i = 0; i < at_once; ++i) {
        results[i] = INT64_MIN;
        assert_true(aioc_walk_next(ctx, handle, &entries[i], finished, &results[i]) > 0);
    }
    aioc_release(ctx);
    const time_t end = time(nullptr) + patience_s;
    while (aioc_nreqs(ctx) > 0) {
        aioc_poll_wait(ctx, 1000);
        aioc_poll_cb(ctx);
        if (time(nullptr) > end) { // a callback would come to a frame that is gone
            fprintf(stderr, "nobody reads on\n");
            remove_tree(nullptr);
            _exit(1);
        }
    }
    int64_t sum = 0;
    for (int i = 0; i < at_once; ++i) {
        assert_true(results[i] >= 0);
        sum += results[i];
        aioc_free(entries[i]);
    }
    return sum;
}

void reading_goes_on_whenever_there_is_room_again(void **) {
    aioc_context *ctx = nullptr;
    aioc_options options = AIOC_OPTIONS_INIT;
    options.engine = AIOC_ENGINE_WORKERS;
    assert_int_equal(aioc_create(&ctx, &options), 0);
    const time_t end = time(nullptr) + seconds_max;
    uint32_t full = 0;
    for (int rounds = 0; rounds < rounds_max && time(nullptr) < end; ++rounds) {
        aioc_walk *walk = nullptr;
        assert_int_equal(aioc_walk_create(ctx, root.c_str(), 0, &walk), 0);
        reinterpret_cast<aioc::Walk *>(walk)->list_bytes = 4096;
        int64_t entries = 0;
        while (const int64_t more = next_lists(ctx, walk, &full)) {
            entries += more;
        }
        assert_int_equal(entries, directories * (files + 1));
        assert_int_equal(aioc_walk_destroy(ctx, walk), 0);
    }
    printf("%u times without room\n", full);
    assert_true(full > 100);
    assert_int_equal(aioc_destroy(ctx), 0);
}

} // namespace

int main() {
    const CMUnitTest tests[] = {cmocka_unit_test(reading_goes_on_whenever_there_is_room_again)};
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
