"""Who may see what, and that nothing is done for strangers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callrouter.roles import Role
from callrouter.web import access
from callrouter.web.pages import ROUTES
from tests.web.house import GRANTS, OURS, House, house

EXAMPLES = {
    "site": "gera",
    "name": "gera-magdeburg",
    "act": "aus",
    "number": "2001",
    "id": "1.1",
    "department": "benefits",
}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


def example(path: str) -> str:
    path = path.replace("/hotlines/{name}", "/hotlines/agency-gera")
    return re.sub(r"{(\w+)[^}]*}", lambda found: EXAMPLES[found[1]], path)


@pytest.mark.parametrize("role", [*Role, ""])
async def test_every_page_and_every_role(home: House, role: str) -> None:
    """A route answers those whom the table names; others get 403, and who is not logged in is led to the login."""
    browser = await home.browser(role)
    roles = frozenset([Role(role)] if role else [])
    for route in ROUTES:
        path = example(route.path)
        if route.path == "/abmelden":
            continue
        if route.method == "GET":
            async with browser.client.get(path, headers=OURS, allow_redirects=False) as answer:
                status, where = answer.status, answer.headers.get("Location", "")
        else:
            answer = await browser.post(path)
            status, where = answer.status, answer.headers.get("Location", "")
        if access.allowed(route.name, roles):
            assert status not in (403, 500), (route, status)
            assert status != 401 or path == "/anmelden", route
        elif role:
            assert status == 403, (route, status)
        else:
            assert status == 401 if route.stream or route.method == "POST" else where.startswith("/anmelden"), route


def test_table_knows_every_role() -> None:
    """Each role opens at least one page that is its own, and the tests have an account for each."""
    assert {role.value for role in Role} == GRANTS.keys()


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://elsewhere.example"}, {}],
)
async def test_only_our_own_pages_change_anything(home: House, headers: dict[str, str]) -> None:
    """A form that another site sends, or nobody says whence, does nothing, the login included."""
    browser = await home.browser("supervisor")
    for path in ("/anmelden", "/abmelden", "/passwort"):
        answer = await browser.client.post(path, data={"csrf": browser.csrf}, headers=headers, allow_redirects=False)
        assert answer.status == 403
    assert (await browser.get("/passwort")).status == 200


async def test_old_browsers_say_origin(home: House) -> None:
    """Without Fetch Metadata the Origin decides."""
    browser = await home.browser("supervisor")
    origin = f"http://{home.server.host}:{home.server.port}"
    data = {"csrf": browser.csrf}
    answer = await browser.client.post("/abmelden", data=data, headers={"Origin": origin}, allow_redirects=False)
    assert answer.status == 303


async def test_form_needs_its_token(home: House) -> None:
    """The session's token is in every form; a wrong or missing one is refused."""
    browser = await home.browser("supervisor")
    for token in ("", "x" * 43):
        assert (await browser.post("/abmelden", csrf=token)).status == 403
    other = await home.browser("admin")
    assert (await browser.post("/abmelden", csrf=other.csrf)).status == 403
    assert (await browser.post("/abmelden")).status == 303


async def test_headers(home: House) -> None:
    """Pages, errors and files carry the policy; only files are kept by browsers."""
    browser = await home.browser()
    for path, status in (("/anmelden", 200), ("/nothing", 404), ("/lagebild/gera", 303)):
        answer = await browser.get(path)
        assert answer.status == status
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer = await browser.client.get(f"{home.front.static}/callrouter.css")
    assert "immutable" in answer.headers["Cache-Control"]
    answer = await browser.client.get("/static/000000000000/callrouter.css")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert (await browser.client.get(f"{home.front.static}/../access.py")).status == 404


async def test_behind_https(tmp_path: Path) -> None:
    """With an https address cookies are bound to host, path and TLS, and browsers are told to come back by TLS only."""
    async with house(tmp_path, url="https://callrouter.example.org") as opened:
        await opened.account("anna", "ops")
        browser = await opened.browser()
        answer = await browser.post("/anmelden", name="anna", password="correct horse battery")
        cookies = answer.headers.getall("Set-Cookie")
        session = next(one for one in cookies if one.startswith("__Host-callrouter="))
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax"} <= {part.strip() for part in session.split(";")}
        assert "Domain" not in session
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_large_forms_are_refused(home: House) -> None:
    """More than a form can hold is not read."""
    browser = await home.browser("supervisor")
    answer = await browser.post("/passwort", old="x" * 100_000)
    assert answer.status == 413
