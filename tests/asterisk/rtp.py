"""A telephone keypad over RTP: named telephone events (RFC 4733) from a socket of the test's own.

SIPp's own player begins a new RTP stream for each input, of which Asterisk hears the first. Here one caller has one
stream: sequence and timestamps go on, as a telephone's do.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from random import getrandbits

KEYS = "0123456789*#ABCD"
PACKET_S = 0.02
STEP = 160  # of the 8 kHz clock in one packet
TONE_PACKETS, END_PACKETS, GAP_PACKETS = 5, 3, 4


class Keypad:
    """host: where the caller is; `port` goes into his SDP. The payload type is the one that he offers."""

    def __init__(self, host: str, payload: int = 96) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])
        self._payload = payload
        self._ssrc, self._sequence, self._clock = getrandbits(32), getrandbits(15), getrandbits(31)

    def close(self) -> None:
        self._socket.close()

    async def press(self, keys: str, sdp: str) -> None:
        """Press these keys, one after the other, at the pace of a quick finger. sdp: Asterisk's, with its address."""
        address, port = re.search(r"^c=IN IP4 (\S+)", sdp, re.M), re.search(r"^m=audio (\d+)", sdp, re.M)
        assert address is not None
        assert port is not None, sdp
        to = (address[1], int(port[1]))
        for key in keys:
            for number in range(1, TONE_PACKETS + END_PACKETS + 1):
                ending = number > TONE_PACKETS
                duration = STEP * min(number, TONE_PACKETS)
                self._send(to, KEYS.index(key), duration, first=number == 1, ending=ending)
                await asyncio.sleep(PACKET_S)
            self._clock += STEP * (TONE_PACKETS + GAP_PACKETS)
            await asyncio.sleep(PACKET_S * GAP_PACKETS)

    def _send(self, to: tuple[str, int], key: int, duration: int, *, first: bool, ending: bool) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        kind = self._payload | (0x80 if first else 0)
        head = struct.pack("!BBHII", 0x80, kind, self._sequence, self._clock & 0xFFFFFFFF, self._ssrc)
        self._socket.sendto(head + struct.pack("!BBH", key, (0x80 if ending else 0) | 10, duration), to)
