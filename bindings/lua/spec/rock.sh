#!/bin/sh
# SPDX-License-Identifier: MIT
# The module through LuaRocks, from the tree and without network, against an installed library.
# Usage: rock.sh BUILD_DIRECTORY CMAKE LIBDIR LUAROCKS LUA_VERSION LUA_PROGRAM
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() { "$@" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }; }

# A copy of the tree: a build writes into it.
mkdir -p "$work/tree/bindings" "$work/tree/libaio-clone"
cp -r "$here" "$here/../swig" "$work/tree/bindings/"
cp -r "$here/../../libaio-clone/src" "$work/tree/libaio-clone/"
run "$2" --install "$1" --prefix "$work/prefix"
cd "$work/tree/bindings/lua"
run unshare --net "$4" --lua-version "$5" --tree "$work/rocks" make AIOCLONE_DIR="$work/prefix" \
    AIOCLONE_INCDIR="$work/prefix/include" AIOCLONE_LIBDIR="$work/prefix/$3" aioclone-1.0.0-1.rockspec
export LD_LIBRARY_PATH="$work/prefix/$3"
cd /
export LUA_PATH="$work/rocks/share/lua/$5/?.lua;;" LUA_CPATH="$work/rocks/lib/lua/$5/?.so;;"
"$6" "$here/examples/seed.lua" > "$work/output"
grep -q closed "$work/output"
"$4" --lua-version "$5" --tree "$work/rocks" list --porcelain | grep -q '^aioclone'
