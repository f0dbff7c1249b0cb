#!/bin/sh
# The module through its own Makefile.PL: from the tree, and by itself against an installed library.
# Usage: makefile.sh BUILD_DIRECTORY CMAKE LIBDIR
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() { "$@" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }; }

# A copy of the tree: a build writes into it.
mkdir -p "$work/tree/bindings" "$work/tree/libaio-clone"
cp -r "$here" "$here/../swig" "$work/tree/bindings/"
cp -r "$here/../../libaio-clone/include" "$here/../../libaio-clone/src" "$work/tree/libaio-clone/"
cd "$work/tree/bindings/perl"
run perl Makefile.PL AIOC_BUILD="$1"
run make
run make test TEST_FILES='t/load.t t/status.t t/operations.t'

# A distribution needs neither SWIG nor the tree.
run make manifest
run make dist
mkdir "$work/distribution" && tar xzf Linux-AIO-*.tar.gz -C "$work/distribution"
rm -rf "$work/tree"
cd "$work"/distribution/Linux-AIO-*
"$2" --install "$1" --prefix "$work/prefix" > /dev/null
sed -i "s|-L[^ ]*|-L$work/prefix/$3|; s|-I[^ ]*|-I$work/prefix/include|" "$work/prefix/$3/pkgconfig/aioclone.pc"
export PKG_CONFIG_PATH="$work/prefix/$3/pkgconfig" LD_LIBRARY_PATH="$work/prefix/$3"
run perl Makefile.PL INSTALL_BASE="$work/perl" SWIG=/nonexistent
run make
run make install
cd /
PERL5LIB="$work/perl/lib/perl5" run prove "$work"/distribution/Linux-AIO-*/t/transfer.t
grep -q 'Result: PASS' "$work/log"
