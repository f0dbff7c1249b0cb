#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are the errors of the manual those that happen? seen_errors.py PAGES INCLUDE OPERATIONS COMPILER PROGRAM[@VARIABLE=VALUE]...

Runs test programs of the library with a shim between them and it, which notes every negative answer of every function,
and with AIOC_TEST_WRAP=1 every negative result of a completion. One that ERRORS does not state is a defect of the page
(or of the library). A refusal that ERRORS states and that no test has provoked is a defect of the tests, unless
NOT_PROVOKED says why. (Not so for completions: few tests have broken devices.)
"""
import errno
import os
import re
import subprocess
import sys
import tempfile

import pages
from interface import Interface

# Not seen in these programs: what would have to be missing or exhausted in the whole process.
NOT_PROVOKED = {
    "ENFILE": "no descriptor is left in the system",
    "ENOMEM": "no memory is left",
}
SHIM = """
#define _GNU_SOURCE
#include <aioclone.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int log_fd = -1;
__attribute__((constructor)) static void open_log(void) {
    const int fd = open(getenv("AIOC_TEST_LOG"), O_WRONLY | O_APPEND | O_CLOEXEC);
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 700);
    close(fd);
}
static void note(const char *function, long long result) {
    const int saved = errno;
    char line[80];
    const int length = snprintf(line, sizeof line, "%s %lld\\n", function, -result);
    if (write(log_fd, line, (size_t)length) != length) abort();
    errno = saved;
}
struct wrap {
    aioc_callback callback;
    void *user_data;
};
static int is_wrapping(void) { return getenv("AIOC_TEST_WRAP") != NULL; }
static struct wrap *wrap(aioc_callback callback, void *user_data) {
    struct wrap *const w = malloc(sizeof *w);
    if (!w) abort();
    w->callback = callback;
    w->user_data = user_data;
    return w;
}
static void wrapped(const aioc_completion *done, void *user_data) {
    const struct wrap w = *(struct wrap *)user_data;
    aioc_completion copy = *done;
    free(user_data);
    copy.user_data = w.user_data;
    if (done->result < 0) {
        char name[80];
        snprintf(name, sizeof name, "completion aioc_%s", aioc_operation_name(done->operation));
        note(name, done->result);
    }
    if (w.callback) w.callback(&copy, w.user_data);
}
int aioc_submit(aioc_context *ctx, const aioc_operation *ops, uint32_t count, aioc_request *ret) {
    static __typeof__(&aioc_submit) real;
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "aioc_submit");
    int result = -EINVAL;
    if (is_wrapping()) {
        aioc_operation *const copies = malloc(sizeof *copies * count);
        for (uint32_t i = 0; i < count; ++i) {
            copies[i] = ops[i];
            copies[i].user_data = wrap(ops[i].callback, ops[i].user_data);
            copies[i].callback = wrapped;
        }
        result = real(ctx, copies, count, ret);
        free(copies);
    } else {
        result = real(ctx, ops, count, ret);
    }
    if (result < 0) note("aioc_submit", result);
    return result;
}
"""


def shim_of(interface):
    wrapping = """if (is_wrapping()) {
        user_data = wrap(callback, user_data);
        callback = wrapped;
    }"""
    text = SHIM
    for name, prototype in interface.prototypes.items():
        match = re.match(r"(int|int64_t|aioc_request) \w+\((.*)\);", prototype)
        if not match or name == "aioc_submit":
            continue
        names = [] if match.group(2) == "void" else [re.search(r"(\w+)$", p).group(1)
                                                     for p in match.group(2).split(",")]
        text += f"""{match.group(1)} {name}({match.group(2)}) {{
    static __typeof__(&{name}) real;
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "{name}");
    {wrapping if names[-2:] == ['callback', 'user_data'] else ''}
    const {match.group(1)} result = real({', '.join(names)});
    static char noted[4096];
    if (result < 0 && result > -4096 && !noted[-result]) {{
        noted[-result] = 1;
        note("{name}", result);
    }}
    return result;
}}
"""
    return text


def observe(interface, include, compiler, programs):
    """(errno, function) that the programs have seen: "" of calls, "completion"."""
    with tempfile.TemporaryDirectory() as work:
        shim = os.path.join(work, "shim.so")
        log = os.path.join(work, "log")
        with open(shim + ".c", "w", encoding="utf-8") as file:
            file.write(shim_of(interface))
        with open(log, "w", encoding="utf-8"):
            pass
        subprocess.run([compiler, "-shared", "-fPIC", "-I", include, shim + ".c", "-o", shim, "-ldl"], check=True)
        for program in programs:
            command, *settings = program.split("@")
            environment = dict(os.environ, AIOC_TEST_LOG=log, LD_PRELOAD=shim, **dict(s.split("=", 1) for s in settings))
            run = subprocess.run(command.split(), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=300, check=False)
            if run.returncode not in (0, 77):
                sys.stdout.buffer.write(run.stdout)
                sys.exit(f"{program}: {run.returncode}")
        with open(log, encoding="utf-8") as file:
            lines = {tuple(line.rsplit(" ", 2)) if line.startswith("completion") else ("", *line.split()) for line in file}
    other = {"ENOTSUP": "EOPNOTSUPP", "EDEADLOCK": "EDEADLK"}
    seen = {(kind, errno.errorcode.get(int(number), number), function) for kind, function, number in lines}
    return {kind: {(other.get(e, e), f) for k, e, f in seen if k == kind} for kind in ("", "completion")}


def main():
    directory, include, operations, compiler, *programs = sys.argv[1:]
    interface = Interface(include, operations)
    built, _ = pages.read(directory)
    stated = set().union(*(page.errors() for page in built.values() if page.number == "3"))
    seen = observe(interface, include, compiler, programs)
    in_completions = set().union(*(page.errors(completion=True) for page in built.values() if page.number == "3"))
    wrong = [f"{f} has answered {e}, which its page does not state" for e, f in sorted(seen[""] - stated)]
    wrong += [f"{f} has completed with {e}, which its page does not state"
              for e, f in sorted(seen["completion"] - in_completions)]
    # Of the operations' functions one stands for all: it is their rows that are checked.
    common = {"EAGAIN", "EFAULT", "EINVAL", "ENAMETOOLONG", "ENOMEM", "ESHUTDOWN"}
    named = {f"aioc_{name}" for name in interface.operations}
    wrong += [f"{f}: its page states {e}, which no test has seen" for e, f in sorted(stated - seen[""])
              if e not in NOT_PROVOKED and not (f in named and e in common)]
    print("\n".join(wrong) or f"{len(seen[''])} of {len(stated)} refusals seen, and in completions "
          f"{len(seen['completion'])} of {len(in_completions)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
