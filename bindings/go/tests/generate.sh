#!/bin/sh
# Makes what SWIG makes of capi.i.
# Usage: generate.sh SWIG C_COMPILER PROJECT_SOURCE_DIRECTORY OUTPUT_DIRECTORY
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" -E -P -I "$3/libaio-clone/src" -o "$work/operations.i" "$3/bindings/swig/operations.h"
cp "$3/bindings/go/internal/capi/capi.i" "$3/bindings/go/internal/capi/capi.h" "$work"
cd "$work" # so that no path is in what it makes
"$1" -go -cgo -intgosize 64 -Wall -Werror -I"$3/bindings/swig" -I"$3/libaio-clone/include" -I. -o capi_wrap.c capi.i
cp capi.go capi_wrap.c "$4"
