#!/bin/sh
# SPDX-License-Identifier: MIT
# LDoc understands every comment, and the reference names what the module has.
# Usage: ldoc.sh LDOC
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
"$1" --fatalwarnings --dir "$work/doc" . > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
for name in run spawn each batch poll wait fileno stat read write configure; do
    grep -q "name = \"$name\"" "$work/doc/modules/aioclone.html" || { echo "no $name in the reference"; exit 1; }
done
