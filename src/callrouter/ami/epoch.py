"""Which of several routers has a site: the epoch it holds there, and what to do when another one appears.

Pure: the link reads `CR_EPOCH` and the beat that belongs to it, and writes what is said here. One `Lease` per site and
process; all leases of a process begin with the same number. The rules are those of
`docs/decisions/0001-control-contract.md`: who starts takes a greater epoch than the site's; who finds a greater one
than his own looks whether its beat moves, stands down if it does, and takes over if it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DEAD_S = 3.0  # a rival whose beat stands still so long is dead; the dialplan waits 6 s before it goes its own way


class Duty(StrEnum):
    HOLD = "hold"  # this router has the site
    TAKE = "take"  # write CR_EPOCH = held now, then it has
    WATCH = "watch"  # somebody greater is there: give no orders and look again


@dataclass(frozen=True, slots=True)
class Look:
    """What the site says: its epoch and the beat of that epoch ('' if there is none)."""

    epoch: int
    beat: str


class Lease:
    def __init__(self, start: int, nonce: str) -> None:
        """start: tenths of seconds of this process's start. nonce: tells two routers of the same tenth apart."""
        assert start > 0
        assert nonce.isalnum()
        self._start = start
        self._nonce = nonce
        self._beats = 0
        self._seen: Look | None = None
        self._seen_at = 0.0
        self.held = 0  # 0: none yet
        self.rival = 0  # the epoch of another living router; 0: there is none

    def beat(self) -> tuple[str, str]:
        """(global variable, value) to write now."""
        self._beats += 1
        return f"CR_BEAT_{self.held}", f"{self._beats}.{self._nonce}"

    def judge(self, look: Look, now: float) -> Duty:
        """What to do after a look at the site. `now`: seconds that never run backwards."""
        if not self.held:
            return self._take(max(self._start, look.epoch + 1))
        if look.epoch < self.held:
            # Asterisk was restarted or its globals were reset, or an older router does not know of us yet
            return self._take(self.held)
        if look.epoch == self.held:
            nonce = look.beat.partition(".")[2]
            if not nonce or nonce <= self._nonce:
                self._seen, self.rival = None, 0
                # ours, or that of a twin who took the same number at the same instant and gives way
                return Duty.HOLD
        if self._seen != look:
            moved = self._seen is not None and self._seen.epoch == look.epoch
            self._seen, self._seen_at = look, now
            if moved:
                self.rival = look.epoch
        elif now - self._seen_at >= DEAD_S:
            self._seen, self.rival = None, 0
            return self._take(look.epoch + 1)
        return Duty.WATCH

    def _take(self, epoch: int) -> Duty:
        self.held = epoch
        return Duty.TAKE
