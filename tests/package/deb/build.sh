#!/bin/sh
# Builds the packages from a clean tree, in this system, and inspects them. As root; the build itself is a user's.
# With --full: also the tests in the build, a second build that must come out the same, and one of the library alone.
# Usage: build.sh [--full] TREE   (the packages are put beside the tree)
set -eu
full=
if [ "$1" = --full ]; then
    full=yes
    shift
fi
tree=$(realpath "$1")
out=$(dirname "$tree")
log=$out/build.step
. "$tree/tests/package/deb/step.sh"
user=package-builder # with limits of its own: nobody shares them with all that is nobody's

as_user() { # directory, command
    directory=$1
    shift
    (cd "$directory" && runuser -u $user -- env HOME="$out/home" "$@")
}
build() { # tree, then words before dpkg-buildpackage's own
    directory=$1
    shift
    as_user "$directory" env DEB_BUILD_OPTIONS="parallel=2 $options" "$@" dpkg-buildpackage -us -uc
}
same() { # two directories of packages
    differ=
    for deb in "$1"/*.deb; do
        cmp "$deb" "$2/$(basename "$deb")" || differ="$differ $deb"
    done
    [ -z "$differ" ]
}
# The library without tests, manual, languages and io_uring, where what only those need is not installed.
minimal() {
    cd "$out/minimal/tree"
    # shellcheck disable=SC2046
    apt-get purge -q -y --auto-remove $(sed -nE 's/^ ([a-z0-9.+-]+)(:any)?( \([^)]*\))? <.*/\1/p' debian/control)
    profiles=nocheck,nodoc,$(grep -oE 'pkg\.aioclone\.no[a-z]+' debian/control | sort -u | paste -s -d,)
    as_user "$PWD" dpkg-buildpackage -us -uc -b "-P$profiles"
}
check_minimal() {
    cd "$out/minimal"
    [ "$(find . -maxdepth 1 -name '*.deb' ! -name '*dbgsym*' | wc -l)" = 2 ]
    dpkg-deb -x libaioclone1_*.deb unpacked
    readelf -d unpacked/usr/lib/*/libaioclone.so.1 > dynamic
    dpkg-deb -f libaioclone-dev_*.deb Depends >> dynamic
    dpkg-deb -c libaioclone-dev_*.deb >> dynamic
    cat dynamic
    grep -q 'SONAME.*libaioclone' dynamic
    if grep -E 'uring|/man/' dynamic; then exit 1; fi
}
mkdir -p "$out/home"
id $user > /dev/null 2>&1 || useradd --system --user-group --home-dir "$out/home" --shell /bin/sh $user
chown -R $user "$out"
options=
[ -n "$full" ] || options=nocheck
if ! (cd "$tree" && dpkg-checkbuilddeps) > "$log" 2>&1; then
    step "apt-get update" apt-get update -q
    cd "$tree"
    step "apt-get build-dep ./" apt-get build-dep -q -y --no-install-recommends ./
fi
step "lintian, blhc" apt_install lintian blhc
step "dpkg-buildpackage${full:+, with tests}" build "$tree"
cp "$log" "$out/build.log"
step "the worker zone under Debian's flags" sh -c "find '$tree/build/debian' -path '*aioclone_worker.dir*.o' |
    xargs sh '$tree/tests/abi/worker_zone.sh' -"
cd "$out"
step "lintian -EvIL +pedantic" as_user "$out" lintian -EvIL +pedantic --fail-on error,warning,info,pedantic ./*.changes
step "blhc" blhc --all --debian "$out/build.log"
if [ -n "$full" ]; then
    mkdir -p "$out/second/of-another-length" "$out/minimal"
    first=$(ls "$out"/*.dsc)
    # No space in the path: dpkg-buildflags would not map it away from what is compiled.
    for copy in "$out/second/of-another-length/tree" "$out/minimal/tree"; do
        dpkg-source -x --no-copy "$first" "$copy" > "$log" 2>&1
    done
    chown -R $user "$out/second" "$out/minimal"
    options=nocheck
    umask 027
    step "a second build, elsewhere" build "$out/second/of-another-length/tree" env TZ=Pacific/Kiritimati LC_ALL=C
    umask 022
    step "is the same, byte for byte" same "$out" "$out/second/of-another-length"
    step "a build without languages, manual and liburing" minimal
    step "is two packages without io_uring" check_minimal
fi
ls -l "$out"/*.deb | awk '{print "    " $5, $9}' | sed "s|$out/||"
