"""Logging in and out, the own password, the language."""

from __future__ import annotations

import json
from secrets import token_urlsafe
from time import monotonic, time
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from callrouter.accounts.book import normal
from callrouter.accounts.passwords import BadPassword, Busy, check
from callrouter.i18n import LANGUAGES, mark
from callrouter.roles import Role
from callrouter.web.front import LANGUAGE
from callrouter.web.routes import get, post
from callrouter.web.visit import YEAR_S, Visit

log = structlog.get_logger(__name__)


async def home(visit: Visit) -> web.StreamResponse:
    """To the first page that is open to whoever asks."""
    if visit.session is None:
        return visit.go("/anmelden")
    menu = visit.front.menu(visit)
    screens = visit.user.scopes(Role.DISPLAY)
    return visit.go(menu[0][0] if menu else f"/wand/{screens[0]}" if screens else "/passwort")


async def ask(visit: Visit) -> web.StreamResponse:
    if visit.session is not None:
        return visit.go(local_path(visit.request.query.get("weiter", "")))
    return login_form(visit, visit.request.query.get("weiter", ""))


async def log_in(visit: Visit) -> web.StreamResponse:
    """The answer is the same whether the account or the password is wrong, and takes as long."""
    front, name, password = visit.front, normal(visit.field("name", 64)), visit.form.get("password", "")
    onward = visit.field("weiter")
    if not isinstance(password, str):
        password = ""
    address = front.address(visit.request)
    browser = visit.request.cookies.get(front.browser_cookie, "")
    found = await front.accounts.credentials(name)
    known = found is not None and await front.accounts.knows(found[0], browser)
    wait_s = front.throttle.wait_s(monotonic(), name, address, known)
    if wait_s > 0:
        text = visit.texts.plural(
            "Zu viele Versuche. Bitte in %(n)s Sekunde noch einmal.",
            "Zu viele Versuche. Bitte in %(n)s Sekunden noch einmal.",
            int(wait_s),
        )
        return login_form(visit, onward, text, 429, {"Retry-After": str(int(wait_s))})
    try:
        right = await front.passwords.verify(found[1] if found else None, password)
    except Busy:
        text = visit.texts("Gerade melden sich sehr viele an. Bitte gleich noch einmal versuchen.")
        return login_form(visit, onward, text, 503, {"Retry-After": "5"})
    if not right or found is None:
        front.throttle.failed(monotonic(), name, address, known)
        log.warning("a login failed", account=name, address=address)
        return login_form(visit, onward, visit.texts("Benutzername oder Passwort ist falsch."), 401)
    account, kept = found
    front.throttle.succeeded(name, address)
    if front.passwords.outdated(kept):
        await front.accounts.rehash(account, await front.passwords.hash(password))
    return await admit(visit, account, onward, browser if known else "")


async def admit(visit: Visit, account: int, onward: str, browser: str = "") -> web.Response:
    """Begin a session. browser: the token by which the account knows it already."""
    front, now = visit.front, time()
    token = await front.accounts.begin(account, now)
    answer = web.Response(status=303, headers={"Location": local_path(onward)})
    answer.set_cookie(front.cookie, token, path="/", httponly=True, samesite="Lax", secure=front.secure)
    browser = browser or token_urlsafe(24)
    await front.accounts.remember(account, browser, now)
    answer.set_cookie(
        front.browser_cookie, browser, path="/", httponly=True, samesite="Strict", secure=front.secure,
        max_age=180 * 86_400,
    )  # fmt: skip
    return answer


async def log_out(visit: Visit) -> web.StreamResponse:
    assert visit.session is not None
    await visit.front.accounts.end(visit.session.id)
    visit.front.live.recheck()
    answer = web.Response(status=303, headers={"Location": "/anmelden", "Clear-Site-Data": '"cache"'})
    answer.del_cookie(visit.front.cookie, path="/", secure=visit.front.secure, httponly=True, samesite="Lax")
    return answer


async def stay(visit: Visit) -> web.StreamResponse:
    """Being asked was use enough; says how long it lasts now."""
    assert visit.session is not None
    limits = visit.front.accounts.limits
    left_s = min(limits.idle_s, visit.session.longest_at - time())
    if not visit.by_htmx:
        return visit.go("/")
    return web.Response(text=json.dumps({"left_s": int(left_s)}), content_type="application/json")


async def choose_language(visit: Visit) -> web.StreamResponse:
    answer = web.Response(status=303, headers={"Location": local_path(visit.field("weiter"))})
    chosen = visit.field("sprache")
    if chosen in LANGUAGES:
        answer.set_cookie(LANGUAGE, chosen, path="/", samesite="Lax", max_age=YEAR_S, secure=visit.front.secure)
    return answer


# ---- the own password


async def password_form(visit: Visit) -> web.StreamResponse:
    return visit.show("password.html", errors={})


async def change_password(visit: Visit) -> web.StreamResponse:
    """Ends the account's other sessions."""
    front, user, session = visit.front, visit.user, visit.session
    assert session is not None
    old, new = str(visit.form.get("old", "")), str(visit.form.get("new", ""))
    address = front.address(visit.request)
    errors: dict[str, str] = {}
    kept = await front.accounts.credentials(user.name)
    if front.throttle.wait_s(monotonic(), user.name, address, known=True) > 0:
        errors["old"] = visit.texts("Zu viele Versuche. Bitte später noch einmal.")
    elif not await front.passwords.verify(kept[1] if kept else None, old):
        front.throttle.failed(monotonic(), user.name, address, known=True)
        errors["old"] = visit.texts("Das bisherige Passwort ist falsch.")
    try:
        check(new, user.name)
        if new == old:
            raise BadPassword(mark("Das neue Passwort muss ein anderes sein."))
    except BadPassword as error:
        errors["new"] = visit.texts(str(error))
    if errors:
        return visit.show("password.html", status=422, errors=errors)
    await front.accounts.set_password(user.id, await front.passwords.hash(new), must_change=False, keep=session.id)
    front.live.recheck()
    await visit.audit(f"account {user.name}", "own password changed")
    return visit.go("/", visit.texts("Das Passwort ist geändert."))


# ---- inside


def login_form(
    visit: Visit, onward: str, problem: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    single = visit.front.pages.oidc.title if visit.front.pages.oidc else ""
    errors = {"": problem} if problem else {}
    answer = visit.show(
        "login.html", status=status, onward=onward, errors=errors, name=visit.field("name", 64), single=single
    )
    answer.headers.update(headers or {})
    return answer


def local_path(path: str, otherwise: str = "/") -> str:
    """A path on this host: nobody is led elsewhere by what stands in a form."""
    parts = urlsplit(path)
    good = path.startswith("/") and not path.startswith("//") and not parts.netloc and not parts.scheme
    return path if good and path.isprintable() and "\\" not in path else otherwise


ROUTES = (
    *get("/", home),
    *get("/anmelden", ask),
    *post("/anmelden", log_in),
    *post("/sprache", choose_language),
    *post("/abmelden", log_out),
    *post("/sitzung", stay),
    *get("/passwort", password_form),
    *post("/passwort", change_password),
)
