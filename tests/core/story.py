"""The network of the mission in small, and a world in which stories about it are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.plan import Agent, Agreement, Hotline, Number, Plan, Site, Span, Team, Topic
from tests.core.world import World

NOON = 1_795_431_600.0  # Monday 2026-11-23, 12:00 in Magdeburg
WEEKDAYS = (*((Span(8 * 3600, 18 * 3600),),) * 5, (), ())


def network(
    *,
    team: dict[str, Any] | None = None,
    hotline: dict[str, Any] | None = None,
    agreement: dict[str, Any] | None = None,
) -> Plan:
    """Two agents at Gera, three at Magdeburg, one agreement by which Magdeburg helps Gera."""
    gera = Team("agency-gera", "Gera", "gera", wrap_up_s=30.0)
    magdeburg = Team("agency-magdeburg", "Magdeburg", "magdeburg", wrap_up_s=30.0)
    line = Hotline(
        "gera",
        "Gera",
        "gera",
        (Number("365"), Number("366", "benefit")),
        None,
        ("agency-gera",),
        (Topic("other", "Other"), Topic("benefit", "Benefit", needs=(("benefit", 2),))),
        "other",
    )
    deal = Agreement("magdeburg-gera", "agency-gera", "agency-magdeburg")
    return Plan(
        "1",
        (Site("gera", "Gera", "TH", "Europe/Berlin"), Site("magdeburg", "Magdeburg", "ST", "Europe/Berlin")),
        (
            replace(line, **(hotline or {})),
            replace(
                line,
                name="magdeburg",
                site="magdeburg",
                numbers=(Number("391"),),
                teams=("agency-magdeburg",),
                topics=(Topic("other", "Other"),),
            ),
        ),
        (replace(gera, **(team or {})), magdeburg),
        (
            Agent("gera/2001", "agency-gera", "gera", "2001"),
            Agent("gera/2002", "agency-gera", "gera", "2002", (("benefit", 2),)),
            *(Agent(f"magdeburg/100{i}", "agency-magdeburg", "magdeburg", f"100{i}") for i in (1, 2, 3)),
        ),
        (replace(deal, **(agreement or {})),),
    )


class Story(World):
    """A world in which all agents are ready unless the story says otherwise, and orders are obeyed at once.

    ready, out: sites or agents; who is neither is paused, so that callers may hope for him.
    """

    def __init__(self, plan: Plan | None = None, ready: str = "gera magdeburg", out: str = "") -> None:
        super().__init__(plan or network(), NOON)
        for site in self.links:
            self.link_up(site)
        for agent in self.router.plan.agents:
            if agent.site in ready.split() or agent.id in ready.split():
                self.pass_time(1.0)
                self.send(e.AgentActed(agent.id, e.AgentAct.READY))
            elif agent.site not in out.split() and agent.id not in out.split():
                self.send(e.AgentActed(agent.id, e.AgentAct.LOG_IN))

    def dial(self, number: str = "365", caller: str = "030") -> str:
        call = self.arrive("magdeburg" if number == "391" else "gera", number, caller)
        self.obey_all()
        return call

    def obey_all(self) -> None:
        while busy := [x.id for x in self.calls.values() if x.orders]:
            self.obey(busy[0])
        while ordered := [x.id for x in self.outs.values() if x.orders]:
            self.obey_out(ordered[0])
            self.obey_all()

    def rung(self, call: str) -> str:
        """The agent whose phone rings for this call ('' if none)."""
        true = self.calls[call]
        return " ".join(t.agent for t in true.targets) if true.stage is e.Stage.OFFERED else ""

    def agent(self, agent: str) -> str:
        return self.books.state[agent]

    def after_tick(self) -> None:
        self.obey_all()

    def phone_fails(self, call_id: str, result: e.Result) -> None:
        super().phone_fails(call_id, result)
        self.obey_all()

    def hang_up(self, call_id: str, cause: int = 16) -> None:
        super().hang_up(call_id, cause)
        self.obey_all()

    def act(self, agent: str, act: e.AgentAct, reason: str = "") -> None:
        self.send(e.AgentActed(agent, act, reason))
        self.obey_all()

    def record(self, call: str) -> c.CallFinished:
        return self.books.ended[call]

    def outcome(self, call: str) -> c.Outcome:
        return self.record(call).outcome
