#!/bin/sh
# Prints every integer constant of the headers, but the version, as "name value". No debug information knows macros.
# Usage: constants.sh INCLUDE_DIRECTORY C_COMPILER
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" -E -dD -P -I"$1" "$1/aioclone.h" > "$work/text"
{
    sed -nE 's/^#define (AIOC_[A-Z0-9_]+) [^{]*$/\1/p' "$work/text" | grep -vE '^AIOC_(API|VERSION_)'
    tr '\n' ' ' < "$work/text" | grep -oE 'enum *\{[^}]*' | sed 's/enum *{//' | tr ',' '\n' | grep -oE 'AIOC_[A-Z0-9_]+'
} | LC_ALL=C sort -u > "$work/names"
test -s "$work/names"
{
    printf '#include <aioclone.h>\n#include <stdio.h>\nint main(void) {\n'
    sed 's/.*/printf("%s %lld\\n", "&", (long long)(&));/' "$work/names"
    echo 'return 0; }'
} > "$work/print.c"
"$2" -w -I"$1" "$work/print.c" -o "$work/print"
"$work/print"
