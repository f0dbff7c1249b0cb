#!/bin/sh
# Copies a tree as it is now, without what git ignores. Usage: copy.sh SOURCE_TREE NEW_TREE
set -eu
mkdir -p "$2"
if git -c safe.directory='*' -C "$1" rev-parse 2> /dev/null; then
    git -c safe.directory='*' -C "$1" ls-files -z --cached --others --exclude-standard |
        tar -C "$1" --null --verbatim-files-from -T - -c | tar -C "$2" -x
else # from a tarball, or without git
    tar -C "$1" --exclude=./build --exclude=./.git -c . | tar -C "$2" -x
fi
test -e "$2/debian/control"
