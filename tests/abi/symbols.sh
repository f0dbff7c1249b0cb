#!/bin/sh
# Prints debian/libaioclone1.symbols: what the version script exports, each since the release that its node names.
# Usage: symbols.sh MAP
set -eu
echo 'libaioclone.so.1 libaioclone1 #MINVER#'
echo '* Build-Depends-Package: libaioclone-dev'
awk -f "$(dirname "$0")/nodes.awk" "$1" |
    awk '{ since = $2; sub(/AIOCLONE_/, "", since)
           print $1 "@" $2, since ".0"
           if (!seen[$2]++) print $2 "@" $2, since ".0" }' | LC_ALL=C sort | sed 's/^/ /'
