"""Overdue callbacks: who must know is written to, once for each stage."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core.callbacks import Callback, CallbackResult, finish
from callrouter.desk.plan import Desk
from callrouter.office.escalations import Watchman
from callrouter.office.figures import OfficeFigures as Figures
from callrouter.office.worklists import Worklists
from callrouter.store.callbacks import Callbacks
from callrouter.store.mail import Escalations, Outbox
from callrouter.store.schema import MAIL
from tests.desk.test_mail import BENEFITS, DUE, ONE
from tests.desk.test_workdays import at
from tests.office.conftest import Clock
from tests.store.records import rows

OTHER = replace(BENEFITS, name="other", title="Andere", stages=())


class House:
    def __init__(self, engine: AsyncEngine, clock: Clock, figures: Figures) -> None:
        self.callbacks = Callbacks(engine, Callers("a secret of tests that is long enough"))
        self.departments = [BENEFITS, OTHER]
        self.written = 0
        outbox = Outbox(engine)
        self.worklists = Worklists(self.callbacks, lambda: Desk(tuple(self.departments)), clock)
        self.watchman = Watchman(
            self.worklists, Escalations(engine, outbox), lambda: Desk(tuple(self.departments)), clock, figures,
            "https://x.example/rueckrufe", self._written,
        )  # fmt: skip

    def _written(self) -> None:
        self.written += 1

    async def owe(self, *callbacks: Callback) -> None:
        for one in callbacks:
            await self.callbacks.add(one)


async def test_each_stage_is_written_to_once(engine: AsyncEngine, clock: Clock, figures: Figures) -> None:
    """Nothing before it is due; then one message for all that are overdue, a working day later one to the next."""
    house = House(engine, clock, figures)
    await house.owe(ONE, replace(ONE, id="gera/d2"), replace(ONE, id="gera/d3", department="other"))
    clock.now = DUE
    assert await house.watchman.round() == 0
    clock.now = DUE + 1
    assert await house.watchman.round() == 1
    assert await house.watchman.round() == 0
    clock.now = at("2027-09-21 17:00")
    assert await house.watchman.round() == 0
    await house.owe(replace(ONE, id="gera/d4", due_at=clock.now - 60.0))
    assert await house.watchman.round() == 1
    clock.now = at("2027-09-21 18:01")
    assert await house.watchman.round() == 1
    mails = sorted(await rows(engine, MAIL), key=lambda row: row.made_at)
    assert [(row.recipient, row.subject) for row in mails] == [
        ("a@x.example", "2 überfällige Rückrufe: Leistung"),
        ("a@x.example", "Überfälliger Rückruf: Leistung"),
        ("b@x.example", "2 überfällige Rückrufe: Leistung"),
    ]
    assert house.written == 3


async def test_after_a_long_stop_both_stages_come_at_once(engine: AsyncEngine, clock: Clock, figures: Figures) -> None:
    """A service that was down over both instants writes to both, and what was done meanwhile to nobody."""
    house = House(engine, clock, figures)
    await house.owe(ONE, replace(ONE, id="gera/d2"))
    await house.callbacks.change(finish(replace(ONE, id="gera/d2"), CallbackResult.REACHED, "kim", DUE))
    clock.now = at("2027-09-27 09:00")
    assert await house.watchman.round() == 2
    assert [row.subject for row in await rows(engine, MAIL)] == ["Überfälliger Rückruf: Leistung"] * 2


async def test_two_services_on_one_database_write_once(engine: AsyncEngine, clock: Clock, figures: Figures) -> None:
    """Whoever comes second finds the stage told, at whatever moment."""
    one, other = House(engine, clock, figures), House(engine, clock, Figures(CollectorRegistry(), clock))
    await one.owe(ONE)
    clock.now = DUE + 1
    assert await one.watchman.round() + await other.watchman.round() == 1
    again = one.watchman._tell(BENEFITS, 0, [replace(ONE)], clock.now)  # as if it had looked before the other wrote
    assert await again == 0
    assert len(await rows(engine, MAIL)) == 1


async def test_what_departments_owe_is_counted(
    engine: AsyncEngine, clock: Clock, figures: Figures, registry: CollectorRegistry
) -> None:
    """Open and overdue, per department; a department that is gone loses its series."""
    house = House(engine, clock, figures)
    await house.owe(ONE, replace(ONE, id="gera/d2", due_at=DUE + 9e5))
    clock.now = DUE + 1
    await house.watchman.round()

    def value(name: str, department: str) -> float | None:
        return registry.get_sample_value(f"callrouter_department_callbacks{name}", {"department": department})

    assert (value("", "benefit"), value("_overdue", "benefit"), value("", "other")) == (2, 1, 0)
    house.departments = [BENEFITS]
    await house.watchman.round()
    assert value("", "other") is None
