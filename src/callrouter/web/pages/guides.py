"""Guides for agents: what to ask, say and do, topic by topic, with a search over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from aiohttp import web

from callrouter.desk.articles import Article
from callrouter.desk.markdown import html
from callrouter.i18n import LANGUAGES, texts
from callrouter.office.office import Office
from callrouter.web.routes import get
from callrouter.web.visit import NotFound, Visit


@dataclass(frozen=True, slots=True)
class Guide:
    name: str
    title: str
    body: str
    version: int
    day: str
    language: str


def shown(article: Article, language: str, heading: int = 3) -> Guide:
    """heading: the level of its title."""
    words = texts(language)
    day = words.date(datetime.fromisoformat(article.date).date())
    return Guide(article.name, article.title, _body(article, language, heading), article.version, day, article.language)


@lru_cache(maxsize=500)
def _body(article: Article, language: str, heading: int) -> str:
    words = texts(language)
    return html(article.text, lambda name: f"/leitfaden/{name}", heading, words("Zum Vorlesen"))


async def guides(visit: Visit) -> web.StreamResponse:
    """The search over guides; with nothing asked, all of them."""
    every = visit.part(Office).desk().guides
    asked = visit.request.query.get("suche", "")[:200].strip()
    language = visit.texts.language
    hits = [(hit.article, hit.passage) for hit in every.search(asked, language)]
    if not asked:
        own = [one for one in every.all if one.language == language]
        hits = [(one, "") for one in sorted(own, key=lambda one: one.title)]
    template = "guides_found.html" if visit.by_htmx else "guides.html"
    return visit.show(template, hits=hits, asked=asked)


async def guide(visit: Visit) -> web.StreamResponse:
    every = visit.part(Office).desk().guides
    languages = (visit.texts.language, *LANGUAGES)
    found = next((one for each in languages if (one := every.get(visit.at["name"], each))), None)
    if found is None:
        raise NotFound
    seen = shown(found, visit.texts.language, 3 if visit.by_htmx else 1)
    return visit.show("guide_part.html" if visit.by_htmx else "guide.html", guide=seen)


ROUTES = (
    *get("/leitfaden", guides),
    *get("/leitfaden/{name}", guide),
)
