"""Lifting an agent's handset from his page: only some sites can, and the router itself never does."""

from __future__ import annotations

from typing import Protocol


class PhoneControl(Protocol):
    """What answers a phone that rings, for sites where that is possible."""

    def can(self, site: str) -> bool: ...

    async def answer(self, site: str, phone: str) -> bool:
        """Ask the phone to take the call that it rings for. False: it could not be asked."""
        ...


class ByHand:
    """No phone can be asked: agents lift their handsets."""

    def can(self, site: str) -> bool:
        return False

    async def answer(self, site: str, phone: str) -> bool:
        return False
