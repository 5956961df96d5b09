"""The frame of a page that stands by itself: one file, German and English, light and dark, no script, no network.

Both languages are in it; a radio button shows one. Charts are inline SVG with a table beside them for those who cannot
see them. Knows nothing of what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import count

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #fff; --line: #d0d7de; --bar: #9db7d5;
  --mark: #0b5cad; --good: #116329; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --paper: #0d1117; --line: #30363d;
  --bar: #35506e; --mark: #79b8ff; --good: #56d364; --bad: #ff8b80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 70rem;
  margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
p.soft, figcaption, caption { color: var(--soft); }
html:has(#show-en:checked) [lang=de], html:has(#show-de:checked) [lang=en] { display: none; }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .5rem 0; } caption { text-align: left; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } figure { margin: 1rem 0; } svg { max-width: 100%; height: auto; }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.good { color: var(--good); } .bad { color: var(--bad); }
"""

Text = tuple[str, str]
"""The same in German and in English."""


def both(text: Text) -> str:
    """As HTML, one of the two shown."""
    de, en = (escape(part) for part in text)
    return de if de == en else f'<span lang="de">{de}</span><span lang="en">{en}</span>'


def document(title: Text, parts: Iterable[str], lang: str = "de") -> str:
    """The whole file. lang: which language it opens in, de or en."""
    number = count()  # a name is used twice: where it stands, and by what it names
    shown = re.sub(f'="{_NAME}"', lambda _: f'="c{next(number) // 2}"', "\n".join(parts))
    german, english = (" checked" if lang == one else "" for one in ("de", "en"))
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title[lang == 'en'])}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        '<header><form aria-label="Sprache – language">'
        f'<label><input type="radio" name="show" id="show-de"{german}> Deutsch</label> '
        f'<label><input type="radio" name="show" id="show-en"{english}> English</label></form></header>\n'
        f"<main>\n<h1>{both(title)}</h1>\n{shown}\n</main>\n</body>\n</html>\n"
    )


def table(caption: Text, heads: Sequence[Text], rows: Iterable[Sequence[str]]) -> str:
    """Rows are HTML already; the first cell of each is its head. Where it is too wide it scrolls, also by keyboard."""
    head = "".join(f'<th scope="col">{both(one)}</th>' if any(one) else "<td></td>" for one in heads)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>\n' for row in rows
    )
    return (
        f'<div class="wide" role="group" tabindex="0" aria-labelledby="{_NAME}"><table>'
        f'<caption id="{_NAME}">{both(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


_NAME = "@"  # of what is named by a caption; `document` numbers them. No text that was escaped has it in quotes


WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 860, 240, 44, 24, 10


def bars_and_line(
    caption: Text, labels: Sequence[str], bars: Sequence[float], line: Sequence[float | None], words: tuple[Text, Text]
) -> str:
    """bars: numbers, scale on the left; line: shares of one, scale on the right. words: what bars and line are."""
    high = max(1.0, *bars)
    step = (WIDTH - 2 * LEFT) / max(1, len(labels))
    deep = HEIGHT - BOTTOM - TOP

    def y(share: float) -> float:
        return TOP + deep * (1 - share)

    drawn = [f'<line x1="{LEFT}" x2="{WIDTH - LEFT}" y1="{y(0):.1f}" y2="{y(0):.1f}" stroke="var(--line)"/>']
    for share in (0.25, 0.5, 0.75, 1.0):
        drawn.append(
            f'<line x1="{LEFT}" x2="{WIDTH - LEFT}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke="var(--line)" '
            f'stroke-dasharray="2 4"/><text x="{WIDTH - LEFT + 4}" y="{y(share) + 4:.1f}">{share:.0%}</text>'
            f'<text x="{LEFT - 4}" y="{y(share) + 4:.1f}" text-anchor="end">{high * share:.3g}</text>'
        )
    for place, (label, bar) in enumerate(zip(labels, bars, strict=True)):
        x = LEFT + place * step
        drawn.append(
            f'<rect x="{x + 1:.1f}" y="{y(bar / high):.1f}" width="{step - 2:.1f}" height="{deep * bar / high:.1f}" '
            'fill="var(--bar)"/>'
        )
        if place % 2 == 0:
            drawn.append(f'<text x="{x + step / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(label)}</text>')
    points = " ".join(
        f"{LEFT + (place + 0.5) * step:.1f},{y(share):.1f}" for place, share in enumerate(line) if share is not None
    )
    drawn.append(f'<polyline points="{points}" fill="none" stroke="var(--mark)" stroke-width="2.5"/>')
    legend = f"{both(words[0])} ▮ &nbsp; {both(words[1])} ─"
    inner = "".join(drawn)
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{_NAME}">'
    return f'<figure>{head}{inner}</svg><figcaption id="{_NAME}">{both(caption)}: {legend}</figcaption></figure>'
