"""Accounts and sessions in SQL. A session's token is known to the browser alone: the database holds its digest.

Times are UTC seconds of the machine, never those of a demo. Every method raises SQLAlchemyError or OSError when the
database is away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.roles import Grant, Role, User
from callrouter.store.schema import ACCOUNT, ACCOUNT_GRANT, ACCOUNT_SESSION, KNOWN_BROWSER
from callrouter.store.store import reading

SESSIONS_MAX = 20  # of one account; the one that was longest idle goes
SEEN_S = 60.0  # so exactly is it kept when a session was last used
BROWSER_DAYS = 180
_ROLES = frozenset(role.value for role in Role)
_NAME = re.compile(r"[\w.@+-]{2,64}")
_A, _G, _S, _B = ACCOUNT.c, ACCOUNT_GRANT.c, ACCOUNT_SESSION.c, KNOWN_BROWSER.c


class AccountError(ValueError):
    """It cannot be done; the text says why, in English."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a session ends by itself. idle_s: since it was last used. longest_s: since the login."""

    idle_s: float = 3600.0
    longest_s: float = 12 * 3600.0
    display_s: float = 90 * 86_400.0  # of a screen on the wall, which nobody touches


@dataclass(frozen=True, slots=True)
class Account:
    """As admins see it. local: has a password here."""

    id: int
    name: str
    title: str
    grants: tuple[Grant, ...]
    enabled: bool
    local: bool
    sessions: int
    created_at: float


@dataclass(frozen=True, slots=True)
class Session:
    """One login. id: the digest, not the token. ends_at: if it is not used until then."""

    id: str
    user: User
    csrf: str
    ends_at: float
    longest_at: float


def normal(name: str) -> str:
    """One spelling for an account's name."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def digest(token: str) -> str:
    return sha256(token.encode(errors="surrogateescape")).hexdigest()


class AccountBook:
    def __init__(self, engine: AsyncEngine, limits: Limits | None = None) -> None:
        self._engine = engine
        self.limits = limits or Limits()

    # ---- accounts

    async def add(
        self,
        name: str,
        title: str,
        grants: Iterable[Grant],
        password: str | None,
        now: float,
        *,
        must_change: bool = False,
        subject: str | None = None,
    ) -> int:
        """A new account; its id. password: a hash. Raises AccountError when the name is taken or cannot be one."""
        name = normal(name)
        if not _NAME.fullmatch(name):
            raise AccountError(f"'{name}' is no account name; use 2 to 64 letters, digits and . _ @ + -")
        values = {
            "name": name, "title": title.strip()[:80] or name, "password": password, "must_change": must_change,
            "enabled": True, "subject": subject, "created_at": now,
        }  # fmt: skip
        try:
            async with self._engine.begin() as connection:
                added = await connection.execute(insert(ACCOUNT).values(values))
                assert added.inserted_primary_key is not None
                account = int(added.inserted_primary_key[0])
                await _put_grants(connection, account, grants)
        except IntegrityError:
            raise AccountError(f"there is an account '{name}' already") from None
        return account

    async def accounts(self) -> list[Account]:
        """All of them, by name."""
        async with reading(self._engine) as connection:
            rows = (await connection.execute(select(ACCOUNT).order_by(_A.name))).all()
            grants = await _grants(connection, None)
            counts = select(_S.account, func.count()).group_by(_S.account)
            sessions: dict[int, int] = {row[0]: row[1] for row in await connection.execute(counts)}
        return [_account(row, grants.get(row.id, ()), sessions.get(row.id, 0)) for row in rows]

    async def account(self, name: str) -> Account | None:
        return next((one for one in await self.accounts() if one.name == normal(name)), None)

    async def set_grants(self, account: int, grants: Iterable[Grant]) -> None:
        """From the next request on."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(ACCOUNT_GRANT).where(_G.account == account))
            await _put_grants(connection, account, grants)

    async def set_enabled(self, account: int, enabled: bool) -> None:
        """Disabling ends all its sessions."""
        async with self._engine.begin() as connection:
            await connection.execute(update(ACCOUNT).where(_A.id == account).values(enabled=enabled))
            if not enabled:
                await connection.execute(delete(ACCOUNT_SESSION).where(_S.account == account))

    async def set_password(self, account: int, password: str, *, must_change: bool, keep: str = "") -> None:
        """password: a hash. Ends all sessions but the one called `keep`, and forgets known browsers."""
        async with self._engine.begin() as connection:
            values = {"password": password, "must_change": must_change}
            await connection.execute(update(ACCOUNT).where(_A.id == account).values(values))
            await connection.execute(delete(ACCOUNT_SESSION).where(_S.account == account, _S.id != keep))
            await connection.execute(delete(KNOWN_BROWSER).where(_B.account == account))

    async def rehash(self, account: int, password: str) -> None:
        """The same password with today's parameters."""
        async with self._engine.begin() as connection:
            await connection.execute(update(ACCOUNT).where(_A.id == account).values(password=password))

    async def credentials(self, name: str) -> tuple[int, str] | None:
        """(account, hash) of an enabled account with a password."""
        query = select(_A.id, _A.password).where(
            _A.name == normal(name), _A.enabled.is_(True), _A.password.is_not(None)
        )
        async with reading(self._engine) as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else (row.id, row.password)

    async def of_subject(self, subject: str) -> tuple[int, bool] | None:
        """(account, enabled) of who is called so by the OIDC provider."""
        async with reading(self._engine) as connection:
            row = (await connection.execute(select(_A.id, _A.enabled).where(_A.subject == subject))).first()
        return None if row is None else (row.id, row.enabled)

    # ---- sessions

    async def begin(self, account: int, now: float) -> str:
        """Log in; the token for the cookie."""
        token = token_urlsafe(32)
        row = {
            "id": digest(token), "account": account, "csrf": token_urlsafe(32), "created_at": now, "seen_at": now,
        }  # fmt: skip
        async with self._engine.begin() as connection:
            newest = select(_S.id).where(_S.account == account).order_by(_S.seen_at.desc()).offset(SESSIONS_MAX - 1)
            old = [found.id for found in await connection.execute(newest.limit(SESSIONS_MAX))]
            oldest_at = now - max(self.limits.longest_s, self.limits.display_s)
            await connection.execute(delete(ACCOUNT_SESSION).where(_S.id.in_(old) | (_S.created_at < oldest_at)))
            await connection.execute(insert(ACCOUNT_SESSION).values(row))
        return token

    async def session(self, token: str, now: float) -> Session | None:
        """Whose token this is, if the session still stands. Being asked counts as use only by `touch`."""
        if not token or len(token) > 200:
            return None
        return (await self._sessions([digest(token)], now)).get(digest(token))

    async def standing(self, ids: Collection[str], now: float) -> dict[str, Session]:
        """Those of these sessions that stand."""
        return await self._sessions(list(ids), now)

    async def touch(self, session: Session, now: float) -> Session:
        """It is in use; the session as it stands then. Written at most once a minute."""
        ends_at = min(self._ends(session.user, now), session.longest_at)
        if ends_at - session.ends_at < SEEN_S:
            return session
        where = and_(_S.id == session.id, _S.seen_at < now)
        async with self._engine.begin() as connection:
            await connection.execute(update(ACCOUNT_SESSION).where(where).values(seen_at=now))
        return replace(session, ends_at=ends_at)

    async def end(self, session: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(delete(ACCOUNT_SESSION).where(_S.id == session))

    async def end_all(self, account: int) -> int:
        """How many there were."""
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(ACCOUNT_SESSION).where(_S.account == account))).rowcount

    # ---- browsers

    async def knows(self, account: int, browser: str) -> bool:
        """Has this browser logged in to the account before?"""
        query = select(_B.account).where(_B.id == digest(browser), _B.account == account)
        async with reading(self._engine) as connection:
            return bool(browser) and (await connection.execute(query)).first() is not None

    async def remember(self, account: int, browser: str, now: float) -> None:
        async with self._engine.begin() as connection:
            same = and_(_B.id == digest(browser), _B.account == account)
            await connection.execute(delete(KNOWN_BROWSER).where(same | (_B.seen_at < now - BROWSER_DAYS * 86_400.0)))
            row = {"id": digest(browser), "account": account, "seen_at": now}
            await connection.execute(insert(KNOWN_BROWSER).values(row))

    # ---- inside

    def _ends(self, user: User, seen_at: float) -> float:
        return seen_at + (self.limits.display_s if _is_display(user) else self.limits.idle_s)

    async def _sessions(self, ids: Sequence[str], now: float) -> dict[str, Session]:
        found: dict[str, Session] = {}
        async with reading(self._engine) as connection:
            for start in range(0, len(ids), 500):
                query = select(ACCOUNT_SESSION, _A.name, _A.title, _A.must_change).join_from(
                    ACCOUNT_SESSION, ACCOUNT, _A.id == _S.account
                )
                query = query.where(_S.id.in_(ids[start : start + 500]), _A.enabled.is_(True))
                rows = (await connection.execute(query)).all()
                grants = await _grants(connection, {row.account for row in rows})
                for row in rows:
                    user = User(row.account, row.name, row.title, grants.get(row.account, ()), row.must_change)
                    longest = self.limits.display_s if _is_display(user) else self.limits.longest_s
                    longest_at = row.created_at + longest
                    ends_at = min(self._ends(user, row.seen_at), longest_at)
                    if now < ends_at:
                        found[row.id] = Session(row.id, user, row.csrf, ends_at, longest_at)
        return found


def _is_display(user: User) -> bool:
    return user.roles == {Role.DISPLAY}


def _account(row: Row[Any], grants: tuple[Grant, ...], sessions: int) -> Account:
    return Account(row.id, row.name, row.title, grants, row.enabled, row.password is not None, sessions, row.created_at)


async def _put_grants(connection: AsyncConnection, account: int, grants: Iterable[Grant]) -> None:
    rows = [{"account": account, "role": one.role.value, "scope": one.scope} for one in sorted(set(grants))]
    if rows:
        await connection.execute(insert(ACCOUNT_GRANT), rows)


async def _grants(connection: AsyncConnection, accounts: Collection[int] | None) -> dict[int, tuple[Grant, ...]]:
    """By account; None: of all. A role that this release does not know grants nothing."""
    query = select(ACCOUNT_GRANT).order_by(_G.role, _G.scope)
    if accounts is not None:
        query = query.where(_G.account.in_(sorted(accounts)))
    found: dict[int, tuple[Grant, ...]] = {}
    for row in await connection.execute(query):
        if row.role in _ROLES:
            found[row.account] = (*found.get(row.account, ()), Grant(Role(row.role), row.scope))
    return found
