"""What a manager interface can do to its events on their way: late, twice, never, spoiled; in order per channel.

Answers and the rows of lists are not touched: they overtake late events, as they do at a real Asterisk, where events go
by way of a queue.
"""

from __future__ import annotations

import random

from tests.chaos.loop import VirtualLoop
from tests.chaos.network import Wire

_KEYS = (b"\r\nUniqueid: ", b"\r\nDestUniqueid: ", b"\r\nDevice: ", b"\r\nEndpointName: ", b"\r\nPeer: ")


class Mangler:
    """Put it on a port as `network.filters[port]`. late, twice, never, garbled: shares of the events."""

    def __init__(self, loop: VirtualLoop, rng: random.Random) -> None:
        self.late = self.twice = self.never = self.garbled = 0.0
        self.late_s = 0.0
        self.count = {"late": 0, "twice": 0, "never": 0, "garbled": 0}
        self._loop = loop
        self._rng = rng
        self._last: dict[tuple[int, bytes], float] = {}  # when the last event of a channel leaves

    def __call__(self, _client: str, wire: Wire, data: bytes) -> None:
        plain = not data.startswith(b"Event: ") or b"\r\nActionID: " in data or data.startswith(b"Event: FullyBooted")
        if plain or not (self._last or self.late or self.twice or self.never or self.garbled):
            wire.send(data)
            return
        luck, now = self._rng.random, self._loop.time()
        if self.never and luck() < self.never:
            self.count["never"] += 1
            return
        leaves = now
        if self.late and luck() < self.late:
            self.count["late"] += 1
            leaves += self.late_s * luck()
        names = [(id(wire), name) for name in _names(data)]
        if self.garbled and luck() < self.garbled:
            self.count["garbled"] += 1
            data = data[:-2] + b"a line that is no header\r\n\r\n"
        leaves = max([leaves, *(self._last.get(name, 0.0) for name in names)])
        if self.twice and luck() < self.twice:
            self.count["twice"] += 1
            data += data
        if leaves <= now:
            wire.send(data)
            return
        for name in names:
            self._last[name] = leaves
        self._loop.call_at(leaves, self._leave, wire, data, names, leaves)

    def _leave(self, wire: Wire, data: bytes, names: list[tuple[int, bytes]], at: float) -> None:
        wire.send(data)
        for name in names:
            if self._last.get(name) == at:
                del self._last[name]


def _names(data: bytes) -> list[bytes]:
    """Whom the event is about: what must keep its order."""
    found = []
    for key in _KEYS:
        start = data.find(key)
        if start >= 0:
            start += len(key)
            found.append(data[start : data.index(b"\r\n", start)].removeprefix(b"PJSIP/"))
    return found
