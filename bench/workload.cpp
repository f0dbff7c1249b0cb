// SPDX-License-Identifier: MIT
#include "workload.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

double ns_per_tick = 1;

void calibrate_ticks() {
    const int64_t start = nanoseconds(CLOCK_MONOTONIC);
    const uint64_t first = ticks();
    usleep(30'000);
    const uint64_t last = ticks();
    ns_per_tick = static_cast<double>(nanoseconds(CLOCK_MONOTONIC) - start) / static_cast<double>(last - first);
}

namespace {

constexpr uint32_t small_read = 4096;
constexpr uint32_t cold_part = 10; // one in ten
constexpr uint64_t burst_buffers = 16;

constexpr Workload workloads[] = {
    {"nop", Kind::nop, 0, false, 32, "an operation that does nothing; sync: getppid"},
    {"read-cached", Kind::read, 4096, false, 32, "4 KiB reads of a cached file at random offsets"},
    {"read-direct", Kind::read, 4096, true, 32, "4 KiB O_DIRECT reads at random offsets"},
    {"write-buffered", Kind::write, 4096, false, 32, "4 KiB writes over a cached file at random offsets"},
    {"stat", Kind::stat, 0, false, 32, "statx of 20,000 small files, names cached"},
    {"open-read-close", Kind::open_read_close, small_read, false, 32, "open, fstat, read, close of small cached files"},
    {"fsync", Kind::append_sync, 4096, false, 8, "append 4 KiB, then fdatasync, on 8 files"},
    {"fsync-dsync", Kind::append_dsync, 4096, false, 8, "append 4 KiB with RWF_DSYNC, on 8 files"},
    {"read-128k", Kind::read, 128 << 10, false, 4, "128 KiB reads of a cached file"},
    {"read-1m", Kind::read, 1 << 20, false, 4, "1 MiB reads of a cached file"},
    {"read-mixed", Kind::mixed, 4096, false, 32,
     "cached 4 KiB reads, each tenth not cached; latency is of the cached ones"},
    {"burst", Kind::burst, 1 << 20, false, 1000, "1,000 cached 1 MiB reads submitted at once, again and again"},
    {"idle", Kind::idle, 4096, false, 32, "after cached reads: CPU used while nothing is wanted"},
};

} // namespace

const Workload* find_workload(const std::string& name) {
    for (const Workload& w : workloads) {
        if (name == w.name) {
            return &w;
        }
    }
    return nullptr;
}

void list_workloads() {
    for (const Workload& w : workloads) {
        printf("  %-18s depth %-5u %s\n", w.name, w.depth, w.text);
    }
    for (const char* later : {"walk", "copy", "remove"}) {
        printf("  %-18s not here: the library has no such operation yet\n", later);
    }
}

Load::Load(const Job& job)
    : job_(job), kind_(job.workload->kind), chained_(kind_ == Kind::open_read_close || kind_ == Kind::append_sync),
      once_(kind_ == Kind::burst), times_submit_(kind_ == Kind::mixed || kind_ == Kind::burst) {
    if (job.workload->length != 0) {
        blocks_ = job.files.bytes / job.workload->length;
        cold_blocks_ = job.files.cold_bytes / job.workload->length;
    }
    cold_cursor_ = random_.below(UINT32_MAX);
    end();
}

void Load::prepare(Slot& slot, uint32_t index, char* buffer) const {
    slot.index = index;
    slot.buffer = buffer;
    slot.length = job_.workload->length;
    slot.fd = slot.fallback_fd = kind_ == Kind::nop ? job_.files.null_fd : job_.files.fd;
    switch (kind_) {
    case Kind::nop:
    case Kind::open_read_close:
        break;
    case Kind::read:
    case Kind::mixed:
    case Kind::burst:
    case Kind::idle:
        slot.op = Op::read;
        slot.expected = slot.length;
        break;
    case Kind::write:
        slot.op = Op::write;
        slot.expected = slot.length;
        break;
    case Kind::stat:
        slot.op = Op::stat;
        break;
    case Kind::append_dsync:
        slot.rw_flags = RWF_DSYNC;
        [[fallthrough]];
    case Kind::append_sync:
        slot.fd = job_.files.sync_fds[index % FileSet::sync_files];
        slot.fallback_fd = slot.rw_flags != 0 ? job_.files.dsync_fds[index % FileSet::sync_files] : slot.fd;
        slot.op = Op::write;
        slot.expected = slot.length;
        break;
    }
}

void Load::begin(double seconds) {
    // Reading the clock costs a good part of a quick operation: if the run before (the warm-up) was quick, each
    // seventh is timed. 7 has no factor in common with usual depths.
    constexpr double quick_ns = 5000;
    const double took = static_cast<double>(now_ - began_) * ns_per_tick;
    sample_every_ = operations_ > 1000 && took < quick_ns * static_cast<double>(operations_) ? 7 : 1;
    operations_ = errors_ = submit_ticks_ = 0;
    first_error_ = 0;
    for (Histogram* h : {&latency_, &cold_, &submit_, &stall_}) {
        h->clear();
    }
    for (uint64_t& position : appended_) {
        position = 0;
    }
    until_sample_ = 1;
    stopping_ = false;
    began_ = now_ = ticks();
    deadline_ = now_ + static_cast<uint64_t>(seconds * 1e9 / ns_per_tick);
}

void Load::end() { stopping_ = true; }

void Load::describe(Slot& slot) {
    switch (kind_) {
    case Kind::nop:
        break;
    case Kind::read:
    case Kind::write:
    case Kind::burst:
    case Kind::idle:
        slot.offset = random_.below(blocks_) * slot.length;
        break;
    case Kind::mixed:
        slot.cold = random_.below(cold_part) == 0;
        slot.fd = slot.fallback_fd = slot.cold ? job_.files.cold_fd : job_.files.fd;
        // An odd factor visits all blocks before one comes again, and no two neighbours in a row.
        slot.offset = (slot.cold ? cold_cursor_++ * 2654435761u % cold_blocks_ : random_.below(blocks_)) * slot.length;
        break;
    case Kind::stat:
        slot.path = job_.files.path(random_.below(FileSet::tree_files));
        break;
    case Kind::open_read_close:
        slot.op = loads_ ? Op::load : Op::open;
        slot.path = job_.files.path(random_.below(FileSet::tree_files));
        slot.expected = -1; // any descriptor, or size
        break;
    case Kind::append_sync:
    case Kind::append_dsync: {
        uint64_t& position = appended_[slot.index % FileSet::sync_files];
        const bool linked = linked_ && kind_ == Kind::append_sync;
        slot.op = linked ? Op::write_then_sync : Op::write;
        slot.expected = linked ? 0 : slot.length;
        slot.offset = position;
        position += slot.length;
        break;
    }
    }
}

// The next step of a chain; false at its end.
bool Load::advance(Slot& slot, int64_t result) {
    switch (slot.op) {
    case Op::open:
        if (result < 0) {
            return false;
        }
        slot.opened = slot.fd = slot.fallback_fd = static_cast<int>(result);
        slot.op = Op::fstat;
        slot.expected = 0;
        return true;
    case Op::fstat:
        slot.op = Op::read;
        slot.offset = 0;
        slot.length = static_cast<uint32_t>(slot.status.stx_size < small_read ? slot.status.stx_size : small_read);
        slot.expected = slot.length;
        return true;
    case Op::read:
        slot.op = Op::close;
        slot.expected = 0;
        return true;
    case Op::write:
        slot.op = Op::fdatasync;
        slot.expected = 0;
        return true;
    default:
        return false;
    }
}

void Load::unexpected(const Slot& slot, int64_t result) {
    if ((slot.op == Op::open || slot.op == Op::load) && result >= 0) {
        return;
    }
    if (errors_++ == 0) {
        first_error_ = result;
    }
}

Buffers::Buffers(const Job& job) {
    const uint32_t length = job.workload->length;
    each_ = (length + 4095) & ~size_t{4095};
    if (each_ == 0) {
        each_ = 4096;
    }
    // A burst's results are looked at by nobody: a gigabyte of buffers would measure page faults.
    count_ = job.workload->kind == Kind::burst && job.depth > burst_buffers ? burst_buffers : job.depth;
    constexpr size_t huge = 2 << 20;
    bytes_ = (each_ * count_ + huge - 1) & ~(huge - 1);
    void* const memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        abort();
    }
    madvise(memory, bytes_, MADV_HUGEPAGE);
    memset(memory, 1, bytes_);
    base_ = static_cast<char*>(memory);
}

Buffers::~Buffers() { munmap(base_, bytes_); }
