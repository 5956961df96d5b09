#!/bin/sh
# Makes a PostgreSQL server's programs available to the tests; running it again costs nothing.
# Those that are installed are used as they are. Otherwise, on Debian and as root, the package `postgresql` is installed;
# its own cluster is neither used nor needed. Where that is impossible it says so and succeeds: the tests then skip.
# Under CI=true it fails instead.
set -eu

if command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then exit 0; fi

cannot() {
    echo "tests: no PostgreSQL: $1" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    echo "tests: what needs a real PostgreSQL will be skipped." >&2
    exit 0
}

command -v apt-get >/dev/null 2>&1 || cannot "this is not Debian; install a PostgreSQL server yourself"
[ "$(id -u)" = 0 ] || cannot "installing it needs root: apt-get install postgresql"
echo "tests: installing postgresql (once)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
apt-get install -qy --no-install-recommends postgresql >"$log" 2>&1 || {
    apt-get update -q >>"$log" 2>&1 || true # the package lists may be absent (a bare image) or old
    apt-get install -qy --no-install-recommends postgresql >>"$log" 2>&1
} || { tail -n 3 "$log" >&2; cannot "apt-get could not install the package postgresql"; }
