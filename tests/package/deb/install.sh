#!/bin/sh
# Installs packages into this system, uses them as users do, runs their autopkgtests, and removes them. As root.
# Usage: install.sh TREE   (the packages are beside it)
set -eu
tree=$(realpath "$1")
debs=$(dirname "$tree")
log=$debs/install.step
. "$tree/tests/package/deb/step.sh"

version=$(dpkg-deb -f "$debs"/libaioclone1_*.deb Version)
architecture=$(dpkg --print-architecture)
deb() { # package: its file
    ls "$debs/$1_${version}_$architecture.deb" "$debs/$1_${version}_all.deb" 2> /dev/null
}
first_program() {
    cd "$debs"
    # What README.md says, to the letter.
    sed -n '/^```c$/,/^```$/p' "$tree/README.md" | sed '1d;$d' > first.c
    # shellcheck disable=SC2046
    cc first.c $(pkg-config --cflags --libs aioclone)
    ./a.out
}
autopkgtests() {
    autopkgtest --no-built-binaries --summary-file "$debs/summary" "$debs"/*_"$version"_*.deb "$tree" -- null
}
remove() {
    packages=$(dpkg-query -W -f='${Package} ${source:Package}\n' | awk '$2 == "libaio-clone" {print $1}')
    # shellcheck disable=SC2086
    apt-get purge -q -y $packages
    if dpkg-query -W -f='${Package} ${source:Package}\n' | grep ' libaio-clone$'; then exit 1; fi
}

step "apt-get install libaioclone-dev" apt_install gcc libc6-dev pkg-config "$(deb libaioclone1)" "$(deb libaioclone-dev)"
step "cc first.c \$(pkg-config --cflags --libs aioclone)" first_program
shown
load() { # package, then what loads it
    package=$1
    shift
    file=$(deb "$package") || return 0 # not in this build
    step "apt-get install $package" apt_install "$file"
    step "$*" "$@"
    shown
}
load liblinux-aio-perl perl -MLinux::AIO -e 'print "$INC{q(Linux/AIO.pm)}\n"'
step "autopkgtest" apt_install autopkgtest apt-utils
# 0: all passed. 2 would be: some were skipped.
step "autopkgtest *.deb -- null" autopkgtests
sed 's/^/    /' "$debs/summary"
step "apt-get purge" remove
