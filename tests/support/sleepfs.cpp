// SPDX-License-Identifier: MIT
// Usage: sleepfs MOUNTPOINT MICROSECONDS
//
// A FUSE file system that answers each request after so long, however many there are at once; those that look up a name
// that begins with "hang" it never answers. Every other name is a file of 1 MiB of zeros. It prints "ready" when it is
// mounted, and serves until its standard input ends; then the kernel fails what still waits.
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr off_t file_bytes = 1 << 20;
constexpr fuse_ino_t file_inode = 2;

// Answers that wait for their time: all wait equally long, so the first is always the next.
class Delay {
public:
    explicit Delay(std::chrono::microseconds length) : length_(length), thread_([this] { run(); }) {}
    ~Delay() {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    void then(std::function<void()> answer) {
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            first = waiting_.empty();
            waiting_.push_back({Clock::now() + length_, std::move(answer)});
        }
        if (first) {
            changed_.notify_one();
        }
    }

private:
    struct Answer {
        Clock::time_point at;
        std::function<void()> give;
    };
    void run() {
        std::unique_lock lock(mutex_);
        while (!ending_) {
            if (waiting_.empty()) {
                changed_.wait(lock);
                continue;
            }
            if (waiting_.front().at > Clock::now()) {
                changed_.wait_until(lock, waiting_.front().at);
                continue;
            }
            const Answer answer = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            answer.give();
            lock.lock();
        }
    }

    const std::chrono::microseconds length_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Answer> waiting_;
    bool ending_ = false;
    std::thread thread_;
};

Delay *delay;

struct stat attributes_of(fuse_ino_t inode) {
    struct stat file{};
    file.st_ino = inode;
    file.st_nlink = 1;
    file.st_mode = inode == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
    file.st_size = inode == FUSE_ROOT_ID ? 0 : file_bytes;
    return file;
}

// The kernel is to remember nothing: each call asks.
void look_up(fuse_req_t request, fuse_ino_t, const char *name) {
    if (strncmp(name, "hang", 4) == 0) {
        return;
    }
    delay->then([request] {
        fuse_entry_param entry{};
        entry.ino = file_inode;
        entry.attr = attributes_of(file_inode);
        fuse_reply_entry(request, &entry);
    });
}

void get_attributes(fuse_req_t request, fuse_ino_t inode, fuse_file_info *) {
    delay->then([request, inode] {
        const struct stat file = attributes_of(inode);
        fuse_reply_attr(request, &file, 0);
    });
}

void open_file(fuse_req_t request, fuse_ino_t, fuse_file_info *info) {
    fuse_file_info opened = *info;
    opened.direct_io = 1;
    delay->then([request, opened] { fuse_reply_open(request, &opened); });
}

void read_file(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info *) {
    delay->then([request, size, offset] {
        static const char zeros[size_t{128} << 10] = {};
        const off_t left = offset < file_bytes ? file_bytes - offset : 0;
        fuse_reply_buf(request, zeros, std::min({size, sizeof zeros, static_cast<size_t>(left)}));
    });
}

void release_file(fuse_req_t request, fuse_ino_t, fuse_file_info *) { fuse_reply_err(request, 0); }

void sync_file(fuse_req_t request, fuse_ino_t, int, fuse_file_info *) {
    delay->then([request] { fuse_reply_err(request, 0); });
}

// By whichever thread comes first.
void end(fuse_session *session) {
    static std::once_flag ended;
    std::call_once(ended, [session] {
        fuse_session_unmount(session); // lazily: also while requests wait
        _exit(0);
    });
}

// The parent has ended, or closed the pipe.
void end_with_input(fuse_session *session) {
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    end(session);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: sleepfs MOUNTPOINT MICROSECONDS\n");
        return 2;
    }
    // A signal to the process group, as a timeout sends it, must not leave the mount behind.
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        signal(number, SIG_IGN);
    }
    Delay own(std::chrono::microseconds(atol(argv[2])));
    delay = &own;
    fuse_lowlevel_ops operations{};
    operations.lookup = look_up;
    operations.getattr = get_attributes;
    operations.open = open_file;
    operations.read = read_file;
    operations.release = release_file;
    operations.fsync = sync_file;
    char name[] = "sleepfs";
    char *no_arguments[] = {name, nullptr};
    fuse_args arguments = FUSE_ARGS_INIT(1, no_arguments);
    fuse_session *const session = fuse_session_new(&arguments, &operations, sizeof operations, nullptr);
    if (!session || fuse_session_mount(session, argv[1]) != 0) {
        return 1;
    }
    std::thread(end_with_input, session).detach();
    puts("ready");
    fflush(stdout);
    fuse_session_loop(session);
    end(session);
}
