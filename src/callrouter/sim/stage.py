"""The plan of a simulation: the configured one, less what people and phones would do.

No early media (so no prompts and no promises to ring back), wrap-up as long as each call says, one number for each
topic of a hotline, and as many agents as the roster asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from callrouter.core.plan import Agent, Hotline, Nobody, Number, Plan
from callrouter.sim.crew import mixed
from callrouter.sim.day import number_of

WRAP_UP_MAX_S = 1e8  # three years: the agents end it
LINE_MAX = 1_000_000_000


def staged(plan: Plan, sizes: Mapping[str, int], bounded: Collection[str] = ()) -> Plan:
    """sizes: how many agents each team has at most at any time; more than it has are made after the pattern of its own.

    bounded: the hotlines whose configuration says how many callers may wait; the default is a guard against floods,
    which a simulation needs not.
    """
    agents = list(plan.agents)
    for team, size in sizes.items():
        own = [agent for agent in mixed(plan.agents) if agent.team == team]
        site = next(t.site for t in plan.teams if t.name == team)
        for number in range(len(own), size):
            pattern = own[number % len(own)].skills if own else ()
            name = f"more-{team}-{number + 1}"
            agents.append(Agent(f"{site}/{name}", team, site, name, pattern))
    return replace(
        plan,
        sites=tuple(replace(site, early_media=False) for site in plan.sites),
        teams=tuple(replace(team, wrap_up_s=WRAP_UP_MAX_S) for team in plan.teams),
        hotlines=tuple(_hotline(one, one.name in bounded) for one in plan.hotlines),
        agents=tuple(agents),
    )


def _hotline(one: Hotline, bounded: bool) -> Hotline:
    numbers = tuple(Number(number_of(one.name, topic.name), topic.name) for topic in one.topics)
    line_max = one.line_max if bounded else LINE_MAX
    return replace(
        one,
        numbers=numbers,
        line_max=line_max,
        menu=None,
        say_welcome="",
        say_closed="",
        say_busy="",
        say_notice="",
        nobody=Nobody.BUSY,
        callback=None,
        turns_away=False,  # the published rules know patience and ring limit, whoever is on duty
    )
