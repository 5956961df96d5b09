"""`make lab`: the three real sites with the service over them, for work by hand with one's own softphones.

Everything is on loopback addresses of this machine; agents of the first phones of each site answer by themselves, so
that a call can be tried with nothing but a caller. It runs until Ctrl-C.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from callrouter.core.commands import CallAnswered, CallFinished, Command
from callrouter.core.events import Event
from tests.asterisk.conftest import specs
from tests.asterisk.lab import FIRST_NUMBER, Lab
from tests.asterisk.network import SECRET, Network, running, why_not
from tests.asterisk.routing import AGENTS, TOKEN, Rules, routing

AUTOMATIC = 2  # phones per site that answer by themselves after 3 s and hang up after 60 s


def describe(network: Network, url: str) -> str:
    lines = ["Three real sites; the service runs over them.", ""]
    for name, site in network.sites.items():
        first = AGENTS[name]
        lines += [
            f"  {name}: SIP {site.host}:5060, AMI {site.host}:5038 (user lab, secret {SECRET})",
            f"    callers dial {FIRST_NUMBER[name]} from {network.carrier}; {first}, {first + 1} answer by themselves",
            f"    a phone of your own: user {first + 2} or {first + 3}, password {site.password}; *11 makes it ready",
        ]
    dial = f"sipp -sn uac -i {network.carrier} -p 5061 -m 1 -d 5000 -s {FIRST_NUMBER['gera']} "
    dial += f"{network.sites['gera'].host}:5060"
    lines += ["", f"  a caller:  {dial}", f"  API:       {url}/api/v1 (bearer token {TOKEN}), {url}/metrics"]
    return "\n".join([*lines, "  codes:     *10 log in, *11 ready, *12 pause, *13 wrap-up done, *19 log out", ""])


def tell(event: Event, commands: object, now: float) -> None:
    assert isinstance(commands, list | tuple)
    for command in commands:
        if isinstance(command, CallAnswered | CallFinished):
            print(line(command), flush=True)


def line(notice: Command) -> str:
    if isinstance(notice, CallAnswered):
        how = f" by agreement {notice.agreement}" if notice.agreement else ""
        return f"{notice.call} answered by {notice.agent}{how} after {notice.wait_s:.1f} s"
    assert isinstance(notice, CallFinished)
    return f"{notice.call} {notice.outcome}: {notice.because}"


async def play(network: Network) -> None:
    with tempfile.TemporaryDirectory(prefix="callrouter-lab-") as folder:
        async with Lab(network) as lab, routing(lab, Path(folder) / "config", Rules()) as router:
            router.service.engine.observe(tell)
            for name, first in AGENTS.items():
                phones = [str(first + k) for k in range(AUTOMATIC)]
                await lab.phones(name, phones, does="ANSWER", after_ms=3000, talk_ms=60_000)
                await router.ready(*(f"{name}/{phone}" for phone in phones))
            print(describe(network, router.service.server.url), flush=True)
            await asyncio.Event().wait()


def main() -> int:
    reason = why_not()
    if reason:
        print(f"no lab: {reason}", file=sys.stderr)
        return 1
    with running(specs()) as network, suppress(KeyboardInterrupt):
        asyncio.run(play(network))
    return 0


if __name__ == "__main__":
    sys.exit(main())
