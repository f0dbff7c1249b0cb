# SPDX-License-Identifier: MIT
"""core/ready_list.hpp: producers push and signal if the list was empty; the consumer clears the signal and
then takes all. No completion may be left waiting with the signal clear. The other order must be found
faulty: else this check could not fail."""
import sys

from explore import find


def successors_of(order):
    def successors(state):
        listed, signal, got, consumer, producers = state
        out = []
        for i, (at, left, was_empty) in enumerate(producers):
            def with_producer(p, listed=listed, signal=signal):
                out.append((listed, signal, got, consumer, producers[:i] + (p,) + producers[i + 1:]))
            if at == "push" and left:
                with_producer(("signal", left - 1, listed == 0), listed=listed + 1)
            elif at == "signal":
                with_producer(("push", left, False), signal=signal or was_empty)
        if consumer == 0 and signal:
            out.append((listed, signal, got, 1, producers))
        elif consumer in (1, 2):
            following = 2 if consumer == 1 else 0
            if (order[consumer - 1]) == "clear":
                out.append((listed, False, got, following, producers))
            else:
                out.append((0, signal, got + listed, following, producers))
        return out
    return successors


def lost(state, final):
    return final and state[0] > 0


failed = False
for order, faulty in ((("clear", "take"), False), (("take", "clear"), True)):
    for count, each in ((1, 3), (2, 3), (3, 2)):
        start = (0, False, 0, 0, (("push", each, False),) * count)
        state, states = find(start, successors_of(order), lost)
        good = (state is not None) == faulty
        failed |= not good
        print("ok" if good else "WRONG", order, "producers", count, "states", states, "lost" if state else "none lost")
sys.exit(failed)
