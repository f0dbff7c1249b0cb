#!/bin/sh
# SWIG reads the common interface for every language, with contexts, and declares every operation.
# Usage: parse.sh SWIG C_COMPILER LIBAIO_CLONE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$2" -E -P -I "$3/src" -o operations.i "$here/operations.h"
for language in lua ruby go perl5; do
    more=
    [ "$language" = go ] && more='-cgo -intgosize 64'
    [ "$language" = ruby ] && more=-w801 # a binding renames its classes
    printf '%%module Aioclone\n#define AIOC_SWIG_CONTEXTS\n%%include "aioclone.i"\n' > module.i
    # shellcheck disable=SC2086
    "$1" "-$language" $more -Werror "-I$here" -I. "-I$3/include" -o wrap.c module.i
    for name in $(sed -n 's/^aioc_request aioc_\([a-z0-9_]*\) .*/\1/p' operations.i) create destroy cancel nreqs; do
        grep -q "aioc_$name *(" wrap.c || { echo "$language: no aioc_$name"; exit 1; }
    done
done
