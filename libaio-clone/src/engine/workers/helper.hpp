// SPDX-License-Identifier: MIT
#pragma once
#include "engine/workers/generation.hpp"

namespace aioc {

// What a submitting thread shares of a batch with a worker that spins: it hangs requests out, and takes
// back what the worker has not taken when it has nothing else to do. The generation stays engaged meanwhile.
class Helper {
public:
    // A batch that takes less is not worth the cache lines that sharing it moves.
    static constexpr uint64_t ns_min = 8'000;
    // What is left of one that is shared: less, for otherwise the worker waits while this thread runs it.
    static constexpr uint64_t rest_ns_min = 4'000;

    // Context lock held, also for release.
    void engage(Generation* generation) noexcept { generation_ = generation; }
    Generation* generation() const noexcept { return generation_; }
    // Were the caller's credentials found to be the worker's?
    bool is_judged() const noexcept { return judged_; }
    void set_judged() noexcept { judged_ = true; }
    bool is_engaged() const noexcept { return generation_ != nullptr; }
    void release() noexcept {
        if (generation_) {
            generation_->disengage();
            generation_ = nullptr;
        }
    }

    // Can something be hung out that will be taken soon?
    bool is_free() noexcept {
        if (!generation_ || !generation_->has_spinner()) {
            return false;
        }
        if (hanging_ && !generation_->hangs(hanging_)) {
            taken();
        }
        return !hanging_ && (free_ || (free_ = generation_->board().find_free()));
    }
    // While free.
    void offer(RequestList& requests) noexcept {
        hanging_ = free_;
        free_ = nullptr;
        hanging_ns_ = requests.cost;
        offered_ns_ += requests.cost;
        generation_->board().fill(hanging_, requests);
        generation_->hang_out(hanging_);
    }
    // Half of the batch, if it is long enough.
    void offer_half(RequestList& batch) noexcept;
    // What hangs out still goes to ret, which is empty.
    void reclaim(RequestList* ret) noexcept {
        if (hanging_ && generation_->withdraw(hanging_)) {
            generation_->board().clear(hanging_, ret);
            hanging_ = nullptr;
        } else if (hanging_) {
            taken();
        }
    }
    // Expected nanoseconds of what was hung out, and of what was taken, so far.
    uint64_t offered_ns() const noexcept { return offered_ns_; }
    uint64_t helped_ns() const noexcept { return helped_ns_; }

private:
    void taken() noexcept {
        helped_ns_ += hanging_ns_;
        hanging_ = nullptr;
    }

    Generation* generation_ = nullptr;
    Offer* hanging_ = nullptr;
    Offer* free_ = nullptr;
    bool judged_ = false;
    uint64_t hanging_ns_ = 0;
    uint64_t offered_ns_ = 0;
    uint64_t helped_ns_ = 0;
};

} // namespace aioc
