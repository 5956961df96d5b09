"""A request's way to its page: who asks, is the route open to him, was it sent by a page of ours; then its handler.

Which pages there are stands in `pages/__init__.py`, who may see them in `access.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from secrets import compare_digest
from time import time
from typing import Any

import structlog
from aiohttp import web

from callrouter.i18n import LANGUAGES, preferred, texts
from callrouter.store.store import FAULTS
from callrouter.web import access, render, static
from callrouter.web.front import LANGUAGE, Front
from callrouter.web.pages import ROUTES
from callrouter.web.routes import Route
from callrouter.web.safety import HEADERS, HSTS, same_origin
from callrouter.web.visit import Forbidden, NotFound, Visit

log = structlog.get_logger(__name__)

FORM_BYTES_MAX = 64 * 1024
# what is no page; added last, and the machines' paths keep their own errors
ELSEWHERE = "/{tail:(?!api/|static/|metrics$|healthz$|readyz$).*}"


def install(app: web.Application, front: Front) -> None:
    """Add the pages to an application. Every route must be in the table, and every row of the table have a route."""
    named = {route.name for route in ROUTES}
    assert named == access.TABLE.keys(), f"access.py and the pages differ: {named ^ access.TABLE.keys()}"
    app.router.add_get("/static/{version:[0-9a-f]+}/{name:[a-zA-Z0-9_./-]+}", static.serve)
    for route in ROUTES:
        runner = _runner(front, route)
        app.router.add_route(route.method, route.path, runner)
        if route.method == "GET" and not route.stream:
            app.router.add_route("HEAD", route.path, runner)
    app.router.add_route("*", ELSEWHERE, _nothing(front))

    async def close(_app: web.Application) -> None:
        front.live.close()

    app.on_shutdown.append(close)
    for language in LANGUAGES:
        render.environment(language)
    static.version()


def _runner(front: Front, route: Route) -> Callable[[web.Request], Any]:
    async def run(request: web.Request) -> web.StreamResponse:
        words = texts(_language(request))
        try:
            session = await front.accounts.session(request.cookies.get(front.cookie, ""), time())
        except FAULTS:
            log.exception("sessions cannot be read")
            return _trouble(Visit(request, front, None, words), 503)
        visit = Visit(request, front, session, words)
        try:
            answer = await _answer(visit, route)
        except Forbidden:
            answer = _trouble(visit, 403)
        except (NotFound, web.HTTPNotFound):
            answer = _trouble(visit, 404)
        except web.HTTPRequestEntityTooLarge:
            answer = _trouble(visit, 413)
        except FAULTS:
            log.exception("a page needs the database", path=route.path)
            answer = _trouble(visit, 503)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            log.exception("a page failed", method=route.method, path=route.path)
            answer = _trouble(visit, 500)
        if not answer.prepared:
            _dress(answer, front)
        return answer

    return run


def _nothing(front: Front) -> Callable[[web.Request], Any]:
    async def run(request: web.Request) -> web.StreamResponse:
        answer = _trouble(Visit(request, front, None, texts(_language(request))), 404)
        _dress(answer, front)
        return answer

    return run


async def _answer(visit: Visit, route: Route) -> web.StreamResponse:
    session, request = visit.session, visit.request
    who = access.TABLE[route.name]
    if who is not access.PUBLIC:
        if session is None:
            return _to_login(visit, route)
        if session.user.must_change and route.path not in ("/passwort", "/abmelden"):
            return visit.go("/passwort")
        if not access.allowed(route.name, session.user.roles):
            raise Forbidden
    if route.method == "POST":
        if not same_origin(request, visit.front.pages.url):
            raise Forbidden
        try:
            visit.form = await request.clone(client_max_size=FORM_BYTES_MAX).post()
        except ConnectionError:
            return web.Response(status=400)  # the browser has gone while it sent the form: nobody reads this
        if session is not None and not compare_digest(visit.field("csrf").encode(), session.csrf.encode()):
            raise Forbidden
    if session is not None and not route.stream:
        visit.session = await visit.front.accounts.touch(session, time())
    return await route.handle(visit)


def _to_login(visit: Visit, route: Route) -> web.StreamResponse:
    """A page asks for the login; what belongs to a page that is open already says that it is over."""
    if route.method != "GET" or route.stream or visit.by_htmx:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Session realm="callrouter"'})
    return web.Response(status=303, headers={"Location": f"/anmelden?weiter={visit.request.rel_url.raw_path}"})


def _trouble(visit: Visit, status: int) -> web.Response:
    """A page that says what is wrong."""
    return visit.show("error.html", status=status, code=status)


def _dress(answer: web.StreamResponse, front: Front) -> None:
    answer.headers.update(HEADERS)
    answer.headers.setdefault("Cache-Control", "no-store")
    if front.secure:
        answer.headers["Strict-Transport-Security"] = HSTS


def _language(request: web.Request) -> str:
    chosen = request.cookies.get(LANGUAGE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("Accept-Language", ""))
