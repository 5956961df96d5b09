"""Markdown for people's texts: to HTML that is safe to show, to plain passages for the search, and its links.

Raw HTML is shown as text and pictures are not known, so that a text can neither run nor fetch anything. A block quote
is what the agent reads out. Links go to a text of the same folder (`name.md`), or outside by https, mailto or tel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

OUTSIDE = ("https://", "mailto:", "tel:")
SUFFIX = ".md"
TEXTS_MAX = 256  # parsed and kept; of a larger folder each is parsed each time
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@dataclass(frozen=True, slots=True)
class Link:
    """line: of the block that it stands in, from 0. name: of a text beside this one, '' when it leads outside."""

    target: str
    line: int
    name: str
    known: bool  # is it a kind of link that may stand here?


@lru_cache(maxsize=TEXTS_MAX)
def _parsed(text: str) -> tuple[Token, ...]:
    """To be read only. Each text is looked through for its links and its words, and again when its folder is."""
    return tuple(_MARKDOWN.parse(text))


def links(text: str) -> Iterator[Link]:
    for token in _parsed(text):
        for part in token.children or ():
            if part.type == "link_open":
                target = str(part.attrGet("href"))
                name = _name(target)
                yield Link(target, token.map[0] if token.map else 0, name, bool(name) or target.startswith(OUTSIDE))


def html(
    text: str, address: Callable[[str], str], heading: int = 1, read_out: str = "", *, anchors: bool = False
) -> str:
    """Safe HTML. address: where the page of a text beside this one is, '' when there is none: its link is left out.

    heading: the level of a `#`. read_out: the label of what is to be read out. anchors: headings have ids.
    """
    tokens = _MARKDOWN.parse(text)
    for number, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + heading - 1)}"
            if anchors and token.type == "heading_open":
                token.attrSet("id", _anchor(tokens[number + 1].content))
        elif token.type == "blockquote_open" and read_out:
            token.attrSet("class", "read-out")
            token.attrSet("aria-label", read_out)
            token.attrSet("role", "note")
        elif token.children:
            token.children = _linked(token.children, address)
    rendered = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    assert isinstance(rendered, str)
    return rendered


def passages(text: str) -> list[str]:
    """The words of each paragraph, list item, heading and table cell, without marks."""
    found = []
    for token in _parsed(text):
        if token.type == "inline":
            words = "".join(" " if part.type == "softbreak" else part.content for part in token.children or ())
            found.append(" ".join(words.split()))
    return [words for words in found if words]


def _anchor(heading: str) -> str:
    """barriere-melden for `Barriere melden`."""
    return "-".join(re.findall(r"[a-z0-9äöüß]+", heading.casefold()))


def _name(target: str) -> str:
    """Of the text that a link within the folder names."""
    plain = target.endswith(SUFFIX) and "/" not in target and ":" not in target
    return target.removesuffix(SUFFIX) if plain else ""


def _linked(parts: Sequence[Token], address: Callable[[str], str]) -> list[Token]:
    """Links with the addresses of their pages; one that leads nowhere is only its words."""
    kept: list[Token] = []
    dead = 0
    for part in parts:
        if part.type == "link_open":
            target = str(part.attrGet("href"))
            name = _name(target)
            where = address(name) if name else target if target.startswith(OUTSIDE) else ""
            if not where:
                dead += 1
                continue
            part.attrSet("href", where)
            if not name and target.startswith("https://"):
                part.attrSet("class", "outside")
                part.attrSet("target", "_blank")
                part.attrSet("rel", "noopener noreferrer")
        elif part.type == "link_close" and dead:
            dead -= 1
            continue
        kept.append(part)
    return kept
