"""A report's charts as SVG. Colours come from the page's style sheet by class, so light, dark and paper have their own.

A chart shows what a table beside it says too; its own text alternative is one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log10

from markupsafe import Markup, escape

from callrouter.report.figures import Share

WIDTH, LEFT, RIGHT = 960, 44, 8
TOP, SHARES_H, GAP, CALLS_H, LABELS_H = 22, 130, 34, 150, 26
PARTS = ("met", "near", "missed", "closed")  # classes of a column's parts, from below


@dataclass(frozen=True, slots=True)
class Column:
    """One half hour or day. parts: answered in time, answered later, reached nobody, closed. tip: for a pointer."""

    label: str
    shaded: bool
    share: Share
    parts: tuple[int, int, int, int]
    tip: str


@dataclass(frozen=True, slots=True)
class Words:
    """What stands in the chart: of its axes and of the line of the target."""

    title: str
    summary: str
    shares: str
    calls: str
    target: str


def columns(name: str, found: Sequence[Column], words: Words, target: float) -> Markup:
    """Shares above, calls below, over the same half hours or days. name: unique in its page."""
    height = TOP + SHARES_H + GAP + CALLS_H + LABELS_H
    step = (WIDTH - LEFT - RIGHT) / max(1, len(found))
    top = nice(max((sum(one.parts) for one in found), default=0))
    shares_y, calls_y = TOP, TOP + SHARES_H + GAP
    out = [
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {height}" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(words.title)}</title><desc id="{name}-d">{escape(words.summary)}</desc>',
    ]
    for n, one in enumerate(found):
        if one.shaded:
            for top_y, h in ((shares_y, SHARES_H), (calls_y, CALLS_H)):
                out.append(f'<rect class="shut" x="{_x(n, step)}" y="{top_y}" width="{step + 0.5:.2f}" height="{h}"/>')
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        out.append(_line(shares_y + SHARES_H * (1 - share), f"{share * 100:.0f}"))
    for number in (0, top // 2, top) if top % 2 == 0 else (0, top):
        out.append(_line(calls_y + CALLS_H * (1 - number / top), str(number)))
    out.append(f'<text class="axis" x="0" y="10">{escape(words.shares)}</text>')
    out.append(f'<text class="axis" x="0" y="{calls_y - 12}">{escape(words.calls)}</text>')
    y = shares_y + SHARES_H * (1 - target)
    out.append(f'<line class="target" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    out.append(f'<text class="axis at-target" x="{WIDTH - RIGHT}" y="{y - 4:.1f}">{escape(words.target)}</text>')
    out += _shares(found, step, shares_y)
    out += _bars(found, step, calls_y, top)
    every = max(1, ceil(44 / step))
    for n, one in enumerate(found):
        if n % every == 0:
            x, y = LEFT + (n + 0.5) * step, calls_y + CALLS_H + 16
            out.append(f'<text class="axis tick" x="{x:.1f}" y="{y}">{escape(one.label)}</text>')
    return Markup("".join([*out, "</svg>"]))  # noqa: S704  every text in it was escaped


def _x(n: int, step: float) -> str:
    return f"{LEFT + n * step:.2f}"


def _line(y: float, label: str) -> str:
    return (
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis scale" x="{LEFT - 6}" y="{y + 4:.1f}">{label}</text>'
    )


def _shares(found: Sequence[Column], step: float, y: float) -> list[str]:
    """A line through the shares, broken where nothing was counted; hollow points are of few calls."""
    places = [
        (LEFT + (n + 0.5) * step, y + SHARES_H * (1 - one.share.value), one) if one.share.value is not None else None
        for n, one in enumerate(found)
    ]
    out = [
        f'<line class="way" x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"/>'
        for a, b in pairwise(places)
        if a is not None and b is not None
    ]
    for place in places:
        if place is not None:
            x, at, one = place
            kind = "few" if one.share.small else one.share.state or "met"
            tip = f"<title>{escape(one.tip)}</title>"
            out.append(f'<circle class="point {kind}" cx="{x:.1f}" cy="{at:.1f}" r="4.5">{tip}</circle>')
    return out


def _bars(found: Sequence[Column], step: float, y: float, top: int) -> list[str]:
    out = []
    width = min(step * 0.78, 34.0)
    for n, one in enumerate(found):
        x, at = LEFT + (n + 0.5) * step - width / 2, y + CALLS_H
        out.append(f"<g><title>{escape(one.tip)}</title>")
        for part, kind in zip(one.parts, PARTS, strict=True):
            height = CALLS_H * part / top
            at -= height
            if part:
                out.append(f'<rect class="{kind}" x="{x:.1f}" y="{at:.2f}" width="{width:.1f}" height="{height:.2f}"/>')
        out.append("</g>")
    return out


def bar(value: float, kind: str, mark: float | None = None) -> Markup:
    """One bar of a table's cell or a tile; value, mark: 0 to 1. The cell beside it says the number."""
    width = 100 * min(1.0, max(0.0, value))
    tick = "" if mark is None else f'<line class="goal" x1="{100 * mark:.1f}" x2="{100 * mark:.1f}" y1="0" y2="10"/>'
    return Markup(  # noqa: S704  numbers and a class of ours
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="bed" width="100" height="10"/><rect class="{kind}" width="{width:.1f}" height="10"/>{tick}</svg>'
    )


def balance(value: float, most: float) -> Markup:
    """A bar to the right of the middle for what was lent, to the left for what was borrowed."""
    width = 50 * min(1.0, abs(value) / most) if most else 0.0
    x = 50.0 if value >= 0 else 50.0 - width
    kind = "met" if value >= 0 else "near"
    return Markup(  # noqa: S704  numbers and a class of ours
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="bed" width="100" height="10"/><rect class="{kind}" x="{x:.1f}" width="{width:.1f}" height="10"/>'
        '<line class="goal" x1="50" x2="50" y1="0" y2="10"/></svg>'
    )


def nice(most: int) -> int:
    """The end of an axis that shows up to `most`: 1, 2, 4, 5 or 10 times a power of ten."""
    if most <= 0:
        return 2
    power = 10 ** int(log10(most))
    return next(int(power * step) for step in (1, 2, 4, 5, 10) if power * step >= most)


def legend(entries: Iterable[tuple[str, str]]) -> Markup:
    """(class, text) each, with its colour and pattern."""
    keys = "".join(
        '<span class="key"><svg viewBox="0 0 12 12" aria-hidden="true">'
        f'<rect class="{kind}" width="12" height="12"/></svg>{escape(text)}</span>'
        for kind, text in entries
    )
    return Markup(f'<p class="legend">{keys}</p>')  # noqa: S704  texts were escaped
