"""One simulated call, and what may happen to it or around it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

ANSWERED, ABANDONED, BUSIED, CLOSED = "answered", "abandoned", "busied", "closed"


@dataclass(slots=True, eq=False)
class Call:
    """One call: what the caller brings along, and what became of him. Instants and spans are microseconds.

    at_us: since the beginning. patience_us None: never gives up. outcome '': it has not ended or been answered yet.
    wait_us: to the answer or the end; None: he never gave up and was never served.
    """

    at_us: int
    hotline: str
    caller: str
    talk_us: int
    wrap_us: int
    patience_us: int | None
    topic: str = ""  # '' = the hotline's default
    attempt: int = 1  # of this caller's wish
    key: tuple[int, ...] = ()  # who he is to those who drew him
    id: str = ""
    outcome: str = ""
    wait_us: int | None = None
    agent: str = ""
    team: str = ""
    agreement: str = ""


class Kind(IntEnum):
    """What an entry of the agenda means, and what it holds."""

    TALK_ENDS = 0  # Call
    WRAP_UP_ENDS = 1  # Call
    GIVES_UP = 2  # Call
    RINGS_OUT = 3  # Call at a site without a router: the dialplan's own ring limit
    CALLS = 4  # Call
    CREW = 5  # (team, number)
    SWITCH = 6  # Event
    SITE_DOWN = 7  # site
    SITE_UP = 8  # site
