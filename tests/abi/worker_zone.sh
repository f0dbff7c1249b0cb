#!/bin/sh
# The worker zone stands alone: no undefined symbol, no comdat copy that another file could replace,
# no thread-local storage. Usage: worker_zone.sh TOOL_PREFIX OBJECT ...   (prefix -: none)
set -eu
prefix=${1#-}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${prefix}ld" -r "$@" -o "$work/zone.o"
fail() {
    echo "worker zone: $1" >&2
    exit 1
}
[ -z "$("${prefix}nm" -u "$work/zone.o")" ] || fail "undefined: $("${prefix}nm" -u "$work/zone.o")"
"${prefix}nm" "$work/zone.o" | grep -E ' [WVuvw] ' && fail "weak or unique symbols"
"${prefix}nm" "$work/zone.o" | grep -q ' T aioc_zone_worker$' || fail "not the worker zone"
"${prefix}objdump" -d "$work/zone.o" > "$work/code"
grep -qE '%fs:|%gs:|tpidr_el0' "$work/code" && fail "reads the thread pointer"
"${prefix}readelf" -SW "$work/zone.o" | grep -E '\.tdata|\.tbss' && fail "has thread-local storage"
exit 0
