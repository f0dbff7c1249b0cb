// SPDX-License-Identifier: MIT
#include "engine/workers/spawner.hpp"

#include "sys/memory.hpp"

#include <dlfcn.h>
#include <link.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

// Weak: a program that is wholly static has no loader, and its link would warn of these.
#pragma weak dladdr1
#pragma weak dlopen

namespace aioc {
namespace {

// Exactly glibc's flag word: sandboxes that filter clone by its flags let this one pass, and it is the
// one combination that tools know. Legacy clone, since container profiles refuse clone3.
constexpr unsigned long clone_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                                      CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
static_assert(clone_flags == 0x3d0f00);

constexpr size_t stack_bytes_wanted = size_t{16} << 10;

// The start of a thread control block where code that (wrongly) looked for one would find self
// pointers and a stack canary; one zero page lies below it.
struct ControlBlock {
    void* self; // fs:0
    void* unused;
    void* self_again; // fs:0x10
    uint64_t unused2[2];
    uint64_t canary; // fs:0x28
};

void* run_pthread(void* argument) {
    auto* const worker = static_cast<Worker*>(argument);
    aioc_zone_worker(worker);
    sys::store_release(worker->ended, uint32_t{1});
    return nullptr;
}

} // namespace

void keep_code_loaded() noexcept {
    static uint32_t kept = 0;
    if (sys::exchange(kept, uint32_t{1}) != 0 || dladdr1 == nullptr || dlopen == nullptr) {
        return;
    }
    Dl_info info;
    link_map* object = nullptr;
    const auto at = reinterpret_cast<void*>(&aioc_zone_worker);
    if (dladdr1(at, &info, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) != 0 && object->l_name[0] != '\0') {
        // By the name that it was loaded as, so nothing is searched. A main program has none, and stays.
        dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

void WorkerThread::free_stack() noexcept {
    if (mapping_) {
        munmap(mapping_, mapping_bytes_);
        mapping_ = nullptr;
    }
}

int WorkerThread::start(uint32_t spawner, JobQueue* queue) noexcept {
    worker_ = Worker{};
    worker_.queue = queue;
    spawner_ = spawner;
    return spawner == AIOC_SPAWNER_CLONE ? start_clone() : start_pthread();
}

// guard | stack | guard | zero page | control block
int WorkerThread::map_stack() noexcept {
    const size_t page = sys::page_bytes();
    const size_t stack = stack_bytes_wanted < page ? page : stack_bytes_wanted;
    mapping_bytes_ = stack + 4 * page;
    void* const memory = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    mapping_ = static_cast<char*>(memory);
    if (mprotect(mapping_ + page, stack, PROT_READ | PROT_WRITE) != 0 ||
        mprotect(mapping_ + stack + 2 * page, 2 * page, PROT_READ | PROT_WRITE) != 0) {
        const int error = -errno;
        munmap(mapping_, mapping_bytes_);
        mapping_ = nullptr;
        return error;
    }
    madvise(mapping_, mapping_bytes_, MADV_DONTFORK);
    return 0;
}

int WorkerThread::start_clone() noexcept {
#if defined(__SANITIZE_THREAD__)
    return -ENOSYS; // the runtime of TSan must know every thread
#else
    if (!mapping_) {
        const int error = map_stack();
        if (error < 0) {
            return error;
        }
    }
    const size_t page = sys::page_bytes();
    auto* const block = reinterpret_cast<ControlBlock*>(mapping_ + mapping_bytes_ - page);
    block->self = block->self_again = block; // NOLINT(clang-analyzer-core.NullDereference): mapping_ is not null here
    block->canary = 0x0a0d'ff00'5bd1'e995;

    // A worker takes no signal at all: it is blocked for the whole life that it inherits here.
    const uint64_t all = ~uint64_t{0};
    uint64_t before = 0;
    sys::call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
    const long tid = aioc_zone_clone(clone_flags, mapping_ + mapping_bytes_ - 3 * page, &worker_.tid, block,
                                     &worker_.tid, aioc_zone_worker, &worker_);
    sys::call(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0L, 8);
    return tid < 0 ? static_cast<int>(tid) : 0;
#endif
}

int WorkerThread::start_pthread() noexcept {
    // libc's own full set leaves its internal signals open; blocking 33 would hang setuid().
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&pthread_, nullptr, run_pthread, &worker_);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return -error;
}

bool WorkerThread::has_ended() const noexcept {
    return spawner_ == AIOC_SPAWNER_CLONE ? sys::load_acquire(worker_.tid) == 0 : sys::load_acquire(worker_.ended) != 0;
}

void WorkerThread::join() noexcept {
    if (spawner_ == AIOC_SPAWNER_PTHREAD) {
        pthread_join(pthread_, nullptr);
        return;
    }
    while (const uint32_t tid = sys::load_acquire(worker_.tid)) {
        sys::futex_wait_shared(worker_.tid, tid);
    }
}

} // namespace aioc
