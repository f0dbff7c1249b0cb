// SPDX-License-Identifier: MIT
#include "plain.hpp"
#include "subject.hpp"

namespace {

class Sync final : public Subject {
public:
    Sync(const Job& job, const Load& load) : slots_(job, load) {}

    void run(Load& load) override {
        Slot& slot = *slots_.begin();
        for (bool more = load.first(slot); more;) {
            if (load.times_submit()) {
                const uint64_t start = ticks();
                const int64_t result = plain(slot);
                load.submit_took(ticks() - start);
                more = load.next(slot, result);
            } else {
                more = load.next(slot, plain(slot));
            }
            load.tick();
            more = more || load.first(slot);
        }
    }

private:
    Slots<Slot> slots_;
};

} // namespace

std::unique_ptr<Subject> make_sync(const std::string&, const Job& job, Load& load, std::string*) {
    return std::make_unique<Sync>(job, load);
}
