#!/bin/sh
# The binding as CMake installs it.
# Usage: installed.sh BUILD_DIRECTORY CMAKE LIBDIR RUBY RUBY_DIRECTORY RUBY_ARCHDIRECTORY
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" --install "$1" --prefix "$work/prefix" > /dev/null
export LD_LIBRARY_PATH="$work/prefix/$3" RUBYLIB="$work/prefix/$5:$work/prefix/$6"
"$4" -W -e 'require "aioclone"
    $LOADED_FEATURES.grep(/aioclone/).all? { |path| path.start_with?(ARGV[0]) } or abort "another one"
    AIOClone.stat("/").directory? or abort "wrong"' "$work/prefix"
