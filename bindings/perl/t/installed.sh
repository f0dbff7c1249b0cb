#!/bin/sh
# The module as CMake installs it.
# Usage: installed.sh BUILD_DIRECTORY CMAKE LIBDIR PERL_DIRECTORY
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" --install "$1" --prefix "$work/prefix" > /dev/null
export LD_LIBRARY_PATH="$work/prefix/$3" PERL5LIB="$work/prefix/$4"
prove "$(dirname "$0")/load.t" "$(dirname "$0")/documentation.t"
