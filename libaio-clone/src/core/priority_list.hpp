// SPDX-License-Identifier: MIT
#pragma once
#include "core/request.hpp"

namespace aioc {

// Queued requests in the order in which they are to start: by priority, and by age within one. So that none starves,
// the first of a priority that `passes_max` later ones have passed goes to the front. As long as all have priority 0,
// which is the rule, it is a plain list.
//
// A request's age is in its result, which nothing else uses while it is queued.
struct PriorityList : RequestList {
    static constexpr uint8_t passes_max = 64;

    uint32_t unequal = 0;        // so many have another priority than 0
    uint8_t passed[levels] = {}; // how many later ones have passed the first one of a level
    Request* last[levels] = {};  // while `unequal` is 0 these are not kept up
    int64_t youngest = 0;

    AIOC_INLINE void append(Request* r) noexcept {
        r->result = ++youngest;
        if (unequal == 0 && (r->schedule & schedule_priority) == 0) {
            RequestList::append(r);
        } else {
            insert(r, level_of(*r) + 1);
        }
    }
    AIOC_INLINE void append(RequestList& more) noexcept {
        bool plain = unequal == 0;
        for (Request* r = more.head; r; r = r->next) {
            r->result = ++youngest;
            plain = plain && (r->schedule & schedule_priority) == 0;
        }
        if (plain) {
            RequestList::splice(more);
            return;
        }
        while (Request* const r = more.take_first()) {
            insert(r, level_of(*r) + 1);
        }
    }
    // Of what was taken and not begun: before the others of its priority.
    AIOC_INLINE void give_back(RequestList& rest) noexcept {
        bool plain = unequal == 0;
        for (Request* r = rest.head; r; r = r->next) {
            r->result = 0;
            plain = plain && (r->schedule & schedule_priority) == 0;
        }
        if (plain) {
            RequestList::prepend(rest);
            return;
        }
        while (Request* const r = rest.tail) {
            rest.remove(r);
            insert(r, level_of(*r));
        }
    }
    AIOC_INLINE void remove(Request* r) noexcept {
        if (unequal != 0) {
            leave_level(r);
        }
        RequestList::remove(r);
        if (!head) {
            passed[level_plain] = 0;
        }
    }
    // Of the head, which was just removed in order to start.
    AIOC_INLINE void note_start(const Request* r) noexcept {
        if (unequal == 0 && (r->schedule & schedule_priority) == 0) {
            passed[level_plain] = 0;
        } else {
            count_passed(r);
        }
    }
    AIOC_INLINE Request* take_first() noexcept {
        Request* const r = head;
        if (r) {
            remove(r);
            note_start(r);
        }
        return r;
    }
    AIOC_INLINE void take_all(RequestList* ret) noexcept {
        ret->splice(*this);
        unequal = 0;
        passed[level_plain] = 0;
    }

private:
    using RequestList::insert_after;
    using RequestList::prepend;
    using RequestList::splice;

    AIOC_INLINE void begin_levels() noexcept {
        for (Request*& l : last) {
            l = nullptr;
        }
        last[level_plain] = tail;
    }
    // After the last one of those above level `below`.
    AIOC_INLINE void insert(Request* r, uint32_t below) noexcept {
        if (unequal == 0) {
            begin_levels();
        }
        const uint32_t level = level_of(*r);
        unequal += level != level_plain;
        Request* before = nullptr;
        for (uint32_t l = below; l > 0 && !before; --l) {
            before = last[l - 1];
        }
        RequestList::insert_after(before, r);
        if (!last[level]) {
            last[level] = r;
            passed[level] = 0;
        } else if (last[level] == before) {
            last[level] = r;
        }
    }
    AIOC_INLINE void leave_level(Request* r) noexcept {
        const uint32_t level = level_of(*r);
        unequal -= level != level_plain;
        if (last[level] == r) {
            last[level] = r->prev && level_of(*r->prev) == level ? r->prev : nullptr;
        }
    }
    // By r, which has started: the older first ones of lower priorities.
    AIOC_INLINE void count_passed(const Request* r) noexcept {
        const uint32_t level = level_of(*r);
        passed[level] = 0;
        Request* first = head;
        for (uint32_t l = 0; l < levels; ++l) {
            if (!last[l]) {
                continue;
            }
            Request* const next = last[l]->next;
            if (l > level && first->result < r->result && ++passed[l] >= passes_max) {
                passed[l] = 0;
                promote(first);
            }
            first = next;
        }
    }
    AIOC_INLINE void promote(Request* r) noexcept {
        leave_level(r);
        RequestList::remove(r);
        constexpr int32_t highest = 4;
        r->schedule = static_cast<uint8_t>((r->schedule & ~schedule_priority) | schedule_of(highest));
        ++unequal;
        RequestList::insert_after(nullptr, r);
        last[0] = last[0] ? last[0] : r;
    }
};

} // namespace aioc
