#!/bin/sh
# The gate can fail: libraries of empty functions, each with one change of the header that breaks or does not break
# programs. Usage: known_bad.sh INCLUDE_DIRECTORY C_COMPILER [OTHER_COMPILER]
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    cat "$work/log"
    echo "known-bad: $1" >&2
    exit 1
}

# A library with the interface that the headers of a directory declare. Usage: build DIRECTORY COMPILER
build() {
    {
        echo '#include <aioclone.h>'
        "$2" -E -P -I"$1" "$1/aioclone.h" | tr '\n' ' ' | grep -oE '__attribute__\(\(visibility\("default"\)\)\)[^;]*;' |
            sed -e '/)) void [a-z_]* *(/s/;$/ { }/' -e 's/;$/ { return 0; }/'
    } > "$1/stub.c"
    "$2" -g -O0 -fPIC -w -shared -Wl,-soname,libaioclone.so.1 -I"$1" "$1/stub.c" -o "$1/libaioclone.so"
}
# A copy of the headers that is changed by a program for sed.
changed() {
    cp -r "$include" "$work/$1"
    find "$work/$1" -name '*.h' -exec sed -E -i "$2" {} +
    diff -r "$include" "$work/$1" > "$work/log" && fail "$1: no header was changed"
    build "$work/$1" "$compiler"
}
check() {
    sh "$here/compatible.sh" "$work/release" "$work/$1/libaioclone.so" "$work/$1" "$compiler" > "$work/log" 2>&1
}
bad() {
    changed "$@"
    if check "$1"; then fail "$1 was not seen"; fi
}
good() {
    changed "$@"
    check "$1" || fail "$1 was refused"
}

include=$1
compiler=$2
cp -r "$include" "$work/good"
build "$work/good" "$compiler"
sh "$here/dump.sh" "$work/good/libaioclone.so" > "$work/release.abi"
sh "$here/constants.sh" "$include" "$compiler" > "$work/release.constants"
check good || fail "an unchanged library was refused"

bad removed_function '/^AIOC_API int aioc_probe\(/d'
bad removed_parameter 's/aioc_fsync\(aioc_context \*ctx, int fd, /aioc_fsync(aioc_context *ctx, /'
bad narrowed_parameter 's/void \*buf, size_t count/void *buf, uint32_t count/'
bad widened_result 's/^AIOC_API int aioc_reap\(/AIOC_API int64_t aioc_reap(/'
bad inserted_member 's/^( *)int32_t status;/\1uint64_t more; int32_t status;/'
bad retyped_member 's/^( *)int32_t status;/\1float status;/'
bad swapped_members 's/uint64_t submitted;/uint64_t between;/; s/uint64_t completed;/uint64_t submitted;/; s/uint64_t between;/uint64_t completed;/'
bad grown_and_retyped 's/^( *)int32_t status;/\1float status;/; s/^(\} aioc_engine_report;)/    uint64_t more;\n\1/'
bad grown_and_swapped 's/^( *)int32_t status;/\1uint32_t reserved;/; t; s/^( *)uint32_t reserved;/\1int32_t status;/; s/^(\} aioc_engine_report;)/    uint64_t more;\n\1/'
bad narrowed_member 's/^( *)uint64_t buffer_size;.*/\1uint32_t buffer_size;/'
bad visible_handle 's/^typedef struct aioc_context aioc_context;/struct aioc_context { int inside; };\n&/'
bad changed_constant 's/AIOC_OP_FSYNC = 11,/AIOC_OP_FSYNC = 99,/'
bad removed_constant '/^#define AIOC_ONE_CORE /d'
bad changed_macro 's/(#define AIOC_ONE_CORE) 0x2u/\1 0x200u/'

good added_function 's/^AIOC_API int aioc_probe\(/AIOC_API int aioc_added(aioc_context *ctx);\n&/'
good added_constant 's/AIOC_OP_FSYNC = 11,/&\n    AIOC_OP_ADDED = 9999,/'
good grown_struct 's/^(\} aioc_engine_report;)/    uint64_t more;\n\1/'

# A library that was stripped would be found equal to any other.
strip --strip-debug "$work/inserted_member/libaioclone.so"
if check inserted_member; then fail "a stripped library was believed"; fi
grep -q 'no debug information' "$work/log" || fail "a stripped library was refused for another reason"

# The same library by another compiler is no change.
if [ -n "${3:-}" ]; then
    cp -r "$include" "$work/other"
    build "$work/other" "$3"
    check other || fail "an unchanged library was refused, built with $3"
fi
