#!/bin/sh
# Until a release is made, what describes it follows the code. Afterwards it is frozen (compatible.sh).
# An empty first argument: nothing is being made.
# Usage: current.sh MAJOR.MINOR LIBRARY INCLUDE_DIRECTORY C_COMPILER MAP SYMBOLS BUILD_DIRECTORY
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stale=
if [ -n "$1" ]; then
    files=$here/releases/$1
    sh "$here/dump.sh" "$2" > "$work/abi"
    sh "$here/constants.sh" "$3" "$4" > "$work/constants"
    abidiff "$files.abi" "$work/abi" || stale="$stale releases/$1.abi"
    diff -u "$files.constants" "$work/constants" || stale="$stale releases/$1.constants"
fi
sh "$here/symbols.sh" "$5" > "$work/symbols"
diff -u "$6" "$work/symbols" || stale="$stale $(basename "$6")"
[ -z "$stale" ] && exit
echo "stale:$stale"
echo "The interface was changed. If that is meant, run   tests/abi/update $7   and commit what it writes."
exit 1
