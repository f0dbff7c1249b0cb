// SPDX-License-Identifier: MIT
#pragma once
// Worker zone: what the composites are written with, where there is no libc. Results are values or -errno.
#include "composite/composite.hpp"
#include "composite/object.hpp"
#include "sys/mapping.hpp"
#include "sys/syscall.hpp"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#ifndef S_IFMT // which that header leaves to libc, where there is one
#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define S_IFLNK 0120000
#endif

namespace aioc::zone {

constexpr int no_file = -1;

// --- Memory ---------------------------------------------------------------------
constexpr uint64_t page = 4096; // mappings are rounded up by the kernel where pages are larger

AIOC_INLINE uint64_t round_up(uint64_t bytes, uint64_t to) noexcept { return (bytes + to - 1) & ~(to - 1); }
AIOC_INLINE void* map(uint64_t bytes) noexcept { return sys::map_memory(bytes); }
AIOC_INLINE void unmap(void* at, uint64_t bytes) noexcept { sys::unmap_memory(at, bytes); }

// The compiler must not make a call of memcpy of it.
AIOC_INLINE void copy_bytes(void* to, const void* from, uint64_t bytes) noexcept {
#if defined(__x86_64__)
    auto* t = static_cast<char*>(to);
    const auto* f = static_cast<const char*>(from);
    if (bytes < 64) { // that instruction is slow to start
        for (; bytes >= 8; bytes -= 8, t += 8, f += 8) {
            uint64_t word;
            __asm__ volatile("movq (%1), %0\n\tmovq %0, (%2)" : "=&r"(word) : "r"(f), "r"(t) : "memory");
        }
        for (; bytes > 0; --bytes) {
            *t++ = *f++;
            __asm__ volatile("" ::: "memory");
        }
        return;
    }
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
#else
    auto* t = static_cast<char*>(to);
    const auto* f = static_cast<const char*>(from);
    for (; bytes > 0; --bytes) {
        *t++ = *f++;
        __asm__ volatile("" ::: "memory");
    }
#endif
}
AIOC_INLINE uint64_t length_of(const char* text) noexcept {
    uint64_t length = 0;
    while (text[length] != '\0') {
        ++length;
        __asm__ volatile("" ::: "memory");
    }
    return length;
}
AIOC_INLINE bool is_dot_or_dotdot(const char* name) noexcept {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// A mapping with its header. Null: no memory.
AIOC_INLINE Object* new_object(uint64_t payload) noexcept {
    const uint64_t bytes = round_up(sizeof(Object) + payload, page);
    auto* const object = static_cast<Object*>(map(bytes));
    if (object) {
        object->bytes = bytes;
    }
    return object;
}
AIOC_INLINE Object* resize_object(Object* object, uint64_t payload) noexcept {
    const uint64_t bytes = round_up(sizeof(Object) + payload, page);
    auto* const moved = static_cast<Object*>(sys::resize_memory(object, object->bytes, bytes));
    if (moved) {
        moved->bytes = bytes;
    }
    return moved;
}
constexpr uint64_t home_bytes = page;
AIOC_INLINE void leave_home(Home* home) noexcept {
    sys::full_fence(); // what was done with an object, before somebody else frees it
    if (sys::add(home->users, ~uint64_t{0}) == 1) {
        sys::full_fence();
        for (Object* o = sys::exchange(home->freed, static_cast<Object*>(nullptr)); o;) {
            Object* const next = o->next;
            unmap(o, o->bytes);
            o = next;
        }
        unmap(home, home_bytes);
    }
}
AIOC_INLINE void free_object(Object* object) noexcept {
    Home* const home = object->home;
    if (home && sys::load_relaxed(home->closed) == 0 && sys::load_relaxed(home->kept) < home->kept_max) {
        sys::add(home->kept, uint32_t{1});
        Object* seen = sys::load_relaxed(home->freed);
        do {
            object->next = seen;
        } while (!sys::compare_exchange(home->freed, seen, object));
    } else {
        unmap(object, object->bytes);
    }
    if (home) {
        leave_home(home);
    }
}
AIOC_INLINE Home* new_home(uint32_t kept_max) noexcept {
    auto* const home = static_cast<Home*>(map(home_bytes)); // fresh memory is zero
    if (home) {
        home->users = 1;
        home->kept_max = kept_max;
    }
    return home;
}
// By its owner, under the owner's lock: one that was used before; null: there is none.
AIOC_INLINE Object* take_kept(Home* home) noexcept {
    if (!home->spare) {
        home->spare = sys::exchange(home->freed, static_cast<Object*>(nullptr));
    }
    Object* const object = home->spare;
    if (object) {
        home->spare = object->next;
        sys::add(home->kept, ~uint32_t{0});
        sys::add(home->users, uint64_t{1});
    }
    return object;
}
// A new one that will be kept there.
AIOC_INLINE Object* new_object_of(Home* home, uint64_t payload) noexcept {
    Object* const object = new_object(payload);
    if (object) {
        object->home = home;
        sys::add(home->users, uint64_t{1});
    }
    return object;
}
// By its owner, at its end.
AIOC_INLINE void close_home(Home* home) noexcept {
    while (Object* const object = home->spare) {
        home->spare = object->next;
        unmap(object, object->bytes); // not in use: it does not count
    }
    sys::store_relaxed(home->closed, uint32_t{1});
    leave_home(home);
}
AIOC_INLINE uint64_t capacity_of(const Object* object) noexcept { return object->bytes - sizeof(Object); }
AIOC_INLINE char* payload_of(Object* object) noexcept { return reinterpret_cast<char*>(object + 1); }
AIOC_INLINE Object* object_of(void* payload) noexcept { return static_cast<Object*>(payload) - 1; }

// --- Files ----------------------------------------------------------------------
AIOC_INLINE long open_at(long dir, const char* path, unsigned flags, unsigned mode = 0) noexcept {
    return sys::call(SYS_openat, dir, path, flags | O_CLOEXEC, mode);
}
AIOC_INLINE void close_file(long fd) noexcept {
    if (fd >= 0) {
        sys::call(SYS_close, fd);
    }
}
// What the mask does not ask for, or the file system does not know, is 0.
AIOC_INLINE void clear_status(struct statx* ret) noexcept {
    ret->stx_mode = 0;
    ret->stx_nlink = ret->stx_uid = ret->stx_gid = 0;
    ret->stx_ino = ret->stx_size = ret->stx_blocks = 0;
    ret->stx_atime.tv_sec = ret->stx_mtime.tv_sec = 0;
    ret->stx_atime.tv_nsec = ret->stx_mtime.tv_nsec = 0;
    ret->stx_dev_major = ret->stx_dev_minor = ret->stx_rdev_major = ret->stx_rdev_minor = 0;
}
AIOC_INLINE long status_of(long fd, unsigned mask, struct statx* ret) noexcept {
    clear_status(ret);
    return sys::call(SYS_statx, fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, mask, ret);
}
AIOC_INLINE long status_at(long dir, const char* name, unsigned mask, struct statx* ret) noexcept {
    clear_status(ret);
    return sys::call(SYS_statx, dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, mask, ret);
}
AIOC_INLINE long unlink_at(long dir, const char* name, int flags = 0) noexcept {
    return sys::call(SYS_unlinkat, dir, name, flags);
}
AIOC_INLINE bool has_type(const struct statx& file, unsigned type) noexcept { return (file.stx_mode & S_IFMT) == type; }
AIOC_INLINE bool same_file(const struct statx& a, const struct statx& b) noexcept {
    return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;
}

// A transfer is cut into such pieces, so that a cancel is seen soon.
constexpr uint64_t piece = uint64_t{8} << 20;

// Until everything is written. done (may be null) is the progress.
AIOC_INLINE long write_all(long fd, const char* data, uint64_t length, const uint32_t& stop,
                           uint64_t* progress) noexcept {
    while (length > 0) {
        if (sys::load_relaxed(stop) != 0) {
            return -ECANCELED;
        }
        const long n = sys::call(SYS_write, fd, data, length < piece ? length : piece);
        if (n == -EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? n : -EIO;
        }
        data += n;
        length -= static_cast<uint64_t>(n);
        if (progress) {
            sys::add(*progress, static_cast<uint64_t>(n));
        }
    }
    return 0;
}

// A file system may have no fsync for a directory (EINVAL); what it has not cannot be waited for.
AIOC_INLINE long sync_directory(long fd) noexcept {
    const long result = sys::call(SYS_fsync, fd);
    return result == -EINVAL || result == -EROFS ? 0 : result;
}

// --- Paths ----------------------------------------------------------------------
// A path cut in two: where its last component is, and that component. In place: paths are copies of the library's.
struct Split {
    const char* directory;
    const char* name;
    bool slash; // there was one behind the name
};
// -EINVAL: the last component is no name ("", ".", "..", "/").
AIOC_INLINE long split_path(const char* path, Split* ret) noexcept {
    auto* const text = const_cast<char*>(path);
    uint64_t end = length_of(text);
    ret->slash = false;
    while (end > 0 && text[end - 1] == '/') {
        text[--end] = '\0';
        ret->slash = true;
    }
    uint64_t begin = end;
    while (begin > 0 && text[begin - 1] != '/') {
        --begin;
    }
    ret->name = text + begin;
    if (begin == end) {
        return ret->slash ? -EINVAL : -ENOENT;
    }
    if (is_dot_or_dotdot(ret->name)) {
        return -EINVAL;
    }
    if (begin == 0) {
        ret->directory = ".";
        return 0;
    }
    ret->directory = begin == 1 ? "/" : text;
    text[begin - 1] = '\0';
    return 0;
}

} // namespace aioc::zone
