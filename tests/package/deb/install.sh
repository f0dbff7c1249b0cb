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
autopkgtests() { # of what is installed now; 0: all passed, 2 would be: some were skipped
    status=0
    autopkgtest --no-built-binaries --output-dir "$debs/results" "$tree" -- null || status=$?
    cat "$debs/results/summary"
    [ "$status" = 0 ] && return
    for test in $(sed -nE 's/^([^ ]+) +FAIL.*/\1/p' "$debs/results/summary"); do
        echo "== $test"
        cat "$debs/results/$test-stdout" "$debs/results/$test-stderr"
    done
    exit 1
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
step "apt-get install autopkgtest" apt_install autopkgtest
step "autopkgtest -- null" autopkgtests
sed 's/^/    /' "$debs/results/summary"
step "apt-get purge" remove
