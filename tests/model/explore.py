# SPDX-License-Identifier: MIT
"""Breadth-first search over all interleavings (sequential consistency) of a small protocol."""
from collections import deque


def find(initial, successors, wrong):
    """The first state reached for which wrong(state, is_final) is true, or None; and the number of states."""
    seen = {initial}
    waiting = deque([initial])
    while waiting:
        state = waiting.popleft()
        following = successors(state)
        if wrong(state, not following):
            return state, len(seen)
        for after in following:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return None, len(seen)


def check(cases, mutants, explore):
    """explore(case, mutant) gives what find gives. The protocol itself (mutant None) must hold in every case, and each
    mutant must be found faulty in one: else the check could not fail. Returns whether all is as it should be."""
    good = True
    for mutant in (None, *mutants):
        found, total = None, 0
        for case in cases:
            found, states = explore(case, mutant)
            total += states
            if found:
                break
        expected = (found is not None) == (mutant is not None)
        good &= expected
        print("ok" if expected else "WRONG", f"{mutant or 'the protocol'}: {total} states", flush=True)
        if not expected:
            print("   ", case, found)
    return good
