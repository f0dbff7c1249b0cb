#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches the source of the installed fio from Debian and configures it, for its headers: an engine must be built
# with those of the very fio that loads it. Prints the directory for -DAIOC_FIO_SOURCE=.
#   bench/fio/fetch.sh DIRECTORY
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
version=$(dpkg-query -W -f='${Version}' fio)
source=$PWD/fio-${version%-*}
if [ ! -e "$source/config-host.h" ]; then
    # The system's own package sources, with source packages, in lists of our own: nothing of the system changes.
    mkdir -p apt/lists/partial apt/parts
    for list in /etc/apt/sources.list.d/*.sources; do
        [ -e "$list" ] && sed 's/^Types:.*/Types: deb-src/' "$list" > "apt/parts/$(basename "$list")"
    done
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -e "$list" ] && sed -n 's/^deb /deb-src /p' "$list" > "apt/parts/$(basename "$list" .list).list"
    done
    set -- -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$PWD/apt/parts" \
        -o "Dir::State::lists=$PWD/apt/lists"
    apt-get "$@" -q update >&2
    apt-get "$@" -q source "fio=$version" >&2
    # As Debian configures it: options decide the layout of what fio hands to an engine.
    (cd "$source" && ./configure --prefix=/usr --disable-native > configure.log)
fi
echo "$source"
