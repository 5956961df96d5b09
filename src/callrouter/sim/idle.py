"""What changes nothing in a period, whoever calls: sentences and entries, each with the reason and the mend.

A sentence has an effect if the case without it is another one, and if somebody who is called can feel it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from callrouter.core.calendar import open_s
from callrouter.core.events import AgreementSwitched, HotlineMode, HotlineSwitched
from callrouter.core.plan import Agreement, Hotline
from callrouter.sim.call import Kind
from callrouter.sim.callers import Callers
from callrouter.sim.case import Case, instants
from callrouter.sim.changes import HOTLINE_FACTORS, HOTLINE_SETTINGS, Change
from callrouter.sim.desks import whole
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.page import Text
from callrouter.sim.part import serving
from callrouter.sim.scenario import Scenario

Idle = tuple[str, Text]  # the sentence, and why

NO_TIME: Text = (
    "gilt für keine Zeit dieser Tage; bitte Datum und Uhrzeit prüfen",
    "is meant for no time of these days; check its date, or its hours",
)
SAME: Text = (
    "ändert nichts: Es ist ohnehin so, oder ein anderer Satz bestimmt es; bitte prüfen oder weglassen",
    "changes nothing: it is so anyway, or another sentence decides it; check it, or leave it out",
)
NO_CALLERS: Text = (
    "meint Anrufer, die das Szenario nicht hat; der Hotline welche geben oder den Satz weglassen",
    "is about callers whom the scenario does not have; give the hotline some, or leave it out",
)
TRACED: Text = (
    "meint Anrufer, die hier aus den aufgezeichneten Anrufen kommen; bitte weglassen",
    "is about callers, and here they come from the trace; leave it out",
)
NEVER: Text = (
    "ändert die Geduld von Anrufern, die nie aufgeben; ihnen eine geben oder den Satz weglassen",
    "changes the patience of callers who never give up; give them some, or leave it out",
)
NO_LINE: Text = (
    "ändert eine Warteschlange, in der niemand wartet, weil Durchwahlen gewählt werden; „pooled“ dazu sagen",
    "changes a line in which nobody waits, since callers dial desks; say 'pooled', too, or leave it out",
)
DESKS: Text = (
    "meint Teams, deren Durchwahlen gewählt werden und die deshalb nichts leihen; „pooled“ dazu sagen oder weglassen",
    "is about teams that are called at their desks, and lend and borrow nothing; say 'pooled', too, or leave it out",
)
OFF: Text = (
    "meint eine Vereinbarung, die die ganze Zeit aus ist; sie auch einschalten oder den Satz weglassen",
    "is about an agreement that is off all the time; switch it on, too, or leave it out",
)
NOBODY: Text = (
    "berührt niemanden, den jemand anruft; Hotlines Anrufer geben oder den Satz weglassen",
    "touches nobody who is called; give hotlines callers, or leave it out",
)
SHUT: Text = (
    "gilt für eine Zeit, in der ohnehin geschlossen ist; bitte die Uhrzeit prüfen",
    "is meant for a time at which it is closed anyway; check its hours",
)
NONE_THEN: Text = (
    "gilt für keine halbe Stunde, in der jemand anruft; bitte die Uhrzeit prüfen",
    "is meant for no half hour in which somebody calls; check its hours",
)
NO_ARRIVALS: Text = (
    "hat keine Anrufe („arrivals“): Niemand ruft an; welche angeben oder den Eintrag weglassen",
    "has no arrivals, so nobody calls; give it some, or leave it out",
)
NONE_THESE_DAYS: Text = (
    "bringt an diesen Tagen keine Anrufe; bitte per_day, days und profile prüfen",
    "brings no calls in these days; check per_day, days and profile",
)
NO_REDIAL: Text = (
    "lässt niemanden noch einmal anrufen; tries: 2 oder mehr und eine Wahrscheinlichkeit über 0 angeben",
    "lets nobody call again; write tries: 2 or more and a probability above 0, or leave it out",
)
NO_PROFILE: Text = (
    "wird von niemandem benutzt; bei arrivals nennen oder weglassen",
    "is used by nobody; name it in arrivals, or leave it out",
)
NO_DUTY: Text = (
    "bringt an diesen Tagen niemanden in den Dienst; bitte days, hours und from_s prüfen",
    "has nobody on duty in these days; check days, hours and from_s",
)
TWICE: Text = (
    "nennt denselben Dienst zweimal, und Dienste zählen zusammen; einen weglassen oder alle in einer Zeile nennen",
    "names the same duty twice, and duties add up; leave one out, or name all its agents in one line",
)


@dataclass(frozen=True, slots=True)
class Now:
    """What is so when the period begins, where that is otherwise than configured. on: (agreement, borrower) to whether
    it is switched on. dark: sites without link.
    """

    on: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    dark: Collection[str] = ()


def without_effect(
    changes: Sequence[Change],
    case: Case,
    make: Callable[[Sequence[Change]], Case],
    traced: Collection[str] | None = None,
    now: Now | None = None,
) -> list[Idle]:
    """changes: those of the case that are looked at. make: the same case with other changes in all.

    traced: the hotlines that a trace calls, which comes instead of the scenario's callers.
    """
    look = _Look(case, traced, now or Now())
    found: list[Idle] = []
    for change in changes:
        others = list(case.changes)
        others.remove(change)
        why = look.why(change, lambda others=others: _Look(make(others), traced, now or Now()))  # type: ignore[misc]
        if why:
            found.append((change.text, why))
    return found


class _Look:
    def __init__(self, case: Case, traced: Collection[str] | None, now: Now) -> None:
        self.case = case
        self._traced = traced
        self._now = now
        callers = case.scenario.callers
        drawn = {name for name, one in callers.items() if one.arrivals}
        self._called = [one for one in case.plan.hotlines if whole(one.name) in (drawn if traced is None else traced)]

    def why(self, change: Change, without: Callable[[], _Look]) -> Text | None:
        """The reason, or None if it may have an effect."""
        case = self.case
        if not change.when.always and not self._spans(change):
            return NO_TIME
        if change.kind == "hotline" and (why := self._of_callers(change)):
            return why
        other = without()
        if change.what in HOTLINE_FACTORS:
            if change.value == 1:
                return SAME
            same = change.what == "calls" and self._expected(change.name) == other._expected(change.name)
            return NONE_THEN if same else None
        if self._facts() == other._facts():
            if change.kind == "agreement" and not self._deals(change):
                return DESKS
            return SHUT if change.what == "closed" else SAME
        if change.kind == "agreement":
            return self._of_agreement(change)
        if change.kind == "hotline":
            return None if any(whole(one.name) == change.name for one in self._called) else NOBODY
        if change.kind == "team":
            return None if self.serves([change.name]) else NOBODY
        if change.kind == "site":
            teams = [team.name for team in case.network.teams if team.site == change.name]
            felt = self.serves(teams) or any(one.site == change.name for one in self._called)
            return None if felt else NOBODY
        raise AssertionError(f"nobody knows what '{change.text}' is about")

    def _spans(self, change: Change) -> list[tuple[int, int]]:
        """The part of its spans that these days have."""
        clock, end_us = self.case.clock, self.case.setting.until_us
        days = clock.second_of_day(end_us - 1)[0] + 1
        spans = [(0, end_us)] if change.when.always else instants(change.when, clock, days)
        return [(max(0, start), min(end, end_us)) for start, end in spans if start < end_us and end > 0]

    def _of_callers(self, change: Change) -> Text | None:
        case, callers = self.case, self.case.scenario.callers.get(change.name)
        drawn = callers is not None and callers.arrivals is not None
        if change.what in HOTLINE_FACTORS:
            if self._traced is not None:
                return TRACED
            if callers is None or not drawn:
                return NO_CALLERS
            if change.what == "patience" and callers.patience is None:
                return NEVER
        if change.what in ("patience", *HOTLINE_SETTINGS) and change.name in case.desks:
            return NO_LINE
        return None

    def _expected(self, hotline: str) -> list[float]:
        """First calls of each half hour of these days."""
        return Callers(self.case, 0, 0, only=[hotline]).course(hotline)

    def _of_agreement(self, change: Change) -> Text | None:
        deals = self._deals(change)
        if not deals:
            return DESKS
        if not any(_covers(deal, one) for deal in deals for one in self._called):
            return NOBODY
        states = self._states()
        if change.what not in ("on", "off") and not any(
            on for deal in deals for _, on in states["agreement", deal.name, deal.borrower]
        ):
            return OFF
        return None

    def _deals(self, change: Change) -> list[Agreement]:
        """The directions that it is about, of those that the simulation has."""
        return [
            one
            for one in self.case.plan.agreements
            if one.name == change.name and change.of_team in ("", one.lender) and change.borrower in ("", one.borrower)
        ]

    def serves(self, teams: Collection[str]) -> bool:
        """May one of these teams have a call?"""
        home = {whole(team) for one in self._called for team in serving(one)}
        lend = {one.lender for one in self.case.plan.agreements if any(_covers(one, line) for line in self._called)}
        return any(team in home or team in lend for team in teams)

    # ---- what is so, and when

    def _facts(self) -> object:
        case = self.case
        return case.plan, case.setting.crews, case.desks, self._states()

    def _states(self) -> dict[tuple[str, ...], list[tuple[int, bool]]]:
        """(instant, is it so from then on) of all that is switched: an agreement on, a site dark, a hotline closed."""
        found: dict[tuple[str, ...], list[tuple[int, bool]]] = {}
        for deal in self.case.network.agreements:
            on = self._now.on.get((deal.name, deal.borrower), deal.enabled)
            for change in self.case.changes:
                if change.name == deal.name and change.when.always and change.borrower in ("", deal.borrower):
                    on = change.what == "on" if change.what in ("on", "off") else on
            found["agreement", deal.name, deal.borrower] = [(0, on)]
        for site in self.case.network.sites:
            found["site", site.name] = [(0, site.name in self._now.dark)]
        for hotline in self.case.network.hotlines:
            found["hotline", hotline.name] = [(0, False)]
        for key, at_us, state in self._switched():
            found[key] = [step for step in found[key] if step[0] < at_us] + [(at_us, state)]
        return {key: list(self._felt(key, steps)) for key, steps in found.items()}

    def _switched(self) -> Iterator[tuple[tuple[str, ...], int, bool]]:
        for switch in self.case.setting.switches:
            event = switch.what
            if switch.at_us >= self.case.setting.until_us:
                continue
            if isinstance(event, AgreementSwitched):
                for deal in self.case.network.agreements:
                    if deal.name == event.agreement and event.borrower in ("", deal.borrower):
                        yield ("agreement", deal.name, deal.borrower), switch.at_us, event.enabled
            elif isinstance(event, HotlineSwitched):
                yield ("hotline", whole(event.hotline)), switch.at_us, event.mode is HotlineMode.CLOSED
            else:
                yield ("site", str(event)), switch.at_us, switch.kind is Kind.SITE_DOWN

    def _felt(self, key: tuple[str, ...], steps: Sequence[tuple[int, bool]]) -> Iterator[tuple[int, bool]]:
        """Without the steps that change nothing, and what is closed anyway is not closed by hand."""
        before = None
        end_us = self.case.setting.until_us
        for (at_us, state), (until_us, _) in zip(steps, (*steps[1:], (end_us, False)), strict=True):
            now = state
            if key[0] == "hotline" and state:
                hours = next(one.hours for one in self.case.network.hotlines if one.name == key[1])
                edges = ((self.case.setting.start_us + edge) / SECOND_US for edge in (at_us, until_us))
                now = open_s(hours, *edges) > 0
            if now != before:
                yield at_us, now
            before = now


# ---- entries


def unused(case: Case, traced: Collection[str] | None = None) -> list[Idle]:
    """Entries of the scenario that change nothing in these days, by their place in the file. traced: as above."""
    look = _Look(case, traced, Now())
    return [*_unused_callers(case, traced), *_unused_profiles(case.scenario), *_unused_rosters(case, look)]


def _unused_callers(case: Case, traced: Collection[str] | None) -> Iterator[Idle]:
    for name, one in case.scenario.callers.items():
        place = f"callers.{name}"
        if traced is None and one.arrivals is None:
            yield place, NO_ARRIVALS
        elif traced is None and not Callers(case, 0, 0, only=[name]).course(name):
            yield place, NONE_THESE_DAYS
        if one.redial is not None and (one.redial.tries == 1 or not one.redial.probability):
            yield f"{place}.redial", NO_REDIAL


def _unused_profiles(scenario: Scenario) -> Iterator[Idle]:
    used = {
        one.arrivals.profile
        for one in scenario.callers.values()
        if one.arrivals and isinstance(one.arrivals.profile, str)
    }
    for name in scenario.profiles:
        if name not in used:
            yield f"profiles.{name}", NO_PROFILE


def _unused_rosters(case: Case, look: _Look) -> Iterator[Idle]:
    end_us = case.setting.until_us
    for name in case.scenario.roster:
        if not look.serves([name]):
            yield f"roster.{name}", NOBODY
        elif case.scenario.roster[name] and not any(
            number for at_us, number in case.setting.crews[name] if at_us < end_us
        ):
            yield f"roster.{name}", NO_DUTY
        duties = case.scenario.roster[name]
        if any(duty in duties[:place] for place, duty in enumerate(duties)):
            yield f"roster.{name}", TWICE


def _covers(deal: Agreement, hotline: Hotline) -> bool:
    return deal.borrower in serving(hotline) and (not deal.hotlines or hotline.name in deal.hotlines)
