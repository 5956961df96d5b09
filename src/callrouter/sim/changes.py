"""The sentences in which people say what is different: 'agreement magdeburg-gera off at 10:00', 'team aachen +5'.

The same language in a scenario's `changes`, on the command line of `whatif` and in the API. A sentence is
`KIND NAME WHAT [WHEN]`. WHEN is `at 10:00` or `from 10:00` (from then on), `until 12:00`, `10:00-12:00`, each with days
before it (`Mon-Fri`, `2026-11-23`) if it does not mean all; without WHEN it holds for the whole run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from callrouter.config.hours import DASH, DAYS, HoursError, days_of
from callrouter.config.messages import did_you_mean
from callrouter.core.plan import Plan

DAY_S = 86_400
PERCENT_MAX = 1000

_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::(\d\d))?")
_PERCENT = re.compile(r"([+-]\d+(?:\.\d+)?)%")
_AGENTS = re.compile(r"([+-]|=?)(\d{1,5})")
_COMMA = re.compile(r"\d,\d|,$")
_SETTING = re.compile(r"([a-z_]+)=(?:([a-z][a-z0-9-]*):)?(-?[0-9.]+|none)")


class ChangeError(ValueError):
    """What is wrong with a sentence, and the mend."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}; {mend}")
        self.what = what
        self.mend = mend


@dataclass(frozen=True, slots=True)
class When:
    """Part of each day that is meant. days: as in opening hours, () = all. to_s None: and it stays so.

    always: nothing was said, so it holds for the whole run.
    """

    days: tuple[str, ...] = ()
    from_s: int = 0
    to_s: int | None = None
    always: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """One sentence, understood. what: 'on', 'off', 'agents', 'calls', 'down', … or the name of a setting.

    value: of a setting (None: none), a factor, or a number of agents; sign '+', '-' or '=' for agents.
    of_team: the lending team whose setting is meant ('' = every direction). borrower: the same for on and off.
    """

    text: str
    kind: str
    name: str
    what: str
    value: float | None = None
    sign: str = ""
    of_team: str = ""
    borrower: str = ""
    when: When = When()


@dataclass(frozen=True, slots=True)
class Setting:
    """What may be set: as in the configuration. none: is that a value, too?"""

    low: float
    high: float
    whole: bool = False
    none: bool = False

    def takes(self, value: float | None) -> bool:
        if value is None:
            return self.none
        return self.low <= value <= self.high and (not self.whole or value == int(value))

    def __str__(self) -> str:
        number = "a whole number" if self.whole else "a number"
        return f"{number} from {self.low:.10g} to {self.high:.10g}" + (", or none" if self.none else "")


_COUNT_MAX = 1_000_000
AGREEMENT_SETTINGS = {
    "reserve": Setting(0, _COUNT_MAX, whole=True),
    "max_calls": Setting(0, _COUNT_MAX, whole=True, none=True),
    "after_s": Setting(0, DAY_S),
    "lender_health": Setting(0, 1),
}
HOTLINE_SETTINGS = {
    "ring_max_s": Setting(0, DAY_S, none=True),
    "target_s": Setting(0.001, DAY_S),
    "line_max": Setting(1, _COUNT_MAX, whole=True),
    "priority": Setting(-100, 100, whole=True),
}
HOTLINE_FACTORS = ("calls", "talk", "wrap_up", "patience")
_FORMS = {
    "agreement": "on, off, off for BORROWER, " + ", ".join(f"{name}=N" for name in AGREEMENT_SETTINGS),
    "team": "+5, -5 or =12",
    "hotline": "calls +20%, talk -10%, wrap_up +5%, patience +50%, closed, pooled, "
    + ", ".join(f"{name}=N" for name in HOTLINE_SETTINGS),
    "site": "down 11:00-11:20, up, up at 11:00",
}


def understood(text: str, plan: Plan, desks: Collection[str] = ()) -> Change:
    """desks: the hotlines whose callers dial desks. Raises ChangeError."""
    words = text.replace(DASH, "-").split()
    if any(_COMMA.search(word) for word in words):
        mend = "part sentences by ';', write numbers like 2.5, and days without blanks: Mon,Wed"
        raise ChangeError(f"a comma stands in '{text}'", mend)
    if not words or words[0] not in _FORMS:
        mend = did_you_mean(words[0] if words else "", _FORMS, f"begin with one of {', '.join(_FORMS)}")
        raise ChangeError(f"'{text}' is no change", mend)
    kind = words[0]
    names = {
        "agreement": [one.name for one in plan.agreements],
        "team": [one.name for one in plan.teams],
        "hotline": [one.name for one in plan.hotlines],
        "site": [one.name for one in plan.sites],
    }[kind]
    if len(words) < 3:
        raise ChangeError(f"'{text}' says too little", f"write '{kind} NAME WHAT', WHAT being {_FORMS[kind]}")
    if words[1] not in names:
        raise ChangeError(f"{kind} '{words[1]}' does not exist", did_you_mean(words[1], dict.fromkeys(names)))
    if kind == "agreement":
        return _agreement(text, words, plan)
    if kind == "hotline" and words[2] == "pooled" and words[1] not in desks:
        raise ChangeError(f"nobody dials desks of '{words[1]}' here", "leave 'pooled' out, or give its callers desks")
    return _PARSERS[kind](text, words)


# ---- one parser a kind


def _agreement(text: str, words: list[str], plan: Plan) -> Change:
    name, what = words[1], words[2]
    lenders = [one.lender for one in plan.agreements if one.name == name]
    if what in ("on", "off"):
        rest, borrower = words[3:], ""
        if rest[:1] == ["for"]:
            borrower, rest = " ".join(rest[1:2]), rest[2:]
            borrowers = [one.borrower for one in plan.agreements if one.name == name]
            if borrower not in borrowers:
                raise ChangeError(f"'{borrower}' does not borrow under '{name}'", did_you_mean(borrower, borrowers))
        return Change(text, "agreement", name, what, borrower=borrower, when=_when(rest))
    setting = _set(words, AGREEMENT_SETTINGS, "agreement")
    if setting.of_team and setting.of_team not in lenders:
        raise ChangeError(
            f"team '{setting.of_team}' does not lend under '{name}'", did_you_mean(setting.of_team, lenders)
        )
    return setting


def _team(text: str, words: list[str]) -> Change:
    found = _AGENTS.fullmatch(words[2])
    if found is None:
        raise ChangeError(f"'{words[2]}' is no number of agents", f"write {_FORMS['team']}")
    return Change(
        text, "team", words[1], "agents", float(found[2]), sign=found[1] or "=", when=_when(words[3:])
    )  # fmt: skip


def _hotline(text: str, words: list[str]) -> Change:
    name, what = words[1], words[2]
    if what in HOTLINE_FACTORS:
        found = _PERCENT.fullmatch(words[3]) if len(words) > 3 else None
        if found is None or not -100 <= float(found[1]) <= PERCENT_MAX:
            got = words[3] if len(words) > 3 else ""
            raise ChangeError(
                f"'{got}' is no change of {what}", f"write '{what} +20%' or '{what} -20%', up to +{PERCENT_MAX}%"
            )
        when = _when(words[4:])
        if what != "calls" and not when.always:
            raise ChangeError(f"{what} cannot change within a run", "leave the time out")
        return Change(text, "hotline", name, what, 1 + float(found[1]) / 100, when=when)
    if what == "closed":
        return Change(text, "hotline", name, what, when=_when(words[3:]))
    if what == "pooled":
        if len(words) > 3:
            raise ChangeError("desks cannot be pooled within a run", "leave the time out")
        return Change(text, "hotline", name, what)
    return _set(words, HOTLINE_SETTINGS, "hotline")


def _site(text: str, words: list[str]) -> Change:
    what, when = words[2], _when(words[3:])
    if what == "up":
        if not when.always and when.to_s is not None:
            raise ChangeError(f"'{' '.join(words[3:])}' says when the site is lost again", "write up at 11:00")
    elif what != "down" or when.always:
        raise ChangeError(f"'{' '.join(words[2:])}' says not when the site is lost", "write down 11:00-11:20, or up")
    return Change(text, "site", words[1], what, when=when)


_PARSERS: Mapping[str, Callable[[str, list[str]], Change]] = {
    "team": _team,
    "hotline": _hotline,
    "site": _site,
}


def _set(words: list[str], known: Mapping[str, Setting], kind: str) -> Change:
    """`name=value`, or `name=team:value` for one direction of an agreement."""
    found = _SETTING.fullmatch(words[2])
    what = words[2].partition("=")[0]
    if what not in known:
        options = [form.partition("=")[0] for form in _FORMS[kind].split(", ")]
        raise ChangeError(f"'{words[2]}' cannot be said of the {kind}", did_you_mean(what, options, _FORMS[kind]))
    if len(words) > 3:
        raise ChangeError(f"{what} cannot change within a run", "leave the time out")
    if found is None or (found[2] and kind != "agreement"):
        raise ChangeError(f"'{words[2]}' sets nothing", f"write {what}=2" + (" or none" if known[what].none else ""))
    try:
        value = None if found[3] == "none" else float(found[3])
    except ValueError:
        raise ChangeError(f"'{found[3]}' is no number", f"write {what}=2") from None
    if not known[what].takes(value):
        raise ChangeError(f"{what} cannot be {found[3]}", f"write {what}=N, N being {known[what]}")
    return Change(" ".join(words), kind, words[1], what, value, of_team=found[2] or "")


# ---- when


def _when(words: list[str]) -> When:
    if not words:
        return When()
    days: tuple[str, ...] = ()
    if words[0][:3] in DAYS or re.fullmatch(r"\d{4}-.*", words[0]):
        try:
            days = days_of(words[0])
        except HoursError as error:
            raise ChangeError(error.what, error.mend) from None
        words = words[1:]
    match words:
        case []:
            return When(days, 0, DAY_S, always=False)
        case ["at" | "from", clock]:
            return When(days, _clock(clock), None, always=False)
        case ["until", clock]:
            return When(days, 0, _clock(clock), always=False)
        case [span] if "-" in span:
            first, _, last = span.partition("-")
            when = When(days, _clock(first), _clock(last), always=False)
            if when.to_s is not None and when.from_s >= when.to_s:
                raise ChangeError(f"'{span}' ends before it begins", "write it like 10:00-12:00")
            return when
    raise ChangeError(f"'{' '.join(words)}' is no time", "write at 10:00, until 12:00 or 10:00-12:00, days before it")


def _clock(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    second = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0) if found else DAY_S + 1
    if found is None or int(found[2]) > 59 or int(found[3] or 0) > 59 or second > DAY_S:
        raise ChangeError(f"'{text}' is no time of day", "write it like 09:30")
    return second
