// SPDX-License-Identifier: MIT
// Worker zone: memory for the parts of a tree.
#include "composite/crew.hpp"

namespace aioc {
namespace {

AIOC_INLINE uint32_t class_of(uint64_t bytes) noexcept {
    const uint64_t fit = (bytes + TreePool::step - 1) / TreePool::step - 1;
    return fit < TreePool::classes ? static_cast<uint32_t>(fit) : TreePool::classes;
}
AIOC_INLINE uint64_t bytes_of(uint32_t block_class) noexcept {
    return block_class < TreePool::classes ? (block_class + 1) * TreePool::step : Names::block_bytes;
}
AIOC_INLINE bool grow(TreePool* pool) noexcept {
    auto* const chunk = static_cast<TreePool::Chunk*>(zone::map(TreePool::chunk_bytes));
    if (!chunk) {
        return false;
    }
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->fresh = reinterpret_cast<char*>(chunk + 1);
    pool->fresh_bytes = TreePool::chunk_bytes - sizeof *chunk;
    return true;
}

} // namespace

void* take_block(TreePool* pool, uint64_t bytes) noexcept {
    const uint32_t fit = class_of(bytes);
    if (TreePool::Block* const block = pool->free[fit]) {
        pool->free[fit] = block->next;
        return block;
    }
    const uint64_t need = bytes_of(fit);
    if (pool->fresh_bytes < need && !grow(pool)) {
        return nullptr;
    }
    char* const block = pool->fresh;
    pool->fresh += need;
    pool->fresh_bytes -= need;
    return block;
}

void give_back_block(TreePool* pool, void* block, uint64_t bytes) noexcept {
    auto* const b = static_cast<TreePool::Block*>(block);
    const uint32_t fit = class_of(bytes);
    b->next = pool->free[fit];
    pool->free[fit] = b;
}

void* take_block_of_hand(Hand* h, uint64_t bytes) noexcept {
    constexpr uint32_t store = 16;
    const uint32_t fit = class_of(bytes);
    if (!h->spare[fit]) {
        TreePool* const pool = &h->crew->pool;
        h->crew->mutex.lock();
        for (uint32_t i = 0; i < store; ++i) {
            auto* const block = static_cast<TreePool::Block*>(take_block(pool, bytes));
            if (!block) {
                break;
            }
            block->next = h->spare[fit];
            h->spare[fit] = block;
        }
        h->crew->mutex.unlock();
    }
    TreePool::Block* const block = h->spare[fit];
    h->spare[fit] = block ? block->next : nullptr;
    return block;
}

void give_back_spare_blocks(Hand* h) noexcept {
    for (uint32_t fit = 0; fit < TreePool::classes; ++fit) {
        while (TreePool::Block* const block = h->spare[fit]) {
            h->spare[fit] = block->next;
            give_back_block(&h->crew->pool, block, bytes_of(fit));
        }
    }
}

static void free_pool(TreePool* pool) noexcept {
    while (TreePool::Chunk* const chunk = pool->chunks) {
        pool->chunks = chunk->next;
        zone::unmap(chunk, TreePool::chunk_bytes);
    }
}

void free_memory(Crew* crew) noexcept {
    free_pool(&crew->pool);
    while (Buffer* const buffer = crew->buffers) {
        crew->buffers = buffer->next;
        zone::unmap(buffer, dirents_bytes);
    }
}

} // namespace aioc
