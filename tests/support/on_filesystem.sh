#!/bin/sh
# Runs a program of the matrix on a file system of its own, in an image. 77: that cannot be made here.
# Usage: on_filesystem.sh xfs|btrfs|ext4 PROGRAM
set -eu
type=$1
program=$2
skip() {
    echo "not tested here: $type: $1"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "not root"
command -v "mkfs.$type" > /dev/null || skip "no mkfs.$type"
grep -qw "$type" /proc/filesystems || modprobe -q "$type" 2> /dev/null || skip "the kernel has it not"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 711 "$work"
truncate -s 600M "$work/image"
options=
[ "$type" = ext4 ] && options='-q -O verity'
[ "$type" = xfs ] && options=-q
[ "$type" = btrfs ] && options=-q
# shellcheck disable=SC2086
"mkfs.$type" $options "$work/image" || skip "mkfs failed"
mkdir "$work/mount"
status=0
# In a mount namespace: it is gone with the last process in it.
unshare -m sh -c 'mount -o loop "$1/image" "$1/mount" || exit 77
    chmod 1777 "$1/mount"
    TEST_DIRECTORY=$1/mount "$2"' sh "$work" "$program" || status=$?
exit "$status"
