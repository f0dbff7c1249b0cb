// SPDX-License-Identifier: MIT
#pragma once
#include "composite/zone.hpp"

namespace aioc {

struct Dirent { // struct linux_dirent64
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[1]; // and more
};

// File types as d_type has them (DT_*): the upper four bits of the mode.
constexpr uint8_t type_unknown = 0;
constexpr uint8_t type_directory = 4;
constexpr uint8_t type_regular = 8;
constexpr uint8_t type_link = 10;
AIOC_INLINE uint8_t type_of(const struct statx& file) noexcept {
    return static_cast<uint8_t>((file.stx_mode & S_IFMT) >> 12);
}

// What aioc_entries is: an object with the entries at its front and their strings and attributes at its back; full when
// they meet.
struct EntryList {
    uint64_t bytes; // of the mapping: this is its Object
    Home* home;
    EntryList* next; // of the finished ones of a walk
    uint64_t count;
    uint64_t back;         // offset of what is used at the back
    uint64_t directories;  // scandir: the first so many
    const char* directory; // of a walk: the last one that was copied here
    uint64_t unused;

    AIOC_INLINE aioc_entry* entries() noexcept { return reinterpret_cast<aioc_entry*>(this + 1); }
    AIOC_INLINE uint64_t room() const noexcept { return back - sizeof *this - count * sizeof(aioc_entry); }
    AIOC_INLINE char* at(uint64_t offset) noexcept { return reinterpret_cast<char*>(this) + offset; }
};
static_assert(sizeof(EntryList) == sizeof(Object));

AIOC_INLINE EntryList* new_entry_list(uint64_t bytes) noexcept {
    auto* const list = reinterpret_cast<EntryList*>(zone::new_object(bytes - sizeof(Object)));
    if (list) {
        list->back = list->bytes;
    }
    return list;
}
AIOC_INLINE void free_entry_list(EntryList* list) noexcept { zone::free_object(reinterpret_cast<Object*>(list)); }

constexpr uint64_t name_max = 256; // NAME_MAX and NUL
constexpr uint64_t status_bytes = sizeof(struct statx);
// What one more entry can take, besides its directory's path.
constexpr uint64_t entry_room = sizeof(aioc_entry) + name_max + status_bytes + 8;

// Room must have been looked for. The name and its NUL are copied.
AIOC_INLINE aioc_entry* add_entry(EntryList* list, const char* name, uint64_t length) noexcept {
    list->back -= length + 1;
    char* const copy = list->at(list->back);
    zone::copy_bytes(copy, name, length + 1);
    aioc_entry* const e = &list->entries()[list->count++];
    e->size = sizeof *e;
    e->name = copy;
    e->name_length = static_cast<uint32_t>(length);
    return e;
}
AIOC_INLINE struct statx* add_status(EntryList* list) noexcept {
    list->back = (list->back - status_bytes) & ~uint64_t{7};
    return reinterpret_cast<struct statx*>(list->at(list->back));
}

} // namespace aioc
