#!/bin/sh
# The shared library exports the headers' functions, each under its version node, and nothing else.
# Usage: exports.sh LIBRARY MAP HEADER ...
set -eu
library=$1
map=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat "$@" | grep -oE 'AIOC_API [^(]*\(' | grep -oE 'aioc_[a-z0-9_]+\(' | tr -d '(' | sort > "$work/header"
awk -f "$(dirname "$0")/nodes.awk" "$map" | sort > "$work/nodes"
cut -d' ' -f1 "$work/nodes" > "$work/map"
nm -D --defined-only "$library" | grep -v ' A ' | awk '{print $3}' | sort > "$work/library"
sed 's/ /@@/' "$work/nodes" | sort > "$work/expected"
test -s "$work/header"
diff -u "$work/header" "$work/map"
diff -u "$work/expected" "$work/library"
readelf -d "$library" | grep -q 'SONAME.*\[libaioclone\.so\.1\]'
readelf -d "$library" | grep -q NODELETE
