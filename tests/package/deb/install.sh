#!/bin/sh
# Installs packages into this system, uses them as users do, runs their autopkgtests, and removes them. As root.
# Usage: install.sh TREE   (the packages are beside it)
set -eu
tree=$(realpath "$1")
debs=$(dirname "$tree")
log=$debs/install.step
. "$tree/tests/package/deb/step.sh"

first_program() { # what README.md says, to the letter
    cd "$debs"
    sed -n '/^```c$/,/^```$/p' "$tree/README.md" | sed '1d;$d' > first.c
    # shellcheck disable=SC2046
    cc first.c $(pkg-config --cflags --libs aioclone)
    ./a.out
}
loaded() { # package: every language that it is for loads its module
    case $1 in
    lua-aioclone)
        apt_install lua5.1 lua5.2 lua5.3 lua5.4 luajit > "$log.apt"
        for version in lua5.1 lua5.2 lua5.3 lua5.4 luajit; do
            $version -e 'print(_VERSION .. ": " .. type(require "aioclone"))'
        done
        ;;
    liblinux-aio-perl) perl -MLinux::AIO -e 'print "perl: $INC{q(Linux/AIO.pm)}\n"' ;;
    ruby-aioclone) ruby -e 'require "aioclone"; puts "ruby: #{$".grep(/aioclone\/native/)}"' ;;
    golang-libaio-clone-go-aioclone-dev)
        apt_install golang-go > "$log.apt"
        GOPATH=/usr/share/gocode GO111MODULE=off GOCACHE="$debs/go" go build -v libaio-clone.org/go/aioclone
        ;;
    *)
        echo "install.sh does not know how $1 is loaded"
        exit 1
        ;;
    esac
}
autopkgtests() { # of what is installed now; 0: all passed, 2 would be: some were skipped
    status=0
    autopkgtest --no-built-binaries --output-dir "$debs/results" "$tree" -- null || status=$?
    [ "$status" = 0 ] && return
    for test in $(sed -nE 's/^([^ ]+) +(FAIL|SKIP).*/\1/p' "$debs/results/summary"); do
        echo "== $test"
        cat "$debs/results/$test-stdout" "$debs/results/$test-stderr" || true
    done
    cat "$debs/results/summary"
    exit 1
}
remove() {
    packages=$(dpkg-query -W -f='${Package} ${source:Package}\n' | awk '$2 == "libaio-clone" {print $1}')
    # shellcheck disable=SC2086
    apt-get purge -q -y $packages
    if dpkg-query -W -f='${Package} ${source:Package}\n' | grep ' libaio-clone$'; then exit 1; fi
}

step "apt-get install libaioclone-dev" apt_install gcc libc6-dev pkg-config \
    "$debs"/libaioclone1_*.deb "$debs"/libaioclone-dev_*.deb
step "cc first.c \$(pkg-config --cflags --libs aioclone)" first_program
shown
for deb in "$debs"/*.deb; do
    package=$(dpkg-deb -f "$deb" Package)
    case $package in libaioclone1 | libaioclone-dev | *-dbgsym) continue ;; esac
    step "apt-get install $package" apt_install "$deb"
    step "load it" loaded "$package"
    shown
done
step "apt-get install autopkgtest" apt_install autopkgtest
step "autopkgtest -- null" autopkgtests
sed 's/^/    /' "$debs/results/summary"
step "apt-get purge" remove
