// SPDX-License-Identifier: MIT
#include "engine/inline/file_class.hpp"

#include "sys/clock.hpp"

#include <fcntl.h>
#include <new>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace aioc {
namespace {

struct Known {
    const char* name;
    FileClass type;
};
// Names as in /proc/filesystems. What is missing here is unknown, and never served inline by assumption.
constexpr Known known[] = {
    {"ext4", class_local},     {"ext3", class_local},   {"ext2", class_local},     {"xfs", class_local},
    {"btrfs", class_local},    {"f2fs", class_local},   {"jfs", class_local},      {"vfat", class_local},
    {"exfat", class_local},    {"erofs", class_local},  {"squashfs", class_local}, {"iso9660", class_local},
    {"bcachefs", class_local}, {"tmpfs", class_memory}, {"ramfs", class_memory},   {"overlay", class_overlay},
    {"nfs", class_remote},     {"nfs4", class_remote},  {"cifs", class_remote},    {"smb3", class_remote},
    {"9p", class_remote},      {"fuse", class_remote},  {"fuseblk", class_remote}, {"virtiofs", class_remote},
    {"ceph", class_remote},    {"afs", class_remote},   {"gfs2", class_remote},    {"ocfs2", class_remote},
};

FileClass class_of(const char* name, size_t length) noexcept {
    for (const Known& k : known) {
        if (strlen(k.name) == length && memcmp(k.name, name, length) == 0) {
            return k.type;
        }
    }
    const bool fuse = length > 5 && memcmp(name, "fuse.", 5) == 0;
    return fuse ? class_remote : class_unknown;
}

// The whole file, growing; null: not readable. The caller frees it.
char* read_mountinfo(size_t* ret_length) noexcept {
    const int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return nullptr;
    }
    size_t room = size_t{32} << 10;
    size_t length = 0;
    char* text = static_cast<char*>(malloc(room));
    while (text) {
        const ssize_t n = read(fd, text + length, room - length - 1);
        if (n <= 0) {
            text[length] = '\0';
            break;
        }
        length += static_cast<size_t>(n);
        if (room - length < 4096) {
            room *= 2;
            char* const larger = static_cast<char*>(realloc(text, room));
            if (!larger) {
                free(text);
            }
            text = larger;
        }
    }
    close(fd);
    *ret_length = length;
    return text;
}

// The next field of a line, which becomes a string; mountinfo writes blanks and the like as three octal digits.
char* take_field(char** at, size_t* ret_length) noexcept {
    char* const field = *at + strspn(*at, " ");
    char* from = field;
    char* to = field;
    while (*from && *from != ' ') {
        if (from[0] == '\\' && from[1] && from[2] && from[3]) {
            *to++ = static_cast<char>((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *at = *from ? from + 1 : from;
    *to = '\0';
    *ret_length = static_cast<size_t>(to - field);
    return field;
}

} // namespace

MountTable::~MountTable() {
    free(mounts_);
    free(text_);
}

// Lines of proc_pid_mountinfo(5): id parent major:minor root point options [fields] - type source options
void MountTable::load() noexcept {
    size_t length = 0;
    bool remote = false;
    loaded_ns_ = sys::coarse_now_ns();
    char* const text = read_mountinfo(&length);
    if (!text) {
        return;
    }
    uint32_t lines = 0;
    for (const char* at = text; (at = strchr(at, '\n')); ++at) {
        ++lines;
    }
    auto* const mounts = static_cast<Mount*>(malloc(sizeof(Mount) * (lines + 1)));
    uint32_t count = 0;
    for (char* line = text; mounts && *line && count < lines;) {
        char* const end = strchr(line, '\n');
        if (!end) {
            break;
        }
        *end = '\0';
        char* at = line;
        Mount m{};
        m.id = strtoull(at, &at, 10);
        strtoull(at, &at, 10);
        m.major = static_cast<uint32_t>(strtoul(at, &at, 10));
        m.minor = *at == ':' ? static_cast<uint32_t>(strtoul(at + 1, &at, 10)) : 0;
        if (const char* const type = strstr(at, " - ")) {
            m.type = class_of(type + 3, strcspn(type + 3, " "));
            take_field(&at, &m.point_length); // what of the file system is mounted
            m.point = take_field(&at, &m.point_length);
            remote = remote || m.type == class_remote;
            mounts[count++] = m;
        }
        line = end + 1;
    }
    if (!mounts) {
        free(text);
        return;
    }
    free(mounts_);
    free(text_);
    mounts_ = mounts;
    text_ = text;
    count_ = count;
    has_remote_ = remote;
}

bool MountTable::is_old() const noexcept {
    constexpr int64_t valid_ns = 1'000'000'000;
    return loaded_ns_ == 0 || sys::coarse_now_ns() - loaded_ns_ > valid_ns;
}

// A symbolic link on the way may lead elsewhere: no file system is asked, so that none can hang this.
uint64_t MountTable::remote_device(const char* path) noexcept {
    if (is_old()) {
        load();
    }
    if (!has_remote_) {
        return 0;
    }
    const Mount* found = nullptr;
    for (const Mount* m = mounts_; m < mounts_ + count_; ++m) {
        const size_t length = m->point_length == 1 ? 0 : m->point_length; // "/"
        if (length > 0 && path[1] != m->point[1]) {
            continue; // most of them, without a call
        }
        if ((!found || m->point_length >= found->point_length) && strncmp(path, m->point, length) == 0 &&
            (path[length] == '/' || path[length] == '\0')) {
            found = m;
        }
    }
    return found && found->type == class_remote ? device_key(found->major, found->minor) : 0;
}

// The mount id alone could have been reused, and so could the number of a device without a disk: both
// must fit. A btrfs subvolume has a device number of its own, so there the id has to do.
const MountTable::Mount* MountTable::find(const struct statx& file) const noexcept {
    const bool has_id = (file.stx_mask & STATX_MNT_ID) != 0;
    for (uint32_t i = 0; i < count_; ++i) {
        const Mount& m = mounts_[i];
        const bool device = m.major == file.stx_dev_major && m.minor == file.stx_dev_minor;
        const bool id = has_id && m.id == file.stx_mnt_id;
        if (has_id ? id && (device || (m.type == class_local && file.stx_dev_major == 0)) : device) {
            return &m;
        }
    }
    return nullptr;
}

FileClass MountTable::of(const struct statx& file) noexcept {
    const Mount* m = find(file);
    constexpr uint32_t patience = 64; // unknown files before the table is read again
    if (!m && unknown_++ % patience == 0) {
        load();
        m = find(file);
    }
    return m ? m->type : class_unknown;
}

} // namespace aioc
