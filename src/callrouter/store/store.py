"""What must last beyond the process: switches, agents' states and the audit trail, in SQL.

It observes the engine and writes behind it, in its own task: routing never waits for a database, but who switched
something is answered when it and its audit entry are kept. Switches and states are kept by name, the last one wins, so
what waits to be written is bounded by the plan and nothing is lost while the database is away. Knows no dialect: SQLite
by default, PostgreSQL by its URL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog
from sqlalchemy import Table, delete, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from callrouter.core.commands import AgentChanged, AgreementChanged, Command, HotlineChanged
from callrouter.core.events import (
    AgentAct,
    AgentActed,
    AgentId,
    AgreementSwitched,
    Event,
    HotlineMode,
    HotlineSwitched,
    PhoneActed,
    PlanReplaced,
)
from callrouter.core.plan import Plan
from callrouter.store import sqlite
from callrouter.store.migrate import migrate
from callrouter.store.schema import AGENT_STATE, AGREEMENT_SWITCH, AUDIT, HOTLINE_SWITCH

log = structlog.get_logger(__name__)

READY, PAUSED = "ready", "paused"
GATHER_S = 0.2  # what changes meanwhile goes into one transaction
RETRY_FIRST_S = 1.0
RETRY_LONGEST_S = 30.0
BY = "restart"  # who asks for a state that is restored
FAULTS = (SQLAlchemyError, OSError)


def place_of(url: str | URL) -> str:
    """Where a database is, for people: sqlite:///var/callrouter.db."""
    found = make_url(url)
    return found.set(drivername=found.get_backend_name()).render_as_string(hide_password=True)


def said(error: BaseException) -> str:
    """The database's own words for one of FAULTS, in one line."""
    text = str(getattr(error, "orig", None) or error)
    return text.splitlines()[0] if text else type(error).__name__


STATES = (AGREEMENT_SWITCH, HOTLINE_SWITCH, AGENT_STATE)  # tables that follow the router


class Seats(Protocol):
    """What the router knows of agents, asked for at each change."""

    def intent(self, agent: AgentId) -> tuple[str, str] | None:
        """(ready | paused, reason) of an agent who is logged in; None: logged out or unknown."""

    def agent_of(self, site: str, phone: str) -> AgentId | None: ...


@dataclass(frozen=True, slots=True)
class AuditEntry:
    at: float
    who: str
    what: str
    why: str
    before: str
    after: str


Row = dict[str, Any]


async def open_engine(url: str) -> AsyncEngine:
    """A database with the tables of this release, for a command. Raises SQLAlchemyError or OSError."""
    await asyncio.to_thread(_prepare, make_url(url))
    return _engine(make_url(url))


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection for looking things up: it waits for no writer."""
    async with engine.connect() as connection:
        await connection.execution_options(**{sqlite.READING: True})
        yield connection


async def write_audit(engine: AsyncEngine, entry: AuditEntry) -> None:
    """Returns when the entry is kept. Raises SQLAlchemyError or OSError."""
    async with engine.begin() as connection:
        await _add_audit(connection, entry)


async def _add_audit(connection: AsyncConnection, entry: AuditEntry) -> None:
    await connection.execute(insert(AUDIT).values(asdict(entry)))


def _engine(url: URL) -> AsyncEngine:
    is_sqlite = url.get_backend_name() == "sqlite"
    how = {"async_creator_fn": sqlite.connect} if is_sqlite else {}
    engine = create_async_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=how)  # they name people
    if is_sqlite:
        sqlite.prepare(engine.sync_engine)
    return engine


def _prepare(url: URL) -> None:
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        sqlite.private_file(Path(str(url.database)))
    migrate(url)


class Store:
    """`open`, `restore`, then run `run()` as a task, `close` at the end."""

    def __init__(self, url: str, seats: Seats, clock: Callable[[], float]) -> None:
        self._url = make_url(url)
        self._seats = seats
        self._clock = clock
        self.engine = _engine(self._url)
        self._changed: dict[str, dict[str, Row | None]] = {table.name: {} for table in STATES}
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._noted: dict[AgentId, tuple[str, str] | None] = {}  # the intents that are written, or will be
        self._own: set[tuple[str, str]] = set()  # (table, key) of what changed since the start: newer than what is kept
        self._recording = False
        self._plan: Plan | None = None  # whose switches are kept; None: not known yet
        self.opened = False
        self.trouble = ""  # why nothing can be written; '' while all is well

    @property
    def place(self) -> str:
        return place_of(self._url)

    async def open(self) -> None:
        """Bring the tables up to this release. Raises SQLAlchemyError or OSError."""
        await asyncio.to_thread(_prepare, self._url)
        self.opened = True

    async def restore(self, plan: Plan) -> list[Event]:
        """The events that bring switches and agents' states back; what is out of date or of no plan is deleted.

        What has changed since the start is left out: that is newer, if the database was away then. Raises
        SQLAlchemyError.
        """
        now = self._clock()
        self._plan = plan
        events: list[Event] = []
        async with self.engine.begin() as connection:
            directions = {(agreement.name, agreement.borrower) for agreement in plan.agreements}
            for kept in await _each_direction(connection, plan):
                name, borrower, until = kept["agreement"], kept["borrower"], kept["until"]
                if (AGREEMENT_SWITCH.name, kept["direction"]) in self._own:
                    continue
                if (name, borrower) not in directions or (until is not None and until <= now):
                    await _put(connection, AGREEMENT_SWITCH, {kept["direction"]: None})
                    continue
                by = kept["switched_by"]
                events.append(AgreementSwitched(name, kept["enabled"], until, kept["reason"], by, borrower))
            hotlines = {hotline.name for hotline in plan.hotlines}
            for row in (await connection.execute(select(HOTLINE_SWITCH))).all():
                if (HOTLINE_SWITCH.name, row.hotline) in self._own:
                    continue
                if row.hotline not in hotlines or (row.until is not None and row.until <= now):
                    await _put(connection, HOTLINE_SWITCH, {row.hotline: None})
                    continue
                mode = HotlineMode(row.mode)
                events.append(HotlineSwitched(row.hotline, mode, row.until, row.reason, row.switched_by))
            agents = {agent.id for agent in plan.agents}
            for row in (await connection.execute(select(AGENT_STATE))).all():
                if (AGENT_STATE.name, row.agent) in self._own:
                    continue
                if row.agent not in agents:
                    await _put(connection, AGENT_STATE, {row.agent: None})
                    continue
                self._noted[row.agent] = row.state, row.reason
                act = AgentAct.READY if row.state == READY else AgentAct.LOG_IN  # which is a pause with that reason
                events.append(AgentActed(row.agent, act, row.reason, BY))
        return events

    def record(self) -> None:
        """Observe from now on: what was restored has been handled."""
        self._recording = True

    def observe(self, happened: Event, commands: Sequence[Command], now: float) -> None:
        """The engine's observer: note what changed, to be written soon."""
        if not self._recording:
            return
        if isinstance(happened, PlanReplaced) and isinstance(happened.plan, Plan):
            self._plan_replaced(happened.plan)
        for agent in self._agents(happened, commands):
            intent = self._seats.intent(agent)
            if agent in self._noted and self._noted[agent] == intent:
                continue  # most calls change no intent
            self._noted[agent] = intent
            row = None if intent is None else {"agent": agent, "state": intent[0], "reason": intent[1], "since": now}
            self._note(AGENT_STATE, agent, row)
        for command in commands:
            if isinstance(command, AgreementChanged):
                self._note(AGREEMENT_SWITCH, _direction(command), _switch_row(happened, command, now))
            elif isinstance(command, HotlineChanged):
                self._note(HOTLINE_SWITCH, command.hotline, _mode_row(command, now))

    async def run(self) -> None:
        """Write behind the engine until cancelled; try again, ever more rarely, while the database is away."""
        pause_s = RETRY_FIRST_S
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            if await self.flush():
                pause_s = RETRY_FIRST_S
                continue
            await asyncio.sleep(pause_s)
            pause_s = min(RETRY_LONGEST_S, pause_s * 2)
            self._wake.set()

    async def flush(self) -> bool:
        """Write all that changed. False: it could not be written and is kept."""
        try:
            await self._write()
        except FAULTS:
            return False
        return True

    async def close(self) -> None:
        await self.flush()
        await self.engine.dispose()

    # ---- audit

    async def audit(self, *, who: str, what: str, why: str, before: str, after: str) -> None:
        """Returns when the entry and all that changed before it are kept. Raises SQLAlchemyError or OSError."""
        await self._write(AuditEntry(self._clock(), who, what, why, before, after))

    async def audit_trail(self, limit: int = 100) -> list[AuditEntry]:
        """The newest entries, newest first."""
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        async with self.engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [AuditEntry(row.at, row.who, row.what, row.why, row.before, row.after) for row in rows]

    # ---- inside

    async def _write(self, entry: AuditEntry | None = None) -> None:
        """What changed, and an entry, in one transaction; one at a time, so that nothing is kept before what led to it.

        Raises SQLAlchemyError or OSError; what changed then waits for the next time.
        """
        async with self._writing:
            if entry is None and not any(self._changed.values()):
                return
            taken, self._changed = self._changed, {name: {} for name in self._changed}
            try:
                if not self.opened:  # the database was away at the start
                    await self.open()
                async with self.engine.begin() as connection:
                    for table in STATES:
                        await _put(connection, table, taken[table.name])
                    if entry is not None:
                        await _add_audit(connection, entry)
            except BaseException as error:  # the service may stop in the midst of it: then `close` writes it
                for name, rows in taken.items():
                    self._changed[name] = {**rows, **self._changed[name]}  # what came meanwhile is newer
                if isinstance(error, FAULTS):
                    self._fault(error)
                raise
            self._well()

    def _agents(self, happened: Event, commands: Sequence[Command]) -> dict[AgentId, None]:
        """Agents whose intent may have changed in this turn."""
        found: dict[AgentId, None] = {}
        if isinstance(happened, AgentActed):
            found[happened.agent] = None
        elif isinstance(happened, PhoneActed):
            agent = self._seats.agent_of(happened.site, happened.phone)
            if agent:
                found[agent] = None
        for command in commands:
            if isinstance(command, AgentChanged) and command.after in ("paused", "ready", "logged_out"):
                found[command.agent] = None
        return found

    def _plan_replaced(self, plan: Plan) -> None:
        """The router forgets the switches of what is no longer in the plan: should it return, it is as configured."""
        if self._plan is not None:
            for table, keys in _switchable(self._plan).items():
                for key in sorted(keys - _switchable(plan)[table]):
                    self._note(table, key, None)
        self._plan = plan

    def _note(self, table: Table, key: str, row: Row | None) -> None:
        self._changed[table.name][key] = row
        self._own.add((table.name, key))
        self._wake.set()

    def _fault(self, error: BaseException) -> None:
        if not self.trouble:
            log.error("the database cannot be written; routing goes on", database=self.place, error=said(error))
        self.trouble = said(error)

    def _well(self) -> None:
        if self.trouble:
            log.warning("the database is written again")
        self.trouble = ""


async def _each_direction(connection: AsyncConnection, plan: Plan) -> list[Row]:
    """The switches; one that an older release kept for both directions becomes two."""
    rows = [dict(row._mapping) for row in (await connection.execute(select(AGREEMENT_SWITCH))).all()]
    for old in [row for row in rows if not row["borrower"]]:
        both = [
            {**old, "direction": f"{one.name}/{one.borrower}", "borrower": one.borrower}
            for one in plan.agreements
            if one.name == old["agreement"]
        ]
        await _put(connection, AGREEMENT_SWITCH, {old["direction"]: None, **{row["direction"]: row for row in both}})
        rows = [row for row in rows if row is not old] + both
    return rows


def _switchable(plan: Plan) -> dict[Table, set[str]]:
    """The keys of all that a plan lets people switch."""
    return {
        AGREEMENT_SWITCH: {f"{one.name}/{one.borrower}" for one in plan.agreements},
        HOTLINE_SWITCH: {hotline.name for hotline in plan.hotlines},
    }


def _direction(changed: AgreementChanged) -> str:
    return f"{changed.agreement}/{changed.borrower}"


def _switch_row(happened: Event, changed: AgreementChanged, now: float) -> Row | None:
    """What to keep of a change: only what somebody switched; what follows from the plan is in the plan."""
    if not isinstance(happened, AgreementSwitched):
        return None
    return {
        "direction": _direction(changed),
        "agreement": changed.agreement,
        "borrower": changed.borrower,
        "enabled": changed.enabled,
        "until": changed.until,
        "reason": changed.reason,
        "switched_by": changed.by,
        "switched_at": now,
    }


def _mode_row(changed: HotlineChanged, now: float) -> Row | None:
    """A hotline that is as configured needs no row."""
    if changed.mode is HotlineMode.NORMAL:
        return None
    return {
        "hotline": changed.hotline,
        "mode": changed.mode,
        "until": changed.until,
        "reason": changed.reason,
        "switched_by": changed.by,
        "switched_at": now,
    }


async def _put(connection: AsyncConnection, table: Table, rows: dict[str, Row | None]) -> None:
    """Replace these rows by their key; None: the row goes. Plain SQL, the same for every dialect."""
    if not rows:
        return
    (key,) = table.primary_key.columns
    names = list(rows)
    for start in range(0, len(names), 500):  # SQLite's limit of variables
        await connection.execute(delete(table).where(key.in_(names[start : start + 500])))
    kept = [row for row in rows.values() if row is not None]
    if kept:
        await connection.execute(insert(table), kept)
