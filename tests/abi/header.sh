#!/bin/sh
# The header compiles alone, without a warning, as every C and C++ that users build with.
# Usage: header.sh INCLUDE_DIRECTORY C_COMPILER CXX_COMPILER ...
set -eu
include=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <aioclone.h>\nint use(void);\nint use(void) { return (int)aioc_version(); }\n' > "$work/use.c"
cp "$work/use.c" "$work/use.cpp"
# The part alone, too: it includes the whole.
printf '#include <aioclone/operations.h>\nint use(void);\nint use(void) { return (int)aioc_version(); }\n' > "$work/part.c"
"$1" -std=c89 -pedantic-errors -Wall -Wextra -Werror -I"$include" -c "$work/part.c" -o "$work/use.o"
while [ $# -gt 1 ]; do
    for standard in c89 c99 c11 c17; do
        "$1" -std=$standard -pedantic-errors -Wall -Wextra -Wconversion -Werror -I"$include" -c "$work/use.c" -o "$work/use.o"
    done
    for standard in c++11 c++14 c++17 c++20; do
        "$2" -std=$standard -pedantic-errors -Wall -Wextra -Wconversion -Werror -I"$include" -c "$work/use.cpp" -o "$work/use.o"
    done
    shift 2
done
