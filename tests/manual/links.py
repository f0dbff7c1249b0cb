#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every relative link in the repository's Markdown leads to a file, and the picture is the one of its source.

links.py ROOT DOT (none where graphviz is not there)
"""
import os
import re
import subprocess
import sys


def markdown(root):
    listed = subprocess.run(["find", root, "-name", "build*", "-prune", "-o", "-name", "*.md", "-print"],
                            capture_output=True, encoding="utf-8", check=True)
    return listed.stdout.split()


def texts(svg):
    """What a picture says: its layout is graphviz' own, of each version another one."""
    return sorted(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def main():
    root, dot = sys.argv[1:]
    problems = []
    count = 0
    for path in markdown(root):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if re.match(r"\w+:", target):
                continue
            count += 1
            if not os.path.exists(os.path.join(os.path.dirname(path), target)):
                problems.append(f"{os.path.relpath(path, root)}: {target} is not there")
    pictures = os.path.join(root, "docs/pictures")
    for source in sorted(os.listdir(pictures)):
        if not source.endswith(".dot") or dot == "none":
            continue
        made = subprocess.run([dot, "-Tsvg", os.path.join(pictures, source)], capture_output=True, encoding="utf-8",
                              check=True)
        with open(os.path.join(pictures, source.replace(".dot", ".svg")), encoding="utf-8") as file:
            if texts(file.read()) != texts(made.stdout):
                problems.append(f"docs/pictures/{source} has been changed: dot -Tsvg -O")
        with open(os.path.join(pictures, source), encoding="utf-8") as file:
            for name in re.findall(r"\b((?:api|core|engine|worker|sys)/[\w./]+)", file.read()):
                if not os.path.exists(os.path.join(root, "libaio-clone/src", name)):
                    problems.append(f"docs/pictures/{source}: {name} is not there")
    print("\n".join(problems) or f"{count} links")
    return 1 if problems or count == 0 else 0


sys.exit(main())
