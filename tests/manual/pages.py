# SPDX-License-Identifier: MIT
"""The built pages, as a reader sees them."""
import functools
import glob
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../man"))

OVERSTRIKE = re.compile(".\x08")
INDENT = " " * 7  # of mandoc's man(7) pages


class Page:
    def __init__(self, path):
        self.path = path
        self.name, self.number = os.path.basename(path).rsplit(".", 1)
        with open(path, encoding="utf-8") as file:
            self.roff = file.read()

    @functools.cached_property
    def text(self):
        rendered = subprocess.run(["mandoc", "-Tutf8", "-Owidth=78", self.path], capture_output=True, encoding="utf-8",
                                  check=True)
        return OVERSTRIKE.sub("", rendered.stdout)

    @functools.cached_property
    def sections(self):
        lines = self.text.strip("\n").splitlines()[1:-1]  # without head and foot
        heads = re.split(r"^([A-Z][A-Z ]+)$", "\n".join(lines), flags=re.M)
        return dict(zip(heads[1::2], heads[2::2]))

    def names(self):
        return [n.strip() for n in " ".join(self.sections["NAME"].split()).split(" - ")[0].split(",")]

    def code(self, section):
        """The indented blocks of a section without their indentation."""
        margin = INDENT + " " * 4
        lines = [line[len(margin):] if line.startswith(margin) else "" for line in self.sections[section].splitlines()
                 if line.startswith(margin) or not line.strip()]
        return "\n".join(lines).strip("\n") + "\n"

    def bold(self):
        return set(re.findall(r"\\fB(.*?)\\fR", self.roff))

    def errors(self, completion=False):
        """(errno, function) that ERRORS states of calls, or of completions."""
        part = re.search(r"^\.SH ERRORS\n(.*?)(?=^\.SH |\Z)", self.roff, flags=re.M | re.S)
        found, head, depth, of_completion = set(), [], 0, False
        for line in part.group(1).splitlines() if part else []:
            if line.startswith(".SS"):
                of_completion = "completion" in line
                head = []
            elif line.startswith(".RS"):
                depth += 1
                text = " ".join(head)
                errnos = re.findall(r"\\fB(E[A-Z0-9]+)\\fR", text)
                functions = re.search(r"\((.*)\)", text)
                functions = functions.group(1).split(", ") if functions else self.names()
                if of_completion == completion:
                    found |= {(errno, f) for errno in errnos for f in functions}
            elif line.startswith(".RE"):
                depth -= 1
                head = []
            elif depth == 0 and not line.startswith("."):
                head.append(line)
        return found


def read(directory):
    """Pages by name, and the aliases: name -> name of the page."""
    pages, aliases = {}, {}
    for path in sorted(glob.glob(os.path.join(directory, "man?", "*"))):
        with open(path, encoding="utf-8") as file:
            first = file.readline()
        name = os.path.basename(path).rsplit(".", 1)[0]
        if first.startswith(".so "):
            aliases[name] = os.path.basename(first[4:].strip()).rsplit(".", 1)[0]
        else:
            pages[name] = Page(path)
    return pages, aliases
