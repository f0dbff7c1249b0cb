#!/bin/sh
# The version is the header's everywhere. Usage: version.sh VERSION SOURCE_DIRECTORY
set -eu
check() { # what, version
    [ "$2" = "$version" ] && return
    echo "$1 has version $2, aioclone.h has $version" >&2
    exit 1
}
version=$1
check debian/changelog "$(sed -nE '1s/^libaio-clone \(([^)]*)\) .*/\1/p' "$2/debian/changelog")"
check CHANGELOG.md "$(sed -nE 's/^## ([0-9.]+).*/\1/p' "$2/CHANGELOG.md" | head -n 1)"
