"""What a scenario file may hold: a period, callers, rosters and what changes meanwhile.

Validated like the configuration: every problem at once, each with file:line:col and the mend.

Keys that need the network to be understood (names, sentences) are checked in `read_scenario`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from callrouter.config.hours import HoursError, days_of, spans_of
from callrouter.config.kinds import Count, Name, Seconds, Sentence, Whole, Zone, listed, no_bool
from callrouter.config.messages import did_you_mean, explain_all, wrong
from callrouter.config.model import Model as ConfigModel
from callrouter.config.source import ConfigError, Place, Source, Where
from callrouter.core.plan import Plan, Span
from callrouter.sim.changes import Change, ChangeError, understood
from callrouter.sim.draws import Constant, Distribution, Empirical, Exponential, Lognormal

SLOT_S = 1800
VALUES_MAX = 100_000

Number = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=1e9, allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=1, allow_inf_nan=False)]


def _start(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or not 1970 <= moment.year < 2200:
        raise wrong(f"'{value}' is no day", "write 2026-11-23, or 2026-11-23 08:00 by the local clock")
    return value


Start = Annotated[str, AfterValidator(_start), WithJsonSchema({"type": "string"})]


def _day(value: str) -> str:
    try:
        days_of(value)
    except HoursError as error:
        raise wrong(error.what, error.mend) from None
    if value == "holidays":
        raise wrong("'holidays' cannot stand here", "name weekdays or dates")
    return value


Days = Annotated[str, AfterValidator(_day)]


def _hours(value: object) -> object:
    if not isinstance(value, list | str):
        raise wrong("this is no span of time", "write it like 08:00-18:00")
    try:
        return spans_of(value if isinstance(value, list) else [value])
    except HoursError as error:
        raise wrong(error.what, error.mend) from None


Hours = Annotated[
    tuple[Span, ...],
    BeforeValidator(_hours),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


def _slots(value: object) -> object:
    """`08:00: 2` is the half hour from then on, `08:00-10:00: 2` each half hour of the span."""
    if not isinstance(value, dict):
        return value
    found: dict[int, object] = {}
    for key, weight in value.items():
        whole = re.fullmatch(r"\d\d?:\d\d", str(key))
        spans = _hours(f"{key}-24:00" if whole else key)
        assert isinstance(spans, tuple)
        from_s, to_s = spans[0].from_s, spans[0].from_s + SLOT_S if whole else spans[0].to_s
        if from_s % SLOT_S or to_s % SLOT_S:
            raise wrong(f"'{key}' begins or ends within a half hour", "write it like 08:30 or 08:00-10:00")
        for slot in range(from_s // SLOT_S, to_s // SLOT_S):
            if slot in found:
                raise wrong(f"'{key}' names a half hour again", "name each once")
            found[slot] = weight
    return found


Profile = Annotated[
    dict[int, Number],
    BeforeValidator(_slots),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}),
]
"""Half hour of the day (0 to 47) to its weight; what is not named is 0."""


def _named(value: object) -> str:
    return "half hours" if isinstance(value, dict) else "name"


# told apart before they are looked at, so that a mistake is told as that of one of them
ProfileOrName = Annotated[Annotated[Name, Tag("name")] | Annotated[Profile, Tag("half hours")], Discriminator(_named)]


class Model(BaseModel):
    model_config = ConfigModel.model_config


class Duration(Model):
    """A number of seconds, or how such numbers are spread."""

    kind: Literal["lognormal", "exponential", "constant", "empirical"] = "constant"
    mean_s: Number | None = None
    cv: Annotated[Number, Field(gt=0, le=20)] | None = None
    """Coefficient of variation, of a lognormal: standard deviation / mean."""
    values: Annotated[list[Number], Field(min_length=1, max_length=VALUES_MAX)] | None = None
    """Of an empirical one: what was measured, each value as likely."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if isinstance(value, dict) and "kind" not in value:
            kind = "empirical" if "values" in value else "lognormal" if "cv" in value else "constant"
            return {"kind": kind, **value}
        return value if isinstance(value, dict) else {"mean_s": value}

    @model_validator(mode="after")
    def _fits(self) -> Duration:
        needs = {"lognormal": ("mean_s", "cv"), "empirical": ("values",)}.get(self.kind, ("mean_s",))
        for name in ("mean_s", "cv", "values"):
            if (getattr(self, name) is None) == (name in needs):
                what = f"{self.kind} {'needs' if name in needs else 'has no'} '{name}'"
                raise wrong(what, f"write {{kind: {self.kind}, {', '.join(f'{need}: …' for need in needs)}}}")
        return self

    def distribution(self) -> Distribution:
        mean = self.mean_s or 0.0
        match self.kind:
            case "lognormal":
                return Lognormal(mean, self.cv or 0.0)
            case "exponential":
                return Exponential(mean)
            case "empirical":
                return Empirical(tuple(self.values or ()))
            case _:
                return Constant(mean)


def _never(value: object) -> object:
    return None if value == "never" else value


Lasting = Annotated[Duration, BeforeValidator(lambda value: value, json_schema_input_type=Duration | Number)]
Patience = Annotated[
    Duration | None, BeforeValidator(_never, json_schema_input_type=Duration | Number | Literal["never"] | None)
]


class Arrivals(Model):
    """How many callers come, redials not counted: a number a day with a profile, or so many an hour all the time."""

    per_day: Number | None = None
    """On a day whose factor is 1."""
    per_hour: Number | None = None
    profile: ProfileOrName | None = None
    """Of `profiles`, or half hours to weights."""
    days: dict[Days, Number] = {}
    """Weekdays or dates to a factor; days that are not named have none. Without it every day has 1."""
    day_cv: Annotated[Number, Field(le=5)] = 0.0
    """How much whole days differ for no reason that is known: coefficient of variation of the day's factor."""

    @model_validator(mode="after")
    def _one(self) -> Arrivals:
        if (self.per_day is None) == (self.per_hour is None):
            raise wrong("arrivals are so many a day or so many an hour", "write per_day and profile, or per_hour")
        if (self.per_day is None) != (self.profile is None):
            raise wrong("calls a day need a profile, calls an hour have none", "write per_day and profile, or per_hour")
        return self


class Redial(Model):
    """Who was not reached and tries again."""

    probability: Share
    delay: Lasting
    tries: Annotated[Whole, Field(ge=1, le=100)] = 3
    """Calls of one caller, the first included."""


class Desks(Model):
    """Callers dial the desk of one agent instead of the hotline, and nobody else picks up."""

    away: Share = 0.0
    """Share of his time on duty that an agent cannot pick up: with visitors, in meetings, at another desk."""
    away_mean_s: Annotated[Number, Field(gt=0)] = 1800.0
    """How long he then cannot, on average (exponential)."""


class Callers(Model):
    """Who calls a hotline."""

    arrivals: Arrivals | None = None
    talk: Lasting = Duration(mean_s=240, cv=0.8, kind="lognormal")
    wrap_up: Lasting = Duration(mean_s=30)
    patience: Patience = None
    """How long a caller waits; never: he does not give up."""
    redial: Redial | None = None
    topics: dict[Name, Number] = {}
    """What they want: topic to share; without it the default topic."""
    withheld: Share = 0.0
    """Share of callers whose number is not shown."""
    ring_max_s: Seconds | None = 110.0
    """Instead of the hotline's; null: no limit."""
    desks: Desks | None = None

    @model_validator(mode="after")
    def _some(self) -> Callers:
        if self.topics and not any(self.topics.values()):
            raise wrong("no topic has a share", "give one of them a share above 0", key="topics")
        return self


class Duty(Model):
    """So many agents of a team, part of the day, or from and to so many seconds after the beginning."""

    agents: Count
    days: Days | None = None
    """Without it each day."""
    hours: Hours | None = None
    """Without it the whole day."""
    breaks: dict[str, Count] = {}
    """Span to the number who are away, e.g. 12:00-12:30: 5."""
    from_s: Number | None = None
    to_s: Number | None = None

    @model_validator(mode="after")
    def _one(self) -> Duty:
        if (self.from_s is None) != (self.to_s is None) or (
            self.from_s is not None and (self.days or self.hours or self.breaks)
        ):
            raise wrong("a duty has days and hours, or from_s and to_s", "write hours: 08:00-18:00, or both seconds")
        if self.from_s is not None and self.to_s is not None and self.from_s >= self.to_s:
            raise wrong("the duty ends before it begins", "exchange from_s and to_s")
        for span, away in self.breaks.items():
            pauses = _hours(span)
            assert isinstance(pauses, tuple)
            duty = self.hours or (Span(0, 86_400),)
            if not all(any(p.from_s < d.to_s and d.from_s < p.to_s for d in duty) for p in pauses):
                raise wrong(f"the break {span} lies outside the duty", "move the break, or the hours")
            if away > self.agents:
                raise wrong(f"{away} of {self.agents} agents are away in the break {span}", "lower the break")
            first = pauses[0].from_s
            spans = ((one, number) for text, number in self.breaks.items() for one in spans_of([text]))
            together = sum(number for one, number in spans if one.from_s <= first < one.to_s)
            if together > self.agents:
                what = f"{together} of {self.agents} agents are away when the break {span} begins"
                raise wrong(what, "move a break, or lower it")
        return self


Duties = Annotated[list[Duty], BeforeValidator(listed, json_schema_input_type=list[Duty] | Duty)]


Known = Literal["within", "answered", "first_attempt", "reached", "demands_within", "offered"]


class Scenario(Model):
    """A period to simulate."""

    title: Sentence = ""
    about: Sentence = ""
    """What is assumed, and why."""
    start: Start
    """Day, and time if not midnight, by the local clock."""
    days: Annotated[Whole, Field(ge=1, le=3660)] = 1
    """How many, the first included, each to midnight."""
    zone: Zone | None = None
    """Without it the first site's."""
    profiles: dict[Name, Profile] = {}
    callers: dict[Name, Callers] = {}
    """By hotline; hotlines that are not named get no calls."""
    roster: dict[Name, Duties] = {}
    """By team; who is on duty is the sum. A team that is not named has all its agents on duty all the time."""
    changes: list[str] = []
    """Sentences such as 'agreement magdeburg-gera off at 10:00'."""
    known: dict[Known, Annotated[list[Number], Field(min_length=2, max_length=2)]] = {}
    """What is known of the real thing, from and to, shown beside what comes out."""

    @property
    def desks(self) -> list[str]:
        """The hotlines whose callers dial desks."""
        return [name for name, callers in self.callers.items() if callers.desks]


@dataclass(frozen=True, slots=True)
class Checked:
    """A scenario that fits the network, and its sentences, understood."""

    scenario: Scenario
    changes: tuple[Change, ...]

    @property
    def first_day(self) -> date:
        return datetime.fromisoformat(self.scenario.start).date()


def read_scenario(path: Path, plan: Plan) -> Checked:
    """Raises ConfigError with all problems, each with file:line:col and the mend."""
    source = Source()
    shown = str(path)
    source.values[()] = Place(shown, 1, 1)
    values: dict[str, Any] = {}
    for key, place, node in source.read(path, shown):
        values[key] = source.take(node, (key,), place, shown)
    scenario = None
    if not source.problems:
        try:
            scenario = Scenario.model_validate(values)
        except ValidationError as errors:
            for finding in explain_all(Scenario, errors):
                source.error(source.place(finding.loc, key=finding.key), finding.what, finding.mend)
    changes = _references(source, scenario, plan) if scenario else ()
    if source.problems or scenario is None:
        raise ConfigError(tuple(sorted(set(source.problems))))
    return Checked(scenario, changes)


def understood_all(text: str, plan: Plan, desks: Collection[str] = ()) -> tuple[Change, ...]:
    """Sentences, parted by ';'. desks: see `understood`. Raises ChangeError for the first that is not understood."""
    texts = [part.strip() for part in text.split(";") if part.strip()]
    if not texts:
        raise ChangeError("nothing is changed", "write a sentence like 'agreement NAME off'")
    return tuple(understood(one, plan, desks) for one in texts)


def _references(source: Source, scenario: Scenario, plan: Plan) -> tuple[Change, ...]:
    hotlines = {one.name: one for one in plan.hotlines}
    for name, callers in scenario.callers.items():
        where: Where = ("callers", name)
        _known(source, "hotline", name, hotlines, where, key=True)
        profile = callers.arrivals.profile if callers.arrivals else None
        if isinstance(profile, str):
            _known(source, "profile", profile, scenario.profiles, (*where, "arrivals", "profile"))
        for topic in callers.topics if name in hotlines else ():
            topics = [one.name for one in hotlines[name].topics]
            _known(source, "topic", topic, topics, (*where, "topics", topic), key=True)
    for team in scenario.roster:
        _known(source, "team", team, [one.name for one in plan.teams], ("roster", team), key=True)
    changes = []
    for i, text in enumerate(scenario.changes):
        try:
            changes.append(understood(text, plan, scenario.desks))
        except ChangeError as error:
            source.error(source.place(("changes", i)), error.what, error.mend)
    return tuple(changes)


def _known(source: Source, kind: str, name: str, names: Iterable[str], where: Where, *, key: bool = False) -> None:
    if name not in (known := list(names)):
        source.error(source.place(where, key=key), f"{kind} '{name}' does not exist", did_you_mean(name, known))
