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
from callrouter.sim.estimate import Estimate, Pair, difference
from callrouter.sim.figures import ALL, Key, Numbers
from callrouter.sim.page import Text
from callrouter.sim.runs import Job, many
from callrouter.sim.summary import as_json, estimates, rounded
from callrouter.sim.words import number

WINDOW_H = 2
FELT_LEAST = 0.005  # half a point
SURELY = 2.0  # intervals, since of many windows the surest is told


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
    """What a hotline feels. from_h, to_h: the hours in which it is most surely felt; None: no such hours."""

    hotline: str
    all_day: Estimate
    from_h: int | None = None
    to_h: int | None = None
    then: Estimate | None = None

    @property
    def felt(self) -> bool:
        return _sure(self.all_day) or self.then is not None


def effects(base: Variant, other: Variant, hotlines: Sequence[str]) -> list[Effect]:
    """On the share in time of each hotline that had calls, in the plan's order."""
    found = []
    for hotline in hotlines:
        key = Key("hotline", hotline, "within")
        all_day = difference(_pairs(other, key), _pairs(base, key))
        if all_day.value is None:
            continue
        best: tuple[float, int, Estimate] | None = None
        for hour in range(24 - WINDOW_H + 1):
            slots = [f"{h:02}:{m}" for h in range(hour, hour + WINDOW_H) for m in ("00", "30")]
            keys = [Key("hotline", hotline, "within", slot) for slot in slots]
            if not all(key in base.runs[0] for key in keys):
                continue  # nobody calls in part of it
            then = difference(_pairs(other, *keys), _pairs(base, *keys))
            if _sure(then, SURELY):
                surely = abs(then.value or 0.0) - (then.half or 0.0)
                if best is None or surely > best[0]:
                    best = (surely, hour, then)
        if best is None:
            found.append(Effect(hotline, all_day))
        else:
            found.append(Effect(hotline, all_day, best[1], best[1] + WINDOW_H, best[2]))
    return found


def _sure(one: Estimate, times: float = 1.0) -> bool:
    if one.value is None or one.half is None:
        return False
    return abs(one.value) > max(FELT_LEAST, times * one.half)


def sentences(base: Variant, other: Variant, network: Plan) -> list[Text]:
    """What the change does to whom, in German and English; or that nothing can be seen."""
    titles = {one.name: one.title for one in network.hotlines}
    what = said(other.changes)
    felt = [effect for effect in effects(base, other, list(titles)) if effect.felt]
    if not felt:
        key = Key("hotline", ALL, "within")
        all_day = difference(_pairs(other, key), _pairs(base, key))
        how = points(all_day)
        return [
            (
                f"{what[0]}: ändert nichts, was {len(other.runs)} Läufe zeigen könnten ({how[0]} Punkte).",
                f"{what[1]} changes nothing that {len(other.runs)} runs could show ({how[1]} points).",
            )
        ]
    return [_sentence(what, titles[effect.hotline], effect) for effect in felt]


def _sentence(what: Text, title: str, effect: Effect) -> Text:
    shown = effect.then if effect.then is not None else effect.all_day
    assert shown.value is not None
    much, verb = points(Estimate(abs(shown.value), shown.half)), shown.value < 0
    if effect.then is None:
        hours = ("über den ganzen Zeitraum", "over the whole period")
        more = ("", "")
    else:
        hours = (f"zwischen {effect.from_h} und {effect.to_h} Uhr", f"between {effect.from_h} and {effect.to_h}")
        whole = points(effect.all_day, signed=True)
        more = (f" (ganzer Zeitraum: {whole[0]})", f" (whole period: {whole[1]})")
    return (
        f"{what[0]}: {'kostet' if verb else 'bringt'} {title} {much[0]} Punkte {hours[0]}{more[0]}.",
        f"{what[1]} {'costs' if verb else 'brings'} {title} {much[1]} points {hours[1]}{more[1]}.",
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


def said(changes: Sequence[Change]) -> Text:
    """What is done: in German as words before a colon, in English as the subject of a sentence."""
    each = [_said(change) for change in changes]
    return _upper(" und ".join(de for de, _ in each)), _upper(" and ".join(en for _, en in each))


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _said(change: Change) -> Text:
    name, words = change.name, change.text.split()
    rest = " ".join(words[4 if change.what == "calls" else 3 :])
    when = f" ({rest})" if rest else ""
    if change.kind == "agreement" and change.what in ("on", "off"):
        state = {"on": "an", "off": "aus"}[change.what]
        return f"Vereinbarung {name} {state}{when}", f"switching the agreement {name} {change.what}{when}"
    if change.kind == "team" and change.sign in ("+", "-"):
        number_of = int(change.value or 0)
        more = {"+": ("mehr", "more"), "-": ("weniger", "fewer")}[change.sign]
        return f"{number_of} Leute {more[0]} in {name}{when}", f"having {number_of} {more[1]} people in {name}{when}"
    if change.what == "calls":
        return f"{words[3]} Anrufe bei {name}{when}", f"having {words[3]} calls at {name}{when}"
    return f"„{change.text}“", f"saying “{change.text}”"


# ---- told


def told(found: Sequence[Variant], network: Plan) -> dict[str, Any]:
    """{base, variants}: figures as `summary.as_json`, each figure of a variant with its difference from the base."""
    base = found[0]
    return {
        "runs": len(base.runs),
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
