# SPDX-License-Identifier: MIT
"""Line coverage per file of the library, from gcov. Usage: coverage.py BUILD_DIRECTORY [LEAST_PERCENT]

After: cmake --workflow --preset coverage, or its tests. The worker zone is not instrumented.
"""
import json
import pathlib
import subprocess
import sys

build = pathlib.Path(sys.argv[1]).resolve()
least = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
lines = {}  # file -> line -> was it run?
for data in sorted(build.rglob("*.gcda")):
    if "aioclone_core" not in str(data):
        continue
    report = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], cwd=build, check=True, capture_output=True)
    for document in report.stdout.splitlines():
        for source in json.loads(document)["files"]:
            _, mark, name = source["file"].partition("libaio-clone/src/")
            if mark:
                seen = lines.setdefault(name, {})
                for line in source["lines"]:
                    seen[line["line_number"]] = seen.get(line["line_number"], False) or line["count"] > 0
lines = {name: seen for name, seen in lines.items() if seen}
if not lines:
    sys.exit("nothing was measured")
for name, seen in sorted(lines.items()) + [("all", {(f, n): ran for f, s in lines.items() for n, ran in s.items()})]:
    missing = [] if name == "all" else [str(n) for n, ran in sorted(seen.items()) if not ran]
    percent = 100.0 * sum(seen.values()) / len(seen)
    print(f"{percent:6.1f} % of {len(seen):5} lines  {name}" + (f"  (not run: {', '.join(missing[:12])})" if missing else ""))
if percent < least:
    sys.exit(f"less than {least} %")
