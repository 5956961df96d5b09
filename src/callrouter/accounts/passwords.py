"""Passwords: argon2id off the event loop, few at a time, since each takes 64 MiB and tens of milliseconds.

Knows no accounts.
"""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from secrets import choice

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from callrouter.i18n import mark

CHARS_MIN, CHARS_MAX = 12, 256
DIFFERENT_MIN = 5
AT_ONCE = 2
WAITING_MAX = 64
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are taken for another


class BadPassword(ValueError):
    """Too easy to guess. The text says why; it is a German text of the catalogue."""


class Busy(Exception):
    """Too many passwords are being checked; try again."""


def check(password: str, name: str) -> None:
    """Raises BadPassword. Length is what counts (NIST SP 800-63B); no rules about kinds of characters."""
    if len(password) < CHARS_MIN:
        raise BadPassword(mark("Das Passwort braucht mindestens 12 Zeichen."))
    if len(password) > CHARS_MAX:
        raise BadPassword(mark("Das Passwort darf höchstens 256 Zeichen haben."))
    if len(set(password)) < DIFFERENT_MIN or name.casefold() in password.casefold():
        raise BadPassword(mark("Das Passwort ist zu leicht zu erraten."))


def generate() -> str:
    """16 characters in groups of four: 78 bits, and easy to read out."""
    return "-".join("".join(choice(_SIGNS) for _ in range(4)) for _ in range(4))


class Passwords:
    """Hashes and verifies in threads of its own."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Raises Busy."""
        return str(await self._run(self._hasher.hash, _same(password)))

    async def verify(self, kept: str | None, password: str) -> bool:
        """kept None: there is no such account; takes as long as if there were. Raises Busy."""
        return bool(await self._run(self._verify, kept, _same(password[: CHARS_MAX + 1])))

    def outdated(self, kept: str) -> bool:
        """Was it made with weaker parameters than today's?"""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, kept: str | None, password: str) -> bool:
        if kept is None:
            self._nobody = self._nobody or self._hasher.hash("nobody has this password")
        try:
            return self._hasher.verify(kept or self._nobody, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: object, *args: object) -> object:
        if self._waiting >= WAITING_MAX:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)  # type: ignore[arg-type]
        finally:
            self._waiting -= 1


def _same(password: str) -> str:
    """One spelling for what is typed on different keyboards (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
