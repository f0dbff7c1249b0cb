#!/bin/sh
# Without cgo, and on other systems, the build fails and says why.
set -eu
for environment in CGO_ENABLED=0 "GOOS=darwin CGO_ENABLED=0"; do
    # shellcheck disable=SC2086
    if said=$(env $environment "$GO" build . 2>&1); then
        echo "$environment: it was built"
        exit 1
    fi
    echo "$said" | grep -q 'libaioclone_needs_Linux_and_CGO_ENABLED_1' || { echo "$environment: $said"; exit 1; }
done
