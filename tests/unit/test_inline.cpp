// SPDX-License-Identifier: MIT
// What the inline engine remembers and concludes: patience, the classes of mounts, descriptors, the burst.
#include <memory>
#include <string>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" { // its header does not say so, and its macros spoil the names of the standard library
#include <cmocka.h>
}

#include "engine/inline/inline_engine.hpp"
#include "worker/job_queue.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace aioc;

namespace {

Request make(uint16_t operation, int fd, void *buffer = nullptr, uint64_t length = 0) {
    Request r;
    memset(static_cast<void *>(&r), 0, sizeof r);
    r.operation = operation;
    r.fd = fd;
    r.buffer = buffer;
    r.length = length;
    r.held_fd = -1;
    return r;
}

int temporary_file(const char *directory, int flags = O_RDWR) {
    std::string path = std::string(directory) + "/aioclone-inline-XXXXXX";
    close(mkstemp(path.data()));
    const int fd = open(path.c_str(), flags | O_CLOEXEC);
    unlink(path.c_str());
    return fd;
}

FileClass class_of(MountTable &mounts, const char *path) {
    struct statx file{};
    assert_int_equal(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &file), 0);
    return mounts.of(file);
}

// --- Patience -----------------------------------------------------------------------

int skips(Patience &p) {
    int count = 0;
    while (!p.tries()) {
        ++count;
    }
    return count;
}
void patience_doubles_up_to_one_of_64_and_forgives(void **) {
    Patience p;
    for (int i = 0; i < 4; ++i) { // the first are free
        assert_int_equal(skips(p), 0);
        p.failed();
    }
    for (const int expected : {1, 3, 7, 15, 31, 63, 63, 63}) {
        p.failed();
        assert_int_equal(skips(p), expected);
        assert_true(p.tries()); // until that try is judged
    }
    p.succeeded();
    assert_int_equal(skips(p), 0);
    p.failed();
    assert_int_equal(skips(p), 0);
}

// --- Mounts -------------------------------------------------------------------------

void kinds_of_mounts_are_told_apart(void **) {
    MountTable mounts;
    assert_int_equal(class_of(mounts, "/proc"), class_unknown);
    struct statx nowhere{};
    nowhere.stx_dev_major = 4000;
    assert_int_equal(mounts.of(nowhere), class_unknown);
    const int pipe_like = open("/dev/shm", O_RDONLY | O_CLOEXEC);
    if (pipe_like >= 0) {
        close(pipe_like);
        assert_int_equal(class_of(mounts, "/dev/shm"), class_memory);
    }
}

// In a namespace of its own: 0 when each mount has its class, else the line.
int check_new_mounts() {
    char base[] = "/tmp/aioclone-mounts-XXXXXX";
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        !mkdtemp(base)) {
        return __LINE__;
    }
    MountTable mounts;
    (void)class_of(mounts, "/"); // read before the others exist
    if (mount("none", base, "tmpfs", 0, nullptr) != 0) {
        return __LINE__;
    }
    const std::string root = base;
    for (const char *name : {"/lower", "/upper", "/work", "/merged", "/memory"}) {
        if (mkdir((root + name).c_str(), 0700) != 0) {
            return __LINE__;
        }
    }
    const std::string options = "lowerdir=" + root + "/lower,upperdir=" + root + "/upper,workdir=" + root + "/work";
    const bool overlay = mount("none", (root + "/merged").c_str(), "overlay", 0, options.c_str()) == 0;
    if (mount("none", (root + "/memory").c_str(), "ramfs", 0, nullptr) != 0) {
        return __LINE__;
    }
    struct statx file{};
    int line = 0;
    // The table is read again when unknown mounts are met: the first of 64.
    for (int i = 0; i < 128; ++i) {
        statx(AT_FDCWD, (root + "/memory").c_str(), 0, STATX_BASIC_STATS, &file);
        if (mounts.of(file) == class_memory) {
            break;
        }
    }
    line = mounts.of(file) != class_memory ? __LINE__ : line;
    statx(AT_FDCWD, base, 0, STATX_BASIC_STATS, &file);
    line = mounts.of(file) != class_memory ? __LINE__ : line;
    if (overlay) {
        statx(AT_FDCWD, (root + "/merged").c_str(), 0, STATX_BASIC_STATS, &file);
        line = mounts.of(file) != class_overlay ? __LINE__ : line;
    } else {
        printf("not tested here: overlay (errno %d)\n", errno);
    }
    umount2(base, MNT_DETACH);
    rmdir(base);
    return line;
}
void overlay_and_memory_mounts_that_come_later_are_found(void **) {
    if (geteuid() != 0) {
        printf("not tested here: not root\n");
        assert_null(getenv("CI"));
        return;
    }
    const pid_t child = fork();
    if (child == 0) {
        const int line = check_new_mounts();
        if (line != 0) {
            fprintf(stderr, "line %d\n", line);
        }
        _exit(line != 0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

// --- Descriptors ----------------------------------------------------------------------

void classify_and_run(InlineEngine &engine, Request *r) {
    engine.classify(r);
    if (r->attempt != attempt_none) {
        engine.run(r);
    }
}

// A file system that says EOPNOTSUPP to RWF_NOWAIT is not asked again for this descriptor.
void no_nowait_is_remembered_by_descriptor_and_direction(void **) {
    InlineEngine engine;
    char byte = 'x';
    const int fd = temporary_file("/dev/shm");
    Request write = make(AIOC_OP_WRITE, fd, &byte, 1);
    write.operation_flags = 0;
    Request read = make(AIOC_OP_READ, fd, &byte, 1);
    assert_int_equal(pwrite(fd, "y", 1, 0), 1);
    classify_and_run(engine, &read);
    assert_int_equal(read.attempt, attempt_nowait);
    if (engine.settle(&read)) {
        printf("tmpfs has RWF_NOWAIT here\n");
    } else {
        assert_int_equal(read.result, -EOPNOTSUPP);
        assert_int_equal(engine.misses(), 0); // not a miss: it says nothing about the cache
        classify_and_run(engine, &read);
        assert_int_equal(read.attempt, attempt_direct); // in memory: its plain call does not wait
        assert_true(engine.settle(&read));
        engine.classify(&write);
        assert_int_equal(write.attempt, attempt_nowait); // the other direction was not tried yet
    }
    assert_int_equal(read.result, 1);
    assert_int_equal(byte, 'y');
    close(fd);
}

// The same number is another file now: a pipe has no position.
void reused_number_gives_the_new_files_answer(void **) {
    InlineEngine engine;
    char byte = 0;
    const int fd = temporary_file("/dev/shm");
    assert_int_equal(pwrite(fd, "y", 1, 0), 1);
    for (int i = 0; i < 3; ++i) {
        Request read = make(AIOC_OP_READ, fd, &byte, 1);
        classify_and_run(engine, &read);
        (void)engine.settle(&read);
    }
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(dup2(pipes[0], fd), fd);
    Request read = make(AIOC_OP_READ, fd, &byte, 1);
    classify_and_run(engine, &read);
    assert_true(read.attempt == attempt_none || read.result == -ESPIPE || !engine.settle(&read));
    close(fd);
    Request closed = make(AIOC_OP_READ, fd, &byte, 1);
    classify_and_run(engine, &closed);
    assert_true(closed.attempt == attempt_none || closed.result == -EBADF);
    close(pipes[0]);
    close(pipes[1]);
}

Attempt close_attempt(InlineEngine &engine, int fd) {
    Request r = make(AIOC_OP_CLOSE, fd);
    engine.classify(&r);
    return static_cast<Attempt>(r.attempt);
}
// What its last close has to flush or to delete is for a thread that may wait.
void close_is_inline_for_named_files_that_were_only_read(void **) {
    InlineEngine engine;
    const int named = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(close_attempt(engine, named), attempt_direct);
    const int written = temporary_file("/dev/shm", O_RDWR);
    assert_int_equal(close_attempt(engine, written), attempt_none);
    const int unlinked = temporary_file("/dev/shm", O_RDONLY);
    assert_int_equal(close_attempt(engine, unlinked), attempt_none);
    const int other = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    assert_int_equal(close_attempt(engine, other), attempt_none);
    assert_int_equal(close_attempt(engine, 1 << 20), attempt_direct); // -EBADF
    for (const int fd : {named, written, unlinked, other}) {
        close(fd);
    }
}

void opens_that_create_are_not_tried(void **) {
    InlineEngine engine;
    for (const int flags : {O_CREAT | O_RDWR, O_TRUNC | O_WRONLY, O_CREAT | O_EXCL | O_WRONLY, O_TMPFILE | O_RDWR}) {
        Request r = make(AIOC_OP_OPEN, AT_FDCWD);
        r.path = "/dev/shm/x";
        r.operation_flags = static_cast<uint32_t>(flags);
        engine.classify(&r);
        assert_int_equal(r.attempt, attempt_none);
    }
}

// --- Status, by a worker ------------------------------------------------------------------

struct Status {
    InlineEngine engine;
    struct statx file{};
    Request request{};

    // As a worker that helps does it; true: there is nothing to judge.
    bool ask(uint8_t operation, const std::string &path) {
        memset(&file, 0, sizeof file);
        request = make(operation, AT_FDCWD, &file);
        request.path = path.c_str();
        engine.classify(&request);
        assert_int_equal(request.attempt, attempt_cached_stat);
        engine.classify_for_worker(&request);
        aioc_zone_try_as_worker(&request);
        return request.attempt == attempt_direct && request.answered == answer_yes;
    }
};

void a_worker_makes_the_plain_call_where_nothing_but_a_local_device_can_be_waited_for(void **) {
    char base[] = "/dev/shm/aioclone-inline-XXXXXX";
    assert_non_null(mkdtemp(base));
    const std::string directory = base;
    const std::string file = directory + "/file";
    close(open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
    assert_int_equal(symlink("file", (directory + "/link").c_str()), 0);
    assert_int_equal(symlink(".", (directory + "/here").c_str()), 0);
    struct stat plain{};
    assert_int_equal(stat(file.c_str(), &plain), 0);

    Status s;
    assert_false(s.ask(AIOC_OP_STAT, file)); // its directory is new
    assert_int_equal(s.request.result, 0);
    assert_true(s.ask(AIOC_OP_STAT, file));
    assert_int_equal(s.request.result, 0);
    assert_int_equal(s.file.stx_ino, plain.st_ino);
    assert_int_equal(s.file.stx_mode, plain.st_mode);
    assert_true(s.ask(AIOC_OP_STAT, directory + "/none"));
    assert_int_equal(s.request.result, -ENOENT);
    assert_true(s.ask(AIOC_OP_LSTAT, directory + "/link"));
    assert_true(S_ISLNK(s.file.stx_mode));
    // Where a link leads is not known.
    assert_false(s.ask(AIOC_OP_STAT, directory + "/link"));
    for (int i = 0; i < 100; ++i) {
        assert_false(s.ask(AIOC_OP_STAT, directory + "/here/file"));
        assert_false(s.ask(AIOC_OP_STAT, "/proc/version")); // not one of the file systems that are known
    }
    s.request.path = "relative"; // starts anywhere
    s.request.attempt = attempt_cached_stat;
    s.request.resolve = resolve_on_mount;
    s.engine.classify_for_worker(&s.request);
    assert_int_equal(s.request.resolve, resolve_on_mount);
    unlink((directory + "/link").c_str());
    unlink((directory + "/here").c_str());
    unlink(file.c_str());
    rmdir(base);
}

// Its directory is looked at again after so many, and is then another one.
void a_directory_is_not_trusted_for_ever(void **) {
    char base[] = "/dev/shm/aioclone-inline-XXXXXX";
    assert_non_null(mkdtemp(base));
    const std::string name = std::string(base) + "/name";
    assert_int_equal(mkdir(name.c_str(), 0700), 0);
    const std::string file = name + "/status";
    close(open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    Status s;
    (void)s.ask(AIOC_OP_STAT, file);
    assert_true(s.ask(AIOC_OP_STAT, file));
    unlink(file.c_str());
    rmdir(name.c_str());
    assert_int_equal(symlink("/proc/self", name.c_str()), 0);
    int trusted = 0;
    while (trusted < 1000 && s.ask(AIOC_OP_STAT, file)) {
        ++trusted;
    }
    assert_in_range(trusted, 1, 100);
    unlink(name.c_str());
    rmdir(base);
}

// --- The burst --------------------------------------------------------------------------

void burst_ends_after_its_time_and_begins_anew(void **) {
    InlineEngine engine;
    const size_t bytes = InlineEngine::transfer_bytes_max;
    const std::unique_ptr<char[]> data(new char[bytes]());
    const int fd = temporary_file("/dev/shm");
    assert_int_equal(pwrite(fd, data.get(), bytes, 0), bytes);
    int count = 0;
    engine.begin_burst();
    for (; count < 100000 && !engine.burst_over(); ++count) {
        Request r = make(AIOC_OP_READ, fd, data.get(), bytes);
        classify_and_run(engine, &r);
        (void)engine.settle(&r);
    }
    assert_true(engine.burst_over() && count >= 1);
    printf("%d reads of 1 MiB in a burst\n", count);
    engine.begin_burst();
    assert_false(engine.burst_over());
    Request longer = make(AIOC_OP_READ, fd, data.get(), bytes + 1);
    engine.classify(&longer);
    assert_int_equal(longer.attempt, attempt_none); // could hold the thread alone
    close(fd);
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(patience_doubles_up_to_one_of_64_and_forgives),
        cmocka_unit_test(kinds_of_mounts_are_told_apart),
        cmocka_unit_test(overlay_and_memory_mounts_that_come_later_are_found),
        cmocka_unit_test(no_nowait_is_remembered_by_descriptor_and_direction),
        cmocka_unit_test(reused_number_gives_the_new_files_answer),
        cmocka_unit_test(close_is_inline_for_named_files_that_were_only_read),
        cmocka_unit_test(opens_that_create_are_not_tried),
        cmocka_unit_test(a_worker_makes_the_plain_call_where_nothing_but_a_local_device_can_be_waited_for),
        cmocka_unit_test(a_directory_is_not_trusted_for_ever),
        cmocka_unit_test(burst_ends_after_its_time_and_begins_anew),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
