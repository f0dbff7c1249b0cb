#!/bin/sh
# Every C and C++ file is as clang-format would write it, but for those of the list "unformatted": it only shrinks.
# Usage: format.sh CLANG_FORMAT SOURCE_ROOT
set -eu
cd "$2"
status=0
checked=0
for file in $(find libaio-clone tests examples bench -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.hpp' | sort); do
    if grep -qx "$file" tests/lint/unformatted; then
        if "$1" --dry-run -Werror "$file" 2> /dev/null; then
            echo "$file is formatted: take it from the list" >&2
            status=1
        fi
        continue
    fi
    checked=$((checked + 1))
    "$1" --dry-run -Werror "$file" || status=1
done
for file in $(cat tests/lint/unformatted); do
    test -e "$file" || { echo "$file is on the list and not there" >&2; status=1; }
done
echo "$checked files checked"
[ "$checked" -gt 0 ] && exit "$status"
