#!/bin/sh
# The shared library exports the header's functions, each under its version node, and nothing else.
# Usage: exports.sh LIBRARY HEADER MAP
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grep -oE 'AIOC_API [^(]*\(' "$2" | grep -oE 'aioc_[a-z0-9_]+\(' | tr -d '(' | sort > "$work/header"
awk -f "$(dirname "$0")/nodes.awk" "$3" | sort > "$work/nodes"
cut -d' ' -f1 "$work/nodes" > "$work/map"
nm -D --defined-only "$1" | grep -v ' A ' | awk '{print $3}' | sort > "$work/library"
sed 's/ /@@/' "$work/nodes" > "$work/expected"
test -s "$work/header"
diff -u "$work/header" "$work/map"
diff -u "$work/expected" "$work/library"
readelf -d "$1" | grep -q 'SONAME.*\[libaioclone\.so\.1\]'
readelf -d "$1" | grep -q NODELETE
