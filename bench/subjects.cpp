// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <stdio.h>
#include <time.h>

namespace {

#ifdef HAVE_LIBURING
constexpr Maker liburing = make_liburing;
#else
constexpr Maker liburing = nullptr;
#endif
#ifdef HAVE_LIBUV
constexpr Maker libuv = make_libuv;
#else
constexpr Maker libuv = nullptr;
#endif
#ifdef HAVE_LIBAIO
constexpr Maker libaio = make_libaio;
#else
constexpr Maker libaio = nullptr;
#endif
#ifdef HAVE_IO_AIO
constexpr Maker libeio = make_libeio;
#else
constexpr Maker libeio = nullptr;
#endif
constexpr const char* no_liburing = "liburing (liburing-dev) was not there when this was built";
constexpr const char* no_libuv = "libuv (libuv1-dev) was not there when this was built";
constexpr const char* no_libaio = "libaio (libaio-dev) was not there when this was built";
constexpr const char* no_libeio = "Perl's IO::AIO (libio-aio-perl) was not there when this was built";

constexpr SubjectInfo subjects[] = {
    {"aioclone", make_aioclone, "", "the library as it chooses, AIOC_SINGLE_THREADED"},
    {"aioclone-shared", make_aioclone, "", "without AIOC_SINGLE_THREADED"},
    {"aioclone-load", make_aioclone, "", "small files: each with one aioc_load"},
    {"aioclone-local", make_aioclone, "", "with AIOC_LOCAL_PATHS"},
    {"aioclone-onecore", make_aioclone, "", "with AIOC_ONE_CORE"},
    {"aioclone-noring", make_aioclone, "", "with AIOC_NO_RING"},
    {"aioclone-workers", make_aioclone, "", "workers only, clone spawner, --workers of them"},
    {"aioclone-workers-pthread", make_aioclone, "", "workers only, pthread spawner, --workers of them"},
    {"aioclone-ring", make_aioclone, "", "ring engine only"},
    {"aioclone-inline", make_aioclone, "", "inline engine; what would wait goes to workers"},
    {"sync", make_sync, "", "plain system calls on one thread, one at a time at any depth"},
    {"pool", make_pool, "", "textbook pool of --workers pthreads: mutex, condition variable, eventfd"},
    {"liburing", liburing, no_liburing, "SINGLE_ISSUER, DEFER_TASKRUN, submit_and_wait; fstat inline, fsync linked"},
    {"liburing-eventfd", liburing, no_liburing, "the same, registered eventfd in epoll"},
    {"liburing-ringfd", liburing, no_liburing, "COOP_TASKRUN, ring descriptor in epoll"},
    {"liburing-fixed", liburing, no_liburing, "as liburing, registered file and buffers"},
    {"libuv", libuv, no_libuv, "uv_fs_* and uv_queue_work, 4 threads"},
    {"libuv32", libuv, no_libuv, "the same, 32 threads"},
    {"posix-aio", make_posix_aio, "", "glibc aio_read, aio_write, aio_fsync, aio_suspend; nop: read of 0 bytes"},
    {"libaio", libaio, no_libaio, "kernel AIO: io_submit, io_getevents"},
    {"libeio", libeio, no_libeio, "4 threads, through IO::AIO in Perl, whose own cost is in it"},
};

} // namespace

const SubjectInfo* find_subject(const std::string& name) {
    for (const SubjectInfo& s : subjects) {
        if (name == s.name) {
            return &s;
        }
    }
    return nullptr;
}

void list_subjects() {
    for (const SubjectInfo& s : subjects) {
        printf("  %-25s %s\n", s.name, s.make ? s.text : (std::string("MISSING: ") + s.missing).c_str());
    }
    puts("  fio is not a subject: bench/report runs it by itself.");
}

std::string all_subjects() {
    std::string names;
    for (const SubjectInfo& s : subjects) {
        if (s.make) {
            names += names.empty() ? "" : ",";
            names += s.name;
        }
    }
    return names;
}

void Subject::idle(double seconds) {
    timespec left{static_cast<time_t>(seconds),
                  static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
    while (nanosleep(&left, &left) != 0) {
    }
}
