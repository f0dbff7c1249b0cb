# SPDX-License-Identifier: MIT
"""What the manual and its tests read from the header, the version script and the operation table."""
import glob
import os
import re
from dataclasses import dataclass


@dataclass
class Operation:
    code: str
    name: str
    uses: list
    credentials: bool


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


class Interface:
    def __init__(self, include, operations):
        self.text = ""
        for path in [os.path.join(include, "aioclone.h"), *sorted(glob.glob(os.path.join(include, "aioclone/*.h")))]:
            with open(path, encoding="utf-8") as file:
                self.text += file.read()
        code = without_comments(self.text)
        self.version = ".".join(
            re.search(rf"AIOC_VERSION_{part} (\d+)", code).group(1) for part in ("MAJOR", "MINOR", "PATCH"))
        self.prototypes = {}
        declarations = re.sub(r"^#.*$", "", code, flags=re.M)
        for declaration in re.findall(r"\bAIOC_API\s+([^;{]+);", declarations):
            one_line = " ".join(declaration.split())
            self.prototypes[re.search(r"\b(aioc_\w+)\(", one_line).group(1)] = one_line + ";"
        self.structs = {name: " ".join(body.split()) for body, name in
                        re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", code, flags=re.S)}
        self.types = set(re.findall(r"typedef [^{;]*?\(?\*?\b(aioc_\w+)\)?(?:\([^;]*\))?;", code)) | set(self.structs)
        macros = set(re.findall(r"#define (AIOC_\w+)", code))
        enumerators = set(re.findall(r"\b(AIOC_\w+) = ", code))
        self.constants = (macros | enumerators) - {"AIOC_API"}
        with open(operations, encoding="utf-8") as file:
            table = re.sub(r"//.*", "", file.read())
        rows = re.findall(r"^AIOC_OPERATION\((\w+),\s*(\w+),\s*([^,]+),\s*([01]),", table, flags=re.M)
        if len(rows) != len(re.findall(r"^AIOC_OPERATION\(", table, flags=re.M)):
            raise SystemExit(f"{operations}: a row is not understood by man/interface.py")
        self.operations = {name: Operation(code, name, [u.strip() for u in uses.split("|") if u.strip() != "0"],
                                           credentials == "1") for code, name, uses, credentials in rows}

    def fields(self, struct):
        """Its members as (declaration, name), in order."""
        return [(d, re.search(r"(\w+)(\[\w*\])?$", d).group(1))
                for d in (d.strip() for d in self.structs[struct].split(";")) if d]

    def value_of(self, constant):
        return int(re.search(rf"\b{constant} = (\d+)", self.text).group(1))


def exported(version_script):
    with open(version_script, encoding="utf-8") as file:
        return re.findall(r"^\s+(aioc_\w+);", file.read(), flags=re.M)
