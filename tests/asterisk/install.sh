#!/bin/sh
# Makes a real Asterisk (20 or newer), SIPp and tcpdump available to the tests; running it again costs nothing.
# An `asterisk` on the PATH is used as it is. Otherwise, as root on Debian, one is bootstrapped from sid into a cache
# directory (about 350 MB, once), and nothing but that directory is touched; the mirror is the one that this machine's own
# apt uses. Where neither is possible it says so and succeeds: the tests then skip. Under CI=true it fails instead.
set -eu

cache="${CALLROUTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callrouter}"
root="$cache/asterisk"

cannot() {
    echo "tests/asterisk: no real Asterisk for the tests: $1" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    echo "tests/asterisk: the tests that need it will be skipped." >&2
    exit 0
}

new_enough() { # of an asterisk command: prints nothing, answers by its status
    major=$("$@" -V 2>/dev/null | sed -n 's/^Asterisk \([0-9][0-9]*\).*/\1/p')
    [ -n "$major" ] && [ "$major" -ge 20 ]
}

have_asterisk() {
    if command -v asterisk >/dev/null 2>&1 && new_enough asterisk; then return 0; fi
    [ -x "$root/usr/sbin/asterisk" ]
}

missing_tools() {
    command -v sipp >/dev/null 2>&1 || printf ' sip-tester'
    command -v tcpdump >/dev/null 2>&1 || printf ' tcpdump'
    have_asterisk || command -v mmdebstrap >/dev/null 2>&1 || printf ' mmdebstrap'
}

# The Debian mirrors of this machine, the likeliest first, from both forms that apt knows. Options, security and third
# parties' archives are left out: only an archive whose address ends in /debian can be Debian's own.
mirrors() {
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        if [ -f "$file" ]; then sed -n 's/#.*//; s/^[[:space:]]*deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}//p' "$file"; fi
    done | awk '{ print $1 }' > "$list"
    for file in /etc/apt/sources.list.d/*.sources; do
        if [ -f "$file" ]; then sed 's/#.*//' "$file"; fi
        echo
    done | awk 'tolower($1) == "uris:" { for (i = 2; i <= NF; i++) print $i }' >> "$list"
    sed 's|/*$||' "$list" | grep -E '/debian$' | awk '!seen[$0]++'
}

apt_install() {
    # the package lists may be absent (a bare image) or old: try as it is, then with fresh lists
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1 && return 0
    apt-get update -q >>"$log" 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1
}

tools=$(missing_tools)
if have_asterisk && [ -z "$tools" ]; then exit 0; fi

[ -r /etc/os-release ] || cannot "this is not Debian; install asterisk (20 or newer), sipp and tcpdump yourself"
# shellcheck disable=SC1091
. /etc/os-release
case " ${ID:-} ${ID_LIKE:-} " in
*" debian "*) ;;
*) cannot "this is ${PRETTY_NAME:-not Debian}; install asterisk (20 or newer), sipp and tcpdump yourself" ;;
esac
[ "$(id -u)" = 0 ] || cannot "not root; run 'sudo sh tests/asterisk/install.sh' once, or install asterisk (20 or newer), sipp and tcpdump"

mkdir -p "$cache"
log="$cache/install.log"
list="$cache/mirrors.$$"
trap 'rm -f "$list"' EXIT
exec 9>"$cache/install.lock"
if command -v flock >/dev/null 2>&1; then flock 9; fi # two runs at once: the second finds all done

tools=$(missing_tools)
if [ -n "$tools" ]; then
    echo "tests/asterisk: installing$tools"
    # shellcheck disable=SC2086
    apt_install $tools || { tail -n 5 "$log" >&2; cannot "apt-get could not install$tools (see $log)"; }
fi
have_asterisk && exit 0

new="$root.new.$$"
for mirror in $(mirrors); do
    echo "tests/asterisk: bootstrapping Asterisk from Debian sid into $root (once, less than a minute)"
    rm -rf "$new"
    if mmdebstrap --quiet --aptopt='Acquire::Check-Valid-Until "false"' --variant=minbase --include=asterisk \
        sid "$new" "deb $mirror sid main" >"$log" 2>&1; then
        # names are looked up here and nowhere else: a DNS query for SDP would stall calls for seconds
        echo "hosts: files" >"$new/etc/nsswitch.conf"
        rm -rf "$root"
        mv "$new" "$root"
        exit 0
    fi
done
rm -rf "$new"
cannot "mmdebstrap could not fetch asterisk from this machine's Debian mirror (see $log)"
