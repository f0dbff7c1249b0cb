// SPDX-License-Identifier: MIT
// Every allocation of the process is counted: ours, the subjects' and libstdc++'s.
#include "subject.hpp"

#include <atomic>

namespace {
std::atomic<uint64_t> count;
}

uint64_t allocations() { return count.load(std::memory_order_relaxed); }

extern "C" void* __libc_malloc(size_t);
extern "C" void* __libc_calloc(size_t, size_t);
extern "C" void* __libc_realloc(void*, size_t);

extern "C" void* malloc(size_t bytes) {
    count.fetch_add(1, std::memory_order_relaxed);
    return __libc_malloc(bytes);
}
extern "C" void* calloc(size_t n, size_t bytes) {
    count.fetch_add(1, std::memory_order_relaxed);
    return __libc_calloc(n, bytes);
}
extern "C" void* realloc(void* old, size_t bytes) {
    count.fetch_add(1, std::memory_order_relaxed);
    return __libc_realloc(old, bytes);
}
