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
