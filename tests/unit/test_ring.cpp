// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <functional>
#include <sys/stat.h>
#include <thread>

#include "ring_harness.hpp"

#include <errno.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <vector>

using namespace test;

namespace {

std::string file_path() { return directory() + "/file"; }

int make_file(size_t bytes, int flags = O_RDWR) {
    const int fd = open(file_path().c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    std::string text(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) {
        text[i] = static_cast<char>('a' + i % 23);
    }
    assert_int_equal(write(fd, text.data(), bytes), bytes);
    close(fd);
    return open(file_path().c_str(), flags | O_CLOEXEC);
}

struct Same {
    const char *name;
    std::function<Request()> make_request; // called before each of the two runs
    size_t buffer_bytes = 0;               // compared afterwards
};

// Runs the request on the ring and as a worker does. A descriptor as the result only has to be one.
void compare(Harness &h, const Same &c) {
    Request by_call = c.make_request();
    aioc_zone_execute(&by_call);
    std::vector<char> expected(c.buffer_bytes);
    if (c.buffer_bytes > 0) {
        memcpy(expected.data(), by_call.buffer, c.buffer_bytes);
    }
    const Request on_ring = c.make_request();
    int64_t result = h.run(on_ring);
    if (by_call.operation == AIOC_OP_OPEN && by_call.result >= 0) {
        close(static_cast<int>(by_call.result));
        by_call.result = 0;
        if (result >= 0) {
            close(static_cast<int>(result));
            result = 0;
        }
    }
    if (result != by_call.result) {
        fail_msg("%s on rung %s: %ld, not %ld", c.name, h.ring.rung_name(), long(result), long(by_call.result));
    }
    if (c.buffer_bytes > 0) {
        assert_memory_equal(expected.data(), on_ring.buffer, c.buffer_bytes);
    }
}

char buffer[20000];
struct statx status;
const char *const absent = "/absent/file";

Request cleared(const Request &r) {
    memset(buffer, 0, sizeof buffer);
    memset(&status, 0, sizeof status);
    return r;
}
Request write_of(int fd, size_t length, int64_t offset, uint32_t flags = 0) {
    static char text[] = "some text that is written";
    Request r = make_read(fd, text, length, offset, flags);
    r.operation = AIOC_OP_WRITE;
    return r;
}

void compare_all(Harness &h, const std::vector<Same> &cases) {
    for (const Same &c : cases) {
        compare(h, c);
    }
}

void paths_answer_as_plain_calls(void **) {
    const std::string path = file_path();
    const std::string link = directory() + "/link";
    close(make_file(5000));
    unlink(link.c_str());
    assert_int_equal(symlink(path.c_str(), link.c_str()), 0);
    const std::string other = directory() + "/other";
    const auto touched = [&] {
        close(open(other.c_str(), O_CREAT | O_CLOEXEC, 0600));
        return make_path(AIOC_OP_UNLINK, other.c_str());
    };
    const auto status_of = [&](uint16_t operation, const char *p) { return cleared(make_path(operation, p, &status)); };
    const auto open_of = [&](const char *p, int flags, uint32_t mode = 0) {
        unlink(other.c_str());
        return make_path(AIOC_OP_OPEN, p, nullptr, static_cast<uint32_t>(flags), mode);
    };
    const std::vector<Same> cases = {
        {"nop", [] { return make(AIOC_OP_NOP); }},
        {"open", [&] { return open_of(path.c_str(), O_RDONLY | O_CLOEXEC); }},
        {"open creates", [&] { return open_of(other.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640); }},
        {"open exclusively", [&] { return open_of(path.c_str(), O_RDWR | O_CREAT | O_EXCL, 0640); }},
        {"open absent", [&] { return open_of(absent, O_RDONLY); }},
        {"open directory for writing", [&] { return open_of("/tmp", O_RDWR); }},
        {"open with a mode and no O_CREAT", [&] { return open_of(path.c_str(), O_RDONLY | O_CLOEXEC, 07777); }},
        {"open with odd flags", [&] { return open_of(path.c_str(), O_RDONLY | O_DIRECTORY | O_CREAT); }},
        {"open with unknown flags", [&] { return open_of(path.c_str(), 0x40000000 | O_CLOEXEC); }},
        {"open empty path", [&] { return open_of("", O_RDONLY); }},
        {"stat", [&] { return status_of(AIOC_OP_STAT, link.c_str()); }, sizeof status},
        {"lstat", [&] { return status_of(AIOC_OP_LSTAT, link.c_str()); }, sizeof status},
        {"stat absent", [&] { return status_of(AIOC_OP_STAT, absent); }, sizeof status},
        {"stat empty path", [&] { return status_of(AIOC_OP_STAT, ""); }},
        {"stat into nowhere", [&] { return make_path(AIOC_OP_STAT, path.c_str(), reinterpret_cast<void *>(8)); }},
        {"unlink", touched},
        {"unlink absent", [&] { return make_path(AIOC_OP_UNLINK, absent); }},
        {"unlink directory", [&] { return make_path(AIOC_OP_UNLINK, "/tmp"); }},
    };
    on_every_rung([&](Harness &h) { compare_all(h, cases); });
    struct stat made{};
    close(open(other.c_str(), O_CREAT | O_CLOEXEC, 0640));
    assert_int_equal(stat(other.c_str(), &made), 0);
}

void descriptors_answer_as_plain_calls(void **) {
    const int fd = make_file(5000);
    const int directory_fd = open("/tmp", O_RDONLY | O_CLOEXEC);
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    const auto fstat_of = [](int f) {
        Request r = make(AIOC_OP_FSTAT, f);
        r.buffer = &status;
        return cleared(r);
    };
    std::vector<Same> cases = {
        {"fstat", [&] { return fstat_of(fd); }, sizeof status},
        {"fstat pipe", [&] { return fstat_of(pipe_fds[0]); }, sizeof status},
        {"fstat -1", [&] { return fstat_of(-1); }},
        {"fstat AT_FDCWD", [&] { return fstat_of(AT_FDCWD); }},
        {"fstat bad", [&] { return fstat_of(9999); }},
        {"close", [&] { return make(AIOC_OP_CLOSE, dup(fd)); }},
        {"close bad", [&] { return make(AIOC_OP_CLOSE, 9999); }},
        {"close -1", [&] { return make(AIOC_OP_CLOSE, -1); }},
    };
    for (const uint16_t operation : {uint16_t{AIOC_OP_FSYNC}, uint16_t{AIOC_OP_FDATASYNC}}) {
        for (const int f : {fd, directory_fd, pipe_fds[1], -1, 9999}) {
            cases.push_back({"fsync", [=] { return make(operation, f); }});
        }
    }
    on_every_rung([&](Harness &h) { compare_all(h, cases); });
    for (const int f : {fd, directory_fd, pipe_fds[0], pipe_fds[1]}) {
        close(f);
    }
}

// Which RWF_ flags are known differs by kernel and file system: all bits are tried.
void transfers_answer_as_plain_calls(void **) {
    const int fd = make_file(5000);
    const int read_only = open(file_path().c_str(), O_RDONLY | O_CLOEXEC);
    const int appending = open(file_path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    const int directory_fd = open("/tmp", O_RDONLY | O_CLOEXEC);
    const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int event = eventfd(1, EFD_CLOEXEC);
    const int memory = memfd_create("memory", MFD_CLOEXEC);
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    const auto read_of = [](int f, uint64_t length, int64_t offset, uint32_t flags = 0) {
        return cleared(make_read(f, buffer, length, offset, flags));
    };
    std::vector<Same> cases = {
        {"read", [=] { return read_of(fd, 100, 7); }, 200},
        {"read to the end", [=] { return read_of(fd, 8192, 1); }, 8192},
        {"read past the end", [=] { return read_of(fd, 100, 6000); }, 100},
        {"read nothing", [=] { return read_of(fd, 0, 0); }},
        {"read far away", [=] { return read_of(fd, 10, INT64_MAX); }},
        {"read near the greatest offset", [=] { return read_of(fd, 10, INT64_MAX - 5); }},
        {"read into nowhere", [=] { return make_read(fd, reinterpret_cast<void *>(8), 100, 0); }},
        {"read 5 GiB that are not there", [=] { return make_read(fd, buffer, uint64_t{5} << 30, 4990); }},
        {"read beyond all memory", [=] { return make_read(fd, buffer, INT64_MAX, 0); }},
        {"write", [=] { return write_of(fd, 20, 100); }},
        {"write nothing", [=] { return write_of(fd, 0, 100); }},
        {"write far away", [=] { return write_of(fd, 10, INT64_MAX - 3); }},
        {"write read-only", [=] { return write_of(read_only, 20, 0); }},
        {"write appending", [=] { return write_of(appending, 20, 0); }},
        {"write event", [=] { return write_of(event, 8, 0); }},
        {"write pipe", [=] { return write_of(pipe_fds[1], 8, 0); }},
        {"read memory", [=] { return read_of(memory, 10, 0); }},
        {"write memory", [=] { return write_of(memory, 10, 0); }},
    };
    for (const int f : {directory_fd, null, event, pipe_fds[0], maps, appending, -1, 9999}) {
        cases.push_back({"read odd descriptor", [=] { return read_of(f, 20000, 0); }});
    }
    for (uint32_t bit = 0; bit < 32; ++bit) {
        cases.push_back({"read with a flag", [=] { return read_of(fd, 100, 0, 1u << bit); }, 100});
        cases.push_back({"write with a flag", [=] { return write_of(fd, 20, 0, 1u << bit); }});
        cases.push_back({"write memory with a flag", [=] { return write_of(memory, 20, 0, 1u << bit); }});
    }
    on_every_rung([&](Harness &h) { compare_all(h, cases); });
    for (const int f : {fd, read_only, appending, directory_fd, maps, null, event, memory, pipe_fds[0], pipe_fds[1]}) {
        close(f);
    }
}

void a_read_that_has_begun_goes_on(void **) {
    const int fd = make_file(5000);
    on_every_rung([&](Harness &h) {
        for (const uint64_t partial : {uint64_t{1}, uint64_t{4096}, uint64_t{5000}}) {
            Request r = cleared(make_read(fd, buffer, 8192, 0));
            r.partial = partial;
            assert_int_equal(h.run(r), 5000);
            char expected[8192] = {};
            assert_int_equal(pread(fd, expected, sizeof expected, 0), 5000);
            assert_memory_equal(buffer + partial, expected + partial, 8192 - partial);
        }
    });
    close(fd);
}

void direct_reads_stop_at_the_end(void **) {
    const int fd = make_file(5000, O_RDONLY | O_DIRECT);
    void *aligned = nullptr;
    assert_int_equal(posix_memalign(&aligned, 4096, 8192), 0);
    on_every_rung([&](Harness &h) {
        if (fd >= 0) { // not every file system has O_DIRECT
            assert_int_equal(h.run(make_read(fd, aligned, 8192, 0)), 5000);
            assert_int_equal(h.run(make_read(fd, aligned, 8192, 4096)), 904);
            char *const odd = static_cast<char *>(aligned) + 1; // -EINVAL, or tmpfs does it
            Request plain = make_read(fd, odd, 511, 0);
            aioc_zone_execute(&plain);
            assert_int_equal(h.run(make_read(fd, odd, 511, 0)), plain.result);
        }
    });
    free(aligned);
    close(fd);
}

void a_batch_is_one_system_call(void **) {
    const int fd = make_file(100000);
    on_every_rung([&](Harness &h) {
        std::deque<Request> batch;
        std::vector<char> room(64 * 1000);
        for (int i = 0; i < 64; ++i) {
            batch.push_back(make_read(fd, &room[static_cast<size_t>(i) * 1000], 1000, i * 1000));
        }
        const uint64_t before = h.ring.enters();
        assert_null(h.submit(batch).head);
        assert_int_equal(h.ring.enters(), before + 1);
        h.wait(64);
        assert_int_equal(h.again.length, 0);
        for (const Request &r : batch) {
            assert_int_equal(r.result, 1000);
            assert_int_equal(r.state, state_done);
        }
        assert_int_equal(room[999], 'a' + 999 % 23);
        h.done = RequestList{};
    });
    close(fd);
}

std::deque<Request> many(uint32_t count, uint16_t operation, int fd = -1) {
    std::deque<Request> batch;
    for (uint32_t i = 0; i < count; ++i) {
        batch.push_back(make(operation, fd));
    }
    return batch;
}

void expect_all_once(Harness &h, uint32_t count) {
    assert_int_equal(h.again.length, 0);
    assert_int_equal(h.done.length, count);
    while (Request *const r = h.done.take_first()) {
        assert_int_equal(r->result, 0);
        assert_int_equal(r->state, state_done);
        r->result = 77; // found again it would not be 0
    }
}

void a_full_submission_queue_is_emptied_and_refilled(void **) {
    RingSettings settings;
    settings.entries = 8;
    on_every_rung(
        [&](Harness &h) {
            std::deque<Request> batch = many(100, AIOC_OP_NOP);
            assert_null(h.submit(batch).head);
            if (settings.rung < 5) {
                assert_in_range(h.ring.enters(), 2, 13);
            }
            h.wait(100);
            expect_all_once(h, 100);
        },
        settings);
}

void a_backlog_waits_for_room(void **) {
    RingSettings settings;
    settings.entries = 8;
    settings.max_in_flight = 16;
    const int fd = make_file(10);
    on_every_rung(
        [&](Harness &h) {
            std::deque<Request> batch = many(500, AIOC_OP_FDATASYNC, fd);
            assert_null(h.submit(batch).head);
            assert_true(h.ring.in_flight() <= 16);
            assert_int_equal(h.ring.in_flight() + h.ring.waiting(), 500);
            h.wait(500);
            expect_all_once(h, 500);
            assert_int_equal(h.ring.waiting(), 0);
        },
        settings);
    close(fd);
}

void an_overflowing_completion_queue_loses_nothing(void **) {
    RingSettings settings;
    settings.entries = 4;
    settings.cq_entries = 4;
    settings.max_in_flight = 200;
    on_every_rung(
        [&](Harness &h) {
            std::deque<Request> batch = many(200, AIOC_OP_NOP);
            assert_null(h.submit(batch).head);
            assert_true(h.ring.has_completions());
            h.wait(200);
            expect_all_once(h, 200);
            assert_false(h.ring.has_completions());
        },
        settings);
}

void one_reap_takes_all(void **) {
    close(make_file(10));
    const std::string path = file_path();
    on_every_rung([&](Harness &h) {
        constexpr uint32_t count = 64;
        static struct statx results[count];
        memset(results, 0, sizeof results);
        std::deque<Request> batch;
        for (struct statx &result : results) {
            batch.push_back(make_path(AIOC_OP_STAT, path.c_str(), &result));
        }
        assert_null(h.submit(batch).head);
        const time_t deadline = time(nullptr) + 20;
        for (const struct statx &result : results) {
            while (sys::load_acquire(result.stx_mask) == 0) { // a kernel thread writes it and then completes
                assert_true(time(nullptr) < deadline);
                sched_yield();
            }
        }
        h.look(); // a kernel that hands out 20 at a time is asked again
        assert_true(h.come_back() > 40);
        h.wait(count);
        expect_all_once(h, count);
    });
}

void the_backlog_can_be_cancelled(void **) {
    RingSettings settings;
    settings.max_in_flight = 2;
    const int fd = make_file(10);
    on_every_rung(
        [&](Harness &h) {
            std::deque<Request> batch = many(5, AIOC_OP_FSYNC, fd);
            assert_null(h.submit(batch).head);
            assert_int_equal(batch[3].state, state_queued);
            assert_int_equal(h.ring.cancel(&batch[3]), 0);
            assert_int_equal(h.ring.cancel(&batch[3]), -EALREADY);
            h.wait(5);
            for (size_t i = 0; i < 5; ++i) {
                // What the kernel had may have been taken from it or not; nobody asked for the others.
                assert_int_equal(batch[i].result, i == 3 ? -ECANCELED : 0);
            }
            h.done = RequestList{};
        },
        settings);
    close(fd);
}

int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 256; ++fd) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

// Opens of a FIFO nobody writes to occupy all kernel threads: what comes after waits in the kernel.
void cancel_behind_opens() {
    RingSettings settings;
    settings.io_workers_max = 2;
    const std::string fifo = fifo_path();
    const int fd = make_file(10);
    on_every_rung(
        [&](Harness &h) {
            const int before = open_descriptors();
            std::deque<Request> opens;
            for (int i = 0; i < 2; ++i) {
                opens.push_back(waiting_open(fifo));
            }
            std::deque<Request> syncs = many(2, AIOC_OP_FSYNC, fd);
            assert_null(h.submit(opens).head);
            assert_null(h.submit(syncs).head);
            assert_int_equal(h.ring.cancel(&syncs[0]), -EALREADY);
            assert_int_equal(h.ring.cancel(&syncs[0]), -EALREADY);
            assert_int_equal(h.ring.cancel(&opens[0]), 0);
            assert_int_equal(h.ring.cancel(&opens[1]), 0);
            h.wait(4);
            assert_int_equal(h.again.length, 0);
            assert_int_equal(syncs[0].result, -ECANCELED);
            assert_int_equal(syncs[1].result, 0);
            assert_int_equal(opens[0].result, -ECANCELED);
            assert_int_equal(opens[1].result, -ECANCELED);
            h.done = RequestList{};
            assert_int_equal(open_descriptors(), before);
        },
        settings);
    close(fd);
}

void what_the_kernel_queued_can_be_cancelled(void **) {
    // In a thread whose kernel threads are not there yet: those above a limit would stay for a while.
    std::thread(cancel_behind_opens).join();
}

void an_open_that_succeeds_after_its_cancel_is_closed(void **) {
    close(make_file(10));
    const std::string path = file_path();
    on_every_rung([&](Harness &h) {
        const int before = open_descriptors();
        Request r = make_path(AIOC_OP_OPEN, path.c_str(), nullptr, O_RDONLY | O_CLOEXEC);
        assert_null(h.submit(r).head);
        assert_int_equal(h.ring.cancel(&r), 0);
        h.wait(1);
        assert_int_equal(h.done.length, 1);
        assert_int_equal(r.result, -ECANCELED);
        assert_int_equal(open_descriptors(), before);
        h.done = RequestList{};
    });
}

void a_fifo_is_left_to_a_worker(void **) {
    const std::string fifo = fifo_path();
    on_every_rung([&](Harness &h) {
        for (const int mine : {O_RDONLY, O_WRONLY}) {
            const int before = open_descriptors();
            Request r = make_path(AIOC_OP_OPEN, fifo.c_str(), nullptr, static_cast<uint32_t>(mine | O_CLOEXEC));
            assert_null(h.submit(r).head);
            h.wait(1);
            assert_ptr_equal(h.again.head, &r);
            assert_int_equal(r.held_fd >= 0, mine == O_RDONLY); // the other side need not wait any more
            assert_int_equal(h.ring.cancel(&r), -EALREADY);
            const int other = open(fifo.c_str(), O_RDWR | O_CLOEXEC);
            aioc_zone_execute(&r);
            assert_true(r.result >= 0);
            assert_int_equal(fcntl(static_cast<int>(r.result), F_GETFL) & (O_ACCMODE | O_NONBLOCK), mine);
            close(static_cast<int>(r.result));
            close(other);
            assert_int_equal(open_descriptors(), before);
            h.again = RequestList{};
        }
    });
}

void cancel_all_ends_everything(void **) {
    RingSettings settings;
    settings.max_in_flight = 4;
    const std::string fifo = fifo_path();
    on_every_rung(
        [&](Harness &h) {
            std::deque<Request> opens;
            for (int i = 0; i < 10; ++i) {
                opens.push_back(waiting_open(fifo));
            }
            assert_null(h.submit(opens).head);
            h.ring.cancel_all();
            assert_int_equal(h.ring.waiting(), 0);
            h.wait(10);
            assert_int_equal(h.done.length, 10);
            for (const Request &r : opens) {
                assert_int_equal(r.result, -ECANCELED);
            }
            h.done = RequestList{};
        },
        settings);
}

void what_it_can_not_do_stays_on_the_list(void **) {
    Harness h;
    assert_int_equal(h.open({}), 0);
    Request r = make(AIOC_OP_READAHEAD, 0);
    assert_false(h.ring.serves(r));
    const RequestList left = h.submit(r);
    assert_ptr_equal(left.head, &r);
    assert_int_equal(r.state, state_held);
    for (uint16_t operation = 1; operation <= AIOC_OP_FDATASYNC; ++operation) {
        assert_int_equal(h.ring.serves(make(operation, 0)), operation != AIOC_OP_READAHEAD);
    }
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(paths_answer_as_plain_calls),
        cmocka_unit_test(descriptors_answer_as_plain_calls),
        cmocka_unit_test(transfers_answer_as_plain_calls),
        cmocka_unit_test(a_read_that_has_begun_goes_on),
        cmocka_unit_test(direct_reads_stop_at_the_end),
        cmocka_unit_test(a_batch_is_one_system_call),
        cmocka_unit_test(a_full_submission_queue_is_emptied_and_refilled),
        cmocka_unit_test(a_backlog_waits_for_room),
        cmocka_unit_test(an_overflowing_completion_queue_loses_nothing),
        cmocka_unit_test(one_reap_takes_all),
        cmocka_unit_test(the_backlog_can_be_cancelled),
        cmocka_unit_test(what_the_kernel_queued_can_be_cancelled),
        cmocka_unit_test(an_open_that_succeeds_after_its_cancel_is_closed),
        cmocka_unit_test(a_fifo_is_left_to_a_worker),
        cmocka_unit_test(cancel_all_ends_everything),
        cmocka_unit_test(what_it_can_not_do_stays_on_the_list),
    };
    const int failed = cmocka_run_group_tests_name("ring", tests, nullptr, nullptr);
    const std::string remove = "rm -rf " + directory();
    return system(remove.c_str()) != 0 || failed != 0;
}
