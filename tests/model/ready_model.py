# SPDX-License-Identifier: MIT
"""core/ready_list.hpp and context_poll.cpp: producers push, and tell if the stack was empty; each access of a shared
word is a step. The poller is one of five: a program that watches the descriptor and has one completion delivered a
call (poll_break); the same polling also when the descriptor is not readable; a poll_wait that sleeps on the futex; one
that sleeps on the eventfd (there is a ring); and a program that does both, the latter poll_wait and then watching the
descriptor for what it found.

When nothing moves any more, everything has been delivered: no completion is left with the poller asleep, or with a
descriptor that is not readable. And the other way round: when everything has been delivered and told, the descriptor
does not stay readable with nobody left to clear it. Each mutant must be found faulty."""
import sys

from explore import check, find

MUTANTS = (
    "cleared without a second look", "signalled is cleared before the eventfd", "what waits is not signalled",
    "announced after the look", "the producer looks before it pushes", "a push tells the descriptor only",
    "only the first push tells", "cleared before the sleep", "watched after the look", "cleared although nothing was read",
)
# Who polls, how many producers, how many pushes each.
POLLERS = ("descriptor", "eager", "futex", "eventfd", "both")
CASES = tuple((who, n, each) for who in POLLERS for n, each in ((1, 3), (2, 2), (3, 1), (3, 2)))


def successors_of(case, mutant):
    who, _, _ = case
    late = mutant == ("announced after the look" if who == "futex" else "watched after the look")

    def successors(state):
        listed, kept, got, eventfd, signalled, sleeper, watched, told, poller, producers = state
        out = []

        def put(listed=listed, kept=kept, got=got, eventfd=eventfd, signalled=signalled, sleeper=sleeper, watched=watched,
                told=told, poller=poller, producers=producers):
            out.append((listed, kept, got, eventfd, signalled, sleeper, watched, told, poller, producers))

        # signal(): the exchange, then perhaps the write. Both sides use it.
        for i, (at, left, seen) in enumerate(producers):
            def producer(at, left=left, seen=False, i=i, **changed):
                put(producers=producers[:i] + ((at, left, seen),) + producers[i + 1:], **changed)
            if at == "starts" and left:
                if mutant == "the producer looks before it pushes":
                    producer("pushes", seen=(watched, sleeper))
                else:
                    tells = listed == 0 and not (mutant == "only the first push tells" and told)
                    producer("tells" if tells else "starts", left - 1, listed=listed + 1, told=told or tells)
            elif at == "pushes":
                follow = ("signals" if seen[0] else "wakes" if seen[1] else "starts") if listed == 0 else "starts"
                producer(follow, left - 1, listed=listed + 1)
            elif at == "tells":
                producer("signals" if watched else "wakes")
            elif at == "signals":
                producer("wakes" if signalled else "writes", signalled=True)
            elif at == "writes":
                producer("wakes", eventfd=True)
            elif at == "wakes":
                producer("starts", sleeper=sleeper and mutant == "a push tells the descriptor only")

        def take(after):
            put(kept=kept + listed, listed=0, poller=after)

        if poller == "watches" and (eventfd or (who == "eager" and any(at != "starts" or more for at, more, _ in producers))):
            take("delivers")
        elif poller == "delivers":
            some = kept if who == "both" else min(kept, 1)
            put(kept=kept - some, got=got + some, poller="settles")
        elif poller == "settles":
            if kept:
                put(poller="watches" if mutant == "what waits is not signalled" else "signals")
            else:
                put(poller="reads" if signalled else "is done")
        elif poller == "reads" and not eventfd and mutant not in (
                "cleared although nothing was read", "signalled is cleared before the eventfd"):
            put(poller="is done")  # announced, and not written yet: the next poll clears both
        elif poller in ("reads", "clears"):  # one of the two words, then the other
            after = "clears" if poller == "reads" else "is done" if mutant == "cleared without a second look" else "looks again"
            if (poller == "reads") != (mutant == "signalled is cleared before the eventfd"):
                put(eventfd=False, poller=after)
            else:
                put(signalled=False, poller=after)
        elif poller == "looks again":
            put(poller="signals" if listed else "is done")
        elif poller == "signals":
            put(signalled=True, poller="is done" if signalled else "writes")
        elif poller == "writes":
            put(eventfd=True, poller="is done")
        elif poller == "is done":
            put(poller="waits" if who == "both" and not kept else "watches")
        # poll_wait
        elif poller == "waits" and listed:
            take("settles" if who == "both" else "delivers at once")
        elif poller == "waits":
            put(poller="looks" if late else "announces")
        elif poller == "delivers at once":
            put(kept=0, got=got + kept, poller="waits")
        elif poller == "announces":
            announce = {"sleeper": True} if who == "futex" else {"watched": watched + 1}
            put(poller="sleeps" if late else "looks", **announce)
        elif poller == "looks":
            asleep = "announces" if late else "clears first" if mutant == "cleared before the sleep" and who != "futex" else "sleeps"
            put(poller=asleep if not listed else "waits" if late else "wakes up")
        elif poller == "clears first":
            put(eventfd=False, signalled=False, poller="sleeps")
        elif poller == "sleeps":
            if who == "futex" and not sleeper:
                put(poller="wakes up")
            elif who != "futex" and eventfd:
                put(eventfd=False, poller="has read")
        elif poller == "has read":
            put(signalled=False, poller="wakes up")
        elif poller == "wakes up":
            put(poller="waits", sleeper=False, watched=watched - (who != "futex"))
        return [after for after in out if after != state]
    return successors


def explore(case, mutant):
    who, count, each = case
    exported = who in ("descriptor", "eager", "both")
    start = (0, 0, 0, False, False, False, int(exported), False, "watches" if who in ("descriptor", "eager") else "waits",
             (("starts", each, False),) * count)

    def wrong(state, final):
        _, _, got, eventfd, signalled, _, _, _, poller, producers = state
        if final:
            return got < count * each
        told_all = all(at == "starts" and not left for at, left, _ in producers)
        return got == count * each and told_all and poller == "watches" and eventfd and not signalled
    return find(start, successors_of(case, mutant), wrong)


if __name__ == "__main__":
    sys.exit(not check(CASES, MUTANTS, explore))
