"""Small random worlds, full of ties, for the simulator and for the reference beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from callrouter.core.events import AgreementSwitched
from callrouter.core.plan import Agent, Agreement, Hotline, Hours, Number, Plan, Site, Span, Team, Topic
from callrouter.sim.call import Call, Kind
from callrouter.sim.day import Setting, Switch
from callrouter.sim.stage import staged
from tests.sim.reference import RefAgent, RefAgreement, RefCall, RefHotline, RefWorld

MIDNIGHT_US = 1_795_388_400_000_000  # Monday 2026-11-23 in Berlin
STEPS_US = (1_000_000, 100_000, 300_001, 1, 7_777_777)


@dataclass
class Small:
    """One world, told twice."""

    setting: Setting
    calls: list[Call]
    reference: RefWorld


def small(seed: int) -> Small:
    """Times are small multiples of one step, so that many things happen at once. One to four teams at two sites."""
    rng = Random(seed)
    step = rng.choice(STEPS_US)
    long = rng.choice([6, 12, 25])
    names = [f"t{n}" for n in range(rng.randint(1, 4))]
    sites = {name: f"s{n % 2}" for n, name in enumerate(names)}
    agents = [Agent(f"{sites[t]}/{t}{k}", t, sites[t], f"{t}{k}") for t in names for k in range(rng.randint(1, 4))]
    rng.shuffle(agents)  # the plan's order counts, not the teams'
    whole = step % 1_000_000 == 0  # as opening hours are
    start_us = MIDNIGHT_US + rng.randint(0, 80_000) * 1_000_000 + (0 if whole else rng.randint(0, 999_999))
    hotlines, ref_hotlines = [], {}
    for n in range(rng.randint(len(names), len(names) + 2)):
        team = names[n % len(names)]
        limit = rng.choice([None, 0, 1, 2, 3, rng.randint(1, long)])
        hours, at = _hours(rng, start_us, long) if whole and rng.random() < 0.4 else (None, None)
        priority = rng.choice([0, 0, 0, 1])
        hotlines.append(
            Hotline(
                f"h{n}", f"h{n}", sites[team], (Number(str(n)),), hours, (team,), (Topic("any", "any"),), "any",
                ring_max_s=None if limit is None else limit * step / 1e6, priority=priority,
            )
        )  # fmt: skip
        ref_hotlines[f"h{n}"] = RefHotline(team, None if limit is None else limit * step, priority, at)
    agreements, ref_agreements, switches = _agreements(
        rng, names, [h.name for h in hotlines], long, step, start_us if whole else None
    )
    crews, rosters = _rosters(rng, names, agents, long, step)
    plan = Plan(
        "1",
        tuple(Site(s, s, "ST", "Europe/Berlin") for s in ("s0", "s1")),
        tuple(hotlines),
        tuple(Team(t, t, sites[t]) for t in names),
        tuple(agents),
        tuple(agreements),
    )
    calls, ref_calls = [], []
    ats = sorted(rng.randint(0, long) for _ in range(rng.randint(1, 30)))
    for number, at in enumerate(ats):
        hotline = rng.choice(hotlines).name
        talk, wrap = rng.choice([0, 1, 2, 3, rng.randint(0, long)]), rng.choice([0, 0, 1, 2, 5])
        patience = rng.choice([None, 0, 1, 2, 3, rng.randint(0, long)])
        patience_us = None if patience is None else patience * step
        caller = rng.choice(["", "030", "040"])
        calls.append(Call(at * step, hotline, caller, talk * step, wrap * step, patience_us))
        ref_calls.append(RefCall(number, at * step, hotline, talk * step, wrap * step, patience_us))
    reference = RefWorld([RefAgent(a.id, a.team) for a in agents], rosters, ref_hotlines, ref_agreements, ref_calls)
    setting = Setting(staged(plan, {}), start_us, long * step, crews, tuple(switches))
    return Small(setting, calls, reference)


def _hours(rng: Random, start_us: int, long: int) -> tuple[Hours | None, list[tuple[int, int]] | None]:
    """Some seconds of the day, for the product and for the reference; none if they would go past midnight."""
    opens, closes = rng.randint(0, long // 2), rng.randint(long // 2 + 1, 2 * long)
    begin_s = (start_us - MIDNIGHT_US) // 1_000_000
    if begin_s + closes >= 86_400:
        return None, None
    spans = (Span(begin_s + opens, begin_s + closes),)
    days = range(0, 9 * 86_400, 86_400)  # who never gives up may be served tomorrow
    at = [((day + opens) * 1_000_000, (day + closes) * 1_000_000) for day in days]
    return Hours("Europe/Berlin", (spans,) * 7), at


def _agreements(
    rng: Random, teams: list[str], hotlines: list[str], long: int, step: int, start_us: int | None
) -> tuple[list[Agreement], list[RefAgreement], list[Switch]]:
    agreements: list[Agreement] = []
    refs: list[RefAgreement] = []
    switches: list[Switch] = []
    pairs = [(a, b) for a in teams for b in teams if a != b]
    rng.shuffle(pairs)
    for n, pair in enumerate(pairs[: rng.randint(0, 4)]):
        some = tuple(sorted(rng.sample(hotlines, rng.randint(1, len(hotlines))))) if rng.random() < 0.3 else ()
        enabled = rng.random() < 0.9
        turns = [(0, enabled)]
        if rng.random() < 0.3:
            at = rng.randint(1, long) * step
            turns.append((at, not enabled))
            switches.append(Switch(at, Kind.SWITCH, AgreementSwitched(f"g{n}", not enabled)))
        both = [pair, pair[::-1]] if rng.random() < 0.3 and pair[::-1] not in pairs[:n] else [pair]
        for borrower, lender in both:
            if any((borrower, lender) == (a.borrower, a.lender) for a in agreements):
                continue
            reserve, cap = rng.choice([0, 0, 1, 2]), rng.choice([None, None, 1, 2])
            after = rng.choice([0, 0, 1, 2, rng.randint(0, long)])
            window, at = _hours(rng, start_us, long) if start_us and rng.random() < 0.4 else (None, None)
            agreements.append(
                Agreement(
                    f"g{n}", borrower, lender, hotlines=some, reserve=reserve, max_calls=cap, enabled=enabled,
                    after_s=after * step / 1e6, window=window,
                )
            )  # fmt: skip
            refs.append(RefAgreement(f"g{n}", borrower, lender, reserve, cap, turns, some, after * step, at))
    return agreements, refs, switches


def _rosters(
    rng: Random, teams: list[str], agents: list[Agent], long: int, step: int
) -> tuple[dict[str, list[tuple[int, int]]], dict[str, list[tuple[int, int, int]]]]:
    crews, rosters = {}, {}
    for team in teams:
        if rng.random() < 0.5:
            continue
        size = sum(a.team == team for a in agents)
        spans = []
        for _ in range(rng.randint(1, 3)):
            start = rng.randint(0, long)
            spans.append((start * step, (start + rng.randint(1, long)) * step, rng.randint(0, size)))
        edges = sorted({0, *(t for start, end, _ in spans for t in (start, end))})
        crews[team] = [(t, min(size, sum(n for start, end, n in spans if start <= t < end))) for t in edges]
        rosters[team] = spans
    return crews, rosters


def rows(calls: Iterator[Call] | list[Call]) -> list[tuple[object, ...]]:
    return [(c.at_us, c.hotline, c.outcome, c.wait_us, c.agent, c.team, c.agreement) for c in calls]


def ref_rows(calls: list[RefCall]) -> list[tuple[object, ...]]:
    return [(c.at, c.hotline, c.outcome, c.wait, c.agent, c.team, c.agreement) for c in calls]
