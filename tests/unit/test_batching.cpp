// SPDX-License-Identifier: MIT
// A batch is one system call or one wake; a request alone starts at once.
#include <memory>
#include <vector>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" { // its header does not say so, and its macros spoil the names of the standard library
#include <cmocka.h>
}

#include "core/context.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace aioc;

namespace {

constexpr uint32_t batch = 32;
int calls;
void count_call(const aioc_completion *done, void *) {
    assert_true(done->result >= 0);
    ++calls;
}

aioc_operation operation(uint32_t code, int fd = -1, aioc_callback callback = count_call, void *user_data = nullptr) {
    aioc_operation op{};
    op.size = sizeof op;
    op.code = code;
    op.fd = fd;
    op.callback = callback;
    op.user_data = user_data;
    return op;
}

int temporary_file() {
    char path[] = "/tmp/aioclone-batching-XXXXXX";
    const int fd = mkstemp(path);
    unlink(path);
    return fd;
}

struct Used {
    Context *context = nullptr;
    int file = temporary_file();

    explicit Used(uint32_t engine, bool single_threaded) {
        Settings settings;
        settings.single_threaded = single_threaded;
        settings.engines.inline_engine = false;
        settings.engines.helper = false;
        settings.engines.ring = settings.engines.ring_for_all = engine == AIOC_ENGINE_RING;
        settings.workers.min = 1;
        settings.workers.max = 1;
        settings.workers.idle_timeout_ms = 10000;
        assert_int_equal(Context::create(settings, &context), 0);
        calls = 0;
    }
    ~Used() {
        context->destroy();
        close(file);
    }
    void drain() {
        while (context->outstanding() > 0) {
            assert_true(context->poll_wait(10000) >= 0);
            assert_true(context->poll_callbacks() >= 0);
        }
    }
    // The first request opens the ring and starts the worker.
    void warm_up() {
        const aioc_operation nop = operation(AIOC_OP_NOP);
        assert_true(context->submit_one(nop) > 0);
        drain();
        calls = 0;
    }
    uint64_t wakes() {
        aioc_statistics ret{};
        context->statistics(&ret);
        return ret.worker_wakeups;
    }
    // Completions without a call that could start anything: the descriptor alone.
    void wait_by_descriptor() {
        pollfd descriptor{context->poll_fd(), POLLIN, 0};
        assert_int_equal(poll(&descriptor, 1, 10000), 1);
    }
};

// Both kinds of contexts.
template <typename Body> void on_ring(Body body) {
    const char *reason = nullptr;
    if (RingEngine::probe(&reason) < 0) {
        printf("not tested here: ring: %s\n", reason);
        assert_null(getenv("CI"));
        return;
    }
    for (const bool single : {false, true}) {
        Used u(AIOC_ENGINE_RING, single);
        u.warm_up();
        body(u);
    }
}
template <typename Body> void on_workers(Body body) {
    for (const bool single : {false, true}) {
        Used u(AIOC_ENGINE_WORKERS, single);
        u.warm_up();
        body(u);
    }
}

void held_requests_enter_the_ring_once(void **) {
    on_ring([](Used &u) {
        const uint64_t before = u.context->ring_enters();
        assert_int_equal(u.context->hold(), 0);
        for (uint32_t i = 0; i < batch; ++i) {
            assert_true(u.context->submit_one(operation(AIOC_OP_FDATASYNC, u.file)) > 0);
        }
        assert_int_equal(u.context->ring_enters(), before);
        assert_int_equal(u.context->release(), 0);
        assert_int_equal(u.context->ring_enters(), before + 1);
        u.wait_by_descriptor();
        u.drain();
        assert_int_equal(calls, batch);
        assert_int_equal(u.context->count(AIOC_OP_FDATASYNC, AIOC_ENGINE_RING), batch);
    });
}

void array_enters_the_ring_once(void **) {
    on_ring([](Used &u) {
        const std::vector<aioc_operation> ops(batch, operation(AIOC_OP_FDATASYNC, u.file));
        const uint64_t before = u.context->ring_enters();
        assert_int_equal(u.context->submit(ops.data(), sizeof(aioc_operation), batch, nullptr), batch);
        assert_int_equal(u.context->ring_enters(), before + 1);
        u.drain();
        assert_int_equal(calls, batch);
    });
}

void submit_a_batch(const aioc_completion *, void *user_data) {
    auto &u = *static_cast<Used *>(user_data);
    for (uint32_t i = 0; i < batch; ++i) {
        assert_true(u.context->submit_one(operation(AIOC_OP_FDATASYNC, u.file)) > 0);
    }
}

void requests_of_callbacks_enter_the_ring_once(void **) {
    on_ring([](Used &u) {
        for (int i = 0; i < 2; ++i) { // two callbacks of one poll
            assert_true(u.context->submit_one(operation(AIOC_OP_NOP, -1, submit_a_batch, &u)) > 0);
        }
        u.wait_by_descriptor();
        while (u.context->poll_wait(0) != 1) {
        }
        const uint64_t before = u.context->ring_enters();
        const int first = u.context->poll_callbacks();
        assert_true(first == 1 || first == 2);
        // One for what the callbacks asked for; a poll of one may have left the other to the next.
        assert_int_equal(u.context->ring_enters(), before + 1);
        u.drain();
        assert_int_equal(calls, 2 * batch);
    });
}

void batch_longer_than_the_queue_still_enters_seldom(void **) {
    on_ring([](Used &u) {
        constexpr uint32_t many = 2048; // the submission queue has 256 entries
        const std::vector<aioc_operation> ops(many, operation(AIOC_OP_NOP));
        const uint64_t before = u.context->ring_enters();
        assert_int_equal(u.context->submit(ops.data(), sizeof(aioc_operation), many, nullptr), many);
        assert_true(u.context->ring_enters() - before <= many / 256 + 1);
        u.drain();
        assert_int_equal(calls, many);
    });
}

void single_request_starts_at_once_on_the_ring(void **) {
    on_ring([](Used &u) {
        const uint64_t before = u.context->ring_enters();
        assert_true(u.context->submit_one(operation(AIOC_OP_FDATASYNC, u.file)) > 0);
        assert_int_equal(u.context->ring_enters(), before + 1);
        u.wait_by_descriptor(); // nobody polls: it has started by itself
        u.drain();
        assert_int_equal(calls, 1);
    });
}

// --- Workers ----------------------------------------------------------------------

void held_requests_wake_one_worker_once(void **) {
    on_workers([](Used &u) {
        const uint64_t before = u.wakes();
        assert_int_equal(u.context->hold(), 0);
        for (uint32_t i = 0; i < batch; ++i) {
            assert_true(u.context->submit_one(operation(AIOC_OP_FDATASYNC, u.file)) > 0);
        }
        assert_int_equal(u.wakes(), before);
        assert_int_equal(calls, 0);
        assert_int_equal(u.context->release(), 0);
        assert_true(u.wakes() <= before + 1);
        u.wait_by_descriptor();
        u.drain();
        assert_int_equal(calls, batch);
        assert_true(u.wakes() <= before + 1); // it had no reason to sleep in between
    });
}

void requests_of_callbacks_wake_one_worker_once(void **) {
    on_workers([](Used &u) {
        assert_true(u.context->submit_one(operation(AIOC_OP_NOP, -1, submit_a_batch, &u)) > 0);
        u.wait_by_descriptor();
        const uint64_t before = u.wakes();
        while (u.context->poll_callbacks() == 0) {
        }
        assert_true(u.wakes() <= before + 1);
        u.drain();
        assert_int_equal(calls, batch);
        assert_true(u.wakes() <= before + 1);
    });
}

void single_request_starts_at_once_on_a_worker(void **) {
    on_workers([](Used &u) {
        assert_true(u.context->submit_one(operation(AIOC_OP_FDATASYNC, u.file)) > 0);
        u.wait_by_descriptor();
        u.drain();
        assert_int_equal(calls, 1);
    });
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(held_requests_enter_the_ring_once),
        cmocka_unit_test(array_enters_the_ring_once),
        cmocka_unit_test(requests_of_callbacks_enter_the_ring_once),
        cmocka_unit_test(batch_longer_than_the_queue_still_enters_seldom),
        cmocka_unit_test(single_request_starts_at_once_on_the_ring),
        cmocka_unit_test(held_requests_wake_one_worker_once),
        cmocka_unit_test(requests_of_callbacks_wake_one_worker_once),
        cmocka_unit_test(single_request_starts_at_once_on_a_worker),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
