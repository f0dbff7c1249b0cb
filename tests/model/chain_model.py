# SPDX-License-Identifier: MIT
"""core/plan.hpp (Passage), worker_loop.cpp (go_on) and context_plan.cpp: a worker ends the members of a chain one after
the other and goes on with the next one by itself, while the main side, under its lock, delivers, cancels any member, or
finds that the deadline of one has passed. The worker has no lock: each access of a word that both may write is a step.

Each member completes once, in order among those that ran; none runs behind one that failed, was cancelled or timed out,
nor twice; the worker looks at no member and no plan that was delivered, for its memory is another request's by then;
in the end all are delivered. Each mutant must be found faulty."""
import sys

from explore import check, find

MUTANTS = (
    "a member is given away before what follows is taken", "a cancel leaves the passage open", "a cancel does not look who came first",
    "a deadline leaves the passage open", "a deadline does not look who came first", "a delivery starts what was taken",
    "a failure is no end", "who is taken is not said to run", "what is passed on overtakes its predecessor",
)
MEMBERS = 3
WAITS, RUNS, QUEUED, DONE, GONE = "waits", "runs", "queued", "done", "gone"
KEPT, OPEN, TAKEN = "kept", "open", "taken"
# What the other threads do, one step each: c1 cancels member 1, d0 is the deadline of member 0. Whether member 0 fails;
# whether others wait for the worker, so that what follows joins them; whether what has ended is kept back meanwhile.
CASES = tuple((program, fails, queues, keeps) for program in ("", "c0", "c1", "c2", "d0", "c1 c2", "d0 c1", "c2 c1")
              for fails in (False, True) for queues in (False, True) for keeps in (False, True))


class Chain:
    def __init__(self, state, case, mutant):
        (self.state, self.passage, self.linked, self.result, self.ready, self.kept_back, self.timed_out, self.worker,
         self.delivered, self.at, self.main, self.starting, self.fault) = (list(x) if isinstance(x, tuple) else x for x in state)
        program, self.fails, self.queues, self.keeps = case
        self.program, self.mutant = program.split(), mutant

    def freeze(self):
        return tuple(tuple(x) if isinstance(x, list) else x for x in (
            self.state, self.passage, self.linked, self.result, self.ready, self.kept_back, self.timed_out, self.worker,
            self.delivered, self.at, self.main, self.starting, self.fault))

    def touch(self, i):
        if self.state[i] == GONE:
            self.fault = f"member {i} is looked at after its delivery"

    def complete(self, i, result):
        if self.result[i] is not None:
            self.fault = f"member {i} completes twice"
        self.result[i], self.state[i] = result, DONE
        self.ready.append(i)

    # --- the worker
    def give_away(self):
        self.ready += self.kept_back
        self.kept_back = []

    def work(self):
        i, step = self.worker
        if step == "runs":
            if self.result[i] is not None:
                self.fault = f"member {i} runs after its end"
            if i and self.result[i - 1] is not None and self.result[i - 1] < 0:
                self.fault = f"member {i} runs behind a failure"
            self.result[i] = -1 if self.fails and i == 0 else 0
            self.state[i] = DONE
            self.kept_back.append(i)
            if self.mutant == "a member is given away before what follows is taken":
                self.give_away()
            self.worker = [i, "takes"]
        elif step == "takes":
            self.touch(i)
            if (self.result[i] < 0 and self.mutant != "a failure is no end") or i + 1 == MEMBERS or self.passage[i] != OPEN:
                self.worker = [i, "ends"]
            else:
                self.passage[i] = TAKEN
                self.worker = [i + 1, "says so"]
        elif step == "says so":
            self.touch(i)
            if self.state[i] == WAITS and self.mutant != "who is taken is not said to run":
                self.state[i] = RUNS
            overtakes = self.mutant == "what is passed on overtakes its predecessor"
            if (self.queues and not overtakes) or not self.keeps:
                self.give_away()
            self.worker = [i, "joins" if self.queues else "runs"]
        elif step == "joins":  # another worker runs it; this one has nothing to do with it any more
            self.state[i] = QUEUED
            self.worker = [i, "ends with it queued"]
        elif step.startswith("ends"):
            self.give_away()
            self.worker = None if step == "ends" else [i, "is another one"]
        elif step == "is another one":
            if self.state[i] == QUEUED:  # else a cancel took it out
                self.state[i] = RUNS
                self.worker = [i, "runs"]
            else:
                self.worker = None

    def another_worker_is_first(self):
        """What was queued ends before the one that queued it gives away what it kept."""
        i, step = self.worker
        if step == "ends with it queued" and self.state[i] == QUEUED:
            self.complete(i, 0)
            self.worker = [i - 1, "ends"]
            return True
        return False

    # --- the main side: under its lock, and only the worker's words are steps of their own
    def keep(self, i, mutant):
        """keep_following: False if the worker was first."""
        if self.passage[i] == TAKEN:
            return self.mutant == mutant
        self.passage[i] = KEPT
        return True

    def end_waiting(self, i, result):
        self.linked[i - 1] = False
        self.complete(i, result)
        self.cancel_following(i)

    def cancel_following(self, i):
        for j in range(i, MEMBERS - 1):
            if not self.linked[j]:
                break
            self.linked[j] = False
            self.complete(j + 1, -1)

    def stop(self, i):
        if self.state[i] == QUEUED:
            self.complete(i, -1)
        elif self.state[i] == WAITS:
            if i and self.linked[i - 1]:
                if self.mutant == "a cancel leaves the passage open":
                    pass
                elif not self.keep(i - 1, "a cancel does not look who came first"):
                    self.state[i] = RUNS if self.state[i] == WAITS else self.state[i]
                    return
            self.end_waiting(i, -1)

    def act(self, what):
        i = int(what[1])
        if self.state[i] in (DONE, GONE) and self.main is None:
            return
        if what[0] == "c":
            self.stop(i)
        elif self.main is None:  # it has seen that it runs; what it makes of that is another step
            self.main = i
            self.at -= 1
        else:
            self.main = None
            if self.mutant != "a deadline leaves the passage open" and not self.keep(i, "a deadline does not look who came first"):
                return
            self.timed_out[i] = True

    def deliver(self):
        i = self.ready.pop(0)
        if i in self.delivered:
            self.fault = f"member {i} is delivered twice"
        if any(j > i for j in self.delivered if self.result[j] >= 0) and self.result[i] >= 0:
            self.fault = f"member {i} comes late"
        self.delivered.append(i)
        if self.timed_out[i]:
            self.result[i] = -2
        if i + 1 < MEMBERS and self.linked[i]:
            if not self.keep(i, "a delivery starts what was taken"):
                if self.result[i] < 0:
                    self.fault = f"member {i + 1} was begun behind a failure"
                self.linked[i] = False
            elif self.result[i] >= 0:
                self.linked[i] = False
                self.starting = i + 1
            else:
                self.cancel_following(i)
        self.state[i] = GONE

    def start(self):
        i, self.starting = self.starting, None
        if self.result[i] is not None:
            return
        self.state[i] = RUNS
        if self.worker:
            self.fault = f"member {i} is started twice"
        self.worker = [i, "runs"]


def explore(case, mutant):
    start = Chain(((RUNS,) + (WAITS,) * (MEMBERS - 1), (OPEN,) * (MEMBERS - 1) + (KEPT,), (True,) * (MEMBERS - 1),
                   (None,) * MEMBERS, (), (), (False,) * MEMBERS, (0, "runs"), (), 0, None, None, None), case, mutant).freeze()

    def successors(state):
        out = []

        def step(do):
            chain = Chain(state, case, mutant)
            if not chain.fault and do(chain) is not False:
                out.append(chain.freeze())
        now = Chain(state, case, mutant)
        if now.worker:
            step(Chain.work)
            step(Chain.another_worker_is_first)
        if now.ready and now.main is None:  # an expiry has the lock
            step(Chain.deliver)
        if now.starting is not None and (not now.worker or now.worker[1] in ("runs", "takes", "says so", "joins")):
            step(Chain.start)
        if now.at < len(now.program):
            def act(chain):
                chain.at += 1
                chain.act(chain.program[chain.at - 1])
            step(act)
        return out

    def wrong(state, final):
        chain = Chain(state, case, mutant)
        return chain.fault or (final and len(chain.delivered) < MEMBERS)
    return find(start, successors, wrong)


if __name__ == "__main__":
    sys.exit(not check(CASES, MUTANTS, explore))
