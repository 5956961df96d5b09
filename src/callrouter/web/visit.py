"""One request for a page: who asks, in which language, and the ways to answer.

Handlers of pages get a `Visit` whose route is open to them (`access.py`); what it is for they ask with `need`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from callrouter.accounts.book import Session
from callrouter.i18n import Texts
from callrouter.roles import Role, User
from callrouter.web import render

if TYPE_CHECKING:
    from callrouter.web.front import Front
    from callrouter.web.routes import LivePage

T = TypeVar("T")
YEAR_S = 365 * 86_400  # what a browser is to remember
NOTE = "callrouter_note"  # a sentence for the next page, after a redirect
_NO_FORM: MultiDictProxy[Any] = MultiDictProxy(MultiDict())


class Forbidden(Exception):
    """Logged in, but not for this."""


class NotFound(Exception):
    """There is no such thing."""


class Visit:
    def __init__(self, request: web.Request, front: Front, session: Session | None, texts: Texts) -> None:
        self.request = request
        self.front = front
        self.session = session
        self.texts = texts
        self.form: MultiDictProxy[Any] = _NO_FORM

    # ---- who

    @property
    def user(self) -> User:
        """Only on routes that are not public."""
        assert self.session is not None
        return self.session.user

    def need(self, role: Role, scope: str | None = None) -> None:
        """Raises Forbidden unless he has the role, for this scope."""
        if not self.user.may(role, scope):
            raise Forbidden

    def part(self, kind: type[T]) -> T:
        """What the service put there for pages of one kind."""
        return self.front.part(kind)

    # ---- what

    @property
    def now(self) -> float:
        """UTC seconds, by the router's clock."""
        return self.front.context.clock()

    @property
    def at(self) -> Mapping[str, str]:
        """The variable parts of the path."""
        return self.request.match_info

    def field(self, name: str, longest: int = 500) -> str:
        """One field of the form, trimmed; '' when it is missing, a file or too long."""
        value = self.form.get(name, "")
        return value.strip() if isinstance(value, str) and len(value) <= longest else ""

    @property
    def by_htmx(self) -> bool:
        """A part of the page is wanted, not all of it."""
        return "HX-Request" in self.request.headers

    # ---- answers

    def show(self, template: str, status: int = 200, **values: Any) -> web.Response:
        return self.show_in(self.texts, template, status, **values)

    def show_in(self, texts: Texts, template: str, status: int = 200, **values: Any) -> web.Response:
        """In a language that is not the visitor's choice by cookie or header."""
        text = render.page(texts.language, template, self._frame() | values)
        answer = web.Response(text=text, content_type="text/html", status=status)
        if NOTE in self.request.cookies:
            answer.del_cookie(NOTE, path="/")
        return answer

    def show_live(self, page: LivePage) -> web.Response:
        """The whole page, its regions as they are now."""
        key = page.key(self)
        seen = page.look(self.front.live.look_at(self.texts, key))
        return self.show(page.template, stream=self.request.path + "/strom", **seen, **page.still(self))

    def go(self, path: str, note: str = "") -> web.Response:
        """To another page, which says the note. An htmx form is told to close instead; the stream shows the rest."""
        if self.by_htmx:
            event = json.dumps({"callrouter:done": {"note": note, "path": path}})
            return web.Response(status=204, headers={"HX-Trigger": event})
        answer = web.Response(status=303, headers={"Location": path})
        if note:
            answer.set_cookie(
                NOTE, quote(note), max_age=30, path="/", httponly=True, samesite="Lax", secure=self.front.secure
            )
        return answer

    async def audit(self, what: str, why: str, before: str = "", after: str = "") -> None:
        """Raises what the store does."""
        await self.front.context.audit(who=self.user.name, what=what, why=why, before=before, after=after)

    def _frame(self) -> dict[str, Any]:
        """What base.html needs of every page."""
        front, session = self.front, self.session
        return {
            "csrf": session.csrf if session else "",
            "fragment": self.by_htmx,
            "layout": "fragment.html" if self.by_htmx else "base.html",
            "demo": front.demo,
            "menu": front.menu(self),
            "note": unquote(self.request.cookies.get(NOTE, ""))[:300],
            "now": self.now,
            "path": self.request.path,
            "static": front.static,
            "stream": "",
            "user": session.user if session else None,
            "session": session,
            "session_now": time(),
        }
