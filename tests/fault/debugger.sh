#!/bin/sh
# gdb sees the workers of a live process by name, with whole backtraces, and leaves it running.
# Usage: debugger.sh GDB PROGRAM   (PROGRAM says "ready", and ends when its input does)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkfifo "$work/input"
"$2" < "$work/input" > "$work/output" &
program=$!
exec 3> "$work/input"
for _ in $(seq 200); do # the program tells when its workers are there
    grep -q ready "$work/output" && break
    sleep 0.05
done
grep -q ready "$work/output"
timeout 60 "$1" -batch -nx -p "$program" -ex 'info threads' -ex 'thread apply all backtrace' > "$work/trace" 2>&1 ||
    { cat "$work/trace"; exit 1; }
exec 3>&-
status=0
wait "$program" || status=$?
fail() {
    cat "$work/trace"
    echo "debugger: $1" >&2
    exit 1
}
[ "$status" = 0 ] || fail "the program ended with $status"
[ "$(grep -c '"aioc-worker"' "$work/trace")" -ge 2 ] || fail "no workers by name"
[ "$(grep -c 'aioc_zone_worker (' "$work/trace")" = 2 ] || fail "no backtrace of both workers"
if [ "${AIOC_SPAWNER:-}" = clone ]; then
    [ "$(grep -c 'in aioc_zone_clone' "$work/trace")" = 2 ] || fail "a backtrace does not end in the trampoline"
fi
grep -q 'in main' "$work/trace" || fail "no backtrace of main"
if grep -qE 'corrupt stack|previous frame' "$work/trace"; then fail "a broken backtrace"; fi
