// SPDX-License-Identifier: MIT
// Worker zone: scandir, the entries of one directory, directories first. Only where the file system does not tell the
// type of an entry, it is asked for.
#include "composite/entries.hpp"

namespace aioc {
namespace {

constexpr uint64_t buffer_bytes = 64 << 10;
constexpr uint64_t first_bytes = 64 << 10;

// Twice the size. The strings move to the new end.
AIOC_INLINE bool grow(EntryList** list) noexcept {
    EntryList* const old = *list;
    EntryList* const larger = new_entry_list(old->bytes * 2);
    if (!larger) {
        return false;
    }
    const uint64_t strings = old->bytes - old->back;
    larger->back = larger->bytes - strings;
    larger->count = old->count;
    zone::copy_bytes(larger->at(larger->back), old->at(old->back), strings);
    zone::copy_bytes(larger->entries(), old->entries(), old->count * sizeof(aioc_entry));
    const int64_t moved = larger->at(larger->bytes) - old->at(old->bytes);
    for (uint64_t i = 0; i < larger->count; ++i) {
        larger->entries()[i].name += moved;
    }
    free_entry_list(old);
    *list = larger;
    return true;
}

AIOC_INLINE uint8_t known_type(long fd, const Dirent* e) noexcept {
    struct statx file;
    return e->type != type_unknown || zone::status_at(fd, e->name, STATX_TYPE, &file) < 0 ? e->type : type_of(file);
}

AIOC_INLINE long add(EntryList** list, long fd, const Dirent* e) noexcept {
    if ((*list)->room() < entry_room && !grow(list)) {
        return -ENOMEM;
    }
    aioc_entry* const entry = add_entry(*list, e->name, zone::length_of(e->name));
    entry->type = known_type(fd, e);
    entry->inode = e->inode;
    entry->directory = nullptr;
    entry->status = nullptr;
    return 0;
}

AIOC_INLINE long read_all(Request& r, long fd, char* buffer, EntryList** list) noexcept {
    for (;;) {
        const long n = sys::call(SYS_getdents64, fd, buffer, buffer_bytes);
        if (n <= 0) {
            return n;
        }
        for (long at = 0; at < n;) {
            auto* const e = reinterpret_cast<Dirent*>(buffer + at);
            at += e->length;
            if (zone::is_dot_or_dotdot(e->name)) {
                continue;
            }
            if (must_stop(r)) {
                return -ECANCELED;
            }
            if (const long error = add(list, fd, e); error < 0) {
                return error;
            }
            sys::add(r.composite->items, uint64_t{1});
        }
    }
}

AIOC_INLINE void swap(aioc_entry* a, aioc_entry* b) noexcept {
    char kept[sizeof *a];
    zone::copy_bytes(kept, a, sizeof *a);
    zone::copy_bytes(a, b, sizeof *a);
    zone::copy_bytes(b, kept, sizeof *a);
}

// Each directory changes places with the first other entry.
AIOC_INLINE void directories_first(EntryList* list) noexcept {
    aioc_entry* const entries = list->entries();
    uint64_t first_other = 0;
    for (uint64_t i = 0; i < list->count; ++i) {
        if (entries[i].type == type_directory) {
            if (i != first_other) {
                swap(&entries[i], &entries[first_other]);
            }
            ++first_other;
        }
    }
    list->directories = first_other;
}

AIOC_INLINE long scan(Request& r, long fd) noexcept {
    auto* const buffer = static_cast<char*>(zone::map(buffer_bytes));
    EntryList* list = new_entry_list(first_bytes);
    long result = buffer && list ? read_all(r, fd, buffer, &list) : -ENOMEM;
    if (buffer) {
        zone::unmap(buffer, buffer_bytes);
    }
    if (result == 0) {
        directories_first(list);
        r.composite->object = list + 1;
        result = static_cast<long>(list->count);
    } else if (list) {
        free_entry_list(list);
    }
    return result;
}

} // namespace

long execute_scandir(Request& r) noexcept {
    const long fd = zone::open_at(r.fd, r.path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return fd;
    }
    const long result = scan(r, fd);
    zone::close_file(fd);
    return result;
}

} // namespace aioc
