"""What can be seen of a link from outside: its phase, why it is not up, its counters; and its deadlines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    DOWN = "down"  # waits before the next try
    CONNECTING = "connecting"
    LOGIN = "login"
    BOOTING = "booting"  # logged in; Asterisk has not said FullyBooted
    EPOCH = "epoch"
    WATCHING = "watching"  # another router has the site
    READING = "reading"
    UP = "up"
    CLOSED = "closed"


class Fault(StrEnum):
    """Why the link is not up. The text beside it is for people."""

    NONE = ""
    UNREACHABLE = "unreachable"
    TLS = "tls"
    LOGIN_REFUSED = "login_refused"
    NOT_BOOTED = "not_booted"
    RIGHTS = "rights"
    SILENT = "silent"
    ENDED = "ended"
    BUG = "bug"


MENDS = {
    Fault.UNREACHABLE: "does Asterisk run there, and do bindaddr and port in manager.conf fit asterisk: (host, port)?",
    Fault.TLS: "compare asterisk: tls: (ca, server_name) with tlscertfile in manager.conf",
    Fault.LOGIN_REFUSED: "compare asterisk: (user, secret) with manager.conf, and its permit with our address",
    Fault.RIGHTS: "compare the user's read and write in manager.conf with the shipped one",
    Fault.BUG: "the log has the traceback: report it",
}
"""What a person can do about it; the others pass, or their text says it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Deadlines and pauses in seconds."""

    connect_s: float = 5.0
    login_s: float = 10.0  # a refused login is answered only after a second or two
    boot_s: float = 120.0
    action_s: float = 3.0
    list_s: float = 5.0
    beat_s: float = 1.0  # the beat is the ping too
    silence_s: float = 3.0  # no answer to a beat for so long: a half-open connection
    backoff_first_s: float = 0.2
    backoff_most_s: float = 3.0
    refused_s: float = 15.0  # before another login after a refused one
    steady_s: float = 10.0  # a session that lived so long resets the back-off
    reread_s: float = 0.2  # between two read-backs
    audit_s: float = 60.0  # without any cause the site is read back as often: what was missed unseen is found
    late_s: float = 1.0  # an offer that waited longer for a read-back is not given any more
    distrust_s: float = 0.1  # after a message that cannot be true; what follows it is dropped so long

    def back_off_s(self, tries: int, jitter: float) -> float:
        """Before the next try after so many short ones. jitter: 0 ≤ x < 1; takes away up to half."""
        return min(self.backoff_most_s, self.backoff_first_s * 2.0 ** min(tries, 20)) * (0.5 + jitter / 2)


USUAL = Timing()


@dataclass(slots=True)
class LinkState:
    """What measures and pages may look at. Counters only grow; times are of the link's clock."""

    site: str
    phase: Phase = Phase.DOWN
    fault: Fault = Fault.NONE
    fault_text: str = ""
    epoch: int = 0
    rival: int = 0
    connects: int = 0
    reconnects: int = 0
    logins_refused: int = 0
    messages: int = 0
    events: int = 0  # handed to the engine
    ignored: int = 0
    rejects: int = 0  # blocks that Asterisk cannot have meant: somebody may be forging events
    failures: int = 0  # messages on which our own code failed
    shed: int = 0  # not taken by the engine, or while events were not trusted
    orders: int = 0
    orders_lost: int = 0
    fenced: int = 0
    reads: int = 0
    read_s: float = 0.0  # how long the last read-back took
    last_message_at: float = 0.0
    pending: int = 0
    asterisk: str | None = None  # its version; None: it did not say
    dialplan: str | None = None  # the version of callrouter.conf there; "": there is none; None: it did not say

    @property
    def why(self) -> str:
        """Why it is not up, and the mend; '' if there is nothing to say."""
        if not self.fault:
            return ""
        mend = MENDS.get(self.fault)
        return f"{self.fault.replace('_', ' ')}: {self.fault_text}{f'; {mend}' if mend else ''}"

    @property
    def up(self) -> bool:
        return self.phase is Phase.UP or (self.phase is Phase.READING and self.reads > 0)
