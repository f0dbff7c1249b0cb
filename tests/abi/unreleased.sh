#!/bin/sh
# Prints MAJOR.MINOR of the release that is being made: the newest node of the version script, if CHANGELOG.md does
# not say that it has been released. Prints nothing between releases. Usage: unreleased.sh MAP CHANGELOG
set -eu
newest=$(sed -nE 's/^AIOCLONE_([0-9.]+) *\{.*/\1/p' "$1" | sort -V | tail -n 1)
test -n "$newest"
if grep -q "^## $newest\.0 (unreleased)" "$2"; then echo "$newest"; fi
