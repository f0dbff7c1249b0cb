// SPDX-License-Identifier: MIT
#include "core/directory.hpp"
#include "aioclone.h"

#include <sys/mman.h>

using namespace aioc;

namespace {

const Directory* of(const aioc_directory* handle) noexcept { return reinterpret_cast<const Directory*>(handle); }

const DirectoryEntry* entry_of(const aioc_directory* handle, int64_t index) noexcept {
    const Directory* const d = of(handle);
    return d && index >= 0 && static_cast<uint64_t>(index) < d->count ? d->entry(static_cast<uint64_t>(index))
                                                                      : nullptr;
}

} // namespace

extern "C" {

int64_t aioc_directory_count(const aioc_directory* directory) {
    return directory ? static_cast<int64_t>(of(directory)->count) : 0;
}

int64_t aioc_directory_unknown(const aioc_directory* directory) {
    return directory ? static_cast<int64_t>(of(directory)->unknown) : 0;
}

const char* aioc_directory_name(const aioc_directory* directory, int64_t index) {
    const DirectoryEntry* const e = entry_of(directory, index);
    return e ? e->name : nullptr;
}

uint32_t aioc_directory_type(const aioc_directory* directory, int64_t index) {
    const DirectoryEntry* const e = entry_of(directory, index);
    return e ? e->type : 0;
}

uint64_t aioc_directory_inode(const aioc_directory* directory, int64_t index) {
    const DirectoryEntry* const e = entry_of(directory, index);
    return e ? e->inode() : 0;
}

void aioc_directory_free(aioc_directory* directory) {
    if (directory) {
        munmap(directory, of(directory)->mapped);
    }
}

} // extern "C"
