"""A SIP trunk between two virtual Asterisks: carries calls, breaks, and is noticed to be broken a little later."""

from __future__ import annotations

import asyncio
from typing import Protocol

from callrouter.sim.channels import UP, Channel
from callrouter.sim.people import wire


class Site(Protocol):
    """What a trunk needs of the site at either end."""

    site: str
    running: bool
    qualify_s: float
    rtp_timeout_s: float

    def trunk_seen(self, peer: str, up: bool) -> None: ...
    def trunk_call(self, trunk: Trunk, phone: str, caller: Channel, call: str) -> Channel | None: ...


class _End:
    """The far end of one site's channel: passes on what it hears to the other site's channel, if the wire holds."""

    def __init__(self, span: _Span, other: Channel | None = None) -> None:
        self.span = span
        self.other = other

    def heard_ringing(self) -> None:
        if self.other is not None:
            self.span.send(self.other.far_ringing)

    def heard_answer(self) -> None:
        if self.span.dead:
            self.span.silent()  # who rang when the wire broke has answered to nobody
        elif self.other is not None:
            self.span.send(self.other.far_answered)

    def heard_prompt(self, sounds: str, asks: bool) -> None:
        """Nobody plays anything into a trunk."""

    def heard_end(self, cause: int, sip: int) -> None:
        other = self.other
        self.span.over()
        if other is None:
            return
        if sip and sip != 487 and other.owner is not None:
            self.span.send(lambda: other.far_refused(sip))
        else:
            self.span.send(other.far_gone)


class _Span:
    """One call over the trunk: the borrower's leg and the lender's incoming channel."""

    def __init__(self, trunk: Trunk, out: Channel) -> None:
        self.trunk = trunk
        self.out = out
        self.into: Channel | None = None
        self.dead = False

    def send(self, message: object) -> None:
        assert callable(message)
        wire(lambda: None if self.dead else message())

    def over(self) -> None:
        self.trunk.spans.pop(self, None)

    def silent(self) -> None:
        """No sound comes over a dead wire: the RTP time-out ends what talks."""
        for channel in (self.out, self.into):
            if channel is not None and channel.state == UP:
                asyncio.get_running_loop().call_later(self.trunk.ends[0].rtp_timeout_s, channel.hang_up, 44)


class Trunk:
    def __init__(self, one: Site, other: Site) -> None:
        self.ends = (one, other)
        self.spans: dict[_Span, None] = {}
        self.broken = False
        self._seen = {one.site: True, other.site: True}

    def name_at(self, here: Site) -> str:
        """The endpoint's name: that of the other site."""
        return self.other(here).site

    def other(self, here: Site) -> Site:
        return self.ends[1] if here is self.ends[0] else self.ends[0]

    def up(self) -> bool:
        return not self.broken and all(site.running for site in self.ends)

    def seen_up(self, here: Site) -> bool:
        """What `here` believes; it may lag behind the truth by the qualify time."""
        return self._seen[here.site]

    def cut(self) -> None:
        """No message passes any more."""
        self.broken = True
        self._changed()

    def mend(self) -> None:
        self.broken = False
        self._changed()

    def peer_changed(self, site: Site) -> None:
        """`site` died or booted."""
        if site.running:
            self._seen[site.site] = self.up()
        self._changed()

    def _changed(self) -> None:
        up = self.up()
        loop = asyncio.get_running_loop()
        if not up:
            for span in tuple(self.spans):
                span.dead = True
                span.silent()
            self.spans.clear()
        for site in self.ends:
            loop.call_later(site.qualify_s, self._notice, site)

    def settle(self) -> None:
        """Let both ends notice now what they would notice within their qualify time."""
        for site in self.ends:
            self._notice(site)

    def _notice(self, site: Site) -> None:
        up = self.up()
        if site.running and self._seen[site.site] != up:
            self._seen[site.site] = up
            site.trunk_seen(self.name_at(site), up)

    def invite(self, here: Site, out: Channel, phone: str) -> None:
        """Send the leg `out` of `here` to the other site."""
        span = _Span(self, out)
        out.far = _End(span)
        if not self.up():
            span.dead = True
            return
        self.spans[span] = None
        wire(lambda: self._arrive(span, here, phone))

    def _arrive(self, span: _Span, here: Site, phone: str) -> None:
        if span.dead or span.out.gone:
            return
        there = self.other(here)
        caller = span.out.owner or span.out
        into = there.trunk_call(self, phone, caller, span.out.variables.get("CR_CALL", ""))
        if into is None:
            self.spans.pop(span, None)
            span.send(lambda: span.out.far_refused(404))
            return
        span.into = into
        into.far = _End(span, span.out)
        assert isinstance(span.out.far, _End)
        span.out.far.other = into
