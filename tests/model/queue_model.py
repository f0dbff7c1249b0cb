# SPDX-License-Identifier: MIT
"""worker/job_queue.hpp and worker_loop.cpp: a monitor (each step below is one critical section), a stack of idle
workers, at most one wake in flight, passed on by the woken worker. An operation may block for ever.

Never may a request be left queued while a worker is idle or could start and nothing moves. The mutants must be
found faulty: a wake that is not passed on, a waking flag that is not cleared, a worker that ends at its
timeout although the queue is not empty."""
import sys

from explore import find

# Worker: ("look", woken) | ("sleep", woken) | ("wake", whom) | ("run",) | ("stuck",) | ("gone",)
# State: queue length, requests left to submit, idle stack, waking, submitter's pending wake, workers


def successors_of(mutant, blocking):
    def choose(queue, idle, waking):
        if queue and idle and not waking:
            return idle[:-1], True, idle[-1]
        return idle, waking, None

    def mark(workers, whom):
        if whom is None:
            return workers
        return workers[:whom] + ((workers[whom][0], True),) + workers[whom + 1:]

    def successors(state):
        queue, left, idle, waking, pending, workers = state
        out = []

        def put(i, worker, queue=queue, idle=idle, waking=waking, marked=None):
            changed = workers[:i] + (worker,) + workers[i + 1:]
            out.append((queue, left, idle, waking, pending, mark(changed, marked)))

        if pending is not None:  # the futex wake after the critical section; the word already says woken
            out.append((queue, left, idle, waking, None, workers))
        elif left:
            alive = [w for w in workers if w[0] != "gone"]
            if not alive:  # the submitter starts one
                out.append((queue, left, idle, waking, None, (("look", False),) + workers[1:]))
            else:
                to_idle, to_waking, whom = choose(queue + 1, idle, waking)
                after = mark(workers, whom)
                ended = [i for i, w in enumerate(after) if w[0] == "gone"]
                if ended and queue + 1 > len(to_idle):  # WorkersEngine::submit grows
                    after = after[:ended[0]] + (("look", False),) + after[ended[0] + 1:]
                out.append((queue + 1, left - 1, to_idle, to_waking, whom, after))

        for i, worker in enumerate(workers):
            at = worker[0]
            if at == "look":
                now_waking = waking and not (worker[1] and mutant != "waking not cleared")
                if queue:
                    rest = queue - 1
                    to_idle, to_waking, whom = choose(rest, idle, now_waking)
                    if mutant == "wake not passed on":
                        to_idle, to_waking, whom = idle, now_waking, None
                    put(i, ("run", False), rest, to_idle, to_waking, whom)
                else:
                    put(i, ("sleep", False), idle=idle + (i,), waking=now_waking)
            elif at == "sleep":
                if worker[1]:  # woken: off the stack already
                    put(i, ("look", True))
                elif mutant == "ends with work queued" or not queue:  # timeout, under the mutex
                    put(i, ("gone", False), idle=tuple(w for w in idle if w != i))
                if not worker[1]:  # timeout of one that stays, or a spurious return
                    put(i, ("look", False), idle=tuple(w for w in idle if w != i))
            elif at == "run":
                put(i, ("look", False))
                if blocking and sum(w[0] == "stuck" for w in workers) < len(workers) - 1:
                    put(i, ("stuck", False))
        return out
    return successors


def lost(state, _final):
    queue, left, idle, waking, pending, workers = state
    # Without timeouts nothing would move: all that live sleep unwoken or are stuck, and work is queued.
    if not queue or pending is not None:
        return False
    moving = [w for w in workers if w[0] in ("look", "run") or (w[0] == "sleep" and w[1])]
    sleeping = [w for w in workers if w[0] == "sleep"]
    everyone_gone = all(w[0] in ("gone", "stuck") for w in workers)
    return not moving and (bool(sleeping) or (everyone_gone and any(w[0] == "gone" for w in workers)))


failed = False
for mutant in (None, "waking not cleared", "wake not passed on", "ends with work queued"):
    found = None
    total = 0
    for workers, requests in ((1, 3), (2, 4), (3, 4)):
        start = (0, requests, (), False, None, (("look", False),) * workers)
        state, states = find(start, successors_of(mutant, blocking=True), lost)
        total += states
        found = found or state
    good = (found is not None) == (mutant is not None)
    failed |= not good
    print("ok" if good else "WRONG", mutant or "the protocol", "states", total, found or "no request left behind")
sys.exit(failed)
