"""Variants of one scenario beside each other: the same callers in each, so that only the change differs.

What a change does is told as numbers with intervals and as sentences. A sentence names the two hours in which a hotline
feels it most surely.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callrouter.core.plan import Plan
from callrouter.sim.case import Case
from callrouter.sim.changes import Change
from callrouter.sim.estimate import SURE, Estimate, Pair, difference, shared
from callrouter.sim.figures import ALL, Key, Numbers
from callrouter.sim.page import Text
from callrouter.sim.runs import Job, many
from callrouter.sim.said import said
from callrouter.sim.summary import as_json, estimates, rounded
from callrouter.sim.words import number

WINDOW_H = 2
RUNS_LEAST = 5  # with fewer, an interval that is narrow is mostly so by chance: nothing is said to be sure
WINDOW_RUNS = 10  # with fewer, a window's few calls are spread in no known way
FELT_LEAST = 0.005  # half a point
AWAY_LEAST = 1.0  # calls
_WHOLE: Text = ("über den ganzen Zeitraum", "over the whole period")


@dataclass(frozen=True, slots=True)
class Variant:
    """One answer: what was changed, and the figures of its runs. changes (): the scenario as it is."""

    changes: tuple[Change, ...]
    runs: tuple[Numbers, ...]

    @property
    def text(self) -> str:
        return "; ".join(change.text for change in self.changes)


def variants(
    base: Case,
    changed: Sequence[tuple[tuple[Change, ...], Case]],
    seed: int,
    runs: int,
    processes: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> list[Variant]:
    """The scenario as it is, then each variant, each with the same callers."""
    cases = [((), base), *changed]
    jobs = [Job(case, seed, run) for _, case in cases for run in range(runs)]
    found = list(many(jobs, processes, told))
    return [Variant(changes, tuple(found[i * runs : (i + 1) * runs])) for i, (changes, _) in enumerate(cases)]


def differences(base: Variant, other: Variant) -> dict[Key, Estimate]:
    """Of every figure, the variant's less the base's."""
    keys = dict.fromkeys(key for numbers in (*base.runs, *other.runs) for key in numbers)
    return {key: difference(_pairs(other, key), _pairs(base, key)) for key in keys}


def _pairs(variant: Variant, *keys: Key) -> list[Pair]:
    """Per run; of several keys the sum, as of the half hours of a window."""
    found = []
    for numbers in variant.runs:
        pairs = [numbers.get(key, (0.0, 1.0 if key.figure == "offered" else 0.0)) for key in keys]
        found.append((sum(above for above, _ in pairs), sum(below for _, below in pairs)))
    return found


# ---- sentences


@dataclass(frozen=True, slots=True)
class Effect:
    """What a hotline feels. all_day: in the share in time; then: in the hours (from_h, to_h) that feel it most surely.

    The intervals of all effects of a variant on shares hold together at 95 %. away: how many more find it closed.
    """

    hotline: str
    all_day: Estimate
    away: Estimate
    from_h: int | None = None
    to_h: int | None = None
    then: Estimate | None = None

    @property
    def felt(self) -> bool:
        return _felt(self.all_day) or self.then is not None


def effects(base: Variant, other: Variant, hotlines: Sequence[str]) -> list[Effect]:
    """On each hotline that had calls, in the plan's order, and last on all of them.

    Of many intervals some are false, and the surest of many is the likeliest of them: each is as much wider as all that
    are looked at need. Half of what they may miss is left to the whole period, half to the windows.
    """
    names = [name for name in hotlines if any(_below(one, name) for one in (base, other))]
    hours = {name: _hours(base, name) for name in names} if len(base.runs) >= WINDOW_RUNS else {}
    windows = sum(map(len, hours.values()))
    parts = 2 if windows else 1
    sure = shared(parts * (len(names) + 1))
    found = []
    for name in (*names, ALL):
        all_day = _gap(base, other, sure, Key("hotline", name, "within"))
        away = _gap(base, other, SURE, Key("hotline", name, "closed"))
        best: tuple[float, Effect] | None = None
        for hour in hours.get(name, ()):
            then = _gap(base, other, shared(parts * windows), *_window(name, hour))
            surely = abs(then.value or 0.0) - (then.half or 0.0)
            if _felt(then) and (best is None or surely > best[0]):
                best = (surely, Effect(name, all_day, away, hour, hour + WINDOW_H, then))
        found.append(Effect(name, all_day, away) if best is None else best[1])
    return found


def _gap(base: Variant, other: Variant, sure: float, *keys: Key) -> Estimate:
    return difference(_pairs(other, *keys), _pairs(base, *keys), sure)


def _below(variant: Variant, hotline: str) -> float:
    """Calls in opening hours, or outside them, of all runs."""
    return sum(
        above for figure in ("offered", "closed") for above, _ in _pairs(variant, Key("hotline", hotline, figure))
    )


def _hours(base: Variant, hotline: str) -> list[int]:
    """At which windows begin in all of which somebody calls."""
    known = {key for numbers in base.runs for key in numbers if key.name == hotline}
    return [hour for hour in range(24 - WINDOW_H + 1) if known.issuperset(_window(hotline, hour))]


def _window(hotline: str, hour: int) -> list[Key]:
    slots = [f"{h:02}:{m}" for h in range(hour, hour + WINDOW_H) for m in ("00", "30")]
    return [Key("hotline", hotline, "within", slot) for slot in slots]


def _felt(one: Estimate, least: float = FELT_LEAST) -> bool:
    """Is it sure, and not too small to be felt?"""
    return one.value is not None and one.half is not None and abs(one.value) > max(least, one.half)


def sentences(base: Variant, other: Variant, network: Plan) -> list[Text]:
    """What the change does to whom, in German and English; or that nothing can be seen."""
    titles = {one.name: one.title for one in network.hotlines}
    *each, together = effects(base, other, list(titles))
    enough = len(base.runs) >= RUNS_LEAST
    found = [_sentence(other.changes, titles[one.hotline], one) for one in each if enough and one.felt]
    away = [_turned_away(other.changes, titles[one.hotline], one.away) for one in each if _felt(one.away, AWAY_LEAST)]
    return [*(found or [_small(other, together.all_day)]), *away]


def _sentence(changes: Sequence[Change], title: str, effect: Effect) -> Text:
    shown = effect.then if effect.then is not None else effect.all_day
    assert shown.value is not None
    much, what = points(Estimate(abs(shown.value), shown.half)), does(changes, shown.value < 0)
    if effect.then is None:
        hours, more = _WHOLE, ("", "")
    else:
        hours = (f"zwischen {effect.from_h} und {effect.to_h} Uhr", f"between {effect.from_h} and {effect.to_h}")
        whole = points(effect.all_day, signed=True)
        more = (f" (ganzer Zeitraum: {whole[0]})", f" (whole period: {whole[1]})")
    return (
        f"{what[0]} {title} {much[0]} Punkte {hours[0]}{more[0]}.",
        f"{what[1]} {title} {much[1]} points {hours[1]}{more[1]}.",
    )


def _small(other: Variant, together: Estimate) -> Text:
    """No hotline feels anything; all of them together may, surely but little."""
    what, runs, how = said(other.changes), len(other.runs), points(together)
    if together.value is None or together.value == together.half == 0:
        return f"{what[0]}: ändert nichts daran, wer rechtzeitig erreicht wird.", (
            f"{what[1]} {_verb(other.changes, 'changes')} nothing in who is reached in time."
        )
    if runs < RUNS_LEAST or not _felt(together, 0.0):
        return (
            f"{what[0]}: ändert am Anteil im Ziel nichts, was {runs} Läufe zeigen könnten ({how[0]} Punkte).",
            f"{what[1]} {_verb(other.changes, 'changes')} nothing in the share in time that {runs} runs could show "
            f"({how[1]} points).",
        )
    value, half = abs(together.value), together.half or 0.0
    much, acts = points(Estimate(value, half)), does(other.changes, together.value < 0)
    less = (", weniger als einen halben", ", less than half a point") if value + half < FELT_LEAST else ("", "")
    return (
        f"{acts[0]} allen zusammen {much[0]} Punkte{less[0]} {_WHOLE[0]}.",
        f"{acts[1]} all together {much[1]} points{less[1]} {_WHOLE[1]}.",
    )


def _turned_away(changes: Sequence[Change], title: str, away: Estimate) -> Text:
    assert away.value is not None
    assert away.half is not None
    what, fewer, digits = said(changes), away.value < 0, 0 if abs(away.value) >= 100 else 1
    counts = [f"{number(abs(away.value), digits)[n]} ± {number(away.half, digits)[n]}" for n in (0, 1)]
    return (
        f"{what[0]}: {counts[0]} Anrufe {'weniger' if fewer else 'mehr'} finden {title} geschlossen.",
        f"{what[1]} {_verb(changes, 'turns')} away {counts[1]} {'fewer' if fewer else 'more'} calls of {title}.",
    )


def points(one: Estimate, signed: bool = False) -> Text:
    """Percentage points."""
    texts = []
    for place in (0, 1):
        value = (one.value or 0.0) * 100
        digits = 0 if abs(value) >= 10 else 1
        text = ("+" if signed and value > 0 else "") + number(value, digits)[place]
        texts.append(text if one.half is None else f"{text} ± {number(one.half * 100, digits)[place]}")
    return texts[0], texts[1]


def does(changes: Sequence[Change], costs: bool) -> Text:
    """What is done and that it costs or brings, up to the object."""
    what = said(changes)
    return (
        f"{what[0]}: {'kostet' if costs else 'bringt'}",
        f"{what[1]} {_verb(changes, 'costs' if costs else 'brings')}",
    )


def _verb(changes: Sequence[Change], one: str) -> str:
    """Of one change, or of several."""
    return one if len(changes) == 1 else f"together {one.removesuffix('s')}"


# ---- told


def told(found: Sequence[Variant], network: Plan) -> dict[str, Any]:
    """{base, variants}: figures as `summary.as_json`, each figure of a variant with its difference from the base."""
    base = found[0]
    return {
        "base": as_json(estimates(base.runs)),
        "variants": [
            {
                "change": other.text,
                "says": [{"de": de, "en": en} for de, en in sentences(base, other, network)],
                **_with_differences(as_json(estimates(other.runs)), differences(base, other)),
            }
            for other in found[1:]
        ],
    }


def _with_differences(figures: dict[str, Any], found: Mapping[Key, Estimate]) -> dict[str, Any]:
    shown = as_json(found)
    for part, names in shown.items():
        _add(figures.get(part, {}), names)
    return figures


def _add(figures: dict[str, Any], differences: Mapping[str, Any]) -> None:
    """Go down to where a figure stands."""
    for name, found in differences.items():
        into = figures.get(name)
        if into is None:
            continue
        if "value" in found and not isinstance(found["value"], dict):
            into["difference"], into["difference_half"] = rounded(found["value"]), rounded(found["half"])
        else:
            _add(into, found)
