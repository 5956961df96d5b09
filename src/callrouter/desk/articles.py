"""Articles: guides that say what an agent does about a topic, and the public's texts. All in memory; knows no files.

The search forgives umlauts (Kündigung, kuendigung and kundigung are one word), cases and word ends, looks into German
compounds, and ranks: titles before keywords before text, rare words before common ones, whole words before parts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log

from callrouter.desk.markdown import TEXTS_MAX, passages

HITS_MAX = 20
TERMS_MAX = 8
TERM_CHARS_MAX = 40
INFIX_CHARS_MIN = 4
TITLE, KEYWORD, TEXT = 8.0, 5.0, 1.0  # what a word counts by its place
WHOLE, BEGINS, WITHIN = 1.0, 0.6, 0.3  # and by how much of it was asked for
SATURATION = 1.2  # the more often a word stands in one article, the less each more of it counts (BM25's k1)
_WORD = re.compile(r"\w+")
_FOLD = (("ä", "a"), ("ö", "o"), ("ü", "u"), ("ß", "ss"), ("ae", "a"), ("oe", "o"), ("ue", "u"))


@dataclass(frozen=True, slots=True)
class Article:
    """One text in one language. hotlines: only for these; none: for every hotline that has one of its topics.

    date: ISO, of this version. text: Markdown without its head.
    """

    name: str
    language: str
    title: str
    text: str
    version: int
    date: str
    topics: tuple[str, ...] = ()
    hotlines: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """passage: the part of the text that fits best, without marks; '' = only title or keywords fit."""

    article: Article
    score: float
    passage: str


@dataclass(slots=True)
class _Page:
    article: Article
    passages: list[str]
    weights: dict[str, float] = field(default_factory=dict)  # folded word -> what it counts here


class Articles:
    """All of one kind in a configuration. Immutable once made."""

    def __init__(self, articles: Iterable[Article] = ()) -> None:
        self.all = tuple(articles)
        self._by_name = {(one.name, one.language): one for one in self.all}
        self._pages: dict[str, list[_Page]] = {}
        self._found_in: dict[str, Counter[str]] = {}
        for one in self.all:
            page = _page(one)
            self._pages.setdefault(one.language, []).append(page)
            self._found_in.setdefault(one.language, Counter()).update(page.weights.keys())

    def get(self, name: str, language: str) -> Article | None:
        return self._by_name.get((name, language))

    def about(self, topic: str, hotline: str, languages: Sequence[str]) -> Article | None:
        """The guide for a call, in the first of these languages that has one; a hotline's own before a general one."""
        for language in languages:
            fits = [one for one in self.all if one.language == language and topic in one.topics]
            for one in sorted(fits, key=lambda one: not one.hotlines):
                if not one.hotlines or hotline in one.hotlines:
                    return one
        return None

    def search(self, text: str, language: str) -> list[Hit]:
        """The best first; those that hold all the words come before those that hold some. Empty: nothing was asked."""
        terms = list(dict.fromkeys(_words(text)))[:TERMS_MAX]
        known = self._found_in.get(language, Counter())
        size = len(self._pages.get(language, ()))
        near = [_near(term[:TERM_CHARS_MAX], known, size) for term in terms]
        hits = []
        for page in self._pages.get(language, ()):
            scores = [_most(page.weights, one) for one in near]
            found = sum(score > 0 for score in scores)
            if found:
                total = sum(scores) * (found / len(terms)) ** 2
                hits.append(Hit(page.article, total, _best(page.passages, near)))
        hits.sort(key=lambda hit: (-hit.score, hit.article.title))
        return hits[:HITS_MAX]


def fold(text: str) -> str:
    """One spelling for all that a hurried person types for a word."""
    text = text.casefold()
    for umlaut, plain in _FOLD:
        text = text.replace(umlaut, plain)
    return text


def _words(text: str) -> Iterator[str]:
    return (fold(word) for word in _WORD.findall(text))


@lru_cache(maxsize=TEXTS_MAX)
def _page(article: Article) -> _Page:
    """To be read only."""
    page = _Page(article, passages(article.text))
    for weight, texts in ((TITLE, [article.title]), (KEYWORD, article.keywords), (TEXT, page.passages)):
        for word, times in Counter(word for text in texts for word in _words(text)).items():
            page.weights[word] = page.weights.get(word, 0.0) + weight * times * (SATURATION + 1) / (times + SATURATION)
    return page


def _near(term: str, known: Counter[str], size: int) -> dict[str, float]:
    """Words of the articles that this term may mean, each with what it counts: rare ones more, parts less."""
    found = {}
    for word, number in known.items():
        if word == term:
            part = WHOLE
        elif word.startswith(term):
            part = BEGINS
        elif len(term) >= INFIX_CHARS_MIN and term in word:
            part = WITHIN
        else:
            continue
        found[word] = part * log(1 + size / number)
    return found


def _most(weights: Mapping[str, float], near: Mapping[str, float]) -> float:
    """What the word that fits best counts here."""
    return max((weights.get(word, 0.0) * part for word, part in near.items()), default=0.0)


def _best(texts: Sequence[str], near: Sequence[Mapping[str, float]]) -> str:
    """The passage that holds most of what was asked for; '' if only the title or a keyword holds it."""
    value, best = 0.0, ""
    for text in texts:
        words = dict.fromkeys(_words(text), 1.0)
        found = sum(_most(words, one) for one in near)
        if found > value:
            value, best = found, text
    return best
