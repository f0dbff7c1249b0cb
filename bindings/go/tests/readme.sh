#!/bin/sh
# The first example of the README runs, and prints what its comment says.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^```go$/,/^```$/{/^```/d;p};/^```$/q' README.md > "$work/main.go"
said=$("$GO" run "$work/main.go")
echo "$said" | grep -Eqx '.{15}' && echo "$said" | grep -Eqx '[0-9]+ bytes' && echo "$said" | grep -Eqx '/etc/group: [0-9]+' || {
    echo "it says: $said"
    exit 1
}
