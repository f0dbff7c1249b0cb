#!/bin/sh
# Compiles the worker zone with another compiler and inspects it.
# Usage: worker_zone_compile.sh TOOL_PREFIX COMPILER SOURCE_ROOT FLAG ...
set -eu
prefix=$1
compiler=$2
root=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for source in "$root"/src/worker/*.cpp "$root"/src/composite/*.cpp; do
    "$compiler" -std=c++20 -fPIC -Wall -Wextra -Werror -I"$root/src" -I"$root/include" -c "$source" \
        -o "$work/$(basename "$source").o" "$@"
done
sh "$(dirname "$0")/worker_zone.sh" "$prefix" "$work"/*.o
# The inspection can fail: the same with a canary, a libc call and a thread-local.
cat > "$work/bad.cpp" << 'END'
#include <string.h>
thread_local int mine;
extern "C" int aioc_bad(char* to, const char* from) { strcpy(to, from); return ++mine; }
END
"$compiler" -O2 -fPIC -c "$work/bad.cpp" -o "$work/bad.o"
if sh "$(dirname "$0")/worker_zone.sh" "$prefix" "$work"/*.o 2> /dev/null; then
    echo "the inspection found nothing wrong in a bad object" >&2
    exit 1
fi
