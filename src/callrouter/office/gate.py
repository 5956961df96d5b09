"""Keeps robots and floods from the contact form, without cookies, scripts or pictures: a field nobody sees, a form that
is older than a moment and younger than a day, and so many messages from one address in an hour.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from secrets import token_bytes
from time import monotonic

QUICK_S = 2.0  # nobody fills in a form faster
STALE_S = 24 * 3600.0
HOUR_S = 3600.0
PER_ADDRESS, ALL = 5, 300  # messages in an hour
ADDRESSES_MAX = 10_000


class Why(StrEnum):
    """Why a form is not taken."""

    ROBOT = "robot"
    PACE = "pace"
    STALE = "stale"


class Gate:
    """clock: real seconds. Forms of the process before are stale: they are shown again, filled in."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._secret = token_bytes(32)
        self._by_address: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=ALL)

    def stamp(self) -> str:
        """For a hidden field of a form that is shown now."""
        at = f"{self._clock():.3f}"
        return f"{at}.{self._sign(at)}"

    def why_not(self, stamp: str, trap: str, address: str) -> Why | None:
        """May this form be taken? trap: what was written into the field that nobody sees."""
        at, _, signature = stamp.rpartition(".")
        if trap:
            return Why.ROBOT
        if not hmac.compare_digest(signature.encode(), self._sign(at).encode()):
            return Why.STALE
        age_s = self._clock() - float(at)
        if age_s > STALE_S:
            return Why.STALE
        if age_s < QUICK_S:
            return Why.ROBOT
        now = self._clock()
        sent = self._by_address.get(address, deque())
        if _recent(sent, now) >= PER_ADDRESS or (len(self._all) == ALL and now - self._all[0] < HOUR_S):
            return Why.PACE
        return None

    def taken(self, address: str) -> None:
        """A message from this address was kept."""
        now = self._clock()
        self._all.append(now)
        self._by_address.setdefault(address, deque(maxlen=PER_ADDRESS)).append(now)
        self._by_address.move_to_end(address)
        while len(self._by_address) > ADDRESSES_MAX or (
            self._by_address and now - next(iter(self._by_address.values()))[-1] > HOUR_S
        ):
            self._by_address.popitem(last=False)

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), sha256).hexdigest()


def _recent(sent: deque[float], now: float) -> int:
    return sum(now - at < HOUR_S for at in sent)
