#!/bin/sh
# The gem: built from the tree, and installed without the tree and without SWIG, offline.
# Usage: gem.sh BUILD_DIRECTORY CMAKE LIBDIR
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() { "$@" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }; }

# A copy of the tree: a build writes into it.
mkdir -p "$work/tree/bindings" "$work/tree/libaio-clone"
cp -r "$here" "$here/../swig" "$work/tree/bindings/"
cp -r "$here/../../libaio-clone/include" "$here/../../libaio-clone/src" "$work/tree/libaio-clone/"
cd "$work/tree/bindings/ruby"
if gem build aioclone.gemspec > "$work/log" 2>&1; then echo "built without what SWIG makes"; exit 1; fi
grep -q 'rake generate' "$work/log"
run rake generate
run gem build aioclone.gemspec
mv aioclone-*.gem "$work/"
rm -rf "$work/tree"

"$2" --install "$1" --prefix "$work/prefix" > /dev/null
sed -i "s|-L[^ ]*|-L$work/prefix/$3|; s|-I[^ ]*|-I$work/prefix/include|" "$work/prefix/$3/pkgconfig/aioclone.pc"
export PKG_CONFIG_PATH="$work/prefix/$3/pkgconfig" LD_LIBRARY_PATH="$work/prefix/$3" GEM_HOME="$work/gems"
unset RUBYLIB || true
cd /
run env SWIG=/nonexistent gem install --local --no-document "$work"/aioclone-*.gem
run ruby -e 'gem "aioclone"; require "aioclone"
    $LOADED_FEATURES.grep(/native.so/).all? { |path| path.start_with?(ENV["GEM_HOME"]) } or abort "another one"
    AIOClone.open("/etc/passwd") { |file| file.pread(15, 7) == File.read("/etc/passwd")[7, 15] or abort "wrong" }'
