// SPDX-License-Identifier: MIT
#include "files.hpp"

#include "settings.hpp"
#include "workload.hpp"

#include <algorithm>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr uint64_t chunk = 1 << 20;
constexpr uint64_t write_bytes = 256 << 20;
constexpr unsigned tree_directories = 100;

bool failed(const std::string& what) {
    fprintf(stderr, "%s: %s\n", what.c_str(), strerror(errno));
    return false;
}

// A file of real blocks (not a hole, not only reserved) and this size.
bool make_file(const std::string& path, uint64_t bytes) {
    struct stat status{};
    if (stat(path.c_str(), &status) == 0 && static_cast<uint64_t>(status.st_size) == bytes) {
        return true;
    }
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed(path);
    }
    std::vector<uint64_t> data(chunk / 8);
    Random random;
    for (uint64_t done = 0; done < bytes; done += chunk) {
        for (uint64_t& word : data) {
            word = random.next();
        }
        if (write(fd, data.data(), chunk) != static_cast<ssize_t>(chunk)) {
            close(fd);
            return failed(path);
        }
    }
    const bool good = fsync(fd) == 0;
    close(fd);
    return good || failed(path);
}

// Twice: where the host must find the memory first, one reading is not enough.
void warm(int fd, uint64_t bytes) {
    std::vector<char> data(chunk);
    for (int i = 0; i < 2; ++i) {
        for (uint64_t at = 0; at < bytes && pread(fd, data.data(), chunk, static_cast<off_t>(at)) > 0; at += chunk) {
        }
    }
}

// Nothing may evict a "cached" file during the run. Without the right to lock, it is only warm.
void pin(int fd, uint64_t bytes) {
    void* const mapping = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (mapping != MAP_FAILED && mlock(mapping, bytes) != 0) {
        munmap(mapping, bytes);
    }
}

// In small pages: what was written by the megabyte lies in large ones, where a 4 KiB write costs three times as much.
bool cache_in_small_pages(const FileSet& files) {
    constexpr size_t page = 4096;
    const std::vector<char> data(page, 'z');
    fdatasync(files.fd);
    posix_fadvise(files.fd, 0, 0, POSIX_FADV_DONTNEED);
    for (uint64_t at = 0; at + page <= files.bytes; at += page) {
        if (pwrite(files.fd, data.data(), page, static_cast<off_t>(at)) < 0) {
            return failed(files.data_path);
        }
    }
    return true;
}

std::string tree_path(const std::string& root, unsigned i) {
    return root + "/d" + std::to_string(i % tree_directories) + "/f" + std::to_string(i);
}

bool make_tree(const std::string& root, FileSet* ret) {
    struct stat status{};
    const std::string complete = root + "/complete";
    ret->paths.reserve(FileSet::tree_files);
    const bool exists = stat(complete.c_str(), &status) == 0;
    std::vector<char> data(4096, 'x');
    mkdir(root.c_str(), 0700);
    for (unsigned i = 0; i < FileSet::tree_files; ++i) {
        ret->paths.push_back(tree_path(root, i));
        const std::string& path = ret->paths.back();
        if (exists) {
            continue;
        }
        if (i < tree_directories) {
            mkdir((root + "/d" + std::to_string(i)).c_str(), 0700);
        }
        const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const size_t bytes = 512 + i * 37 % 3584;
        if (fd < 0 || write(fd, data.data(), bytes) != static_cast<ssize_t>(bytes)) {
            return failed(path);
        }
        close(fd);
    }
    if (!exists) {
        sync();
        const int fd = open(complete.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
            return failed(complete);
        }
        close(fd);
    }
    for (int round = 0; round < 2; ++round) {
        for (unsigned i = 0; i < FileSet::tree_files; ++i) {
            const int fd = open(ret->path(i), O_RDONLY | O_CLOEXEC);
            if (fd < 0 || read(fd, data.data(), data.size()) < 0) {
                return failed(ret->path(i));
            }
            close(fd);
        }
    }
    return true;
}

bool open_data(const Settings& settings, const std::string& name, uint64_t bytes, int flags, FileSet* ret) {
    ret->data_path = settings.file.empty() ? ret->directory + "/" + name : settings.file;
    if (settings.file.empty() && !make_file(ret->data_path, bytes)) {
        return false;
    }
    ret->fd = open(ret->data_path.c_str(), flags | O_CLOEXEC);
    struct stat status{};
    if (ret->fd < 0 || fstat(ret->fd, &status) < 0) {
        return failed(ret->data_path);
    }
    ret->bytes = static_cast<uint64_t>(status.st_size);
    if (ret->bytes < chunk) {
        errno = EFBIG;
        fprintf(stderr, "%s: smaller than 1 MiB\n", ret->data_path.c_str());
        return false;
    }
    return true;
}

bool open_cold(const Settings& settings, FileSet* ret) {
    const std::string path = ret->directory + "/cold";
    ret->cold_fd = make_file(path, settings.bytes) ? open(path.c_str(), O_RDONLY | O_CLOEXEC) : -1;
    ret->cold_bytes = settings.bytes;
    // No readahead: each read of a fresh block waits for the device.
    return ret->cold_fd >= 0 && posix_fadvise(ret->cold_fd, 0, 0, POSIX_FADV_RANDOM) == 0;
}

bool open_sync_files(FileSet* ret) {
    for (unsigned i = 0; i < FileSet::sync_files; ++i) {
        const std::string path = ret->directory + "/append" + std::to_string(i);
        ret->sync_fds[i] = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ret->dsync_fds[i] = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_DSYNC);
        if (ret->sync_fds[i] < 0 || ret->dsync_fds[i] < 0) {
            return failed(path);
        }
    }
    return true;
}

} // namespace

bool make_files(const Settings& settings, const Workload& workload, FileSet* ret) {
    ret->directory = settings.directory;
    ret->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (mkdir(ret->directory.c_str(), 0700) < 0 && errno != EEXIST) {
        return failed(ret->directory);
    }
    switch (workload.kind) {
    case Kind::nop:
        return true;
    case Kind::stat:
    case Kind::open_read_close:
        return make_tree(ret->directory + "/t", ret);
    case Kind::append_sync:
    case Kind::append_dsync:
        return open_sync_files(ret);
    case Kind::write:
        return open_data(settings, "write", std::min(write_bytes, settings.bytes), O_RDWR, ret) &&
               cache_in_small_pages(*ret);
    case Kind::read:
        if (workload.direct) {
            return open_data(settings, "cold", settings.bytes, O_RDONLY | O_DIRECT, ret);
        }
        [[fallthrough]];
    default:
        if (!open_data(settings, "cached", settings.bytes, O_RDONLY, ret) ||
            (workload.kind == Kind::mixed && !open_cold(settings, ret))) {
            return false;
        }
        warm(ret->fd, ret->bytes);
        pin(ret->fd, ret->bytes);
        return true;
    }
}

void restore_files(const Workload& workload, const FileSet& files) {
    switch (workload.kind) {
    case Kind::mixed:
        posix_fadvise(files.cold_fd, 0, 0, POSIX_FADV_DONTNEED);
        break;
    case Kind::read:
        if (workload.direct) {
            posix_fadvise(files.fd, 0, 0, POSIX_FADV_DONTNEED);
        }
        break;
    case Kind::append_sync:
    case Kind::append_dsync:
        for (const int fd : files.sync_fds) {
            if (ftruncate(fd, 0) < 0 || fsync(fd) < 0) {
                perror("append files");
            }
        }
        break;
    case Kind::write: {
        // Everything dirty, nothing due: no write-back of the subject before falls into this run.
        fdatasync(files.fd);
        std::vector<char> data(chunk, 'y');
        for (uint64_t at = 0; at + chunk <= files.bytes; at += chunk) {
            if (pwrite(files.fd, data.data(), chunk, static_cast<off_t>(at)) < 0) {
                perror("write file");
            }
        }
        break;
    }
    default:
        break;
    }
}
