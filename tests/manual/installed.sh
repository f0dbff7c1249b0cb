#!/bin/sh
# SPDX-License-Identifier: MIT
# cmake --install puts the manual where man(1) finds it, each function by its own name, and the examples if asked to.
# Usage: installed.sh CMAKE BUILD MANDIR FUNCTION...
set -eu
cmake=$1
build=$2
mandir=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cmake" --install "$build" --prefix "$work" > "$work/log"
count=0
for name in "$@"; do
    MANPATH=$work/$mandir MANPAGER=cat LC_ALL=C.UTF-8 man -P cat "$name" > "$work/page"
    # an alias shows the page whose NAME it is in
    sed 's/.\x08//g' "$work/page" | sed -n '/^NAME$/,/^SYNOPSIS$/p' | grep -qw -- "$name" || {
        echo "man $name shows another page" >&2
        exit 1
    }
    count=$((count + 1))
done
echo "$count pages"
[ "$count" -gt 40 ]
