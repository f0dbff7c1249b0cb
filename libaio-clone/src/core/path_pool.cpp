// SPDX-License-Identifier: MIT
#include "core/path_pool.hpp"

#include <new>

namespace aioc {

PathPool::~PathPool() {
    while (Chunk* const chunk = chunks_) {
        chunks_ = chunk->next;
        ::operator delete(chunk);
    }
}

bool PathPool::grow(uint8_t block_class) noexcept {
    void* const memory = ::operator new(chunk_bytes, std::nothrow);
    if (!memory) {
        return false;
    }
    chunks_ = new (memory) Chunk{chunks_, 0};
    const size_t step = block_bytes[block_class];
    char* const begin = static_cast<char*>(memory) + sizeof(Chunk);
    for (size_t at = 0; at + step <= chunk_bytes - sizeof(Chunk); at += step) {
        free_[block_class] = new (begin + at) Block{free_[block_class]};
    }
    return true;
}

char* PathPool::take(size_t bytes, uint8_t* ret_class) noexcept {
    uint8_t fit = 0;
    while (block_bytes[fit] < bytes) {
        ++fit;
    }
    if (!free_[fit] && !grow(fit)) {
        return nullptr;
    }
    Block* const block = free_[fit];
    free_[fit] = block->next;
    *ret_class = fit;
    return reinterpret_cast<char*>(block);
}

void PathPool::give_back(const char* block, uint8_t block_class) noexcept {
    free_[block_class] = new (const_cast<char*>(block)) Block{free_[block_class]};
}

void PathPool::reset() noexcept {
    // The lists may have been half changed at the fork: the chunks are left to the process's end.
    free_ = {};
    chunks_ = nullptr;
}

} // namespace aioc
