// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace {

class Sync final : public Subject {
public:
    explicit Sync(const Job& job) : job_(job) {}
    Counts run(const std::function<bool()>& stop) override {
        Counts counts;
        do {
            for (int i = 0; i < 64; ++i, ++counts.operations) {
                if (job_.kind == Job::Kind::read_cached) {
                    (void)!pread(job_.fd, buffer_, sizeof buffer_, static_cast<off_t>(random_.next() % job_.blocks * 4096));
                } else {
                    syscall(SYS_getppid);
                }
            }
        } while (!stop());
        return counts;
    }

private:
    Job job_;
    Random random_;
    char buffer_[4096];
};

} // namespace

std::unique_ptr<Subject> make_sync(const Job& job) { return std::make_unique<Sync>(job); }
