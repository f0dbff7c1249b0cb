// SPDX-License-Identifier: MIT
// What is registered with the ring, and how a forked child lets go of it.
#include "engine/ring/ring_engine.hpp"

#include "engine/ring/ring_setup.hpp"

#include <errno.h>
#include <fcntl.h>
#include <new>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace aioc {

// Registered buffers are pinned, within RLIMIT_MEMLOCK: when that fails they serve as plain memory.
int RingEngine::register_buffers() noexcept {
    const uint32_t slices = buffers_.slices();
    if (!buffers_.exists() || buffers_.status() == 0) {
        return 0;
    }
    constexpr uint32_t slices_max = 1024; // of at most 1 GiB; the kernel has 16384
    int status = -ENOSYS;
    if (setup_ && (slices == 0 || slices > slices_max)) {
        status = -E2BIG;
    } else if (setup_) {
        auto* const vectors = new (std::nothrow) iovec[slices];
        for (uint32_t i = 0; vectors && i < slices; ++i) {
            vectors[i] = {buffers_.slice_start(i), buffers_.slice_bytes(i)};
        }
        status = vectors ? io_uring_register_buffers(&setup_->ring, vectors, slices) : -ENOMEM;
        delete[] vectors;
    }
    buffers_.set_status(status < 0 ? status : 0);
    return buffers_.status();
}

namespace {

// A table of free slots. Not by io_uring_register_files_sparse, which would raise the process's RLIMIT_NOFILE.
int register_table(int ring_fd, uint32_t* ret_slots) noexcept {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    constexpr uint32_t most = RingFiles::slots_max;
    *ret_slots = limit.rlim_cur < most ? static_cast<uint32_t>(limit.rlim_cur) : most;
    int none[most];
    for (int& slot : none) {
        slot = -1;
    }
    return io_uring_register(static_cast<unsigned>(ring_fd), IORING_REGISTER_FILES, none, *ret_slots);
}

} // namespace

int RingEngine::register_file(int fd) noexcept {
    if (const int error = RingFiles::suits(fd); error < 0) {
        return error;
    }
    if (!setup_) {
        return -ENOSYS;
    }
    if (!files_.is_open()) {
        uint32_t slots = 0;
        if (const int error = register_table(setup_->ring.ring_fd, &slots); error < 0) {
            return error;
        }
        files_.open(slots);
    }
    const int slot = files_.add(fd);
    if (slot < 0) {
        return slot;
    }
    const int done = io_uring_register_files_update(&setup_->ring, static_cast<unsigned>(slot), &fd, 1);
    if (done != 1) {
        files_.remove(fd);
        return done < 0 ? done : -EBADF;
    }
    return 0;
}

int RingEngine::unregister_file(int fd) noexcept {
    const int slot = files_.slot_of(fd);
    if (slot < 0) {
        return -ENOENT;
    }
    files_.remove(fd);
    const int none = -1;
    // What is in flight keeps its file.
    io_uring_register_files_update(&setup_->ring, static_cast<unsigned>(slot), &none, 1);
    return 0;
}

namespace {

// The child may have closed our descriptor, and have another file there.
bool is_ring(int fd, const struct stat& ours) noexcept {
    char link[32] = "/proc/self/fd/";
    char* at = link + strlen(link);
    char digits[16];
    int count = 0;
    for (int rest = fd; rest > 0 || count == 0; rest /= 10) {
        digits[count++] = static_cast<char>('0' + rest % 10);
    }
    while (count > 0) {
        *at++ = digits[--count];
    }
    *at = '\0';
    char target[32];
    const ssize_t length = readlink(link, target, sizeof target);
    constexpr char name[] = "anon_inode:[io_uring]";
    struct stat file{};
    return fd >= 0 && length == sizeof name - 1 && memcmp(target, name, sizeof name - 1) == 0 &&
           fstat(fd, &file) == 0 && file.st_dev == ours.st_dev && file.st_ino == ours.st_ino;
}

} // namespace

// The memory is not mapped here (MADV_DONTFORK), the descriptor is. Left open it would keep the parent's
// ring alive after the parent.
void RingEngine::forget() noexcept {
    cq_head_ = cq_tail_ = sq_flags_ = nullptr;
    if (setup_) {
        if (is_ring(setup_->ring.ring_fd, setup_->identity)) {
            close(setup_->ring.ring_fd);
        }
        delete setup_;
        setup_ = nullptr;
    }
    buffers_.forget();
    files_.forget();
    backlog_ = PriorityList{};
    continued_ = nullptr;
    limit_ = in_flight_ = waiting_ = refused_ = stopping_ = watched_flags_ = 0;
}

} // namespace aioc
