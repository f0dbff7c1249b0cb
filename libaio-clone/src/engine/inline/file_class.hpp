// SPDX-License-Identifier: MIT
#pragma once
#include <stddef.h>
#include <stdint.h>

struct statx;

namespace aioc {

// What a file stands on, as far as it decides whether a call on it can wait for something else than
// its own device.
enum FileClass : uint8_t {
    class_unknown,
    class_local,   // a disk file system whose metadata calls on an open file do not wait
    class_memory,  // tmpfs, ramfs
    class_overlay, // what is below may be anything
    class_remote,  // network or user space: any call may wait for somebody else
    classes
};

// Names a device: never 0 for what statx(2) or mountinfo says.
constexpr uint64_t device_key(uint32_t major, uint32_t minor) noexcept {
    return uint64_t{1} << 63 | uint64_t{major} << 32 | minor;
}

// The class of mounts, from /proc/self/mountinfo, which never asks a file system (statfs(2) does: it
// hangs on a dead server). Read once, and again when an unknown mount is met. Callers hold the context's lock.
class MountTable {
public:
    MountTable() = default;
    MountTable(const MountTable&) = delete;
    MountTable& operator=(const MountTable&) = delete;
    ~MountTable();

    // By what statx(2) tells: device number and mount id (0 before Linux 5.8).
    FileClass of(const struct statx& file) noexcept;
    // The device of the remote mount on which an absolute path lies, by its text alone; 0: it lies on none.
    uint64_t remote_device(const char* path) noexcept;

private:
    struct Mount {
        uint64_t id;
        uint32_t major;
        uint32_t minor;
        FileClass type;
        const char* point; // in text_
        size_t point_length;
    };
    bool is_old() const noexcept;
    void load() noexcept;
    const Mount* find(const struct statx& file) const noexcept;

    Mount* mounts_ = nullptr;
    char* text_ = nullptr;
    uint32_t count_ = 0;
    bool has_remote_ = false;
    int64_t loaded_ns_ = 0;
    uint32_t unknown_ = 0; // met since the last load
};

} // namespace aioc
