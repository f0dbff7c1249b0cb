#!/bin/sh
# Builds, inspects, installs, tests and removes the packages in a copy-on-write view of this system, which keeps
# nothing of it. As root. Usage: overlay.sh SOURCE_TREE
set -eu
[ "$(id -u)" = 0 ] || { echo "packages are installed: this needs root" >&2; exit 77; }
if [ -z "${AIOC_IN_NAMESPACE:-}" ]; then
    AIOC_IN_NAMESPACE=1 exec unshare --mount --propagation private sh "$0" "$@"
fi
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
cleanup() {
    umount --recursive --lazy "$work/view" 2> /dev/null || true
    umount "$work/memory" 2> /dev/null || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
mkdir "$work/memory" "$work/view" "$work/build"
sh "$here/copy.sh" "$1" "$work/build/tree"
# In memory, because an upper directory must not lie in its lower one.
mount -t tmpfs -o size=2g tmpfs "$work/memory"
mkdir "$work/memory/upper" "$work/memory/work"
mount -t overlay -o "lowerdir=/,upperdir=$work/memory/upper,workdir=$work/memory/work" overlay "$work/view"
# Tests work in /tmp: not on an overlay, which lacks what they are about.
mkdir -m 1777 "$work/tmp"
mount --bind "$work/tmp" "$work/view/tmp"
for part in proc sys dev; do mount --rbind "/$part" "$work/view/$part"; done
mkdir "$work/view/packages"
rm -f "$work/view/var/lib/man-db/auto-update" # or each installation indexes the whole system's manual
mount --bind "$work/build" "$work/view/packages"
chroot "$work/view" sh /packages/tree/tests/package/deb/build.sh /packages/tree
chroot "$work/view" sh /packages/tree/tests/package/deb/install.sh /packages/tree
