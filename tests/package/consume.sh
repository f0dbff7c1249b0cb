#!/bin/sh
# Installs a build and uses it as a stranger would: find_package and pkg-config, shared and static.
# Usage: consume.sh BUILD_DIRECTORY CMAKE C_COMPILER LIBDIR
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" --install "$1" --prefix "$work/prefix" > /dev/null
export LD_LIBRARY_PATH="$work/prefix/$4"
"$2" -G Ninja -S "$here/consumer" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" > "$work/log" || { cat "$work/log"; exit 1; }
"$2" --build "$work/build" > "$work/log" || { cat "$work/log"; exit 1; }
"$work/build/with_aioclone"
LD_LIBRARY_PATH='' "$work/build/with_aioclone_static"

# The installed .pc states the configured prefix: the package's user sees it moved.
sed -i "s|-L[^ ]*|-L$work/prefix/$4|; s|-I[^ ]*|-I$work/prefix/include|" "$work/prefix/$4/pkgconfig/aioclone.pc"
export PKG_CONFIG_PATH="$work/prefix/$4/pkgconfig"
pkg-config --exact-version=1.0.0 aioclone
"$3" "$here/consumer/main.c" $(pkg-config --cflags --libs aioclone) -o "$work/shared"
"$work/shared"
rm "$work/prefix/$4/"libaioclone.so*
"$3" "$here/consumer/main.c" $(pkg-config --cflags --libs --static aioclone) -o "$work/static"
LD_LIBRARY_PATH='' "$work/static"
