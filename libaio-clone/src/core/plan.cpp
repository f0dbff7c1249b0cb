// SPDX-License-Identifier: MIT
#include "core/plan.hpp"

#include "core/request_slab.hpp"

#include <new>
#include <stdlib.h>

namespace aioc {

struct PlanTable::Chunk {
    Chunk* next = nullptr;
    Plan plans[chunk_plans];
};

PlanTable::~PlanTable() {
    while (Chunk* const chunk = chunks_) {
        chunks_ = chunk->next;
        delete chunk;
    }
    free(table_);
}

uint32_t PlanTable::slot_of(const Request& r) noexcept { return RequestSlab::slot_of(r); }

// So that the table has an entry for the slot.
bool PlanTable::reach(uint32_t slot) noexcept {
    if (slot < slots_) {
        return true;
    }
    constexpr uint32_t slots_first = 512;
    uint32_t slots = slots_ > 0 ? slots_ : slots_first;
    while (slots <= slot) {
        slots *= 2;
    }
    auto* const table = static_cast<Plan**>(realloc(table_, slots * sizeof(Plan*)));
    if (!table) {
        return false;
    }
    for (uint32_t i = slots_; i < slots; ++i) {
        table[i] = nullptr;
    }
    table_ = table;
    slots_ = slots;
    return true;
}

bool PlanTable::grow() noexcept {
    Chunk* const chunk = new (std::nothrow) Chunk;
    if (!chunk) {
        return false;
    }
    chunk->next = chunks_;
    chunks_ = chunk;
    for (Plan& plan : chunk->plans) {
        plan.after = free_;
        free_ = &plan;
    }
    return true;
}

Plan* PlanTable::make(Request* r) noexcept {
    const uint32_t slot = slot_of(*r);
    if (!reach(slot) || (!free_ && !grow())) {
        return nullptr;
    }
    Plan* const plan = free_;
    free_ = plan->after;
    *plan = Plan{};
    plan->request = r;
    table_[slot] = plan;
    r->schedule |= schedule_planned;
    return plan;
}

void PlanTable::give_back(Plan* plan) noexcept {
    table_[slot_of(*plan->request)] = nullptr;
    plan->request->schedule &= schedule_counted;
    plan->request = nullptr;
    plan->after = free_;
    free_ = plan;
}

void PlanTable::forget() noexcept {
    table_ = nullptr;
    slots_ = 0;
    free_ = nullptr;
    chunks_ = nullptr;
}

DeadlineHeap::~DeadlineHeap() { free(heap_); }

bool DeadlineHeap::add(Plan* plan) noexcept {
    if (length_ == room_) {
        constexpr uint32_t room_first = 64;
        const uint32_t room = room_ > 0 ? room_ * 2 : room_first;
        auto* const heap = static_cast<Plan**>(realloc(heap_, room * sizeof(Plan*)));
        if (!heap) {
            return false;
        }
        heap_ = heap;
        room_ = room;
    }
    put(length_, plan);
    rise(length_++);
    return true;
}

void DeadlineHeap::put(uint32_t at, Plan* plan) noexcept {
    heap_[at] = plan;
    plan->deadline_place = at + 1;
}

void DeadlineHeap::rise(uint32_t at) noexcept {
    Plan* const plan = heap_[at];
    for (; at > 0 && heap_[(at - 1) / 2]->deadline_ns > plan->deadline_ns; at = (at - 1) / 2) {
        put(at, heap_[(at - 1) / 2]);
    }
    put(at, plan);
}

void DeadlineHeap::sink(uint32_t at) noexcept {
    Plan* const plan = heap_[at];
    for (uint32_t child = 2 * at + 1; child < length_; child = 2 * at + 1) {
        if (child + 1 < length_ && heap_[child + 1]->deadline_ns < heap_[child]->deadline_ns) {
            ++child;
        }
        if (heap_[child]->deadline_ns >= plan->deadline_ns) {
            break;
        }
        put(at, heap_[child]);
        at = child;
    }
    put(at, plan);
}

void DeadlineHeap::remove(Plan* plan) noexcept {
    if (plan->deadline_place == 0) {
        return;
    }
    const uint32_t at = plan->deadline_place - 1;
    plan->deadline_place = 0;
    Plan* const moved = heap_[--length_];
    if (moved != plan) {
        put(at, moved);
        rise(at);
        sink(moved->deadline_place - 1);
    }
}

void DeadlineHeap::forget() noexcept {
    heap_ = nullptr;
    length_ = room_ = 0;
}

} // namespace aioc
