// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <libaio.h>
#include <string.h>
#include <vector>

namespace {

class KernelAio final : public Subject {
public:
    KernelAio(const Job& job, Load& load) : load_(load), slots_(job, load), events_(job.depth) {}
    ~KernelAio() override { io_destroy(context_); }

    int open() { return io_setup(static_cast<int>(events_.size()), &context_); }

    void run(Load& load) override {
        do {
            const uint64_t start_of_all = ticks();
            for (Request& slot : slots_) {
                if (load.first(slot)) {
                    prepare(slot);
                }
            }
            uint64_t outstanding = submit();
            load.burst_took(ticks() - start_of_all);
            while (outstanding > 0) {
                const int count = io_getevents(context_, 1, static_cast<long>(events_.size()), events_.data(), nullptr);
                for (int i = 0; i < count; ++i) {
                    auto& slot = *static_cast<Request*>(events_[static_cast<size_t>(i)].data);
                    if (load.next(slot, static_cast<int64_t>(events_[static_cast<size_t>(i)].res))) {
                        prepare(slot);
                    }
                    --outstanding;
                }
                outstanding += submit();
                load.tick();
            }
        } while (!load.stopping());
    }

private:
    struct Request : Slot {
        iocb control{};
    };

    void prepare(Request& slot) {
        const auto offset = static_cast<long long>(slot.offset);
        iocb* const control = &slot.control;
        if (slot.op == Op::fdatasync) {
            io_prep_fdsync(control, slot.fd);
        } else if (slot.op == Op::write) {
            io_prep_pwrite(control, slot.fallback_fd, slot.buffer, slot.length, offset);
        } else {
            io_prep_pread(control, slot.fd, slot.buffer, slot.length, offset);
        }
        control->data = &slot;
        batch_.push_back(control);
    }

    uint64_t submit() {
        const uint64_t before = load_.times_submit() ? ticks() : 0;
        uint64_t accepted = 0;
        while (accepted < batch_.size()) {
            const int count =
                io_submit(context_, static_cast<long>(batch_.size() - accepted), batch_.data() + accepted);
            if (count <= 0) {
                load_.next(*static_cast<Request*>(batch_[accepted]->data), count);
                break;
            }
            accepted += static_cast<uint64_t>(count);
        }
        if (before != 0 && !batch_.empty()) {
            load_.submit_took(ticks() - before);
        }
        batch_.clear();
        return accepted;
    }

    Load& load_;
    Slots<Request> slots_;
    std::vector<io_event> events_;
    std::vector<iocb*> batch_;
    io_context_t context_ = nullptr;
};

} // namespace

std::unique_ptr<Subject> make_libaio(const std::string&, const Job& job, Load& load, std::string* why) {
    const Kind kind = job.workload->kind;
    if (kind == Kind::nop || kind == Kind::stat || kind == Kind::open_read_close) {
        *why = "kernel AIO has no such operation";
        return nullptr;
    }
    auto subject = std::make_unique<KernelAio>(job, load);
    if (const int error = subject->open(); error < 0) {
        *why = strerror(-error);
        return nullptr;
    }
    return subject;
}
