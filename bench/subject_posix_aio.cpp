// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <vector>

namespace {

class PosixAio final : public Subject {
public:
    PosixAio(const Job& job, Load& load) : load_(load), slots_(job, load) {}

    void run(Load& load) override {
        do {
            pending_.clear();
            waited_.clear();
            const uint64_t start_of_all = ticks();
            for (Request& slot : slots_) {
                if (load.first(slot) && start(slot)) {
                    pending_.push_back(&slot);
                    waited_.push_back(&slot.control);
                }
            }
            load.burst_took(ticks() - start_of_all);
            while (!pending_.empty()) {
                aio_suspend(waited_.data(), static_cast<int>(waited_.size()), nullptr);
                reap();
                load.tick();
            }
        } while (!load.stopping());
    }

private:
    struct Request : Slot {
        aiocb control{};
    };

    void reap() {
        for (size_t i = 0; i < pending_.size();) {
            Request& slot = *pending_[i];
            const int error = aio_error(&slot.control);
            if (error == EINPROGRESS) {
                ++i;
                continue;
            }
            const ssize_t result = aio_return(&slot.control);
            if (load_.next(slot, error != 0 ? -error : result) && start(slot)) {
                ++i;
                continue;
            }
            pending_[i] = pending_.back();
            waited_[i] = waited_.back();
            pending_.pop_back();
            waited_.pop_back();
        }
    }

    bool start(Request& slot) {
        const uint64_t before = load_.times_submit() ? ticks() : 0;
        slot.control = {};
        slot.control.aio_fildes = slot.fallback_fd;
        slot.control.aio_buf = slot.buffer;
        slot.control.aio_nbytes = slot.length;
        slot.control.aio_offset = static_cast<off_t>(slot.offset);
        const int error = slot.op == Op::write       ? aio_write(&slot.control)
                          : slot.op == Op::fdatasync ? aio_fsync(O_DSYNC, &slot.control)
                                                     : aio_read(&slot.control);
        if (before != 0) {
            load_.submit_took(ticks() - before);
        }
        if (error != 0) {
            load_.next(slot, -errno);
        }
        return error == 0;
    }

    Load& load_;
    Slots<Request> slots_;
    std::vector<Request*> pending_;
    std::vector<const aiocb*> waited_;
};

} // namespace

std::unique_ptr<Subject> make_posix_aio(const std::string&, const Job& job, Load& load, std::string* why) {
    if (job.workload->kind == Kind::stat || job.workload->kind == Kind::open_read_close) {
        *why = "POSIX AIO has no such operation";
        return nullptr;
    }
    return std::make_unique<PosixAio>(job, load);
}
