// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <uv.h>

namespace {

class Uv final : public Subject {
public:
    Uv(const Job& job, Load& load) : load_(load), slots_(job, load) {
        uv_loop_init(&loop_);
        for (Request& slot : slots_) {
            slot.owner = this;
            slot.fs.data = slot.work.data = &slot;
        }
    }
    ~Uv() override { uv_loop_close(&loop_); }

    void run(Load& load) override {
        do {
            const uint64_t start_of_all = ticks();
            for (Request& slot : slots_) {
                if (load.first(slot)) {
                    start(slot);
                }
            }
            load.burst_took(ticks() - start_of_all);
            uv_run(&loop_, UV_RUN_DEFAULT);
            load.tick();
        } while (!load.stopping());
    }

private:
    struct Request : Slot {
        Uv* owner = nullptr;
        uv_fs_t fs{};
        uv_work_t work{};
    };

    void finish(Request& slot, int64_t result) {
        const bool more = load_.next(slot, result);
        load_.tick();
        if (more) {
            start(slot);
        }
    }

    static void fs_done(uv_fs_t* fs) {
        auto& slot = *static_cast<Request*>(fs->data);
        const int64_t result = fs->result;
        if (slot.op == Op::fstat) {
            slot.status.stx_size = fs->statbuf.st_size;
        }
        uv_fs_req_cleanup(fs);
        slot.owner->finish(slot, result);
    }

    void start(Request& slot) {
        const uint64_t before = load_.times_submit() ? ticks() : 0;
        if (const int error = submit(slot); error < 0) {
            load_.next(slot, error);
        }
        if (before != 0) {
            load_.submit_took(ticks() - before);
        }
    }

    int submit(Request& slot) {
        uv_buf_t buffer = uv_buf_init(slot.buffer, slot.length);
        const auto offset = static_cast<int64_t>(slot.offset);
        switch (slot.op) {
        case Op::nop:
            return uv_queue_work(
                &loop_, &slot.work, [](uv_work_t*) {},
                [](uv_work_t* work, int status) {
                    auto& done = *static_cast<Request*>(work->data);
                    done.owner->finish(done, status);
                });
        case Op::read:
            return uv_fs_read(&loop_, &slot.fs, slot.fd, &buffer, 1, offset, fs_done);
        case Op::write: // no RWF_DSYNC: a descriptor with O_DSYNC
            return uv_fs_write(&loop_, &slot.fs, slot.fallback_fd, &buffer, 1, offset, fs_done);
        case Op::fdatasync:
            return uv_fs_fdatasync(&loop_, &slot.fs, slot.fd, fs_done);
        case Op::stat:
            return uv_fs_stat(&loop_, &slot.fs, slot.path, fs_done);
        case Op::open:
            return uv_fs_open(&loop_, &slot.fs, slot.path, O_RDONLY, 0, fs_done);
        case Op::fstat:
            return uv_fs_fstat(&loop_, &slot.fs, slot.fd, fs_done);
        case Op::close:
            return uv_fs_close(&loop_, &slot.fs, slot.fd, fs_done);
        case Op::write_then_sync:
        case Op::load:
            break;
        }
        return UV_ENOSYS;
    }

    Load& load_;
    Slots<Request> slots_;
    uv_loop_t loop_;
};

} // namespace

std::unique_ptr<Subject> make_libuv(const std::string& name, const Job& job, Load& load, std::string*) {
    // Read at the first use of the pool, which is in this process: each subject has its own.
    setenv("UV_THREADPOOL_SIZE", name == "libuv32" ? "32" : "4", 1);
    return std::make_unique<Uv>(job, load);
}
