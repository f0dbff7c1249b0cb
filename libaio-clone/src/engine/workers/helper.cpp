// SPDX-License-Identifier: MIT
#include "engine/workers/helper.hpp"

namespace aioc {

void Helper::offer_half(RequestList& batch) noexcept {
    if (batch.length < 2 || batch.cost < ns_min) {
        return;
    }
    Request* last = batch.head;
    uint32_t kept = 1;
    uint64_t cost = last->cost;
    for (; (cost + last->next->cost) * 2 <= batch.cost; cost += last->cost) {
        last = last->next;
        ++kept;
    }
    RequestList half;
    batch.cut_after(last, kept, cost, &half);
    offer(half);
}

} // namespace aioc
