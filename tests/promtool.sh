#!/bin/sh
# Makes promtool, Prometheus' own linter, available to the tests; running it again costs nothing.
# One on the PATH is used as it is. Otherwise, on Debian, it is taken out of the package `prometheus` into the cache
# directory; nothing is installed and no service starts. Where that is impossible it says so and succeeds: the tests then
# skip. Under CI=true it fails instead.
set -eu

cache="${CALLROUTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callrouter}"
if command -v promtool >/dev/null 2>&1 || [ -x "$cache/promtool" ]; then exit 0; fi

cannot() {
    echo "tests: no promtool: $1" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    echo "tests: the checks of metrics and alerts will be skipped." >&2
    exit 0
}

command -v apt-get >/dev/null 2>&1 || cannot "this is not Debian; install promtool (part of Prometheus) yourself"
mkdir -p "$cache"
work=$(mktemp -d "$cache/promtool.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
echo "tests: fetching promtool (once)"
apt-get download -q prometheus >log 2>&1 || {
    apt-get update -q >>log 2>&1 || true # the package lists may be absent (a bare image) or old
    apt-get download -q prometheus >>log 2>&1
} || { tail -n 3 log >&2; cannot "apt-get could not download the package prometheus"; }
dpkg-deb -x prometheus_*.deb . && mv usr/bin/promtool "$cache/promtool" || cannot "the package prometheus holds no promtool"
