#!/bin/sh
# What is kept of SWIG's work is what SWIG makes now.
# Usage: generated.sh COMMAND ... (generate.sh without its output directory)
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
made_with=$(sed -n 's/^ \* Version \([0-9.]*\)$/\1/p' "$here/internal/capi/capi.go")
"$3" -version | grep -q "SWIG Version $made_with$" || {
    echo "skipped: it was made with SWIG $made_with"
    [ -z "${AIOC_CI:-}" ] # there it is the one
    exit
}
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
"$@" "$new"
for file in capi.go capi_wrap.c; do
    diff -u "$here/internal/capi/$file" "$new/$file" || { echo "$file is old: build the target go-generate"; exit 1; }
done
