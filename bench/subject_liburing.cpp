// SPDX-License-Identifier: MIT
// io_uring by hand, in the forms that measured best: what a good program without a library would do.
#include "plain.hpp"
#include "subject.hpp"

#include <liburing.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <vector>

namespace {

enum class Form { own, event_fd, ring_fd, fixed };

class Uring final : public Subject {
public:
    Uring(const Job& job, Load& load, Form form) : job_(job), form_(form), slots_(job, load) { load.link_syncs(); }
    ~Uring() override {
        if (ring_open_) {
            io_uring_queue_exit(&ring_);
        }
        for (const int fd : {epoll_fd_, event_fd_}) {
            if (fd >= 0) {
                close(fd);
            }
        }
    }

    // -errno
    int open() {
        io_uring_params params{};
        params.flags = form_ == Form::ring_fd
                           ? IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER
                           : IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
        // Twice: a write and its linked fdatasync take two entries.
        const int error = io_uring_queue_init_params(job_.depth * 2, &ring_, &params);
        if (error < 0) {
            return error;
        }
        ring_open_ = true;
        return form_ == Form::fixed ? register_all() : form_ == Form::own ? 0 : watch();
    }

    void run(Load& load) override {
        do {
            outstanding_ = 0;
            const uint64_t start_of_all = ticks();
            for (Slot& slot : slots_) {
                if (load.first(slot)) {
                    start(slot);
                    ++outstanding_;
                }
            }
            while (outstanding_ > 0) {
                submit_and_wait(load, start_of_all);
                reap(load);
                load.tick();
            }
        } while (!load.stopping());
    }

private:
    // DEFER_TASKRUN: an epoll of the ring's own descriptor would never fire, an eventfd does.
    int watch() {
        epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
        int watched = ring_.ring_fd;
        if (form_ == Form::event_fd) {
            watched = event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
            if (const int error = io_uring_register_eventfd(&ring_, event_fd_); error < 0) {
                return error;
            }
        }
        epoll_event event{};
        event.events = EPOLLIN;
        return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, watched, &event) < 0 ? -errno : 0;
    }

    int register_all() {
        if (const int error = io_uring_register_files(&ring_, &slots_.begin()->fd, 1); error < 0) {
            return error;
        }
        std::vector<iovec> buffers;
        for (unsigned i = 0; i < slots_.buffers().count(); ++i) {
            buffers.push_back({slots_.buffers().at(i), slots_.buffers().each()});
        }
        return io_uring_register_buffers(&ring_, buffers.data(), static_cast<unsigned>(buffers.size()));
    }

    void submit_and_wait(Load& load, uint64_t start_of_all) {
        if (load.times_submit()) {
            const uint64_t before = ticks();
            io_uring_submit(&ring_);
            const uint64_t after = ticks();
            load.submit_took(after - before);
            if (outstanding_ == job_.depth) {
                load.burst_took(after - start_of_all);
            }
        }
        if (epoll_fd_ < 0) {
            io_uring_submit_and_wait(&ring_, 1);
            return;
        }
        io_uring_submit(&ring_);
        epoll_event event;
        // A COOP ring interrupts the wait at each completion that was not inline.
        while (epoll_wait(epoll_fd_, &event, 1, -1) < 0 && errno == EINTR) {
        }
        if (event_fd_ >= 0) {
            uint64_t count;
            (void)!read(event_fd_, &count, sizeof count);
        }
        if ((IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_TASKRUN) != 0) {
            io_uring_get_events(&ring_);
        }
    }

    void reap(Load& load) {
        unsigned head;
        unsigned seen = 0;
        io_uring_cqe* cqe;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            ++seen;
            auto* const slot = static_cast<Slot*>(io_uring_cqe_get_data(cqe));
            if (!slot) {
                continue; // the write of a linked pair, which failed; its fdatasync tells
            }
            int64_t result = cqe->res;
            bool more = load.next(*slot, result);
            // IORING_OP_STATX always goes to a kernel thread: 28 us for what the loop does in 0.6.
            while (more && slot->op == Op::fstat) {
                result = plain(*slot);
                more = load.next(*slot, result);
            }
            if (more) {
                start(*slot);
            } else {
                --outstanding_;
            }
        }
        io_uring_cq_advance(&ring_, seen);
    }

    io_uring_sqe* entry() {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
        while (!sqe) {
            io_uring_submit(&ring_);
            sqe = io_uring_get_sqe(&ring_);
        }
        return sqe;
    }

    void start(Slot& slot) {
        io_uring_sqe* sqe = entry();
        switch (slot.op) {
        case Op::nop:
            io_uring_prep_nop(sqe);
            break;
        case Op::read:
            if (form_ == Form::fixed) {
                io_uring_prep_read_fixed(sqe, 0, slot.buffer, slot.length, slot.offset, buffer_of(slot));
                sqe->flags |= IOSQE_FIXED_FILE;
            } else {
                io_uring_prep_read(sqe, slot.fd, slot.buffer, slot.length, slot.offset);
            }
            break;
        case Op::write:
            if (form_ == Form::fixed) {
                io_uring_prep_write_fixed(sqe, 0, slot.buffer, slot.length, slot.offset, buffer_of(slot));
                sqe->flags |= IOSQE_FIXED_FILE;
            } else {
                io_uring_prep_write(sqe, slot.fd, slot.buffer, slot.length, slot.offset);
                sqe->rw_flags = slot.rw_flags;
            }
            break;
        case Op::write_then_sync:
            io_uring_prep_write(sqe, slot.fd, slot.buffer, slot.length, slot.offset);
            sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
            io_uring_sqe_set_data(sqe, nullptr);
            sqe = entry();
            io_uring_prep_fsync(sqe, slot.fd, IORING_FSYNC_DATASYNC);
            break;
        case Op::fdatasync:
            io_uring_prep_fsync(sqe, slot.fd, IORING_FSYNC_DATASYNC);
            break;
        case Op::stat:
            io_uring_prep_statx(sqe, AT_FDCWD, slot.path, AT_NO_AUTOMOUNT, stat_mask, &slot.status);
            break;
        case Op::fstat:
            io_uring_prep_statx(sqe, slot.fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, stat_mask, &slot.status);
            break;
        case Op::open:
            io_uring_prep_openat(sqe, AT_FDCWD, slot.path, O_RDONLY | O_CLOEXEC, 0);
            break;
        case Op::close:
            io_uring_prep_close(sqe, slot.fd);
            break;
        case Op::load: // nobody asks for it
            io_uring_prep_nop(sqe);
            break;
        }
        io_uring_sqe_set_data(sqe, &slot);
    }

    int buffer_of(const Slot& slot) const { return static_cast<int>(slot.index % slots_.buffers().count()); }

    const Job& job_;
    Form form_;
    Slots<Slot> slots_;
    io_uring ring_{};
    bool ring_open_ = false;
    int epoll_fd_ = -1;
    int event_fd_ = -1;
    uint64_t outstanding_ = 0;
};

} // namespace

std::unique_ptr<Subject> make_liburing(const std::string& name, const Job& job, Load& load, std::string* why) {
    const Form form = name == "liburing-eventfd"  ? Form::event_fd
                      : name == "liburing-ringfd" ? Form::ring_fd
                      : name == "liburing-fixed"  ? Form::fixed
                                                  : Form::own;
    const Kind kind = job.workload->kind;
    if (form == Form::fixed && kind != Kind::read && kind != Kind::write && kind != Kind::burst) {
        *why = "registered files and buffers matter to reads and writes of one file only";
        return nullptr;
    }
    auto subject = std::make_unique<Uring>(job, load, form);
    if (const int error = subject->open(); error < 0) {
        *why = strerror(-error);
        return nullptr;
    }
    return subject;
}
