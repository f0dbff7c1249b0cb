#!/bin/sh
# Every row of the operation table is run by a program of the matrix: RUN(name, ...), RUN_PLAIN(name), or, for what has
# no function of that kind, run_operation with its code. Usage: coverage.sh C_COMPILER SOURCE TESTS
set -eu
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
printf '#define AIOC_OPERATION(CODE, name, ...) row name CODE\n#include "core/operations.def"\n' > "$rows.c"
"$1" -E -P -I "$2" "$rows.c" | sed -n 's/^ *row \([a-z0-9_]*\) \([A-Z0-9_]*\).*/\1 \2/p' > "$rows"
rm -f "$rows.c"
test -s "$rows"
status=0
while read -r name code; do
    grep -qE "(RUN|RUN_PLAIN)\($name[,)]|operation\(AIOC_OP_$code\)" "$3"/test_*.c || { echo "operation $name has no case in the matrix" >&2; status=1; }
done < "$rows"
exit "$status"
