// SPDX-License-Identifier: MIT
// What goes wrong around a ring: refused by filters and limits, forks, threads that end.
#include <fcntl.h>
#include <functional>
#include <mutex>
#include <sys/stat.h>
#include <thread>

#include "ring_harness.hpp"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

using namespace test;

namespace {

// Runs body in a forked child. An assertion that fails there ends it with another status.
void in_child(const std::function<void()> &body) {
    fflush(nullptr);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        body();
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            _exit(3);                                                                                                  \
        }                                                                                                              \
    } while (0)

void refuse_call(uint32_t number, uint32_t error) {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{static_cast<unsigned short>(sizeof code / sizeof *code), code};
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int make_file(size_t bytes) {
    const std::string path = directory() + "/file";
    const int fd = open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, std::string(bytes, 'x').data(), bytes), bytes);
    return fd;
}

void each_refusal_has_its_reason(void **) {
    const char *works = nullptr;
    assert_int_equal(RingEngine::probe(&works), 0);
    for (const uint32_t error : {EPERM, ENOSYS, EOPNOTSUPP, ENOMEM, EMFILE, EINVAL, 1000}) {
        in_child([=] {
            refuse_call(SYS_io_uring_setup, error);
            const char *reason = nullptr;
            REQUIRE(RingEngine::probe(&reason) == -static_cast<int>(error));
            REQUIRE(reason && strcmp(reason, works) != 0);
            REQUIRE((strstr(reason, "permitted") != nullptr) == (error == EPERM));
            REQUIRE((strstr(reason, "no io_uring") != nullptr) == (error == ENOSYS));
            REQUIRE((strstr(reason, "EOPNOTSUPP") != nullptr) == (error == EOPNOTSUPP));
            REQUIRE((strstr(reason, "memory") != nullptr) == (error == ENOMEM));
            Harness h;
            REQUIRE(h.open({}) == -static_cast<int>(error));
            REQUIRE(!h.ring.is_open() && !h.ring.has_completions() && !h.ring.wants_submit());
            Request r = make(AIOC_OP_NOP);
            REQUIRE(!h.ring.serves(r) && h.submit(r).head == &r);
        });
    }
}

void a_filter_on_use_is_noticed_at_once(void **) {
    for (const long number : {SYS_io_uring_enter, SYS_io_uring_register}) {
        in_child([=] {
            refuse_call(static_cast<uint32_t>(number), EPERM);
            const char *reason = nullptr;
            REQUIRE(RingEngine::probe(&reason) == -EPERM);
            Harness h;
            const int next = dup(0);
            close(next);
            REQUIRE(h.open({}) == -EPERM);
            REQUIRE(dup(0) == next); // nothing was left open
        });
    }
}

void a_later_filter_gives_requests_back(void **) {
    const int fd = make_file(10);
    for (const bool single : {true, false}) {
        for (const uint32_t error : {EPERM, ENOSYS}) {
            in_child([=] {
                Harness h;
                RingSettings settings;
                settings.single_threaded = single;
                REQUIRE(h.open(settings) == 0);
                refuse_call(SYS_io_uring_enter, error);
                std::deque<Request> batch(300, make(AIOC_OP_FSYNC, fd));
                const RequestList left = h.submit(batch);
                REQUIRE(left.length == 300 && h.ring.in_flight() == 0 && h.ring.waiting() == 0);
                const Request *r = left.head;
                for (const Request &expected : batch) { // in order
                    REQUIRE(r == &expected && r->state == state_held);
                    r = r->next;
                }
                REQUIRE(!h.ring.serves(batch[0]));
                h.look();
                REQUIRE(h.come_back() == 0 && !h.ring.has_completions());
            });
        }
    }
    close(fd);
}

// A ring for many threads completes without being entered.
void what_ran_before_a_later_filter_comes_back(void **) {
    const int fd = make_file(10);
    in_child([=] {
        Harness h;
        REQUIRE(h.open({}) == 0);
        std::deque<Request> batch(100, make(AIOC_OP_FSYNC, fd));
        REQUIRE(h.submit(batch).head == nullptr);
        refuse_call(SYS_io_uring_enter, EPERM);
        h.wait(100);
        REQUIRE(h.done.length == 100 && h.ring.in_flight() == 0);
    });
    close(fd);
}

// A deferred ring hands nothing out without being entered. What it has is neither reported before the kernel
// has let go of it, nor asked for again and again (docs/ring.md).
void what_a_deferred_ring_has_stays_with_it(void **) {
    const int fd = make_file(10);
    in_child([=] {
        Harness h;
        RingSettings settings;
        settings.single_threaded = true;
        REQUIRE(h.open(settings) == 0);
        if ((h.ring.setup_flags() & (1u << 13)) == 0) { // DEFER_TASKRUN
            return;
        }
        std::deque<Request> batch(10, make(AIOC_OP_FSYNC, fd));
        REQUIRE(h.submit(batch).head == nullptr);
        refuse_call(SYS_io_uring_enter, EPERM);
        pollfd p{h.ready.event_fd, POLLIN, 0};
        REQUIRE(poll(&p, 1, 10000) == 1); // the first has completed
        h.look();
        REQUIRE(h.ring.in_flight() == 10 - h.come_back() && h.ring.in_flight() > 0);
        REQUIRE(!h.ring.has_completions() && !h.ring.wants_submit());
    });
    close(fd);
}

void a_thread_that_the_ring_is_not_for_gets_requests_back(void **) {
    RingSettings settings;
    settings.single_threaded = true;
    Harness h;
    assert_int_equal(h.open(settings), 0);
    if ((h.ring.setup_flags() & (1u << 12)) == 0) { // SINGLE_ISSUER
        return;
    }
    Request r = make(AIOC_OP_NOP);
    Request *left = nullptr;
    std::thread([&] { left = h.submit(r).head; }).join();
    assert_ptr_equal(left, &r);
    assert_int_equal(r.state, state_held);
    assert_int_equal(h.run(make(AIOC_OP_NOP)), 0); // its own thread goes on
    assert_int_equal(h.ring.enters(), 2);
}

void a_child_leaves_the_ring_alone(void **) {
    const std::string fifo = fifo_path();
    on_every_rung([&](Harness &h) {
        Request r = waiting_open(fifo);
        Request quick = make(AIOC_OP_NOP);
        assert_null(h.submit(r).head);
        assert_null(h.submit(quick).head); // completed and not reaped
        in_child([&] {
            h.ring.forget();
            REQUIRE(!h.ring.is_open() && h.ring.in_flight() == 0 && !h.ring.has_completions());
            REQUIRE(h.ring.cancel(&r) == -EALREADY);
            const int own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            dup3(own, h.ready.event_fd, O_CLOEXEC);
            close(own);
            REQUIRE(h.open({}) == 0);
            REQUIRE(h.run(make(AIOC_OP_NOP)) == 0);
            REQUIRE(h.done.length == 0);
        });
        in_child([] {}); // and one that does not even know
        assert_int_equal(h.ring.cancel(&r), 0);
        h.wait(2);
        assert_int_equal(quick.result, 0);
        assert_int_equal(r.result, -ECANCELED);
        h.done = RequestList{};
        assert_int_equal(h.run(make(AIOC_OP_NOP)), 0);
    });
}

void a_child_closes_only_the_ring(void **) {
    const int next = dup(0);
    close(next);
    Harness h; // its eventfd is `next`
    assert_int_equal(h.open({}), 0);
    const int ring_fd = next + 1;
    in_child([&] {
        h.ring.forget();
        REQUIRE(fcntl(ring_fd, F_GETFD) < 0);
    });
    in_child([&] {
        close(ring_fd);
        Harness another; // takes the number
        another.open({});
        h.ring.forget();
        REQUIRE(fcntl(ring_fd, F_GETFD) >= 0);
    });
}

void without_locked_memory_buffers_are_plain(void **) {
    if (geteuid() != 0) { // the limit is a user's: rings of this very program count, whenever the kernel frees them
        printf("not tested here: it takes root to become a user who has locked nothing\n");
        return;
    }
    const int fd = make_file(5000);
    in_child([=] {
        const rlimit little{24 << 10, 24 << 10};
        REQUIRE(setrlimit(RLIMIT_MEMLOCK, &little) == 0);
        REQUIRE(setresuid(65534, 65534, 65534) == 0);
        Harness h;
        REQUIRE(h.ring.buffers().create(8192, 4) == 0);
        REQUIRE(h.open({}) == 0);
        REQUIRE(h.ring.buffers().status() == -ENOMEM);
        void *buffer = nullptr;
        REQUIRE(h.ring.buffers().get(&buffer) == 0);
        REQUIRE(h.run(make_read(fd, buffer, 8192, 0)) == 5000);
    });
    close(fd);
}

void without_descriptors_there_is_no_ring(void **) {
    in_child([] {
        Harness h;
        const int next = dup(0);
        close(next);
        const rlimit all_used{static_cast<rlim_t>(next), static_cast<rlim_t>(next)};
        REQUIRE(setrlimit(RLIMIT_NOFILE, &all_used) == 0);
        const char *reason = nullptr;
        REQUIRE(RingEngine::probe(&reason) == -EMFILE && strstr(reason, "descriptor"));
        REQUIRE(h.open({}) == -EMFILE);
    });
}

void an_ending_thread_takes_nothing_along(void **) {
    const int fd = make_file(10);
    for (uint32_t rung = 0; rung < all_rungs; ++rung) {
        RingSettings settings;
        settings.rung = rung;
        settings.max_in_flight = 100;
        Harness h;
        assert_int_equal(h.open(settings), 0);
        std::deque<Request> batch(300, make(AIOC_OP_FSYNC, fd));
        std::thread([&] { h.submit(batch); }).join();
        h.wait(300); // what was cancelled with the thread comes back for another engine
        for (const Request *r = h.done.head; r; r = r->next) {
            assert_int_equal(r->result, 0);
        }
        assert_int_equal(h.done.length + h.again.length, 300);
        assert_int_equal(h.ring.in_flight(), 0);
    }
    close(fd);
}

// Submitters hold the lock, the poller does not; a tiny ring makes the backlog change hands all the time.
void many_submit_and_one_polls(void **) {
    constexpr uint32_t threads = 3;
    constexpr uint32_t batches = 300;
    constexpr uint32_t each = 7;
    const int fd = make_file(5000);
    RingSettings settings;
    settings.entries = 4;
    settings.max_in_flight = 8;
    Harness h;
    assert_int_equal(h.open(settings), 0);
    char room[64];
    std::mutex lock;
    std::deque<Request> all[threads];
    uint32_t cancelled[threads] = {};
    std::vector<std::thread> running;
    for (uint32_t t = 0; t < threads; ++t) {
        for (uint32_t i = 0; i < batches * each; ++i) {
            all[t].push_back(i % 3 ? make(AIOC_OP_NOP) : make_read(fd, room, sizeof room, 4990)); // short
        }
        running.emplace_back([&, t] {
            for (uint32_t b = 0; b < batches; ++b) {
                const std::lock_guard hold(lock);
                RequestList list;
                for (uint32_t i = 0; i < each; ++i) {
                    list.append(&all[t][b * each + i]);
                }
                h.ring.submit(list);
                if (list.head) {
                    abort();
                }
                cancelled[t] += h.ring.cancel(&all[t][b * each + 6]) == 0;
            }
        });
    }
    const time_t deadline = time(nullptr) + 60;
    while (h.come_back() < threads * batches * each) {
        assert_true(time(nullptr) < deadline);
        pollfd p{h.ready.event_fd, POLLIN, 0};
        assert_true(poll(&p, 1, 10000) == 1 || h.ring.has_completions()); // no wake-up is lost
        h.ready.clear_signal();
        h.ready.take(&h.done);
        h.ring.reap(&h.done, &h.again);
        if (h.ring.wants_submit()) {
            const std::lock_guard hold(lock);
            RequestList none;
            h.ring.submit(none);
        }
    }
    for (std::thread &t : running) {
        t.join();
    }
    assert_int_equal(h.again.length, 0);
    uint32_t ended = 0;
    for (const Request *r = h.done.head; r; r = r->next) {
        ended += r->result == -ECANCELED;
        assert_true(r->result == -ECANCELED || r->result == (r->operation == AIOC_OP_READ ? 10 : 0));
    }
    assert_true(ended >= cancelled[0] + cancelled[1] + cancelled[2]);
    close(fd);
}

void registered_buffers_are_used(void **) {
    const int fd = make_file(5000);
    on_every_rung([&](Harness &h) {
        RingBuffers &buffers = h.ring.buffers();
        assert_int_equal(buffers.create(5000, 3), 0);
        assert_int_equal(h.ring.register_buffers(), 0);
        void *got[4] = {};
        for (int i = 0; i < 3; ++i) {
            assert_int_equal(buffers.get(&got[i]), 0);
            assert_int_equal(reinterpret_cast<uintptr_t>(got[i]) % 4096, 0);
            memset(got[i], 0, 8192);
        }
        assert_int_equal(buffers.get(&got[3]), -ENOBUFS);
        // The kernel has the pages: it does not need the mapping to be writable.
        assert_int_equal(mprotect(got[1], 8192, PROT_READ), 0);
        assert_int_equal(h.run(make_read(fd, got[1], 8192, 0)), 5000);
        assert_int_equal(static_cast<char *>(got[1])[4999], 'x');
        assert_int_equal(h.run(make_read(fd, static_cast<char *>(got[1]) + 100, 50, 4990)), 10);
        assert_int_equal(h.run(make_read(fd, got[1], 0, 0)), 0);
        mprotect(got[1], 8192, PROT_READ | PROT_WRITE);
        // It ends outside: not a registered buffer, and read as any memory is.
        char *const last = static_cast<char *>(got[0] > got[2] ? got[0] : got[2]);
        assert_int_equal(buffers.registered_index(last + 8191, 2), -1);
        assert_int_equal(buffers.registered_index(last + 8191, 1), 0);
        Request w = make_read(fd, got[1], 5000, 0);
        w.operation = AIOC_OP_WRITE;
        assert_int_equal(h.run(w), 5000);
        assert_int_equal(buffers.put(got[1]), 0);
        assert_int_equal(buffers.put(got[1]), -EALREADY);
        assert_int_equal(buffers.put(static_cast<char *>(got[0]) + 1), -EINVAL);
    });
    close(fd);
}

void registered_files_are_used(void **) {
    const int other = make_file(3);
    const int fd = make_file(3);
    on_every_rung([&](Harness &h) {
        char byte = 0;
        const int mine = open((directory() + "/file").c_str(), O_RDONLY | O_CLOEXEC);
        assert_int_equal(h.ring.register_file(mine), 0);
        assert_int_equal(h.ring.register_file(mine), -EEXIST);
        assert_int_equal(h.run(make_read(mine, &byte, 1, 0)), 1);
        assert_int_equal(h.run(make(AIOC_OP_FSYNC, mine)), 0);
        dup3(h.ready.event_fd, mine, O_CLOEXEC); // another file under the number: the ring has the first one
        assert_int_equal(h.run(make_read(mine, &byte, 1, 1)), 1);
        assert_int_equal(h.ring.unregister_file(mine), 0);
        assert_int_equal(h.ring.unregister_file(mine), -ENOENT);
        assert_int_equal(h.ring.register_file(mine), -EINVAL); // not a regular file
        assert_int_equal(h.ring.register_file(-1), -EBADF);
        close(mine);
        assert_int_equal(h.ring.register_file(mine), -EBADF);
        std::vector<int> all;
        for (uint32_t i = 0; i < RingFiles::slots_max; ++i) {
            all.push_back(dup(fd));
            assert_int_equal(h.ring.register_file(all.back()), 0);
        }
        assert_int_equal(h.ring.register_file(fd), -ENFILE);
        assert_int_equal(h.ring.unregister_file(all[7]), 0);
        assert_int_equal(h.ring.register_file(fd), 0);
        for (const int f : all) {
            close(f);
        }
    });
    close(fd);
    close(other);
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_has_its_reason),
        cmocka_unit_test(a_filter_on_use_is_noticed_at_once),
        cmocka_unit_test(a_later_filter_gives_requests_back),
        cmocka_unit_test(what_ran_before_a_later_filter_comes_back),
        cmocka_unit_test(what_a_deferred_ring_has_stays_with_it),
        cmocka_unit_test(a_thread_that_the_ring_is_not_for_gets_requests_back),
        cmocka_unit_test(a_child_leaves_the_ring_alone),
        cmocka_unit_test(a_child_closes_only_the_ring),
        cmocka_unit_test(without_locked_memory_buffers_are_plain),
        cmocka_unit_test(without_descriptors_there_is_no_ring),
        cmocka_unit_test(an_ending_thread_takes_nothing_along),
        cmocka_unit_test(many_submit_and_one_polls),
        cmocka_unit_test(registered_buffers_are_used),
        cmocka_unit_test(registered_files_are_used),
    };
    const int failed = cmocka_run_group_tests_name("ring faults", tests, nullptr, nullptr);
    const std::string remove = "rm -rf " + directory();
    return system(remove.c_str()) != 0 || failed != 0;
}
