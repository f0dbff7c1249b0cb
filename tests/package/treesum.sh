#!/bin/sh
# The demo with files that vanish or cannot be read, and wrong arguments. Usage: treesum.sh TREESUM
set -eu
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/tree/empty"
for i in $(seq 200); do head -c "$((i * 997))" /dev/zero > "$work/tree/$i"; done
chmod 000 "$work/tree/7"
ln -s 8 "$work/tree/link"
mkfifo "$work/tree/fifo"
chmod 711 "$work"
chmod 755 "$work/tree"
fail() {
    cat "$work/out"
    echo "treesum: $1" >&2
    exit 1
}
as_nobody=
if [ "$(id -u)" = 0 ]; then as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'; fi
for order in '' --plain-first; do
    # Listed and not there: what vanished after the walk. /proc/self/mem: opened, and not to be read at its start.
    { find "$work/tree" ! -type d; echo "$work/tree/vanished"; echo /proc/self/mem; } |
        $as_nobody "$1" $order - > "$work/out" 2> "$work/err" || fail "status $?"
    grep -q '^files 201,' "$work/out" || fail "files are not counted"
    grep -q 'errors 1: No such file' "$work/out" || fail "the vanished file is not counted"
    grep -q 'errors 1: Permission denied' "$work/out" || fail "the unreadable file is not counted"
    grep -q 'errors 1: Input/output error' "$work/out" || fail "the read error is not counted"
    grep -q 'checksums: equal' "$work/out" || fail "no comparison"
    [ "$(grep -c cache: "$work/out")" = 3 ] || fail "not three passes"
    if grep -q '1/3 \[' "$work/err"; then fail "a progress bar without a terminal"; fi
done
"$1" "$work/tree" > "$work/out" || fail "a directory: $?"
"$1" "$work/tree/9" > "$work/out" && grep -q '^files 1,' "$work/out" || fail "a file"
for wrong in "$work/missing" "$work/tree/empty"; do
    status=0
    "$1" "$wrong" > "$work/out" 2>&1 || status=$?
    [ "$status" = 2 ] || fail "$wrong: status $status"
done
status=0
"$1" "$work/tree" >&- 2> "$work/out" || status=$?
[ "$status" = 2 ] || fail "closed output: status $status"
status=0
"$1" "$work/tree" > /dev/full 2> "$work/out" || status=$?
[ "$status" = 2 ] || fail "full output: status $status"
# A file that changes between two passes is no difference; others are compared all the same.
(while [ ! -e "$work/stop" ]; do date +%N > "$work/tree/1"; rm -f "$work/tree/2"; done) &
writer=$!
"$1" "$work/tree" > "$work/out" || { touch "$work/stop"; fail "files in motion: $?"; }
touch "$work/stop"
wait $writer
