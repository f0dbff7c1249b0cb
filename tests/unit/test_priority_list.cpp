// SPDX-License-Identifier: MIT
// The order in which queued requests start, against the rule written down plainly: a vector that is searched.
#include <algorithm>
#include <iterator>
#include <random>
#include <vector>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" { // its header does not say so, and its macros spoil the names of the standard library
#include <cmocka.h>
}

#include "core/priority_list.hpp"

using namespace aioc;

namespace {

struct Entry {
    Request *request;
    int level; // 0 is the highest
    uint64_t age;
};

// The specification.
class Rule {
public:
    void append(Request *r, int priority) { waiting_.push_back({r, 4 - priority, ++ages_}); }
    void give_back(const std::vector<Entry> &entries) {
        for (auto at = entries.rbegin(); at != entries.rend(); ++at) {
            waiting_.insert(waiting_.begin(), {at->request, at->level, 0});
        }
    }
    bool empty() const { return waiting_.empty(); }
    size_t size() const { return waiting_.size(); }
    Entry take() {
        const Entry taken = *first_of(next_level());
        remove(taken.request);
        passed_[taken.level] = 0;
        std::vector<Request *> promoted;
        for (int level = taken.level + 1; level < 9; ++level) {
            const auto first = first_of(level);
            if (first != waiting_.end() && first->age < taken.age && ++passed_[level] >= 64) {
                passed_[level] = 0;
                promoted.push_back(first->request);
            }
        }
        for (Request *r : promoted) {
            Entry entry = *find(r);
            remove(r);
            entry.level = 0;
            waiting_.insert(waiting_.begin(), entry);
        }
        return taken;
    }
    void remove(Request *r) {
        const int level = find(r)->level;
        waiting_.erase(find(r));
        if (first_of(level) == waiting_.end()) {
            passed_[level] = 0;
        }
    }
    Request *at(size_t index) const { return waiting_[index].request; }

private:
    std::vector<Entry>::iterator find(Request *r) {
        return std::find_if(waiting_.begin(), waiting_.end(), [r](const Entry &e) { return e.request == r; });
    }
    std::vector<Entry>::iterator first_of(int level) {
        return std::find_if(waiting_.begin(), waiting_.end(), [level](const Entry &e) { return e.level == level; });
    }
    int next_level() {
        return std::min_element(waiting_.begin(), waiting_.end(),
                                [](const Entry &a, const Entry &b) { return a.level < b.level; })
            ->level;
    }

    std::vector<Entry> waiting_;
    uint64_t ages_ = 0;
    int passed_[9] = {};
};

void is_in_order(const PriorityList &list) {
    uint32_t length = 0;
    const Request *last = nullptr;
    for (const Request *r = list.head; r; last = r, r = r->next) {
        assert_ptr_equal(r->prev, last);
        assert_true(!last || level_of(*last) <= level_of(*r));
        ++length;
    }
    assert_ptr_equal(list.tail, last);
    assert_int_equal(list.length, length);
}

void follows_the_rule(unsigned seed, int priorities) {
    constexpr int requests_max = 400;
    std::mt19937 random(seed);
    std::vector<Request> slots(requests_max);
    std::vector<Request *> free;
    for (Request &r : slots) {
        free.push_back(&r);
    }
    PriorityList list;
    Rule rule;
    for (int step = 0; step < 20000; ++step) {
        const unsigned dice = random() % 100;
        if (dice < 50 && !free.empty()) {
            Request *const r = free.back();
            free.pop_back();
            const int priority = random() % 3 == 0 ? 4 - static_cast<int>(random() % priorities) : 4;
            r->schedule = schedule_of(priority);
            list.append(r);
            rule.append(r, priority);
        } else if (dice < 90 && !rule.empty()) {
            std::vector<Entry> taken;
            RequestList rest;
            for (unsigned count = random() % 3 + 1; count > 0 && !rule.empty(); --count) {
                taken.push_back(rule.take());
                Request *const r = list.take_first();
                assert_ptr_equal(r, taken.back().request);
                rest.append(r);
            }
            if (random() % 4 == 0) { // a worker gives them back
                rule.give_back(taken);
                list.give_back(rest);
            } else {
                for (const Entry &entry : taken) {
                    free.push_back(entry.request);
                }
            }
        } else if (!rule.empty()) { // cancelled
            Request *const r = rule.at(random() % rule.size());
            rule.remove(r);
            list.remove(r);
            free.push_back(r);
        }
        is_in_order(list);
    }
    while (!rule.empty()) {
        assert_ptr_equal(list.take_first(), rule.take().request);
    }
    assert_null(list.head);
    assert_int_equal(list.unequal, 0);
}

void any_sequence_follows_the_rule(void **) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        follows_the_rule(seed, 9);
        follows_the_rule(seed, 2);
    }
}

// Whatever comes, one that waits is passed by 64 that came later, and no more.
void none_starves(void **) {
    std::vector<Request> slots(20000);
    PriorityList list;
    for (int32_t priority = -4; priority <= 3; ++priority) {
        Request *const waiting = slots.data();
        waiting->schedule = schedule_of(priority);
        list.append(waiting);
        uint32_t passed = 0;
        for (size_t i = 1;; ++i, ++passed) {
            assert_true(i < slots.size());
            slots[i].schedule = schedule_of(4);
            list.append(&slots[i]);
            if (list.take_first() == waiting) {
                break;
            }
        }
        assert_int_equal(passed, 64);
        while (list.take_first()) {
        }
    }
}

void lists_keep_their_order(void **) {
    std::vector<Request> slots(9);
    RequestList batch;
    for (size_t i = 0; i < slots.size(); ++i) {
        slots[i].schedule = schedule_of(static_cast<int32_t>(i % 3) - 1);
        batch.append(&slots[i]);
    }
    PriorityList list;
    list.append(batch);
    assert_null(batch.head);
    RequestList all;
    list.take_all(&all);
    for (const size_t expected : {2, 5, 8, 1, 4, 7, 0, 3, 6}) {
        assert_ptr_equal(all.take_first(), &slots[expected]);
    }
    assert_int_equal(list.length, 0);
}

} // namespace

int main() {
    const CMUnitTest tests[] = {cmocka_unit_test(any_sequence_follows_the_rule), cmocka_unit_test(none_starves),
                                cmocka_unit_test(lists_keep_their_order)};
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
