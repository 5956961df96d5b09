"""How often somebody may try a wrong password. Slows guessing down without locking anybody out.

Failures fill buckets that drain with time: one per address, one per account and address, one per account. Who comes
from a browser that has logged in to the account before is not kept out by what others do to it elsewhere. Time is an
argument; all state is in memory and bounded.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

BUCKETS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many failures at once, and one more each `refill_s`."""

    burst: int
    refill_s: float


PAIR = Rate(5, 30.0)  # one account from one address
ADDRESS = Rate(50, 5.0)  # a whole office may share an address
ACCOUNT = Rate(100, 20.0)  # from everywhere, but for browsers that are known


class Throttle:
    def __init__(self, buckets_max: int = BUCKETS_MAX) -> None:
        self._buckets: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()  # (level, at)
        self._buckets_max = buckets_max

    def wait_s(self, now: float, account: str, address: str, known: bool) -> float:
        """Seconds until a try is allowed; 0: now. known: this browser has logged in to the account before."""
        return max(self._wait_s(now, key, rate) for key, rate in self._keys(account, address, known))

    def failed(self, now: float, account: str, address: str, known: bool) -> None:
        """A try was in vain."""
        for key, rate in self._keys(account, address, known):
            self._buckets[key] = (self._level(now, key, rate) + 1.0, now)
            self._buckets.move_to_end(key)
        while len(self._buckets) > self._buckets_max:  # the one that was longest without a failure
            self._buckets.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Who knows the password may err again as often as anybody."""
        self._buckets.pop(("pair", account, address), None)
        self._buckets.pop(("known", account, address), None)

    def _keys(self, account: str, address: str, known: bool) -> tuple[tuple[tuple[str, ...], Rate], ...]:
        if known:  # only his own errors count
            return ((("known", account, address), PAIR),)
        return (
            (("pair", account, address), PAIR),
            (("address", address), ADDRESS),
            (("account", account), ACCOUNT),
        )

    def _level(self, now: float, key: tuple[str, ...], rate: Rate) -> float:
        level, at = self._buckets.get(key, (0.0, now))
        return max(0.0, level - max(0.0, now - at) / rate.refill_s)

    def _wait_s(self, now: float, key: tuple[str, ...], rate: Rate) -> float:
        over = self._level(now, key, rate) - (rate.burst - 1)
        return math.ceil(over * rate.refill_s) if over > 1e-9 else 0.0
