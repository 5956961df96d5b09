"""The office put together: floor, results, inquiries, callbacks of departments, and the mail that all of them write."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from time import monotonic

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core.commands import Command
from callrouter.core.events import AgentId, Event
from callrouter.core.router import Router
from callrouter.desk.plan import Desk
from callrouter.office.escalations import Watchman
from callrouter.office.figures import OfficeFigures
from callrouter.office.floor import Floor
from callrouter.office.gate import Gate
from callrouter.office.inquiries import InquiryDesk
from callrouter.office.mailer import Mailer, Server
from callrouter.office.phones import ByHand, Handset, PhoneControl
from callrouter.office.results import ResultDesk
from callrouter.office.ringing import Ringing
from callrouter.office.worklists import Worklists
from callrouter.store.callbacks import Callbacks
from callrouter.store.inquiries import Inquiries
from callrouter.store.mail import Escalations, Outbox
from callrouter.store.results import Results

Run = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Outside:
    """What the office needs of the service around it. page: the address of the pages, '' = unknown."""

    router: Router
    submit: Callable[[Event], bool]
    clock: Callable[[], float]
    desk: Callable[[], Desk]
    active: Callable[[], bool]
    engine: AsyncEngine
    callers: Callers
    registry: CollectorRegistry
    mail: Server | None
    page: str
    steady: Callable[[], float] = monotonic  # real seconds
    phones: PhoneControl = field(default_factory=ByHand)
    reach: Callable[[str], str] = lambda _: ""  # a number as people write it → E.164, '' = one that may not be rung


class Office:
    """Let the engine be observed by `observe`; run `runs()` as tasks; `close` at the end."""

    def __init__(self, outside: Outside) -> None:
        o = outside
        self.desk = o.desk
        self.callers = o.callers
        self.figures = OfficeFigures(o.registry, o.clock)
        self.figures.show(o.router.plan, o.desk())
        self.outbox = Outbox(o.engine)
        self.mailer = Mailer(self.outbox, o.mail, o.clock, self.figures)
        self.callbacks = Callbacks(o.engine, o.callers)
        self.results = Results(o.engine)
        self.floor = Floor(o.router, o.submit, self.results, self.callbacks, o.callers, o.clock, o.steady, self.figures)
        self.result_desk = ResultDesk(o.engine, self.results, self.callbacks, o.callers, self.floor, o.desk, o.clock)
        self.inquiries = InquiryDesk(
            Inquiries(o.engine, self.outbox), o.router, self.floor, o.desk, o.clock, self.figures, self.mailer.nudge,
            o.active,
        )  # fmt: skip
        page = f"{o.page}/rueckrufe" if o.page else ""
        self.worklists = Worklists(self.callbacks, o.desk, o.clock)
        self.watchman = Watchman(
            self.worklists, Escalations(o.engine, self.outbox), o.desk, o.clock, self.figures, page, self.mailer.nudge
        )
        self.ringing = Ringing(o.router, self.callbacks, self.worklists, o.reach)
        self.gate = Gate(o.steady)
        self.handset = Handset(o.router, o.phones, o.steady)
        self.floor.moved = self._moved
        self.result_desk.promised = lambda _: self.watchman.nudge()

    def _moved(self, agent: AgentId) -> None:
        self.inquiries.moved(agent)

    def observe(self, happened: Event, commands: Sequence[Command], now: float) -> None:
        """The engine's observer."""
        self.floor.observe(happened, commands, now)
        self.ringing.observe(happened, commands, now)
        self.handset.observe(happened, commands, now)

    def runs(self) -> dict[str, Run]:
        """What runs until it is cancelled, by name."""
        return {
            "floor": self.floor.run,
            "inquiries": self.inquiries.run,
            "mail": self.mailer.run,
            "escalations": self.watchman.run,
        }

    def tell(self, changed: Callable[[str], None]) -> None:
        """changed: told what pages wait for."""
        self.floor.changed = self.worklists.changed = self.ringing.changed = changed

    async def close(self) -> None:
        await self.floor.close()
