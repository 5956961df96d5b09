"""Fixtures that give a test the real thing.

- `asterisk` (session): one running site, `magdeburg`, with phones 1001–1200. For tests that need some real Asterisk:
  `asterisk.host` (SIP 5060, AMI 5038), `asterisk.phones`; log in as `callrouter` (as shipped: least rights, filters) or
  as `lab` (all), both with `network.SECRET`.
- `network` (session): three of them, `magdeburg`, `gera` (2001–2200), `gotha` (3001–3200), joined by trunks. `asterisk`
  is its first site, so both cost one start (1.5 s) per session.
- `lab` (function): the network with a capture of its SIP, callers and phones (SIPp), cleaned up afterwards; see
  `tests/asterisk/lab.py`. A test outside this folder says
  `from tests.asterisk.conftest import asterisk, lab, network  # noqa: F401`.

CALLROUTER_PCAP=FOLDER keeps each test's capture as a pcap.

Mark the test `@pytest.mark.asterisk`. Without Asterisk it is skipped with the reason, under CI=true it fails.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from callrouter.config.dialplan import DialplanSite
from tests.asterisk.lab import Lab
from tests.asterisk.network import Network, Site, SiteSpec, running, why_not
from tests.needs import lacking
from tests.tally import TALLY

PHONES_PER_SITE = 200
# digits as the trunks deliver them, of the ranges that the Bundesnetzagentur keeps for fiction
NUMBERS = {
    "magdeburg": ("3023125010", "3023125011"),
    "gera": ("4066969010", "4066969011"),
    "gotha": ("6990009010",),
}


def specs() -> tuple[SiteSpec, ...]:
    """Phones k001… of the k-th site; the last two numbers of each are its failsafe group."""
    found = []
    for k, (name, numbers) in enumerate(NUMBERS.items(), 1):
        phones = tuple(str(1000 * k + i) for i in range(1, PHONES_PER_SITE + 1))
        found.append(SiteSpec(DialplanSite(name, numbers, phones, failsafe=phones[-2:], failsafe_s=5)))
    return tuple(found)


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    reason = why_not()
    if reason:
        lacking("a real Asterisk", reason)
    with running(specs()) as started:
        yield started


@pytest.fixture(scope="session")
def asterisk(network: Network) -> Site:
    return network.sites["magdeburg"]


@pytest.fixture
async def lab(network: Network, request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    """At its end no caller may have been answered before an agent, whatever the test was about."""
    folder = os.environ.get("CALLROUTER_PCAP", "")
    name = re.sub(r"[^A-Za-z0-9_]+", "-", request.node.name)
    pcap = Path(folder) / f"{name}.pcap" if folder else None
    if pcap is not None:
        pcap.parent.mkdir(parents=True, exist_ok=True)
    async with Lab(network, pcap) as made:
        yield made
        checked = made.check()
        tally = request.config.stash[TALLY]
        tally.update(tests=1, calls=checked.calls, answered=checked.answered, early=len(checked.early))
        assert checked.early == (), made.wire.story(checked.early)
    assert made.wire.dropped == 0, "the capture is not complete, so it proves nothing"
