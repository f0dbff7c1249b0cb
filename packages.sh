# Sourced by ./demo and ./check.
install_missing() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -z "$missing" ] && return
    echo "installing:$missing"
    apt-get update -q
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}
# What debian/control says that the build needs.
install_build_dependencies() {
    dpkg-checkbuilddeps > /dev/null 2>&1 && return
    echo "installing what debian/control names"
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get build-dep -q -y --no-install-recommends ./
}
