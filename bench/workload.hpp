// SPDX-License-Identifier: MIT
// The workloads, in one place: what a slot does next. A subject only starts what its slot describes and
// reports the result.
#pragma once
#include "clock.hpp"
#include "files.hpp"
#include "histogram.hpp"

#include <linux/fs.h>
#include <memory>
#include <string>
#include <sys/stat.h>

enum class Kind : uint8_t {
    nop,
    read,  // cached or O_DIRECT, at random offsets
    write, // over what is there
    stat,
    open_read_close, // open, fstat, read, close of a small file
    append_sync,     // append, fdatasync
    append_dsync,    // append with RWF_DSYNC
    mixed,           // cached reads, each tenth cold
    burst,           // many large reads at once
    idle,            // nothing, after load
};

struct Workload {
    const char* name;
    Kind kind;
    uint32_t length; // of one transfer
    bool direct;
    unsigned depth; // if none is given
    const char* text;
};

const Workload* find_workload(const std::string& name);
void list_workloads();

struct Job {
    const Workload* workload = nullptr;
    unsigned depth = 1;
    unsigned workers = 4;
    bool external = false; // wait in epoll_wait for the subject's descriptor
    FileSet files;
};

enum class Op : uint8_t { nop, read, write, write_then_sync, fdatasync, stat, open, fstat, close, load };

// One outstanding operation. A subject derives its own from it.
struct alignas(64) Slot {
    Op op = Op::nop;
    bool cold = false;
    uint16_t rw_flags = 0; // RWF_*
    int fd = -1;           // to work on
    int fallback_fd = -1;  // the same file, for subjects without rw_flags
    uint32_t length = 0;
    uint64_t offset = 0;
    int64_t expected = 0; // result
    const char* path = nullptr;
    char* buffer = nullptr;
    uint64_t started = 0; // ticks; 0: this one is not timed
    uint32_t index = 0;
    int opened = -1;
    struct statx status{};
};

struct Random { // xorshift64*: the same blocks for every subject
    uint64_t state = 88172645463325252u;
    uint64_t next() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return state * 2685821657736338717u;
    }
    uint64_t below(uint64_t limit) {
        __extension__ typedef unsigned __int128 wide;
        return static_cast<uint64_t>(wide{next()} * limit >> 64);
    }
};

class Load {
public:
    explicit Load(const Job& job);

    const Job& job() const { return job_; }
    // The subject runs a write and its fdatasync as one (linked) request.
    void link_syncs() { linked_ = true; }

    // The subject opens, reads and closes a small file in one request.
    void load_files() { loads_ = true; }

    void begin(double seconds);
    void end();

    // Describes the slot's first operation of a run. False: there is nothing to do.
    bool first(Slot& slot) {
        slot.started = 0;
        if (stopping_) {
            return false;
        }
        due(slot);
        describe(slot);
        return true;
    }

    // The slot's operation has this result. True: the slot describes the next one to start.
    bool next(Slot& slot, int64_t result) {
        if (result != slot.expected) [[unlikely]] {
            unexpected(slot, result);
        }
        if (chained_ && advance(slot, result)) {
            return true;
        }
        ++operations_;
        if (slot.started != 0) {
            now_ = ticks();
            (slot.cold ? cold_ : latency_).record(now_ - slot.started);
            slot.started = 0;
        }
        if (stopping_ || once_) {
            return false;
        }
        due(slot);
        describe(slot);
        return true;
    }

    // Once a batch. True: time is up; what is outstanding still comes.
    bool tick() { return stopping_ = stopping_ || now_ >= deadline_; }
    bool stopping() const { return stopping_; }

    // How long the loop's thread sits in a submitting call: measured for the workloads that ask for it.
    bool times_submit() const { return times_submit_; }
    void submit_took(uint64_t took) {
        submit_.record(took);
        submit_ticks_ += took;
    }
    uint64_t submit_ticks() const { return submit_ticks_; }
    void burst_took(uint64_t took) { stall_.record(took); }

    uint64_t operations() const { return operations_; }
    uint64_t errors() const { return errors_; }
    int64_t first_error() const { return first_error_; }
    const Histogram& latency() const { return latency_; }
    const Histogram& cold() const { return cold_; }
    const Histogram& submit() const { return submit_; }
    const Histogram& stall() const { return stall_; }

    void prepare(Slot& slot, uint32_t index, char* buffer) const;

private:
    void due(Slot& slot) {
        if (--until_sample_ == 0) {
            until_sample_ = sample_every_;
            slot.started = now_ = ticks();
        }
    }
    void describe(Slot& slot);
    bool advance(Slot& slot, int64_t result);
    void unexpected(const Slot& slot, int64_t result);

    const Job& job_;
    Kind kind_;
    bool chained_;
    bool once_;
    bool times_submit_;
    bool linked_ = false;
    bool loads_ = false;
    bool stopping_ = true;
    uint32_t sample_every_ = 1;
    uint32_t until_sample_ = 1;
    uint64_t operations_ = 0;
    uint64_t began_ = 0;
    uint64_t now_ = 0;
    uint64_t deadline_ = 0;
    uint64_t blocks_ = 0;
    uint64_t cold_blocks_ = 0;
    uint64_t cold_cursor_ = 0;
    uint64_t appended_[FileSet::sync_files] = {};
    uint64_t errors_ = 0;
    int64_t first_error_ = 0;
    uint64_t submit_ticks_ = 0;
    Random random_;
    Histogram latency_;
    Histogram cold_;
    Histogram submit_;
    Histogram stall_;
};

// The slots of a subject, with their buffers in one region of huge pages.
class Buffers {
public:
    explicit Buffers(const Job& job);
    ~Buffers();
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;
    char* at(unsigned slot) const { return base_ + size_t{slot % count_} * each_; }
    size_t each() const { return each_; }
    unsigned count() const { return count_; }

private:
    size_t each_;
    unsigned count_;
    size_t bytes_;
    char* base_;
};

template <class S> class Slots {
public:
    Slots(const Job& job, const Load& load) : buffers_(job), count_(job.depth), slots_(new S[job.depth]) {
        for (unsigned i = 0; i < count_; ++i) {
            load.prepare(slots_[i], i, buffers_.at(i));
        }
    }
    S* begin() { return slots_.get(); }
    S* end() { return slots_.get() + count_; }
    const Buffers& buffers() const { return buffers_; }

private:
    Buffers buffers_;
    unsigned count_;
    std::unique_ptr<S[]> slots_;
};
