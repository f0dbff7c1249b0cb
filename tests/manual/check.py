#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is the manual complete and true to the header? check.py PAGES INCLUDE OPERATIONS VERSION-SCRIPT

Says what lacks, and for what: a new function or operation shows up here first.
"""
import glob
import os
import re
import sys

import pages
import errors
from interface import Interface, exported

SECTIONS_3 = ["NAME", "SYNOPSIS", "DESCRIPTION", "RETURN VALUE", "ERRORS", "THREAD SAFETY", "EXAMPLE", "VERSIONS",
              "SEE ALSO"]
SECTIONS_7 = ["NAME", "DESCRIPTION", "EXAMPLE", "VERSIONS", "SEE ALSO"]
# Names of the environment, and what stands for many.
OTHER_NAMES = {"AIOC_SPAWNER", "AIOC_ENGINE", "AIOC_OP_", "AIOC_ENGINE_", "AIOC_SPAWNER_", "aioc_"}

# What the header says beside a function about something else.
NOT_OF_THE_CALL = {("aioc_destroy", "ESHUTDOWN"), ("aioc_cancel", "ECANCELED"),
                   ("aioc_walk_destroy", "ECANCELED")}


def main():
    directory, include, operations, version_script = sys.argv[1:]
    interface = Interface(include, operations)
    built, aliases = pages.read(directory)
    problems = []

    def lacks(what):
        problems.append(what)

    everything = "\n".join(page.text for page in built.values())
    functions = exported(version_script)
    assert len(functions) > 40 and set(functions) == set(interface.prototypes)

    for function in functions:
        page = built.get(function) or built.get(aliases.get(function, ""))
        if not page or page.number != "3":
            lacks(f"{function} has no page: put '## {function}' into a page man/*.3.scd, or make one")
        elif function not in page.names():
            lacks(f"{function}: {page.name}(3) does not name it in NAME")
    for name in [*aliases, *(p.name for p in built.values() if p.number == "3")]:
        if name not in functions:
            lacks(f"{name}(3): the library exports no such function")

    for page in built.values():
        wanted = SECTIONS_3 if page.number == "3" else SECTIONS_7
        found = [s for s in page.sections if s in wanted]
        if found != wanted:
            lacks(f"{page.name}({page.number}): its sections are {', '.join(page.sections)}; wanted: {', '.join(wanted)}")
        for section, text in page.sections.items():
            if not text.strip():
                lacks(f"{page.name}({page.number}): {section} is empty")
        if page.number == "3":
            for function in page.names():
                if interface.prototypes[function] not in " ".join(page.code("SYNOPSIS").split()):
                    lacks(f"{page.name}(3): SYNOPSIS has not the prototype of the header: {interface.prototypes[function]}")
            for word in re.findall(r"@\w+", page.text):
                lacks(f"{page.name}(3): {word} is left over")
            for errno, function in page.errors() | page.errors(completion=True):
                if function not in page.names():
                    lacks(f"{page.name}(3): ERRORS: {errno} of {function}, which is not on this page")
        own = set(re.findall(r"\b(?:aioc|AIOC)_\w*", page.text))
        known = set(functions) | interface.types | interface.constants | OTHER_NAMES
        for name in sorted(own - known):
            lacks(f"{page.name}({page.number}): {name} is not in the header")
        for name, number in re.findall(r"\b(aio[c\w-]+)\((\d)\)", page.text):
            target = built.get(name) or built.get(aliases.get(name, ""))
            if not target or target.number != number:
                lacks(f"{page.name}({page.number}): {name}({number}) is no page")
        for line in page.code("EXAMPLE").splitlines():
            if len(line) > 92:
                lacks(f"{page.name}({page.number}): EXAMPLE: longer than 92 columns: {line}")

    for constant in sorted(interface.constants):
        if not re.search(rf"\b{constant}\b", everything):
            lacks(f"{constant} is on no page")
    for struct in interface.structs:
        shown = [p for p in built.values() if f"typedef struct {struct} {{" in p.text]
        if len(shown) != 1:
            lacks(f"struct {struct} is shown on {len(shown)} pages; wanted: '@struct {struct}' on one")
        for page in shown:
            for _, field in interface.fields(struct):
                if field not in page.bold():
                    lacks(f"{page.name}({page.number}): the field {field} of {struct} is not described (*{field}*)")
    table = built["aioclone"].sections.get("OPERATIONS", "")
    for operation in interface.operations.values():
        if not re.search(rf"AIOC_OP_{operation.code}\s+{interface.value_of('AIOC_OP_' + operation.code)}\s+"
                         rf"aioc_{operation.name}\(3\)", table):
            lacks(f"aioclone(7): OPERATIONS has no row of AIOC_OP_{operation.code}")

    # Errors that the header's comments state for a function.
    for function, errnos in header_errors(interface).items():
        page = built.get(function) or built.get(aliases.get(function, ""))
        stated = {e for e, f in (page.errors() if page else []) if f == function}
        for errno in sorted(errnos - stated) if page else []:
            if (function, errno) not in NOT_OF_THE_CALL:
                lacks(f"{page.name}(3): ERRORS: the header says that {function} may give {errno}")

    for key in sorted(unused_texts()):
        lacks(f"man/errors.py: no operation completes with {key}")

    print("\n".join(problems) or f"{len(functions)} functions on {len(built)} pages")
    return 1 if problems else 0


def unused_texts():
    used = set(errors.COMPLETIONS_OF_ALL)
    for path in glob.glob(os.path.join(os.path.dirname(errors.__file__), "*.scd")):
        with open(path, encoding="utf-8") as file:
            for words in re.findall(r"^@completes(.*)$", file.read(), flags=re.M):
                used |= set(errors.keys_of(words.split()))
    return set(errors.TEXTS) - used


def header_errors(interface):
    """-E... in the comment before a prototype, which is also about those that follow it without one of their own. Those
    of an operation's function are about its completion."""
    found = {}
    for comment, declaration in re.findall(r"/\*((?:(?!\*/).)*)\*/\s*AIOC_API\s+([^;]+);", interface.text, flags=re.S):
        name = re.search(r"\b(aioc_\w+)\(", declaration).group(1)
        if name[len("aioc_"):] not in interface.operations:
            found[name] = set(re.findall(r"-(E[A-Z0-9]+)\b", comment))
    return found


if __name__ == "__main__":
    sys.exit(main())
