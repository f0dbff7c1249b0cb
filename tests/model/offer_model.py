# SPDX-License-Identifier: MIT
"""worker/offer_board.hpp, Helper and run_offer: a submitter fills a slot, hangs it out, and withdraws it when it has
nothing else to do; a worker that spins takes it by exchange (two do here, which is more than there are); the poller
collects what is marked done. Each access of a shared word is a step; a worker may stay in its offer for ever.

No offer is run twice, lost, or left hanging when the submitter has returned; a slot is filled only when nobody needs
what is in it; the poller never sleeps while a done offer waits. Each mutant must be found faulty."""
import sys

from explore import check, find

MUTANTS = (
    "taken by a load and a store", "withdrawn by a load and a store", "the slot is free when it is done", "done is not cleared",
    "busy is set before done is cleared", "the slot is free when it is taken", "done after the notice", "the poller sleeps without a second look",
    "the submitter returns without withdrawing",
)
# Slots, offers, workers that spin.
CASES = ((1, 3, 1), (2, 3, 1), (1, 2, 2), (2, 3, 2))

# Submitter: (at, offer number, slot). Slot: (busy, done, offer, run how often). Worker: (at, slot). hang: slot or None.
# An offer's fate: 0 not yet, 1 collected, 2 the submitter's again; more than once is an error, kept in `bad`.


def successors_of(case, mutant):
    slots_count, offers, _ = case

    def successors(state):
        submitter, hang, slots, workers, poller, sleeper, fates, bad = state
        out = []

        def put(submitter=submitter, hang=hang, slots=slots, workers=workers, poller=poller, sleeper=sleeper, fates=fates, bad=bad):
            out.append((submitter, hang, slots, workers, poller, sleeper, fates, bad))

        def replaced(items, i, item):
            return items[:i] + (item,) + items[i + 1:]

        def fated(offer, fate):
            return replaced(fates, offer, fate), bad or fates[offer] != 0

        at, number, slot = submitter
        if at == "finds" and number < offers:
            free = [i for i in range(slots_count)
                    if not slots[i][0] or (mutant == "the slot is free when it is done" and slots[i][1])
                    or (mutant == "the slot is free when it is taken" and hang != i)]
            if free:
                i = free[0]
                old = slots[i]
                # What it overwrites must have come to its end.
                lost = old[2] is not None and fates[old[2]] == 0
                put(("clears", number, i), slots=replaced(slots, i, (old[0], old[1], number, 0)), bad=bad or lost)
            else:  # runs them itself
                fate, wrong = fated(number, 2)
                put(("finds", number + 1, None), fates=fate, bad=wrong)
        elif at in ("clears", "marks"):
            busy, done, offer, runs = slots[slot]
            first, second = ("clears", "marks")
            clears = (at == first) != (mutant == "busy is set before done is cleared")
            if clears:
                kept = done if mutant == "done is not cleared" else False
                after = (busy, kept, offer, runs)
            else:
                after = (True, done, offer, runs)
            put((second if at == first else "hangs", number, slot), slots=replaced(slots, slot, after))
        elif at == "hangs":
            put(("withdraws", number, slot), hang=slot, bad=bad or hang is not None)
        elif at == "withdraws":
            if mutant == "the submitter returns without withdrawing":
                put(("finds", number + 1, None))
            elif mutant == "withdrawn by a load and a store":
                put(("stores" if hang == slot else "finds", number + (hang != slot), slot))
            elif hang == slot:
                put(("empties", number, slot), hang=None)
            else:
                put(("finds", number + 1, None))
        elif at == "stores":
            put(("empties", number, slot), hang=None)
        elif at == "empties":
            fate, wrong = fated(number, 2)
            put(("finds", number + 1, None), slots=replaced(slots, slot, (False, slots[slot][1], None, 0)), fates=fate, bad=wrong)

        for i, (doing, which) in enumerate(workers):
            def worker(after, i=i, **changed):
                put(workers=replaced(workers, i, after), **changed)
            if doing == "spins" and hang is not None:
                if mutant == "taken by a load and a store":
                    worker(("took", hang))
                else:
                    worker(("runs", hang), hang=None)
            elif doing == "took":
                worker(("runs", which), hang=None)
            elif doing == "runs":  # or for ever
                busy, done, offer, runs = slots[which]
                worker(("notices" if mutant == "done after the notice" else "finishes", which),
                       slots=replaced(slots, which, (busy, done, offer, runs + 1)), bad=bad or runs > 0 or offer is None)
            elif doing == "finishes":
                busy, _, offer, runs = slots[which]
                worker(("spins" if mutant == "done after the notice" else "notices", which),
                       slots=replaced(slots, which, (busy, True, offer, runs)))
            elif doing == "notices":  # the fence is before it: it sees who sleeps
                worker(("finishes" if mutant == "done after the notice" else "spins", which), sleeper=False)

        # The poller looks at a slot's busy, then at its done.
        doing, which, seen = poller
        if doing == "looks":
            if which == slots_count:
                put(poller=("announces", 0, False))
            else:
                put(poller=("done?", which, slots[which][0]))
        elif doing == "done?":
            if seen and slots[which][1]:
                put(poller=("collects", which, False))
            else:
                put(poller=("looks", which + 1, False))
        elif doing == "collects":
            busy, done, offer, runs = slots[which]
            if offer is None:
                put(poller=("looks", 0, False), bad=True)
            else:
                fate, wrong = fated(offer, 1)
                put(poller=("frees", which, False), slots=replaced(slots, which, (busy, done, offer, runs)), fates=fate,
                    bad=wrong or runs == 0)
        elif doing == "frees":
            _, done, offer, runs = slots[which]
            put(poller=("looks", 0, False), slots=replaced(slots, which, (False, done, offer, runs)))
        elif doing == "announces":
            put(poller=("second look", 0, False), sleeper=True)
        elif doing == "second look":
            found = any(s[0] and s[1] for s in slots) and mutant != "the poller sleeps without a second look"
            put(poller=("looks", 0, False) if found else ("sleeps", 0, False), sleeper=sleeper and not found)
        elif doing == "sleeps" and not sleeper:
            put(poller=("looks", 0, False))
        return out
    return successors


def wrong_of(case):
    def wrong(state, _final):
        (at, number, _), hang, slots, workers, poller, _, _, bad = state
        if bad or (at == "finds" and hang is not None):
            return True
        working = any(w[0] != "spins" for w in workers if w[0] != "runs")
        asleep = poller[0] == "sleeps" and state[5]
        return asleep and not working and any(s[0] and s[1] for s in slots) and at == "finds" and number == case[1]
    return wrong


def explore(case, mutant):
    slots, offers, workers = case
    start = (("finds", 0, None), None, ((False, False, None, 0),) * slots, (("spins", None),) * workers, ("looks", 0, False),
             False, (0,) * offers, False)
    return find(start, successors_of(case, mutant), wrong_of(case))


if __name__ == "__main__":
    sys.exit(not check(CASES, MUTANTS, explore))
