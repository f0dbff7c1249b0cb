# SPDX-License-Identifier: MIT
"""Prints a library's interface (as abidw dumps it) as the programs of a release see it: public structs, which start
with their size and may grow at their end, are cut to their size in that release. A suppression of abidiff's 2.2
(has_data_member_inserted_at = end) cannot serve: it hides a member's new type too.
Usage: seen_by.py RELEASE.abi LIBRARY.abi"""

import sys
import xml.etree.ElementTree as tree


def public_structs(dump):
    for struct in dump.iter("class-decl"):
        if struct.get("name").startswith("aioc_") and struct.get("size-in-bits"):
            yield struct


release, library = (tree.parse(name) for name in sys.argv[1:])
sizes = {struct.get("name"): int(struct.get("size-in-bits")) for struct in public_structs(release)}
for struct in public_structs(library):
    size = sizes.get(struct.get("name"))
    if size is not None and int(struct.get("size-in-bits")) > size:
        struct.set("size-in-bits", str(size))
        for member in struct.findall("data-member"):
            if int(member.get("layout-offset-in-bits")) >= size:
                struct.remove(member)
library.write(sys.stdout.buffer)
