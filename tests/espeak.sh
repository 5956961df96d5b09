#!/bin/sh
# Makes espeak-ng, the voice of the prompts, available to the tests; running it again costs nothing.
# As root on Debian it installs the package. Where that is impossible it says so and succeeds: the tests that speak then
# skip. Under CI=true it fails instead.
set -eu

if command -v espeak-ng >/dev/null 2>&1; then exit 0; fi

cannot() {
    echo "tests: no espeak-ng: $1" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    echo "tests: the tests that speak will be skipped." >&2
    exit 0
}

command -v apt-get >/dev/null 2>&1 || cannot "this is not Debian; install espeak-ng yourself"
[ "$(id -u)" = 0 ] || cannot "not root; run 'sudo sh tests/espeak.sh' once, or install espeak-ng"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends espeak-ng >>"$log" 2>&1; }
echo "tests: installing espeak-ng (once)"
install || { # the package lists may be absent (a bare image) or old
    apt-get update -q >>"$log" 2>&1 || true
    install
} || { tail -n 5 "$log" >&2; cannot "apt-get could not install it"; }
