// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"
#include "sys/atomic.hpp"

namespace aioc {

// Requests that a submitting thread hangs out for a spinning worker (JobQueue::offer), and how they come
// back: the worker writes their results and marks the offer done; the poller, which still has the list, takes
// it back as it is. Only cache lines that must move between the two cores do.
struct Offer {
    RequestList requests;
    uint32_t index = 0;
    uint32_t unfinished = 0; // of these, attempts that the poller has to judge
};

struct OfferBoard {
    static constexpr uint32_t offers_max = 8; // one is run, one hangs, the others wait for the poller

    uint32_t used = 0;                          // how many are busy
    alignas(64) uint32_t busy[offers_max] = {}; // the submitter sets it, the poller clears it
    alignas(64) uint32_t done[offers_max] = {}; // the worker sets it
    Offer offers[offers_max] = {};

    // By one submitter at a time. Null: all are busy.
    Offer* find_free() noexcept {
        for (uint32_t i = 0; i < offers_max; ++i) {
            if (sys::load_acquire(busy[i]) == 0) {
                offers[i].index = i;
                return &offers[i];
            }
        }
        return nullptr;
    }
    void fill(Offer* offer, RequestList& requests) noexcept {
        offer->requests.splice(requests);
        sys::add(used, uint32_t{1});
        sys::store_relaxed(done[offer->index], uint32_t{0});
        sys::store_release(busy[offer->index], uint32_t{1});
    }
    void clear(Offer* offer, RequestList* ret) noexcept {
        ret->splice(offer->requests);
        sys::add(used, ~uint32_t{0});
        sys::store_release(busy[offer->index], uint32_t{0});
    }
    AIOC_INLINE void finish(Offer* offer, uint32_t unfinished) noexcept {
        offer->unfinished = unfinished;
        sys::store_release(done[offer->index], uint32_t{1});
    }
    // By the poller.
    Offer* find_done() noexcept {
        if (sys::load_relaxed(used) == 0) {
            return nullptr;
        }
        for (uint32_t i = 0; i < offers_max; ++i) {
            if (sys::load_acquire(busy[i]) != 0 && sys::load_acquire(done[i]) != 0) {
                return &offers[i];
            }
        }
        return nullptr;
    }
};

} // namespace aioc
