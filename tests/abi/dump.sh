#!/bin/sh
# Prints the binary interface of a library, as its debug information tells it. Usage: dump.sh LIBRARY
set -eu
# Without it abidw dumps names only, and abidiff finds all types equal.
readelf -SW "$1" | grep -q ' \.debug_info ' || {
    echo "$1 has no debug information: build with -g, and do not strip" >&2
    exit 2
}
work=$(mktemp)
trap 'rm -f "$work"' EXIT
abidw --exported-interfaces-only --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash "$1" > "$work"
# Nor would it compare functions that an optimiser made one, as aliases.
symbols=$(grep -c '<elf-symbol ' "$work")
functions=$(grep -c '<function-decl .*elf-symbol-id=' "$work")
[ "$symbols" = "$functions" ] || {
    echo "$1 has $symbols symbols, and debug information for $functions functions" >&2
    exit 2
}
cat "$work"
