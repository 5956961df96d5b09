"""Logging in and out: what is refused, what is remembered, and when a session ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from time import time

import pytest

from tests.web.house import PASSWORD, House, house


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def test_login_and_logout(home: House) -> None:
    """A good password leads on to the page that was asked for; after the logout the old cookie is worth nothing."""
    browser = await home.browser()
    asked = await browser.get("/lagebild/gera")
    assert asked.headers["Location"] == "/anmelden?weiter=/lagebild/gera"
    await home.account("anna", "supervisor:gera")
    answer = await browser.post("/anmelden", name=" Anna ", password=PASSWORD, weiter="/lagebild/gera")
    assert (answer.status, answer.headers["Location"]) == (303, "/lagebild/gera")
    assert (await browser.get("/lagebild/gera")).status == 200
    kept = browser.client.session.cookie_jar.filter_cookies(home.server.make_url("/"))[home.front.cookie].value
    assert (await browser.post("/abmelden")).status == 303
    again = await browser.get("/lagebild/gera", Cookie=f"{home.front.cookie}={kept}")
    assert again.status == 303


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("", ""), ("anna", "")])
async def test_what_is_wrong_is_not_told(home: House, name: str, password: str) -> None:
    """A wrong name and a wrong password look the same; the name stays in the form, the password does not."""
    await home.account("anna", "ops")
    browser = await home.browser()
    answer = await browser.post("/anmelden", name=name, password=password)
    assert answer.status == 401
    assert "Anmeldung nicht möglich" in browser.text
    assert "Benutzername oder Passwort ist falsch." in browser.text
    assert f'value="{name}"' in browser.text
    assert "<title>Fehler: Anmelden" in browser.text
    assert not password or f'value="{password}"' not in browser.text


@pytest.mark.parametrize("path", ["https://example.net/", "//example.net", "/\\example.net", "anmelden"])
async def test_nobody_is_led_elsewhere(home: House, path: str) -> None:
    """Only a path on this host is where the login leads to."""
    await home.account("anna", "ops")
    browser = await home.browser()
    answer = await browser.post("/anmelden", name="anna", password=PASSWORD, weiter=path)
    assert answer.headers["Location"] == "/"


async def test_guessing_is_slowed_down(home: House) -> None:
    """After a few failures even the right password must wait, and the answer says how long."""
    await home.account("anna", "ops")
    browser = await home.browser()
    for _ in range(5):
        assert (await browser.post("/anmelden", name="anna", password="wrong")).status == 401
    answer = await browser.post("/anmelden", name="anna", password=PASSWORD)
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 30
    assert "Zu viele Versuche" in browser.text


async def test_guessing_by_others_locks_nobody_out(home: House) -> None:
    """Who comes from a browser that was logged in before gets in while others guess."""
    await home.account("anna", "ops")
    mine, other = await home.browser(), await home.browser()
    await mine.log_in("anna")
    await mine.post("/abmelden")
    while (await other.post("/anmelden", name="anna", password="wrong")).status == 401:
        pass
    assert (await mine.log_in("anna")).status == 303


async def test_revoked_and_disabled(home: House) -> None:
    """Sessions end at once when they are revoked or the account is disabled, streams included."""
    account = await home.account("anna", "supervisor:gera")
    browser = await home.browser()
    await browser.log_in("anna")
    assert await home.front.accounts.end_all(account) == 1
    assert (await browser.get("/passwort")).status == 303
    await browser.log_in("anna")
    await home.front.accounts.set_enabled(account, False)
    assert (await browser.get("/passwort")).status == 303
    assert (await browser.log_in("anna")).status == 401


async def test_time_ends_sessions(home: House) -> None:
    """An unused session ends after the idle time, a used one after the longest time; a screen on the wall stays."""
    book, limits = home.front.accounts, home.front.accounts.limits
    account = await home.account("anna", "supervisor:gera")
    began = time()
    token = await book.begin(account, began)
    assert await book.session(token, began + limits.idle_s - 1) is not None
    assert await book.session(token, began + limits.idle_s + 1) is None
    now = began
    while (session := await book.session(token, now)) is not None:
        await book.touch(session, now)
        now += limits.idle_s / 2
    assert limits.longest_s <= now - began <= limits.longest_s + limits.idle_s
    screen = await book.begin(await home.account("wall", "display:gera"), began)
    assert await book.session(screen, began + 30 * 86_400) is not None


async def test_password_that_somebody_else_made(home: House) -> None:
    """Nothing else is open until it is changed; the change ends the account's other sessions."""
    await home.account("anna", "supervisor:gera", must_change=True)
    first, second = await home.browser(), await home.browser()
    await first.log_in("anna")
    await second.log_in("anna")
    assert (await first.get("/lagebild/gera")).headers["Location"] == "/passwort"
    for old, new, what in (
        ("wrong", "a new good password", "bisherige Passwort ist falsch"),
        (PASSWORD, "short", "mindestens 12 Zeichen"),
        (PASSWORD, "anna" * 4, "zu leicht zu erraten"),
        (PASSWORD, PASSWORD, "muss ein anderes sein"),
    ):
        assert (await first.post("/passwort", old=old, new=new)).status == 422
        assert what in first.text
    assert (await first.post("/passwort", old=PASSWORD, new="a new good password")).status == 303
    assert (await first.get("/lagebild/gera")).status == 200
    assert (await second.get("/passwort")).status == 303
    assert home.world.entries[-1]["who"] == "anna"


async def test_language(home: House) -> None:
    """German unless the browser or the user says otherwise."""
    browser = await home.browser()
    await browser.get("/anmelden", **{"Accept-Language": "fr"})
    assert '<html lang="de">' in browser.text
    await browser.get("/anmelden", **{"Accept-Language": "en-GB"})
    assert '<html lang="en">' in browser.text
    await browser.post("/sprache", sprache="en", weiter="/anmelden")
    await browser.get("/anmelden")
    assert '<html lang="en">' in browser.text
    assert "Log in" in browser.text
