// SPDX-License-Identifier: MIT
// Worker zone (see execute.cpp): a whole directory in one object. Memory comes from mappings of its own, for there is
// no allocator here. The object is closed to the world until the request is finished.
#include "core/directory.hpp"
#include "sys/mapping.hpp"
#include "worker/job_queue.hpp"

#include <linux/errno.h>
#include <linux/fcntl.h>

namespace aioc {
namespace {

constexpr size_t chunk = size_t{32} << 10; // of getdents64(2)
constexpr size_t first_bytes = 2 * chunk;  // of the mapping: only what is touched becomes memory
constexpr size_t page = 4096;
constexpr uint8_t type_directory = 4; // DT_DIR

struct KernelEntry { // struct linux_dirent64
    uint64_t inode;
    int64_t position;
    uint16_t length;
    uint8_t type;
    char name[1];
};
static_assert(offsetof(KernelEntry, name) == 19);

AIOC_INLINE bool is_dots(const char* name) noexcept {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// Entries of the kernel become ours where they lie: ours are shorter, so what is written is behind what is read.
// Returns the end of the last one.
AIOC_INLINE char* compact(Directory* d, char* to, const char* from, size_t bytes) noexcept {
    for (const char* const end = from + bytes; from < end;) {
        const auto* const k = reinterpret_cast<const KernelEntry*>(from);
        from += k->length;
        if (is_dots(k->name)) {
            continue;
        }
        const uint64_t inode = k->inode;
        const uint8_t type = k->type;
        const char* const name = k->name;
        auto* const e = reinterpret_cast<DirectoryEntry*>(to);
        size_t length = 0;
        for (; name[length] != '\0'; ++length) {
            e->name[length] = name[length];
        }
        e->name[length] = '\0';
        e->inode_low = static_cast<uint32_t>(inode);
        e->inode_high = static_cast<uint32_t>(inode >> 32);
        e->name_length = static_cast<uint16_t>(length);
        e->type = type;
        to += DirectoryEntry::bytes_for(length);
        ++d->count;
        d->unknown += type == 0;
    }
    return to;
}

// At least so many bytes beyond `used`. Null: no memory; the mapping is as it was.
AIOC_INLINE Directory* make_room(Directory* d, size_t used, size_t bytes) noexcept {
    if (d->mapped - used >= bytes) {
        return d;
    }
    size_t wanted = d->mapped * 2;
    if (wanted < used + bytes) {
        wanted = (used + bytes + page - 1) & ~(page - 1);
    }
    auto* const moved = static_cast<Directory*>(sys::resize_memory(d, d->mapped, wanted));
    if (moved) {
        moved->mapped = wanted;
    }
    return moved;
}

// The order of the entries, behind the last one: as they lie there.
AIOC_INLINE Directory* number(Directory* d, size_t used) noexcept {
    const size_t bytes = d->count * sizeof(uint32_t);
    Directory* const larger = make_room(d, used, bytes);
    if (!larger) {
        return nullptr;
    }
    d = larger;
    d->order = used;
    uint32_t* const places = d->places();
    size_t at = sizeof(Directory);
    for (uint64_t i = 0; i < d->count; ++i) {
        places[i] = static_cast<uint32_t>(at / 4);
        at += DirectoryEntry::bytes_for(d->at_place(places[i])->name_length);
    }
    const size_t needed = (used + bytes + page - 1) & ~(page - 1);
    if (d->mapped > first_bytes && needed < d->mapped) {
        if (void* const smaller = sys::resize_memory(d, d->mapped, needed)) {
            d = static_cast<Directory*>(smaller);
            d->mapped = needed;
        }
    }
    return d;
}

// Where directories are wanted first: without a known type a name that has no dot is probably one (as libeio guesses).
AIOC_INLINE uint64_t group_of(const DirectoryEntry* e) noexcept {
    if (e->type == type_directory) {
        return 0;
    }
    if (e->type != 0) {
        return 3;
    }
    for (const char* at = e->name; *at != '\0'; ++at) {
        if (*at == '.') {
            return 2;
        }
    }
    return 1;
}

struct SortKey {
    uint64_t inode;
    uint32_t place;
    uint32_t group;
};

// One stable pass of a radix sort. shift 64: by group.
AIOC_INLINE void sort_pass(const SortKey* from, SortKey* to, uint64_t count, unsigned shift) noexcept {
    uint32_t begin[256];
    for (uint32_t& b : begin) {
        b = 0;
    }
    const auto digit = [shift](const SortKey& k) { return shift == 64 ? k.group : k.inode >> shift & 0xff; };
    for (uint64_t i = 0; i < count; ++i) {
        ++begin[digit(from[i])];
    }
    uint32_t sum = 0;
    for (uint32_t& b : begin) {
        const uint32_t here = b;
        b = sum;
        sum += here;
    }
    for (uint64_t i = 0; i < count; ++i) {
        const SortKey& k = from[i];
        SortKey& slot = to[begin[digit(k)]++];
        slot.inode = k.inode;
        slot.place = k.place;
        slot.group = k.group;
    }
}

// By inode number or not, and then directories first or not. False: no memory.
AIOC_INLINE bool sort(Directory* d, uint32_t flags) noexcept {
    const uint64_t count = d->count;
    const size_t bytes = (2 * count * sizeof(SortKey) + page - 1) & ~(page - 1);
    auto* const memory = static_cast<SortKey*>(sys::map_memory(bytes));
    if (!memory) {
        return false;
    }
    SortKey* keys = memory;
    SortKey* other = memory + count;
    uint32_t* const places = d->places();
    uint64_t differing = 0;
    const bool by_group = (flags & AIOC_READDIR_DIRS_FIRST) != 0;
    for (uint64_t i = 0; i < count; ++i) {
        const DirectoryEntry* const e = d->at_place(places[i]);
        keys[i].inode = e->inode();
        keys[i].place = places[i];
        keys[i].group = by_group ? static_cast<uint32_t>(group_of(e)) : 0;
        differing |= keys[i].inode ^ keys[0].inode;
    }
    const bool by_inode = (flags & AIOC_READDIR_STAT_ORDER) != 0;
    for (unsigned shift = by_inode ? 0 : 64; shift <= (by_group ? 64u : 56u); shift += 8) {
        if (shift == 64 || (differing >> shift & 0xff) != 0) {
            sort_pass(keys, other, count, shift);
            SortKey* const sorted = other;
            other = keys;
            keys = sorted;
        }
    }
    for (uint64_t i = 0; i < count; ++i) {
        places[i] = keys[i].place;
    }
    sys::unmap_memory(memory, bytes);
    return true;
}

// Until the end, an error, or a cancel. Returns 0 or -errno; *d may move.
AIOC_INLINE long read_all(const Request& r, long fd, Directory** d) noexcept {
    size_t used = sizeof(Directory);
    for (;;) {
        if (sys::load_relaxed(r.state) == state_cancelling) {
            return -ECANCELED;
        }
        Directory* const roomy = make_room(*d, used, chunk);
        if (!roomy) {
            return -ENOMEM;
        }
        *d = roomy;
        // Behind what there is, at a place that suits the kernel's entries. What becomes of them is shorter.
        char* const base = reinterpret_cast<char*>(roomy);
        const size_t from = (used + 7) & ~size_t{7};
        const long bytes = sys::call(SYS_getdents64, fd, base + from, chunk - 8);
        if (bytes < 0) {
            return bytes;
        }
        if (bytes == 0) {
            break;
        }
        used = static_cast<size_t>(compact(roomy, base + used, base + from, static_cast<size_t>(bytes)) - base);
        constexpr size_t most = size_t{UINT32_MAX} * 4 - chunk; // what the order can address
        if (used > most) {
            return -EOVERFLOW;
        }
    }
    Directory* const numbered = number(*d, used);
    if (!numbered) {
        return -ENOMEM;
    }
    *d = numbered;
    const bool sorts = (r.operation_flags & (AIOC_READDIR_STAT_ORDER | AIOC_READDIR_DIRS_FIRST)) != 0;
    return sorts && numbered->count > 1 && !sort(numbered, r.operation_flags) ? -ENOMEM : 0;
}

} // namespace

extern "C" long aioc_zone_read_directory(Request* r) {
    r->partial = 0;
    if ((r->operation_flags & ~uint32_t{AIOC_READDIR_STAT_ORDER | AIOC_READDIR_DIRS_FIRST}) != 0) {
        return -EINVAL;
    }
    const long fd = sys::call(SYS_openat, r->fd, r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        return fd;
    }
    long result = -ENOMEM;
    if (auto* d = static_cast<Directory*>(sys::map_memory(first_bytes))) {
        d->mapped = first_bytes;
        d->count = d->unknown = d->order = 0;
        result = read_all(*r, fd, &d);
        if (result < 0) {
            sys::unmap_memory(d, d->mapped);
        } else {
            result = static_cast<long>(d->count);
            r->partial = reinterpret_cast<uintptr_t>(d);
        }
    }
    sys::call(SYS_close, fd);
    return result;
}

// The object is the user's, or nobody's.
extern "C" void aioc_zone_settle_directory(Request* r, bool cancelled) {
    auto* const d = reinterpret_cast<Directory*>(static_cast<uintptr_t>(r->partial));
    if (r->result < 0) {
        return;
    }
    if (cancelled) {
        sys::unmap_memory(d, d->mapped);
    } else {
        *static_cast<Directory**>(r->buffer) = d;
    }
}

} // namespace aioc
