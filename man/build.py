#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the manual: build.py SCDOC INCLUDE-DIRECTORY OPERATIONS SOURCE-DIRECTORY OUTPUT-DIRECTORY

A source is a page in scdoc(5)'s language without its first line. Lines that begin with @ are replaced by what is
known elsewhere (see Page.expand); a page of functions documents those of its headings "## aioc_name", or the one that
it is called like. The other names of a page become .so pages.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import textwrap

from errors import COMPLETIONS_OF_ALL, REFUSALS_OF_ALL, REFUSALS_OF_USES, TEXTS, keys_of
from interface import Interface

SECTION_TITLES = {"3": "Library Functions Manual", "7": "Miscellaneous Information Manual"}


class Page:
    def __init__(self, path, interface):
        self.path = path
        self.interface = interface
        self.name, self.section = re.fullmatch(r"(.+)\.(\d)\.scd", os.path.basename(path)).groups()
        with open(path, encoding="utf-8") as file:
            self.source = file.read()
        heads = re.findall(r"^## (aioc_.*)$", self.source, flags=re.M)
        self.functions = [name.strip() for head in heads for name in head.split(",")] or [self.name]
        if self.section == "3" and self.name not in self.functions:
            self.fail(f"has no heading ## {self.name}, after which it is called")

    def fail(self, message):
        raise SystemExit(f"{self.path}: {message}")

    def expand(self):
        title = SECTION_TITLES[self.section]
        lines = [f'{self.name}({self.section}) "libaio-clone {self.interface.version}" "{title}"', ""]
        literal = False
        for line in self.source.splitlines():
            if line.startswith("```"):
                literal = not literal
                lines.append(line)
            elif literal:
                lines.append(line.replace("\\", "\\\\"))
            elif line.startswith("@"):
                word, _, rest = line[1:].partition(" ")
                method = getattr(self, f"expand_{word}", None)
                if not method:
                    self.fail(f"@{word}: there is no such directive")
                lines += method(rest)
            else:
                lines.append(line)
        return "\n".join(lines) + "\n"

    def expand_name(self, description):
        names = [self.name] + [f for f in self.functions if f != self.name]
        return [f"{', '.join(names)} - {description}"]

    def expand_synopsis(self, _):
        lines = ["```", "#include <aioclone.h>", ""]
        ordered = [f for f in self.interface.prototypes if f in self.functions]
        missing = set(self.functions) - set(ordered)
        if missing:
            self.fail(f"{', '.join(sorted(missing))}: not in aioclone.h")
        for function in ordered:
            lines += wrapped_prototype(self.interface.prototypes[function])
        return lines + ["```"]

    def expand_struct(self, name):
        if name not in self.interface.structs:
            self.fail(f"@struct {name}: not in aioclone.h")
        fields = [f"    {declaration};" for declaration, _ in self.interface.fields(name)]
        return ["```", f"typedef struct {name} {{", *fields, f"}} {name};", "```"]

    def expand_return(self, _):
        return ["The id of the request, greater than 0; it will complete exactly once. Or a negative",
                "errno value: then the request was refused and never completes."]

    def operations(self):
        for function in self.functions:
            operation = self.interface.operations.get(function[len("aioc_"):])
            if not operation:
                self.fail(f"{function} is no row of operations.def")
            yield operation

    def expand_intro(self, _):
        """What holds for every operation of the page."""
        uses = {use for operation in self.operations() for use in operation.uses}
        text = ("Each submits one operation to _ctx_ and returns at once. The result comes with the completion to "
                "_callback_ (which may be NULL), together with _user_data_; see *aioc_poll_cb*(3). ")
        if uses & {"use_path", "use_path2", "use_name"}:
            text += "Paths and names are copied. "
        if uses & {"use_path", "use_path2"}:
            text += "With *aioc_submit*(3) a relative path may start at a directory (*AIOC\\_USE\\_DIRFD*). "
        text += "Memory that is named otherwise belongs to the program and must stay valid until the completion."
        return textwrap.wrap(text, 80)

    def error_entries(self, entries):
        """entries: (errno, text) -> the functions for which it holds; those are named that do not stand for all."""
        lines = []
        for (errno, text), names in sorted(entries.items(), key=lambda item: item[0][0]):
            only = "" if set(names) == set(self.functions) else f" ({', '.join(names)})"
            lines += [f"*{errno}*{only}", *textwrap.wrap(text, 76, initial_indent="\t", subsequent_indent="\t"), ""]
        return lines[:-1]

    def expand_refusals(self, _):
        entries = {entry: list(self.functions) for entry in REFUSALS_OF_ALL}
        for operation in self.operations():
            for use in operation.uses:
                if use not in REFUSALS_OF_USES:
                    self.fail(f"{operation.name}: what {use} of operations.def refuses has to be said in "
                              "REFUSALS_OF_USES of man/errors.py")
                for entry in REFUSALS_OF_USES[use]:
                    names = entries.setdefault(entry, [])
                    if f"aioc_{operation.name}" not in names:
                        names.append(f"aioc_{operation.name}")
        return self.error_entries(entries)

    def expand_completes(self, _):
        return []  # expand_completions has read them

    def expand_completions(self, _):
        """What the lines "@completes" of the entries name, and what holds for all."""
        entries = {(errno, TEXTS[errno]): list(self.functions) for errno in COMPLETIONS_OF_ALL}
        parts = re.split(r"^## (aioc_.*)$", self.source.split("\n# RETURN VALUE")[0], flags=re.M)
        described = dict(zip(parts[1::2], parts[2::2])) or {self.name: parts[0]}
        for heading, text in described.items():
            found = re.search(r"^@completes(.*)$", text, flags=re.M)
            if not found:
                self.fail(f"{heading}: no line @completes, which names the errors of its completion")
            for function in (name.strip() for name in heading.split(",")):
                try:
                    keys = keys_of(found.group(1).split())
                except KeyError as error:
                    self.fail(f"{heading}: @completes {error}: not in man/errors.py")
                for key in keys:
                    entries.setdefault((key.split("/")[0], TEXTS[key]), []).append(function)
        return ["As the system call. The file system may give others.", "", *self.error_entries(entries)]

    def expand_operations(self, _):
        """All rows of operations.def."""
        lines = ["|[ *Operation*", ":[", ":[ *Function*", ":["]
        for o in self.interface.operations.values():
            code = f"AIOC_OP_{o.code}"
            lines += [f"|  {code}", f":  {self.interface.value_of(code)}", f":  *aioc_{o.name}*(3)",
                      f":  {'P' if any(use.startswith('use_path') for use in o.uses) else ''}"
                      f"{'R' if o.credentials else ''}"]
        return [line.rstrip() if line.strip() != ":" else ":[" for line in lines]


def wrapped_prototype(prototype):
    """Broken only between parameters."""
    unbreakable = re.sub(r"(?<!,) ", "\0", prototype)
    lines = textwrap.wrap(unbreakable, 66, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def tidy(roff):
    """What scdoc leaves: paragraphs without text, long lines, and characters that an example must not get otherwise
    when it is copied."""
    lines = []
    literal = in_table = False
    roff = re.sub(r"^T\{\n(.*)\nT\}", r"\1", roff, flags=re.M)  # cells as they are: a text block has its own width
    roff = re.sub(r"\tT\{\n(.*)\nT\}", r"\t\1", roff)
    for line in roff.splitlines():
        if line == ".nf":
            literal = True
        elif line == ".fi":
            literal = False
        elif literal and not line.startswith((".RS", ".RE")):
            line = line.replace("\\&'", "\\(aq").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
            line = line.replace("`", "\\(ga")
        elif len(line) > 78 and not line.startswith(".") and not in_table:
            lines += textwrap.wrap(line, 78, break_long_words=False, break_on_hyphens=False)
            continue
        in_table = line == ".TS" or (in_table and line != ".TE")
        previous = lines[-1] if lines else ""
        if line == ".P" and previous.startswith((".TH", ".SH", ".SS", ".P", ".sp")):
            continue
        if line == ".RE" and previous == ".P":
            lines[-1:] = [".RE", ".P"]
            continue
        if previous == ".P" and line.startswith((".SH", ".SS", ".TH")):
            lines.pop()
        elif previous == ".P" and (line == ".nf" or line.startswith((".RS", ".TS"))):
            lines[-1] = ".sp"
        lines.append(line)
        if line.startswith(".TH"):
            lines += [".nh", ".ad l"]  # once more: groff's .TH turns both on again, and names must not be hyphenated
    while lines and lines[-1] == ".P":
        lines.pop()
    return "\n".join(lines) + "\n"


def main():
    scdoc, include, operations, sources, output = sys.argv[1:]
    interface = Interface(include, operations)
    shutil.rmtree(output, ignore_errors=True)
    for path in sorted(glob.glob(os.path.join(sources, "*.scd"))):
        page = Page(path, interface)
        made = subprocess.run([scdoc], input=page.expand(), capture_output=True, encoding="utf-8", check=False)
        if made.returncode != 0:
            page.fail(made.stderr.strip())
        directory = os.path.join(output, f"man{page.section}")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, f"{page.name}.{page.section}"), "w", encoding="utf-8") as file:
            file.write(tidy(made.stdout))
        for alias in page.functions:
            if alias != page.name and page.section == "3":
                with open(os.path.join(directory, f"{alias}.3"), "x", encoding="utf-8") as file:
                    file.write(f".so man3/{page.name}.3\n")


main()
