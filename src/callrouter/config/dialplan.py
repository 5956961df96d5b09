"""Render a site's own part of the dialplan: its callers' numbers, its phones, its failsafe group.

The fixed part is `dialplans/callrouter.conf`; what the two share is docs/decisions/0001-control-contract.md. This file
knows Asterisk's extension syntax and nothing of SIP addresses or passwords (those are in `deploy/asterisk/`).

Where strangers or phones dial, only literal extensions and digit patterns of exact length are written: anything else in
a request URI gets 404 before a channel exists, so that no line break from the wire can reach an AMI event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from callrouter.config.load import Loaded

DIALPLAN_VERSION = 3  # CR_DIALPLAN of dialplans/callrouter.conf that this release needs; `doctor` compares

_SITE = re.compile(r"[a-z][a-z0-9]{0,15}")
_NUMBER = re.compile(r"\+?[0-9]{1,20}")
_PHONE = re.compile(r"[a-z0-9]{2,20}|[0-9]")  # a single letter would be a special extension (h, i, s, t)
_ENDPOINT = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_PREFIX = re.compile(r"[0-9]{0,4}")


class BadDialplan(ValueError):
    """A value does not fit into a dialplan; the text says which and what would fit."""


@dataclass(frozen=True, slots=True)
class DialplanSite:
    """What one site's include is made from.

    numbers: digits of the site's hotlines as the trunk delivers them. phones: endpoint names of the agents and
    departments here. failsafe: phones that ring when no router is alive, `failsafe_s` seconds long; they need not be
    agents'. outside_prefix: the digit(s) by which phones dial out over the endpoint `carrier` ('' = they cannot).
    dials: how numbers that the router has rung are written there: national (0391…, 0043…) or e164 (+49391…).
    """

    site: str
    numbers: tuple[str, ...]
    phones: tuple[str, ...]
    failsafe: tuple[str, ...] = ()
    failsafe_s: int = 60
    outside_prefix: str = ""
    carrier: str = "carrier"
    dials: Literal["national", "e164"] = "national"


def dialplan_of(loaded: Loaded, name: str, outside_prefix: str = "") -> DialplanSite:
    """What the configuration says of one site. The site must be in it."""
    plan, site = loaded.plan, loaded.network.sites[name]
    agents = [agent.phone for agent in plan.agents if agent.site == name]
    departments = [phone for one in loaded.desk.departments if one.site == name for phone in one.phones]
    return DialplanSite(
        site=name,
        numbers=tuple(number.digits for hotline in plan.hotlines if hotline.site == name for number in hotline.numbers),
        phones=tuple(dict.fromkeys([*agents, *departments])),
        failsafe=tuple(site.failsafe.phones),
        failsafe_s=site.failsafe.ring_s,
        outside_prefix=outside_prefix or site.trunk.outside_prefix,
        carrier=site.trunk.carrier,
        dials=site.trunk.dials,
    )


def render(site: DialplanSite) -> str:
    """The text of `callrouter-site.conf`, the same for the same input. Raises BadDialplan."""
    _check(site)
    extensions = _phone_extensions(site.phones)
    lines = [
        f"; The dialplan of site {site.site}, rendered by `callrouter dialplan render`. Do not edit: render it again.",
        "",
        "[globals](+)",
        f"CR_SITE={site.site}",
        f"CR_FAILSAFE={'&'.join('PJSIP/' + phone for phone in site.failsafe)}",
        f"CR_FAILSAFE_S={site.failsafe_s}",
        f"CR_CARRIER={site.carrier}",
        f"CR_DIALS={site.dials}",
        "",
        "; callers: exactly the numbers of the hotlines",
        "[from-carrier]",
        *_each(sorted(set(site.numbers)), "Set(CR_DID={})", "Goto(callrouter-in,s,1)"),
        "",
        "; legs from the other sites: exactly the phones here",
        "[from-site]",
        *_each(extensions, "Set(CR_PHONE=${{EXTEN}})", "Goto(callrouter-site,s,1)"),
        "",
        "; the phones: the agents' codes, each other" + (", and the world outside" if site.outside_prefix else ""),
        "[from-phones]",
        "include => callrouter-codes",
        *_each(extensions, "Dial(PJSIP/${{EXTEN}},60)", "Hangup(${{HANGUPCAUSE}})"),
    ]
    if site.outside_prefix:
        skip = len(site.outside_prefix)
        patterns = [f"_{site.outside_prefix}{'X' * length}" for length in range(3, 16)]
        lines += _each(patterns, f"Dial(PJSIP/${{{{EXTEN:{skip}}}}}@{site.carrier},120)", "Hangup(${{HANGUPCAUSE}})")
    return "\n".join(lines) + "\n"


def _each(extensions: Iterable[str], first: str, second: str) -> list[str]:
    lines: list[str] = []
    for extension in extensions:
        lines += [f"exten => {extension},1,{first.format(extension)}", f" same => n,{second.format(extension)}"]
    return lines


def _phone_extensions(phones: tuple[str, ...]) -> list[str]:
    """Phones with numbers share a pattern per length and first digit (`_1XXX`); names stand for themselves.

    A pattern may name phones that do not exist: Dial then says so (404), which is what a literal would have said.
    """
    patterns = {
        f"_{phone[0]}{'X' * (len(phone) - 1)}" if len(phone) > 1 else phone for phone in phones if _digits(phone)
    }
    return sorted(patterns) + sorted(phone for phone in set(phones) if not _digits(phone))


def _digits(phone: str) -> bool:
    return phone.isascii() and phone.isdigit()


def _check(site: DialplanSite) -> None:
    def need(what: str, value: str, pattern: re.Pattern[str], fits: str) -> None:
        if pattern.fullmatch(value) is None:
            raise BadDialplan(f"site {site.site!r}: {what} {value!r} does not fit into a dialplan; it must be {fits}")

    need("name", site.site, _SITE, "a small letter and up to 15 small letters and digits")
    for number in site.numbers:
        need("number", number, _NUMBER, "1 to 20 digits, perhaps behind a +")
    for phone in (*site.phones, *site.failsafe):
        need("phone", phone, _PHONE, "1 to 20 small letters and digits")
    need("outside prefix", site.outside_prefix, _PREFIX, "at most 4 digits")
    need("carrier", site.carrier, _ENDPOINT, "the name of a PJSIP endpoint")
    if not 1 <= site.failsafe_s <= 600:
        raise BadDialplan(f"site {site.site!r}: failsafe rings {site.failsafe_s} s; 1 to 600 is possible")
    if site.outside_prefix:
        clash = [phone for phone in site.phones if _digits(phone) and phone.startswith(site.outside_prefix)]
        if clash:
            raise BadDialplan(f"site {site.site!r}: phone {clash[0]!r} begins with the prefix for calls outside")
