#!/bin/sh
# SPDX-License-Identifier: MIT
# The pages are typeset without a complaint of mandoc or groff, whatis(1) finds their names, and every .so leads to a page.
# Usage: typeset.sh PAGES
set -eu
cd "$1"
count=0
complain() {
    echo "$1"
    exit 1
}
for page in man3/*.3 man7/*.7; do
    if read -r word target < "$page" && [ "$word" = .so ]; then
        grep -q '^\.TH ' "$target" || complain "$page: $target is no page"
        continue
    fi
    count=$((count + 1))
    # Names of functions are in lower case, also in a title.
    found=$(mandoc -Tlint "$page" | grep -v 'STYLE: lower case character in document title' || true)
    [ -z "$found" ] || complain "$found"
    found=$(LC_ALL=C.UTF-8 groff -ww -man -Tutf8 -t "$page" 2>&1 > /dev/null)
    [ -z "$found" ] || complain "$found"
    lexgrog -m "$page" > /dev/null || complain "$page: whatis does not understand NAME"
done
echo "$count pages"
[ "$count" -gt 15 ]
