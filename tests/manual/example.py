#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles the example of a page, as a reader copies it from the screen, and runs it.

example.py PAGES NAME COMPILER INCLUDE LIBRARY
With the name "synopsis": declares everything that the pages' SYNOPSIS show once more after the header.
"""
import os
import subprocess
import sys
import tempfile

import pages

FLAGS = ["-pedantic", "-Wall", "-Wextra", "-Werror"]


def synopsis(built):
    """Compatible declarations may be repeated, others are errors; structs are compared by their fields."""
    lines = ["#define _GNU_SOURCE", "#include <aioclone.h>"]
    for page in built.values():
        if page.number == "3":
            code = page.code("SYNOPSIS").split("typedef struct")[0]
            lines.append(f"/* {page.name} */\n{code}")
    return "\n".join(lines) + "\nint main(void) { return 0; }\n"


def main():
    directory, name, compiler, include, library = sys.argv[1:]
    built, _ = pages.read(directory)
    standard = "-std=c11" if name == "synopsis" else "-std=c99"  # C11 allows a typedef to be repeated
    text = synopsis(built) if name == "synopsis" else built[name].code("EXAMPLE")
    with tempfile.TemporaryDirectory() as work:
        program = os.path.join(work, "example")
        with open(program + ".c", "w", encoding="utf-8") as file:
            file.write(text)
        where = os.path.dirname(library)
        compiled = subprocess.run([compiler, standard, *FLAGS, "-I", include, program + ".c", library, f"-Wl,-rpath,{where}", "-o",
                                   program], check=False)
        if compiled.returncode != 0:
            return 1
        return subprocess.run([program], cwd=work, timeout=60, check=False, stdin=subprocess.DEVNULL).returncode


sys.exit(main())
