#!/bin/sh
# clang-tidy over the library. Usage: tidy.sh CLANG_TIDY SOURCE_ROOT BUILD_DIRECTORY
set -eu
cd "$2"
find libaio-clone/src -name '*.cpp' | sort | xargs -P 2 -n 4 "$1" -p "$3" --quiet
