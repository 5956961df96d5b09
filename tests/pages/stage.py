"""The stage of the tests in a browser: the example network on virtual sites, on which nothing happens by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from callrouter.cli.stage import ACCOUNTS, Stage
from callrouter.config.load import load
from callrouter.core.events import AgentAct, AgentActed, AgreementSwitched
from callrouter.sim.pace import Pace
from callrouter.sim.people import ANSWERS, Behaviour, VirtualCaller
from tests.waiting import until

EXAMPLE = Path(__file__).resolve().parents[2] / "config"
BERLIN = ZoneInfo("Europe/Berlin")
MORNING = datetime(2026, 11, 23, 9, 14, tzinfo=BERLIN).timestamp()  # a Monday
GERA, MAGDEBURG, HALBERSTADT, ARGE = "06990009200", "03023125100", "03023125110", "03023125210"

# of the department, with a seat of his own whose phone can be rung for him
CALLER_BACK = ("rueckruf-gera", "Rückrufe in Gera", ("department:benefit-gera", "agent:gera/2002"))


class Show(Stage):
    """With what tests do on it."""

    people: list[VirtualCaller]

    @property
    def url(self) -> str:
        return self.service.server.url

    async def staff(self, team: str, number: int, behaviour: Behaviour = ANSWERS) -> list[str]:
        """So many agents of the team are ready, their phones behave like this, and the others are logged out."""
        agents = [agent for agent in self.loaded.plan.agents if agent.team == team]
        for agent in agents:
            self.sites[agent.site].phone(agent.phone).behaviour = behaviour
            wanted = AgentAct.READY if agents.index(agent) < number else AgentAct.LOG_OUT
            await self.service.engine.ask(AgentActed(agent.id, wanted, by="test"))
        await until(lambda: self.states(team).get("ready", 0) == number, lambda: str(self.states(team)))
        return [agent.id for agent in agents[:number]]

    async def occupy(self, team: str, hotline: str) -> None:
        """The team's one agent talks, so whoever rings next waits."""
        await self.staff(team, 1)
        await (await self.call(hotline)).until("talking")

    def states(self, team: str) -> dict[str, int]:
        counts = self.service.engine.counts().agents
        return {str(state): number for (name, state), number in counts.items() if name == team and number}

    async def call(self, number: str, caller: str = "01711234567") -> VirtualCaller:
        """Somebody dials; rings or more when this returns."""
        person = self.sites["gera" if number == GERA else "magdeburg"].call(number, caller)
        self.people.append(person)
        await person.until("ringing", "talking", "ended")
        return person

    async def calm(self) -> None:
        """Everybody hangs up, nobody is logged in, every switch is as configured."""
        for person in self.people:
            person.hang_up()
        self.people = []
        await until(lambda: not self.service.engine.snapshot().calls)
        for agent in self.seats:
            floor = self.service.office.floor
            floor.presence.forget(agent)
            if (owed := floor.owed.of(agent)) is not None:
                floor.owed.given(agent, owed.call)
        for team in self.loaded.plan.teams:
            await self.staff(team.name, 0)
        for agreement in self.loaded.plan.agreements:
            await self.service.engine.ask(AgreementSwitched(agreement.name, agreement.enabled, by="test"))


@asynccontextmanager
async def show(
    folder: Path, start: float = MORNING, gera_ring_max_s: float = 1.0, *, forecast: bool = False
) -> AsyncIterator[Show]:
    """Nobody speaks before it rings (no menus), and whom nobody serves in Gera is told busy after a second.

    forecast: dialogs say what a switch would do, which costs seconds of processor time each.
    """
    loaded = load(EXAMPLE, datetime.fromtimestamp(start, BERLIN).date())
    sites = tuple(replace(site, early_media=False) for site in loaded.plan.sites)
    hotlines = tuple(
        replace(hotline, ring_max_s=gera_ring_max_s if hotline.site == "gera" else hotline.ring_max_s)
        for hotline in loaded.plan.hotlines
    )
    service = loaded.network.service
    service = service if forecast else service.model_copy(update={"forecast": None})
    network = loaded.network.model_copy(update={"service": service})
    loaded = replace(loaded, plan=replace(loaded.plan, sites=sites, hotlines=hotlines), network=network)
    stage = Show(loaded, folder, Pace(1.0, start=start), accounts=(*ACCOUNTS, CALLER_BACK))
    stage.people = []
    try:
        await stage.start()
        yield stage
    finally:
        await stage.stop()
