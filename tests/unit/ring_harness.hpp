// SPDX-License-Identifier: MIT
// A ring engine without a context around it: the test is submitter and poller.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" { // its header does not say so
#include <cmocka.h>
}

#include "engine/ring/ring_engine.hpp"
#include "worker/job_queue.hpp"

#include <deque>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

namespace test {

using namespace aioc;

constexpr uint32_t all_rungs = 6;

inline Request make(uint16_t operation, int fd = -1) {
    Request r;
    memset(static_cast<void *>(&r), 0, sizeof r);
    r.operation = operation;
    r.fd = fd;
    r.held_fd = -1;
    r.state = state_held;
    r.engine = AIOC_ENGINE_RING;
    return r;
}
inline Request make_read(int fd, void *buffer, uint64_t length, int64_t offset, uint32_t flags = 0) {
    Request r = make(AIOC_OP_READ, fd);
    r.buffer = buffer;
    r.length = length;
    r.offset = offset;
    r.operation_flags = flags;
    return r;
}
inline Request make_path(uint16_t operation, const char *path, void *buffer = nullptr, uint32_t flags = 0,
                         uint32_t mode = 0) {
    Request r = make(operation, AT_FDCWD);
    r.path = path;
    r.buffer = buffer;
    r.operation_flags = flags;
    r.mode = mode;
    return r;
}

struct Harness {
    ReadyList ready;
    RingEngine ring{&ready};
    RequestList done;
    RequestList again;

    Harness() {
        ready.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ready.watched = 1;
    }
    ~Harness() {
        ring.stop();
        close(ready.event_fd);
    }
    int open(const RingSettings &settings) { return ring.open(settings, ready.event_fd); }
    // What the engine does not take is returned.
    RequestList submit(std::deque<Request> &requests) {
        RequestList list;
        for (Request &r : requests) {
            list.append(&r);
        }
        ring.submit(list);
        return list;
    }
    RequestList submit(Request &r) {
        RequestList list;
        list.append(&r);
        ring.submit(list);
        return list;
    }
    uint32_t come_back() const { return done.length + again.length; }
    void look() {
        ready.take(&done);
        ring.reap(&done, &again);
        if (ring.wants_submit()) {
            RequestList none;
            ring.submit(none);
            again.splice(none);
        }
    }
    // Until so many have come back; the descriptor tells when to look. Fails after 20 s.
    void wait(uint32_t count) {
        const time_t deadline = time(nullptr) + 20;
        while (look(), come_back() < count) {
            assert_true(time(nullptr) < deadline);
            pollfd p{ready.event_fd, POLLIN, 0};
            assert_true(poll(&p, 1, 10000) == 1 || ring.has_completions());
        }
    }
    // Runs one; a request that comes back for another engine is run as a worker would.
    int64_t run(const Request &wanted) {
        Request r = wanted;
        RequestList left = submit(r);
        if (!left.head) {
            wait(1);
        }
        if (left.head || again.head) {
            r.state = state_running;
            aioc_zone_execute(&r);
            aioc_zone_finish(&r);
        }
        done = again = RequestList{};
        return r.result;
    }
};

// Calls body with every set of flags that the ladder has, for one thread and for many.
template <typename Body> void on_every_rung(Body body, RingSettings settings = {}) {
    for (const bool single : {true, false}) {
        for (uint32_t rung = 0; rung < all_rungs; ++rung) {
            settings.single_threaded = single;
            settings.rung = rung;
            Harness h;
            assert_int_equal(h.open(settings), 0);
            assert_true(h.ring.rung() >= rung);
            body(h);
            assert_int_equal(h.ring.in_flight(), 0);
        }
    }
}

inline std::string directory() {
    static const std::string path = [] {
        const char *const base = getenv("TMPDIR"); // so that other file systems can be tried
        std::string name = std::string(base ? base : "/tmp") + "/aioclone-ring-XXXXXX";
        assert_non_null(mkdtemp(name.data()));
        return name;
    }();
    return path;
}

inline std::string fifo_path() {
    const std::string path = directory() + "/fifo";
    mkfifo(path.c_str(), 0600);
    return path;
}
// An open that waits on a kernel thread: with O_CREAT the ring does not try it without waiting.
inline Request waiting_open(const std::string &fifo) {
    return make_path(AIOC_OP_OPEN, fifo.c_str(), nullptr, O_RDONLY | O_CREAT | O_CLOEXEC);
}

} // namespace test
