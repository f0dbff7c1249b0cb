// SPDX-License-Identifier: MIT
// Worker zone: files with several names, by their identity, so that they are copied once.
#include "composite/crew.hpp"

namespace aioc {
namespace {

constexpr uint64_t first_size = 256;

AIOC_INLINE uint64_t device_of(const struct statx& file) noexcept {
    return static_cast<uint64_t>(file.stx_dev_major) << 32 | file.stx_dev_minor;
}
AIOC_INLINE LinkTable::Row* find_row(LinkTable* t, uint64_t inode, uint64_t dev) noexcept {
    uint64_t at = (inode * 0x9e37'79b9'7f4a'7c15 ^ dev) & (t->size - 1);
    while (t->rows[at].inode != 0 && (t->rows[at].inode != inode || t->rows[at].dev != dev)) {
        at = (at + 1) & (t->size - 1);
    }
    return &t->rows[at];
}
AIOC_INLINE bool grow(LinkTable* t) noexcept {
    LinkTable larger;
    larger.size = t->size ? t->size * 2 : first_size;
    larger.rows = static_cast<LinkTable::Row*>(zone::map(larger.size * sizeof(LinkTable::Row)));
    if (!larger.rows) {
        return false;
    }
    for (uint64_t i = 0; i < t->size; ++i) {
        const LinkTable::Row& old = t->rows[i];
        if (old.inode != 0) {
            LinkTable::Row* const row = find_row(&larger, old.inode, old.dev);
            row->inode = old.inode;
            row->dev = old.dev;
            row->path = old.path;
        }
    }
    if (t->rows) {
        zone::unmap(t->rows, t->size * sizeof(LinkTable::Row));
    }
    t->rows = larger.rows;
    t->size = larger.size;
    return true;
}

} // namespace

const char* find_link(Crew* crew, const struct statx& file) noexcept {
    LinkTable* const t = &crew->links;
    return t->size == 0 ? nullptr : find_row(t, file.stx_ino, device_of(file))->path;
}

// Without memory for it, or with a path that no system call takes, the next name becomes a copy.
void remember_link(Crew* crew, const struct statx& file, const Dir* d, const char* name) noexcept {
    LinkTable* const t = &crew->links;
    const uint64_t length = zone::length_of(name);
    const uint64_t slash = d->path_length > 0 ? 1 : 0;
    const uint64_t bytes = d->path_length + slash + length + 1;
    if (bytes > Names::block_bytes || file.stx_ino == 0 || (t->used * 2 >= t->size && !grow(t))) {
        return;
    }
    crew->mutex.lock();
    auto* const path = static_cast<char*>(take_block(&crew->pool, bytes));
    crew->mutex.unlock();
    if (!path) {
        return;
    }
    write_path(d, path + d->path_length);
    if (slash) {
        path[d->path_length] = '/';
    }
    zone::copy_bytes(path + d->path_length + slash, name, length + 1);
    LinkTable::Row* const row = find_row(t, file.stx_ino, device_of(file));
    t->used += row->inode == 0 ? 1 : 0;
    row->inode = file.stx_ino;
    row->dev = device_of(file);
    row->path = path;
}

void free_links(Crew* crew) noexcept {
    if (crew->links.rows) {
        zone::unmap(crew->links.rows, crew->links.size * sizeof(LinkTable::Row));
        crew->links.rows = nullptr;
    }
}

} // namespace aioc
