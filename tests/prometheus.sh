#!/bin/sh
# Makes Prometheus and promtool, its own linter, available to the tests; running it again costs nothing.
# Those on the PATH are used as they are. Otherwise, on Debian, they are taken out of the package `prometheus` into the
# cache directory; nothing is installed and no service starts. Where that is impossible it says so and succeeds: the tests
# then skip. Under CI=true it fails instead.
set -eu

cache="${CALLROUTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callrouter}"
have() { command -v "$1" >/dev/null 2>&1 || [ -x "$cache/$1" ]; }
if have promtool && have prometheus; then exit 0; fi

cannot() {
    echo "tests: no Prometheus: $1" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    echo "tests: the checks of metrics, alerts and dashboards will be skipped." >&2
    exit 0
}

command -v apt-get >/dev/null 2>&1 || cannot "this is not Debian; install prometheus and promtool yourself"
mkdir -p "$cache"
work=$(mktemp -d "$cache/prometheus.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
echo "tests: fetching Prometheus (once)"
apt-get download -q prometheus >log 2>&1 || {
    apt-get update -q >>log 2>&1 || true # the package lists may be absent (a bare image) or old
    apt-get download -q prometheus >>log 2>&1
} || { tail -n 3 log >&2; cannot "apt-get could not download the package prometheus"; }
dpkg-deb -x prometheus_*.deb . || cannot "the package prometheus cannot be unpacked"
for name in promtool prometheus; do
    if [ -x "usr/bin/$name" ]; then mv "usr/bin/$name" "$cache/$name"; else cannot "the package prometheus holds no $name"; fi
done
