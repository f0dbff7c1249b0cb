#!/bin/sh
# Programs that were built with a release run with this library: no function gone or changed, structs grown at
# their end at most, no constant gone or changed. Usage: compatible.sh RELEASE_FILES LIBRARY INCLUDE_DIRECTORY C_COMPILER
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh "$here/dump.sh" "$2" > "$work/abi"
sh "$here/constants.sh" "$3" "$4" > "$work/constants"
status=0
python3 "$here/seen_by.py" "$1.abi" "$work/abi" > "$work/seen"
abidiff --no-added-syms "$1.abi" "$work/seen" || status=1
if grep -vxFf "$work/constants" "$1.constants"; then
    echo "these constants of $(basename "$1") are gone or have another value" >&2
    status=1
fi
# A handle that nobody can see into may change with every release.
handles=$("$4" -E -P -I"$3" "$3/aioclone.h" | sed -nE 's/^typedef struct (aioc_[a-z0-9_]+) \1;/\1/p')
for handle in ${handles:?none found}; do
    if grep "<class-decl name='$handle'" "$work/abi" | grep -v "is-declaration-only='yes'"; then
        echo "the public handle $handle is defined where programs can see it" >&2
        status=1
    fi
done
exit $status
