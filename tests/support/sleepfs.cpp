// SPDX-License-Identifier: MIT
// Usage: sleepfs MOUNTPOINT MICROSECONDS
//
// A FUSE file system that answers each request after so long, however many there are at once; those that look up a name
// that begins with "hang" it never answers. "tree" is a directory in memory in which files and directories can be made,
// written, read and removed. Every other name is a file of 1 MiB of zeros. It prints "ready" when it is mounted, and
// serves until its standard input ends; then the kernel fails what still waits.
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <errno.h>
#include <functional>
#include <map>
#include <mutex>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr off_t file_bytes = 1 << 20;
constexpr fuse_ino_t file_inode = 2;
constexpr fuse_ino_t tree_inode = 3;

// What is in the tree. Only the thread that takes requests uses it; answers are ready before they wait.
struct Node {
    mode_t mode = 0;
    fuse_ino_t parent = 0;
    std::map<std::string, fuse_ino_t> names; // of a directory
    std::map<fuse_ino_t, std::string> order; // the same; an entry's offset is its inode
    std::string content;                     // of a file
};
std::unordered_map<fuse_ino_t, Node> nodes{{tree_inode, {S_IFDIR | 0777, FUSE_ROOT_ID, {}, {}, {}}}};
fuse_ino_t newest = tree_inode;

Node *node_of(fuse_ino_t inode) {
    const auto found = nodes.find(inode);
    return found == nodes.end() ? nullptr : &found->second;
}

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
    if (const Node *const node = node_of(inode)) {
        file.st_mode = node->mode;
        file.st_size = static_cast<off_t>(node->content.size());
        file.st_blocks = (file.st_size + 511) / 512;
        return file;
    }
    file.st_mode = inode == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
    file.st_size = inode == FUSE_ROOT_ID ? 0 : file_bytes;
    return file;
}

void answer(fuse_req_t request, int error) {
    delay->then([request, error] { fuse_reply_err(request, error); });
}

// The kernel is to remember nothing: each call asks.
fuse_entry_param entry_of(fuse_ino_t inode) {
    fuse_entry_param entry{};
    entry.ino = inode;
    entry.attr = attributes_of(inode);
    return entry;
}

void answer_entry(fuse_req_t request, fuse_ino_t inode) {
    delay->then([request, entry = entry_of(inode)] { fuse_reply_entry(request, &entry); });
}

// In the tree; 0: there is none.
fuse_ino_t find(fuse_ino_t parent, const char *name) {
    const Node *const node = node_of(parent);
    const auto found = node ? node->names.find(name) : std::map<std::string, fuse_ino_t>::const_iterator();
    return node && found != node->names.end() ? found->second : 0;
}

void look_up(fuse_req_t request, fuse_ino_t parent, const char *name) {
    if (node_of(parent)) {
        const fuse_ino_t inode = find(parent, name);
        inode != 0 ? answer_entry(request, inode) : answer(request, ENOENT);
    } else if (strncmp(name, "hang", 4) != 0) {
        answer_entry(request, strcmp(name, "tree") == 0 ? tree_inode : file_inode);
    }
}

void get_attributes(fuse_req_t request, fuse_ino_t inode, fuse_file_info *) {
    delay->then([request, file = attributes_of(inode)] { fuse_reply_attr(request, &file, 0); });
}

void set_attributes(fuse_req_t request, fuse_ino_t inode, struct stat *file, int what, fuse_file_info *) {
    if (Node *const node = node_of(inode)) {
        if ((what & FUSE_SET_ATTR_MODE) != 0) {
            node->mode = (node->mode & S_IFMT) | (file->st_mode & 07777);
        }
        if ((what & FUSE_SET_ATTR_SIZE) != 0) {
            node->content.resize(static_cast<size_t>(file->st_size));
        }
    }
    get_attributes(request, inode, nullptr);
}

// 0: there is one already, or no such directory, which has been answered.
fuse_ino_t make(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
    if (!node_of(parent) || find(parent, name) != 0) {
        answer(request, node_of(parent) ? EEXIST : EACCES);
        return 0;
    }
    nodes[++newest] = {mode, parent, {}, {}, {}};
    node_of(parent)->names[name] = newest;
    node_of(parent)->order[newest] = name;
    return newest;
}

void make_directory(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
    if (const fuse_ino_t inode = make(request, parent, name, S_IFDIR | (mode & 07777))) {
        answer_entry(request, inode);
    }
}

void create_file(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, fuse_file_info *info) {
    if (const fuse_ino_t inode = make(request, parent, name, S_IFREG | (mode & 07777))) {
        fuse_file_info opened = *info;
        opened.direct_io = 1;
        delay->then([request, opened, entry = entry_of(inode)] { fuse_reply_create(request, &entry, &opened); });
    }
}

void remove(fuse_req_t request, fuse_ino_t parent, const char *name) {
    const fuse_ino_t inode = find(parent, name);
    const Node *const node = node_of(inode);
    if (!node || !node->names.empty()) {
        answer(request, node ? ENOTEMPTY : ENOENT);
        return;
    }
    node_of(parent)->names.erase(name);
    node_of(parent)->order.erase(inode);
    nodes.erase(inode);
    answer(request, 0);
}

void open_directory(fuse_req_t request, fuse_ino_t, fuse_file_info *info) {
    delay->then([request, opened = *info] { fuse_reply_open(request, &opened); });
}

void read_directory(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info *) {
    std::vector<char> entries(size);
    size_t used = 0;
    const auto add = [&](const std::string &name, fuse_ino_t of, off_t at) {
        const struct stat file = attributes_of(of);
        const size_t bytes = fuse_add_direntry(request, &entries[used], size - used, name.c_str(), &file, at);
        const bool fits = bytes <= size - used;
        used += fits ? bytes : 0;
        return fits;
    };
    const Node *const node = node_of(inode);
    bool fits = node != nullptr;
    fits = fits && (offset >= 1 || add(".", inode, 1));
    fits = fits && (offset >= 2 || add("..", node->parent, 2));
    auto next = fits ? node->order.upper_bound(static_cast<fuse_ino_t>(offset)) : decltype(node->order.end()){};
    while (fits && next != node->order.end()) {
        fits = used < size && add(next->second, next->first, static_cast<off_t>(next->first));
        ++next;
    }
    entries.resize(used);
    delay->then([request, entries = std::move(entries)] { fuse_reply_buf(request, entries.data(), entries.size()); });
}

void write_file(fuse_req_t request, fuse_ino_t inode, const char *data, size_t size, off_t offset, fuse_file_info *) {
    Node *const node = node_of(inode);
    if (!node) {
        answer(request, EBADF);
        return;
    }
    const auto from = static_cast<size_t>(offset);
    node->content.resize(std::max(node->content.size(), from + size));
    node->content.replace(from, size, data, size);
    delay->then([request, size] { fuse_reply_write(request, size); });
}

void open_file(fuse_req_t request, fuse_ino_t, fuse_file_info *info) {
    fuse_file_info opened = *info;
    opened.direct_io = 1;
    delay->then([request, opened] { fuse_reply_open(request, &opened); });
}

void read_file(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info *) {
    if (const Node *const node = node_of(inode)) {
        const auto from = std::min(static_cast<size_t>(offset), node->content.size());
        delay->then(
            [request, part = node->content.substr(from, size)] { fuse_reply_buf(request, part.data(), part.size()); });
        return;
    }
    delay->then([request, size, offset] {
        static const char zeros[size_t{128} << 10] = {};
        const off_t left = offset < file_bytes ? file_bytes - offset : 0;
        fuse_reply_buf(request, zeros, std::min({size, sizeof zeros, static_cast<size_t>(left)}));
    });
}

void release_file(fuse_req_t request, fuse_ino_t, fuse_file_info *) { fuse_reply_err(request, 0); }

void sync_file(fuse_req_t request, fuse_ino_t, int, fuse_file_info *) { answer(request, 0); }

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
    operations.setattr = set_attributes;
    operations.mkdir = make_directory;
    operations.create = create_file;
    operations.unlink = remove;
    operations.rmdir = remove;
    operations.opendir = open_directory;
    operations.readdir = read_directory;
    operations.write = write_file;
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
