#!/bin/sh
# gofmt has nothing to say of what is written by hand.
set -eu
gofmt=$(dirname "$("$GO" env GOROOT)/x")/bin/gofmt
[ -x "$gofmt" ] || gofmt=gofmt
unformatted=$(find . -name '*.go' ! -name capi.go -exec "$gofmt" -l {} +)
[ -z "$unformatted" ] || { echo "gofmt -w $unformatted"; exit 1; }
