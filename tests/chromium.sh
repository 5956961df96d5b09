#!/bin/sh
# Makes Debian's Chromium available to the tests of the pages; running it again costs nothing.
# As root on Debian it installs the package. Where that is impossible it says so and succeeds: the tests in a browser then
# skip. Under CI=true it fails instead.
set -eu

if [ -x /usr/bin/chromium ]; then exit 0; fi

cannot() {
    echo "tests: no Chromium: $1" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    echo "tests: the tests in a browser will be skipped." >&2
    exit 0
}

command -v apt-get >/dev/null 2>&1 || cannot "this is not Debian; install Chromium as /usr/bin/chromium yourself"
[ "$(id -u)" = 0 ] || cannot "not root; run 'sudo sh tests/chromium.sh' once, or install the package chromium"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium >>"$log" 2>&1; }
echo "tests: installing Chromium (once)"
install || { # the package lists may be absent (a bare image) or old
    apt-get update -q >>"$log" 2>&1 || true
    install
} || { tail -n 5 "$log" >&2; cannot "apt-get could not install it"; }
