#!/bin/sh
# The package as CMake installs it, used by a module of its own with the library that is installed with it.
# Usage: installed.sh BUILD_DIRECTORY CMAKE LIBDIR GO_DIRECTORY
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^```go$/,/^```$/{/^```/d;p};/^```$/q' README.md > "$work/main.go"
"$2" --install "$1" --prefix "$work/prefix" > /dev/null
sed -i "s|-L[^ ]*|-L$work/prefix/$3|; s|-I[^ ]*|-I$work/prefix/include|" "$work/prefix/$3/pkgconfig/aioclone.pc"
cd "$work"
export PKG_CONFIG_PATH="$work/prefix/$3/pkgconfig" LD_LIBRARY_PATH="$work/prefix/$3"
cat > go.mod << END
module example.org/user

go 1.19

require libaio-clone.org/go/aioclone v0.0.0

replace libaio-clone.org/go/aioclone => $work/prefix/$4
END
"$GO" run . | grep -Eqx '.{15}'
# As Debian's packages are used: without modules, from GOPATH.
GOFLAGS= GO111MODULE=off GOPATH="$work/prefix/${4%/src/*}" "$GO" run main.go | grep -Eqx '.{15}'
