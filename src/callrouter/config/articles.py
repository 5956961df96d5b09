"""Articles beside the YAML files: `guides/` for agents, `texts/` for the public.

Each is a file `name.language.md`: a YAML head between `---`, then Markdown. What is wrong in one keeps no call from
being routed: it is left out, and `callrouter check` fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, ValidationError

from callrouter.config.build import topics_of
from callrouter.config.draft import Draft
from callrouter.config.kinds import Day, Language, Names, Text, Whole
from callrouter.config.messages import did_you_mean, explain_all
from callrouter.config.model import Model
from callrouter.config.source import Place, Problem, Source
from callrouter.desk.articles import Article, Articles
from callrouter.desk.markdown import links

GUIDES, TEXTS = "guides", "texts"
FOLDERS = (GUIDES, TEXTS)
PUBLIC = ("accessibility", "imprint", "privacy")  # texts that a public page must have
FILES_MAX = 1_000
BYTES_MAX = 64 * 1024
_FILE = re.compile(r"(?P<name>[a-z][a-z0-9-]{0,39})\.(?P<language>[a-z]{2})\.md")
_HEAD = re.compile(r"---\n(?P<head>.*?\n)---\n", re.DOTALL)
LANGUAGES = get_args(Language)


class Head(Model):
    """What stands above an article's text."""

    title: Text
    topics: Names = []
    """Guides: topics that it is for; without any it is found by search and links only."""
    hotlines: Names = []
    """Guides: only for callers of these hotlines; without it for all."""
    version: Annotated[Whole, Field(ge=1)]
    date: Day
    """Of this version."""
    keywords: list[Text] = []
    """Further words by which it is found."""


def read_articles(folder: Path, kind: str, draft: Draft) -> tuple[Articles, tuple[Problem, ...]]:
    """The good ones of a folder, and what is wrong with the others; nothing at all when there is no such folder."""
    home = folder / kind
    if not home.is_dir():
        return Articles(), tuple(_unsaid(home, (), draft)) if kind == TEXTS else ()
    source = Source()
    files = sorted(path for path in home.iterdir() if path.suffix == ".md" and not path.name.startswith("."))
    if len(files) > FILES_MAX:
        source.error(Place(str(home)), f"more than {FILES_MAX} files", "remove those that nobody needs")
    found = [one for path in files[:FILES_MAX] if (one := _article(path, source, draft)) is not None]
    every = [article for article, _ in found]
    for article, place in found:
        _links(article, place, every, source)
    missing = _unguided(home, every, draft) if kind == GUIDES else _unsaid(home, every, draft)
    bad = {problem.place.file for problem in source.problems}
    good = Articles(article for article, place in found if place.file not in bad)
    return good, tuple(sorted({*source.problems, *missing}))


def _article(path: Path, source: Source, draft: Draft) -> tuple[Article, Place] | None:
    """One file, and the place where its text begins."""
    shown = str(path)
    named = _FILE.fullmatch(path.name)
    if named is None:
        mend = "name it like benefit.de.md (a-z, 0-9, '-', the language)"
        source.error(Place(shown), "this name does not fit", mend)
        return None
    if named["language"] not in LANGUAGES:
        source.error(Place(shown), f"'{named['language']}' is no language known here", f"use {' or '.join(LANGUAGES)}")
        return None
    if path.stat().st_size > BYTES_MAX:
        source.error(Place(shown), f"longer than {BYTES_MAX // 1024} KiB", "make several of it")
        return None
    text = source.text(path, shown)
    if text is None:
        return None
    text = text.replace("\r\n", "\n")
    head = _HEAD.match(text)
    if head is None:
        source.error(Place(shown, 1, 1), "no head stands here", "begin with '---', title, version and date, and '---'")
        return None
    found = _head(f"---\n{head['head']}", source, shown)
    if found is None:
        return None
    _known(found, source, shown, draft)
    article = Article(
        name=named["name"],
        language=named["language"],
        title=found.title,
        text=text[head.end() :],
        version=found.version,
        date=found.date,
        topics=tuple(found.topics),
        hotlines=tuple(found.hotlines),
        keywords=tuple(found.keywords),
    )
    return article, Place(shown, text[: head.end()].count("\n") + 1, 1)


def _head(text: str, source: Source, shown: str) -> Head | None:
    values: dict[str, Any] = {
        key: source.take(node, (shown, key), place, shown) for key, place, node in source.parse(text, shown)
    }
    source.values[shown,] = Place(shown, 1, 1)
    try:
        return Head.model_validate(values)
    except ValidationError as errors:
        for finding in explain_all(Head, errors):
            source.error(source.place((shown, *finding.loc), key=finding.key), finding.what, finding.mend)
        return None


def _known(head: Head, source: Source, shown: str, draft: Draft) -> None:
    """Topics and hotlines that the head names must be there."""
    topics = sorted({topic for hotline in draft.hotlines.values() for topic in topics_of(hotline)})
    for kind, names, known in (("topic", head.topics, topics), ("hotline", head.hotlines, sorted(draft.hotlines))):
        for i, name in enumerate(names):
            if name not in known:
                what = f"{kind} '{name}' does not exist"
                source.error(source.place((shown, f"{kind}s", i)), what, did_you_mean(name, known))


def _links(article: Article, begins: Place, every: Iterable[Article], source: Source) -> None:
    here = [one.name for one in every if one.language == article.language]
    lines = article.text.split("\n")
    for link in links(article.text):
        if link.known and (not link.name or link.name in here):
            continue
        offset, col = next(
            ((i, at + 1) for i, line in enumerate(lines[link.line :]) if (at := line.find(link.target)) >= 0), (0, 1)
        )
        place = Place(begins.file, begins.line + link.line + offset, col)
        if link.known:
            what = f"there is no '{link.name}' in '{article.language}' here"
            source.error(place, what, did_you_mean(link.name, here))
        else:
            source.error(place, f"'{link.target}' leads nowhere", "link to name.md, https://…, mailto:… or tel:…")


def _unguided(home: Path, guides: list[Article], draft: Draft) -> list[Problem]:
    """Topics of hotlines without a guide in a language that the hotline speaks."""
    found: dict[str, Problem] = {}
    known = Articles(guides)
    for name, hotline in draft.hotlines.items():
        for topic in topics_of(hotline):
            for language in hotline.languages:
                if known.about(topic, name, [language]) is None:
                    what = f"no guide for topic '{topic}' of hotline '{name}' in '{language}'"
                    mend = f"write {topic}.{language}.md with 'topics: {topic}'"
                    found.setdefault(f"{topic}.{language}", Problem(Place(str(home)), what, mend, warning=True))
    return list(found.values())


def _unsaid(home: Path, texts: Iterable[Article], draft: Draft) -> list[Problem]:
    """Texts that the public page must have."""
    here = {one.name for one in texts if one.language == LANGUAGES[0]}
    lacking = [name for name in PUBLIC if name not in here] if draft.places else []
    return [
        Problem(Place(str(home)), f"the public page has no text '{name}'", f"write {name}.de.md", warning=True)
        for name in lacking
    ]
