"""The network as frozen plain data: sites, hotlines, teams, agents, agreements.

A plan is already valid: `config/` made it from YAML and refused what does not fit. Nothing here reads files or checks
references. Wall-clock words are in `Hours` only and are understood by `calendar.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Skills = tuple[tuple[str, int], ...]  # (skill, level 1..9), sorted by skill


class Strategy(StrEnum):
    LONGEST_IDLE = "longest_idle"
    FEWEST_CALLS = "fewest_calls"
    ROUND_ROBIN = "round_robin"
    RING_ALL = "ring_all"


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a local day: [from_s, to_s) in seconds after local midnight by the wall clock. to_s at most 86,400."""

    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True)
class Hours:
    """weekly[0] is Monday; days: ISO date -> spans that replace the weekly ones (none: closed).

    first_day, last_day: ISO dates, both included; '' = unbounded.
    """

    zone: str
    weekly: tuple[tuple[Span, ...], ...]
    days: tuple[tuple[str, tuple[Span, ...]], ...] = ()
    first_day: str = ""
    last_day: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    title: str
    land: str
    zone: str
    early_media: bool = True  # False: its trunk carries none, so callers hear no menu and no announcement
    early_digits: bool = True  # False: what callers press before the answer does not arrive, so they are asked nothing


@dataclass(frozen=True, slots=True)
class Relaxation:
    """After `after_s` seconds of waiting these needs replace the earlier ones."""

    after_s: float
    needs: Skills


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    title: str
    needs: Skills = ()
    relax: tuple[Relaxation, ...] = ()  # by after_s, rising
    priority: int = 0  # higher is served first
    teams: tuple[str, ...] = ()  # empty: the hotline's


@dataclass(frozen=True, slots=True)
class Number:
    """Digits as the site's trunk delivers them, and the topic that dialling it implies ('' = the hotline's default)."""

    digits: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """Asked before the answer. Who presses no digit of `options`, in all tries, wants the default topic.

    prompt: sound names, played one after the other, joined by `&`. A number that implies a topic skips the menu.
    """

    prompt: str
    options: tuple[tuple[str, str], ...]  # (digit 0-9, * or #; topic), sorted by digit
    wait_s: float  # for a digit, after the prompt
    tries: int


class Nobody(StrEnum):
    """What a caller meets whom nobody can serve: the ring limit is reached, nobody is logged in, the line is full."""

    BUSY = "busy"
    ANNOUNCE = "announce"  # say_busy, if there is one, then busy
    CALLBACK = "callback"  # he may ask to be rung back, then busy


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """How callers of a hotline are rung back. say_*: sound names joined by `&`, all heard before the answer.

    hours: when they may be rung; None: always. working: its days are working days; due_at_s: into the day.
    shows: the number that they see, as printed. dial_s: how long their phone rings.
    """

    hours: Hours | None
    working: Hours
    shows: str
    say_offer: str = ""
    say_number: str = ""  # asks for a number, which ends with #
    say_again: str = ""  # that was none; asks once more
    say_done: str = ""
    say_known: str = ""  # he is on the list already
    digit: str = "1"
    wait_s: float = 5.0  # for a digit, after the prompt
    reserve: int = 1  # an agent rings only while more than so many of his team are free
    tries_max: int = 3
    pause_s: float = 1800.0  # between two tries
    dial_s: int = 30
    due_days: int = 2
    due_at_s: int = 64_800
    unreached_max: int = 500  # callers who gave up without asking are listed, so many of them


@dataclass(frozen=True, slots=True)
class Hotline:
    """say_*: sound names joined by `&` ([a-z0-9-]{1,60} each), '' = none; say_closed goes through `opening.spoken`."""

    name: str
    title: str
    site: str
    numbers: tuple[Number, ...]
    hours: Hours | None  # None: always open
    teams: tuple[str, ...]  # home teams, in order of preference
    topics: tuple[Topic, ...]
    default_topic: str
    target_s: float = 240.0
    ring_max_s: float | None = 110.0  # None: no limit; 0: busy at once when nobody is free
    line_max: int = 1000  # callers who may wait at once; the next is busied
    priority: int = 0
    affinity_s: float = 0.0  # a caller who rings again within this time prefers his last agent; 0 = off
    redial_window_s: float = 1800.0  # a caller who rings again within this time after an attempt still wants the same
    menu: Menu | None = None
    say_welcome: str = ""  # before ringing
    say_closed: str = ""
    say_busy: str = ""  # when nobody could serve the caller
    say_notice: str = ""  # while a supervisor has switched the hotline to notice
    nobody: Nobody = Nobody.ANNOUNCE
    turns_away: bool = True  # a caller to whom nobody could come is told so at once, instead of ringing to the limit
    callback: CallbackRules | None = None  # None: nobody is rung back


@dataclass(frozen=True, slots=True)
class Team:
    name: str
    title: str
    site: str
    strategy: Strategy = Strategy.LONGEST_IDLE
    ring_s: int = 20
    wrap_up_s: float = 30.0  # the limit; an agent may end it earlier
    wrap_up_more_s: float = 60.0  # added when an agent asks for more time, wrap_up_max_s at most in all
    wrap_up_max_s: float = 300.0  # the limit of one that lasts until it is done; any is prolonged by so much
    refusal_pause_s: float = 30.0  # an agent who refuses is left alone so long
    ring_all_max: int = 10  # phones rung at once under ring_all


@dataclass(frozen=True, slots=True)
class Agent:
    id: str  # site/number
    team: str
    site: str
    phone: str  # endpoint name at the site
    skills: Skills = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """One direction: calls of `borrower` may go to `lender`. A mutual agreement is two of these under one name."""

    name: str
    borrower: str
    lender: str
    hotlines: tuple[str, ...] = ()  # empty: all
    topics: tuple[str, ...] = ()  # empty: all
    reserve: int = 0  # it lends only while more than so many agents are free
    max_calls: int | None = None  # borrowed at once, until the caller hangs up
    after_s: float = 0.0
    window: Hours | None = None  # None: always
    lender_health: float = 0.0  # least share answered within target over the last quarter of an hour; 0 = do not ask
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Order matters: agreements are tried as listed, agents tie-break as listed."""

    version: str
    sites: tuple[Site, ...]
    hotlines: tuple[Hotline, ...]
    teams: tuple[Team, ...]
    agents: tuple[Agent, ...]
    agreements: tuple[Agreement, ...]
