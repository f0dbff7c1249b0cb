// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <stddef.h>
#include <stdint.h>

namespace aioc {

// Copies of paths, and of what else a request brings, in blocks of five sizes that are reused and freed with the pool.
// Callers hold the context's lock.
class PathPool {
public:
    static constexpr std::array<size_t, 5> block_bytes{64, 256, 1024, 4096, 8448}; // the last: two paths

    PathPool() = default;
    PathPool(const PathPool&) = delete;
    PathPool& operator=(const PathPool&) = delete;
    ~PathPool();

    // A block of at least `bytes` (at most 8448); its class goes to `ret_class`. Null: no memory.
    char* take(size_t bytes, uint8_t* ret_class) noexcept;
    void give_back(const char* block, uint8_t block_class) noexcept;
    // After a fork: the parent's blocks are forgotten.
    void reset() noexcept;

private:
    struct Block {
        Block* next;
    };
    struct Chunk {
        Chunk* next;
        uint64_t padding;
    };
    static constexpr size_t chunk_bytes = size_t{64} << 10;
    bool grow(uint8_t block_class) noexcept;

    std::array<Block*, block_bytes.size()> free_{};
    Chunk* chunks_ = nullptr;
};

} // namespace aioc
