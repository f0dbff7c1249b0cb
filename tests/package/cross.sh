#!/bin/sh
# Builds the library for another machine and runs programs with it under qemu-user, with both spawners.
# Usage: cross.sh SOURCE_DIRECTORY CMAKE MACHINE
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" -G Ninja -S "$1" -B "$work" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$3" -DAIOC_DEVELOPER_MODE=OFF \
    -DCMAKE_C_COMPILER="$3-linux-gnu-gcc" -DCMAKE_CXX_COMPILER="$3-linux-gnu-g++" > "$work/log" || { cat "$work/log"; exit 1; }
"$2" --build "$work" --target aioclone_static > "$work/log" || { cat "$work/log"; exit 1; }
for program in examples/first examples/embed_poll tests/package/consumer/main; do
    "$3-linux-gnu-gcc" -static -I"$1/libaio-clone/include" "$1/$program.c" "$work/libaioclone.a" -lstdc++ -o "$work/program"
    for spawner in clone pthread; do
        AIOC_SPAWNER=$spawner timeout 60 "qemu-$3" "$work/program"
    done
done
