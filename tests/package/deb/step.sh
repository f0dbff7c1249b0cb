# SPDX-License-Identifier: MIT
# Sourced. step NAME COMMAND...: runs it, tells how long it took, and shows its output if it fails.
# $log, a file to be written, keeps the output of the last one.
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
step() {
    step_name=$1
    shift
    step_start=$(date +%s)
    printf '%-52s' "$step_name"
    set +e # here, and not in what is run
    (set -e; "$@") > "$log" 2>&1 < /dev/null
    step_status=$?
    set -e
    if [ "$step_status" != 0 ]; then
        echo "FAILED ($step_status)"
        tail -n 60 "$log"
        exit 1
    fi
    echo "ok $(($(date +%s) - step_start)) s"
}
shown() { # what the last step printed
    sed 's/^/    /' "$log"
}
apt_install() {
    apt-get install -q -y --no-install-recommends "$@"
}
