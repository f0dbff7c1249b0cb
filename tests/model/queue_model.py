# SPDX-License-Identifier: MIT
"""worker/job_queue.hpp, worker_loop.cpp and WorkersEngine::submit: each critical section is one step, under the names
that it has there. A plain call may last for ever, an attempt or a spin may not; a sleep ends by a tick or a timeout
only where the code gives it one.

Never may a request be queued while nobody is on the way to it and a worker sleeps, or one more could have been
started: that a sentinel finds it within two ticks is enough (but not for a slow one), that an idle timeout ends is not.
A sentinel must do so even if the spinner has lost its core. The last worker never ends with work queued; the counts are those of the workers;
retired workers end. Each mutant must be found faulty."""
import sys

from explore import check, find

# Where a worker is. In a plain call: running it, or waiting in it for ever.
GONE, LOOKS, IDLE, TICKS, PLAIN, ATTEMPTS, SPINS = range(7)
PHASE, ARG, HOT, RISKY, DEPTH, NUDGED = range(6)  # DEPTH: in the idle stack, from 1; 0: not there
AWAY = (GONE, 0, 0, 0, 0, 0)
BATCH_MAX, BACKLOG = 2, 1  # enough to be exceeded

MUTANTS = (
    "waking is not cleared", "a wake is not passed on", "a timeout ends a worker although work is queued",
    "there is no sentinel", "a new epoch forgets the counts only", "the sentinel stays one", "the sentinel never takes over",
    "the sentinel waits for a spinner", 
    "attempts need no worker of their own",
    "a missed attempt leaves its worker hot", "a missed attempt wakes nobody",
    "a timeout ends who may be needed", "what may come back is not counted",
    "an end is not passed on", "slow requests are covered", "retiring wakes nobody",
    "an urgent request wakes nobody",
)
# hot_max, whether workers spin, how many there may be, and what the submitter does, one submission a word:
# q quick, s slow, a with an attempt; before what is queued if it begins with ^ (of higher priority); x cancels the
# head, p puts the last one first (it was passed too often), w warms, 1 sets max to 1, r retires.
CASES = (
    (1, False, 2, "q q q"), (1, False, 2, "aa a a"), (1, False, 3, "aaa q x"), (1, True, 2, "q q a q"),
    (1, False, 3, "qs 1 q q"), (1, False, 3, "qqq s q q a"), (1, False, 4, "s q s q aaa"), (1, False, 4, "q aaa q x aa s"),
    (1, True, 3, "q q q s q q"), (1, True, 4, "qq q a q s"), (1, True, 3, "q w q s w q a"), (1, True, 4, "qsq q r"),
    (1, False, 3, "qq s ^a ^q p q"), (1, True, 3, "qs ^q aa ^s p"), (1, False, 4, "aa s ^q s ^aa p x"), (2, True, 3, "qq ^s q ^a p"),
    (2, False, 4, "qqqq s qq a q"), (2, True, 3, "q q qq a q"), (2, True, 4, "q qq s 1 q q"),
)


class Queue:
    def __init__(self, state, case, mutant):
        (self.requests, self.at, workers, self.waking, self.sentinel, self.hot, self.risky, self.spinning,
         self.taken, self.warming, self.stopping, self.max) = state
        self.workers = [list(w) for w in workers]
        self.hot_max, self.spin_enabled, _, self.program = case
        self.mutant = mutant

    def freeze(self):
        if not self.sentinel:
            self.taken = 0
        return (self.requests, self.at, tuple(sorted(map(tuple, self.workers))), self.waking, self.sentinel,
                self.hot, self.risky, self.spinning, self.taken, self.warming, self.stopping, self.max)

    # --- job_queue.hpp
    alive = property(lambda self: sum(w[PHASE] != GONE for w in self.workers))
    idle = property(lambda self: sum(w[DEPTH] > 0 for w in self.workers))
    quick = property(lambda self: self.requests.count("q"))
    trying = property(lambda self: sum(w[ARG] - 1 for w in self.workers if w[PHASE] == ATTEMPTS))
    slow = property(lambda self: self.requests.count("s"))

    def leave_idle(self, w):
        for other in self.workers:
            other[DEPTH] -= other[DEPTH] > w[DEPTH]
        w[DEPTH] = w[NUDGED] = 0

    def enter_idle(self, w, phase, timed):
        depth = self.idle + 1
        w[PHASE], w[ARG], w[DEPTH], w[NUDGED] = phase, timed, depth, 0

    def heat(self, w, risky):
        if not w[HOT]:
            w[HOT], w[RISKY] = 1, risky
            self.hot += 1
            self.risky += risky

    def cool(self, w):
        if w[HOT]:
            self.hot -= 1
            self.risky -= w[RISKY]
        w[HOT] = w[RISKY] = 0

    def forget_hot(self):
        self.hot = self.risky = 0
        if self.mutant != "a new epoch forgets the counts only":
            for w in self.workers:
                w[HOT] = w[RISKY] = 0

    def covered(self):
        slow = 0 if self.mutant == "slow requests are covered" else self.slow
        backlog = self.quick > self.hot * BACKLOG
        return self.hot > 0 and slow <= self.spinning and (self.hot >= self.hot_max or not backlog)

    def wants_sentinel(self):
        wants = (self.quick > self.spinning or self.risky > 0) and not self.sentinel
        return wants and self.mutant != "there is no sentinel"

    def choose_any(self):
        if self.waking:
            return False
        top = max(self.workers, key=lambda w: w[DEPTH])
        if not top[DEPTH]:
            return False
        self.leave_idle(top)
        self.waking = 1
        return True

    def choose_wake(self):
        if self.requests and not (self.covered() and not self.wants_sentinel()):
            self.choose_any()

    def wake_all_idle(self):
        for w in self.workers:
            w[NUDGED] = int(w[DEPTH] > 0)

    def surplus(self):
        return self.alive > self.max or (not self.requests and bool(self.stopping))

    # --- worker_loop.cpp
    def take(self, w):
        self.taken = 1
        first, self.requests = self.requests[0], self.requests[1:]
        if first != "s":
            self.heat(w, int(first == "q"))
        w[PHASE], w[ARG] = PLAIN, 0
        if first == "a":
            w[PHASE], w[ARG] = ATTEMPTS, 1
            while self.requests[:1] == "a" and w[ARG] < BATCH_MAX:
                w[ARG] += 1
                self.requests = self.requests[1:]
        if self.mutant != "a wake is not passed on":
            self.choose_wake()

    def may_spin(self, wishes):
        if not self.spin_enabled or self.spinning or self.stopping:
            return False
        if self.warming:
            self.warming = 0
            return True
        return wishes

    def loop(self, w, spins, timed_out):
        """next_requests, until it lets the mutex go."""
        if self.surplus():
            return self.end(w)
        if self.requests and not self.covered():
            return self.take(w)
        if self.requests and self.wants_sentinel():
            self.taken, self.sentinel = 0, 1
            return self.enter_idle(w, TICKS, 1)
        if not self.requests and self.may_spin(spins):
            self.heat(w, 0)
            self.spinning = 1
            w[PHASE], w[ARG] = SPINS, 0
            return None
        if timed_out and self.alive > 1 and not (self.trying and self.mutant != "a timeout ends who may be needed"):  # min
            if not self.requests or self.mutant == "a timeout ends a worker although work is queued":
                return self.end(w)
        return self.enter_idle(w, IDLE, int(self.alive > 1))

    def end(self, w):
        w[:] = AWAY
        if not self.requests and self.surplus():
            if self.mutant != "an end is not passed on":
                self.choose_any()
        else:
            self.choose_wake()

    def look(self, w, spins):
        spins = spins and w[HOT]
        self.cool(w)
        self.loop(w, spins, False)

    def return_from_sleep(self, w, spins, timed_out):
        if w[DEPTH]:
            self.leave_idle(w)
        else:
            timed_out = False
            if self.mutant != "waking is not cleared":
                self.waking = 0
        if w[PHASE] == TICKS:
            if self.mutant != "the sentinel stays one":
                self.sentinel = 0
            waits_for = self.spinning if self.mutant == "the sentinel waits for a spinner" else 0
            if timed_out and not self.taken and self.hot > waits_for and self.mutant != "the sentinel never takes over":
                self.forget_hot()
            timed_out = False
        self.loop(w, spins, timed_out)

    def end_spin(self, w):
        self.spinning = 0
        self.cool(w)
        self.loop(w, False, False)

    def leave_to_others(self, w):
        if self.mutant != "a missed attempt leaves its worker hot":
            self.cool(w)
        self.requests = "a" * (w[ARG] - 1) + self.requests
        w[PHASE], w[ARG] = PLAIN, 0
        if self.mutant != "a missed attempt wakes nobody":
            self.choose_wake()

    # --- the submitter
    def start_workers(self):
        waiting = len(self.requests)
        if self.mutant != "what may come back is not counted":
            waiting += self.trying
        if self.mutant == "attempts need no worker of their own":
            waiting = self.quick + self.slow
        alive = self.alive
        outstanding = len(self.requests) + sum(
            w[ARG] if w[PHASE] == ATTEMPTS else w[PHASE] == PLAIN for w in self.workers)
        wanted = min(alive + waiting if waiting > self.idle else alive, outstanding, self.max)
        self.start(wanted - alive)

    def start(self, count):
        for w in self.workers:
            if w[PHASE] == GONE and count > 0:
                count -= 1
                w[PHASE] = LOOKS

    def submit(self, requests):
        self.at += 1
        if self.alive == 0:
            self.start(1)
        urgent = requests.startswith("^")
        self.requests = requests[1:] + self.requests if urgent else self.requests + requests
        if not (urgent and self.mutant == "an urgent request wakes nobody"):
            self.choose_wake()
            self.start_workers()

    def act(self):
        word = self.program[self.at] if self.at < len(self.program) else ""
        if word in ("x", "p", "w", "1", "r"):
            self.at += 1
            if word == "x":
                self.requests = self.requests[1:]
            elif word == "p":
                self.requests = self.requests[-1:] + self.requests[:-1]
            elif word == "w" and self.hot == 0:
                self.warming = int(self.choose_any() or self.warming)
            elif word == "1":
                self.max = 1
                self.wake_all_idle()
            elif word == "r":
                self.stopping = 1
                if self.mutant != "retiring wakes nobody":
                    self.wake_all_idle()
        elif word:
            self.submit(word)
        else:
            return False
        return True


def successors_of(case, mutant):
    spin_wishes = (False, True) if case[1] else (False,)

    def actions(w):
        """What this worker can do next: methods and their arguments."""
        phase = w[PHASE]
        if phase == LOOKS:
            return [(Queue.look, (s,)) for s in spin_wishes]
        if phase in (IDLE, TICKS):
            out = []
            if not w[DEPTH] or w[NUDGED]:
                out += [(Queue.return_from_sleep, (s, False)) for s in spin_wishes]
            if w[DEPTH] and w[ARG]:
                out += [(Queue.return_from_sleep, (s, True)) for s in spin_wishes]
            return out
        return {GONE: [], PLAIN: [("looks", ())], ATTEMPTS: [("attempted", ()), (Queue.leave_to_others, ())],
                SPINS: [(Queue.end_spin, ())]}[phase]

    def step(state, i, action, arguments):
        q = Queue(state, case, mutant)
        w = q.workers[i]
        if action == "looks":
            w[PHASE] = LOOKS
        elif action == "attempted":
            w[ARG] -= 1
            if not w[ARG]:
                w[PHASE] = LOOKS
        else:
            action(q, w, *arguments)
        return q.freeze()

    def successors(state, only=None):
        out = []
        for i, w in enumerate(state[2]):
            if (only is None or w[PHASE] == only) and not (i and state[2][i - 1] == w):
                for action, arguments in actions(w):
                    after = step(state, i, action, arguments)
                    if after and (only is not None or after != state):
                        out.append(after)
        if only is None:
            q = Queue(state, case, mutant)
            if q.act():
                out.append(q.freeze())
        return out
    return successors


def wrong_of(case, mutant, successors):
    def miscounted(q):
        count = lambda *phases: sum(w[PHASE] in phases for w in q.workers)
        chosen = sum(w[PHASE] in (IDLE, TICKS) and not w[DEPTH] for w in q.workers)
        return (q.hot, q.risky) != (sum(w[HOT] for w in q.workers), sum(w[RISKY] for w in q.workers)) or \
            q.spinning != count(SPINS) or q.sentinel != count(TICKS) or q.waking != chosen

    def wrong(state, _final):
        q = Queue(state, case, mutant)
        if mutant in (None, "a new epoch forgets the counts only") and miscounted(q):
            return True
        asleep = sum(w[PHASE] == IDLE and w[DEPTH] > 0 and not w[NUDGED] for w in q.workers)
        ticking = sum(w[PHASE] == TICKS and w[DEPTH] > 0 and not w[NUDGED] for w in q.workers)
        waiting = sum(w[PHASE] in (PLAIN, GONE) for w in q.workers)
        spinning = sum(w[PHASE] == SPINS for w in q.workers)
        if ticking and (q.quick > q.spinning or q.risky):
            waiting += spinning  # it may have lost its core
        if asleep + ticking + waiting < len(q.workers):
            return False
        if not q.requests:
            return bool(q.stopping and asleep and asleep == q.alive)
        if q.slow > q.spinning and asleep:
            return True
        if not ticking:
            return bool(asleep) or q.alive == 0 or (q.alive < q.max and not q.stopping)
        after = {state}
        for _ in range(2):
            after = {s for one in after for s in successors(one, only=TICKS) if len(s[0]) >= len(q.requests)}
        return bool(after)
    return wrong


def explore(case, mutant):
    case = (*case[:3], case[3].split())
    successors = successors_of(case, mutant)
    start = ("", 0, (AWAY,) * case[2], 0, 0, 0, 0, 0, 0, 0, 0, case[2])
    return find(start, successors, wrong_of(case, mutant, successors))


if __name__ == "__main__":
    sys.exit(not check(CASES, MUTANTS, explore))
