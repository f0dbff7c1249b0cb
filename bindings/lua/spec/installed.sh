#!/bin/sh
# SPDX-License-Identifier: MIT
# The module as CMake installs it. Its C part names no Lua library, and finds the library of this project.
# Usage: installed.sh BUILD_DIRECTORY CMAKE LIBDIR DATADIR LUA_VERSION LUA_PROGRAM
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" --install "$1" --prefix "$work/prefix" > /dev/null
export LD_LIBRARY_PATH="$work/prefix/$3"
export LUA_PATH="$work/prefix/$4/lua/$5/?.lua" LUA_CPATH="$work/prefix/$3/lua/$5/?.so"
"$6" "$here/examples/seed.lua" > "$work/output"
grep -q closed "$work/output"
! readelf -d "$LD_LIBRARY_PATH/lua/$5/aioclone/core.so" | grep -E 'NEEDED.*(lua|stdc)'
readelf -d "$LD_LIBRARY_PATH/lua/$5/aioclone/core.so" | grep -q 'NEEDED.*libaioclone.so.1'
