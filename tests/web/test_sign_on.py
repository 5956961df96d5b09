"""Single sign-on against a real provider over HTTP: who may come in, and every token that is not good is refused."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from callrouter.accounts import oidc
from callrouter.accounts.oidc import SignOn
from callrouter.config.pages import Oidc
from tests.web.house import Browser, House, house
from tests.web.provider import CLIENT, SECRET, Provider, provider

GRANTS = {"leitung": ["supervisor:gera"], "edv": ["ops", "admin"]}


@asynccontextmanager
async def together(folder: Path) -> AsyncIterator[tuple[House, Provider]]:
    async with provider() as idp:
        config = {"issuer": idp.issuer, "client_id": CLIENT, "grants": GRANTS, "title": "Hausanmeldung"}
        async with house(folder, url="http://127.0.0.1", oidc=config) as home:
            back = str(home.server.make_url("/anmelden/sso/zurueck"))
            home.front.sign_on = SignOn(Oidc.model_validate(config), SECRET, back)
            yield home, idp
            await home.front.sign_on.close()


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[House, Provider]]:
    async with together(tmp_path) as pair:
        yield pair


async def leave(browser: Browser, onward: str = "/lagebild/gera") -> str:
    """To the provider and through it; the address of our callback, with its query."""
    answer = await browser.get(f"/anmelden/sso?weiter={onward}")
    assert answer.status == 303, browser.text
    through = await browser.client.session.get(answer.headers["Location"], allow_redirects=False)
    parts = urlsplit(through.headers["Location"])
    return f"{parts.path}?{parts.query}"


async def log_in(browser: Browser) -> int:
    """The status of the callback's answer."""
    return (await browser.get(await leave(browser))).status


async def test_login(both: tuple[House, Provider]) -> None:
    """Somebody whose group has a role comes in, to where he wanted; his account is made once and follows his groups."""
    home, idp = both
    browser = await home.browser()
    await browser.get("/anmelden")
    assert "Hausanmeldung" in browser.text
    answer = await browser.get(await leave(browser))
    assert (answer.status, answer.headers["Location"]) == (303, "/lagebild/gera")
    assert (await browser.get("/lagebild/gera")).status == 200
    (account,) = await home.front.accounts.accounts()
    assert (account.title, [str(one) for one in account.grants], account.local) == (
        "Anna Amt",
        ["supervisor:gera"],
        False,
    )
    idp.claims |= {"groups": ["edv", "unknown"], "preferred_username": "Anna Amt"}
    again = await home.browser()
    assert await log_in(again) == 303
    assert (await again.get("/lagebild/gera")).status == 200
    (account,) = await home.front.accounts.accounts()
    assert [str(one) for one in account.grants] == ["admin", "ops"]
    assert (await again.post("/anmelden", name=account.name, password="")).status == 401


async def test_name_that_is_taken(both: tuple[House, Provider]) -> None:
    """An account with a password stays whose it is; the newcomer gets another name."""
    home, idp = both
    await home.account("anna", "ops")
    idp.claims["preferred_username"] = "Anna"
    assert await log_in(await home.browser()) == 303
    assert [(one.name, one.local) for one in await home.front.accounts.accounts()] == [
        ("anna", True),
        ("anna-2", False),
    ]


async def test_nobody_and_disabled(both: tuple[House, Provider]) -> None:
    """Without a role, and with a disabled account, nobody comes in, and it is said why."""
    home, idp = both
    idp.claims["groups"] = "unknown"
    browser = await home.browser()
    assert await log_in(browser) == 403
    assert "keine Rolle eingetragen" in browser.text
    assert await home.front.accounts.accounts() == []
    idp.claims["groups"] = "leitung"
    assert await log_in(browser) == 303
    (account,) = await home.front.accounts.accounts()
    await home.front.accounts.set_enabled(account.id, False)
    assert await log_in(await home.browser()) == 403


def signed_by(key: Any, alg: str) -> Callable[[dict[str, Any]], str]:
    return lambda claims: jwt.encode({"alg": alg, "kid": "1"}, claims, key, algorithms=[alg])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nonce", "another"),
        ("aud", "somebody else"),
        ("aud", [CLIENT, "somebody else"]),
        ("iss", "https://elsewhere.example"),
        ("exp", 1_000_000_000),
        ("iat", 4_000_000_000),
        ("sub", None),
    ],
)
async def test_claims_that_are_not_ours(both: tuple[House, Provider], name: str, value: object) -> None:
    """A token of another login, for somebody else, too old, from the future or of nobody is refused."""
    home, idp = both

    def spoil(claims: dict[str, Any]) -> None:
        claims.pop(name) if value is None else claims.update({name: value})

    idp.spoil = spoil
    browser = await home.browser()
    assert await log_in(browser) == 401
    assert "nicht gelungen" in browser.text
    assert await home.front.accounts.accounts() == []


def forged(alg: str, claims: dict[str, Any], signature: Callable[[bytes], bytes]) -> str:
    """A token that no library makes."""

    def part(data: bytes) -> str:
        return urlsafe_b64encode(data).rstrip(b"=").decode()

    text = f"{part(json.dumps({'alg': alg, 'kid': '1'}).encode())}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(signature(text.encode()))}"


@pytest.mark.parametrize("how", ["stranger", "shared", "none"])
async def test_signatures_that_are_not_the_providers(both: tuple[House, Provider], how: str) -> None:
    """Signed with another key, with the public key as a secret, or not at all."""
    home, idp = both
    public = idp.key.as_pem(private=False)
    idp.sign = {
        "stranger": signed_by(ECKey.generate_key("P-256"), "ES256"),
        "shared": lambda claims: forged("HS256", claims, lambda text: hmac.digest(public, text, "sha256")),
        "none": lambda claims: forged("none", claims, lambda _: b""),
    }[how]
    assert await log_in(await home.browser()) == 401


async def test_new_keys(both: tuple[House, Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that changes its keys is asked again, but not by every bad token."""
    home, idp = both
    assert await log_in(await home.browser()) == 303
    idp.key = ECKey.generate_key("P-256", {"kid": "2"})
    idp.sign = lambda claims: jwt.encode({"alg": "ES256", "kid": "2"}, claims, idp.key)
    assert await log_in(await home.browser()) == 401
    assert idp.asked == ["keys"]
    sign_on = home.front.sign_on
    assert sign_on is not None
    assert sign_on._keys is not None
    sign_on._keys = (0.0, sign_on._keys[1])  # a minute later
    assert await log_in(await home.browser()) == 303
    assert idp.asked == ["keys", "keys"]


async def test_attempts_are_bound(both: tuple[House, Provider]) -> None:
    """An answer serves once, in the browser that began; a made-up one and the provider's own error do not."""
    home, _ = both
    mine, other = await home.browser(), await home.browser()
    back = await leave(mine)
    assert (await other.get(back)).status == 401
    assert (await mine.get(back)).status == 401  # it is used up
    back = await leave(mine)
    assert (await mine.get(back)).status == 303
    assert (await mine.get(back)).status == 401
    state = parse_qs(urlsplit(await leave(mine)).query)["state"][0]
    assert (await mine.get(f"/anmelden/sso/zurueck?state={state}&error=access_denied")).status == 401
    state = parse_qs(urlsplit(await leave(mine)).query)["state"][0]
    assert (await mine.get(f"/anmelden/sso/zurueck?state={state}&code=x&iss=https://elsewhere.example")).status == 401
    state = parse_qs(urlsplit(await leave(mine)).query)["state"][0]
    assert (await mine.get(f"/anmelden/sso/zurueck?state={state}&code=made-up")).status == 401
    assert (await mine.get("/anmelden/sso/zurueck")).status == 401


async def test_old_and_many_attempts(both: tuple[House, Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt is good for ten minutes; of too many the oldest is forgotten."""
    home, _ = both
    browser = await home.browser()
    monkeypatch.setattr(oidc, "ATTEMPT_S", -1.0)
    assert await log_in(browser) == 401
    monkeypatch.undo()
    monkeypatch.setattr(oidc, "ATTEMPTS_MAX", 1)
    first = await leave(browser)
    await leave(await home.browser())
    assert (await browser.get(first)).status == 401


async def test_provider_away(both: tuple[House, Provider]) -> None:
    """The login page says so; passwords go on working."""
    home, idp = both
    idp.away = True
    browser = await home.browser()
    assert (await browser.get("/anmelden/sso")).status == 503
    assert "nicht erreichbar" in browser.text
    await home.account("otto", "ops")
    assert (await browser.log_in("otto")).status == 303
    idp.away, idp.says = False, "https://elsewhere.example"
    assert (await browser.get("/anmelden/sso")).status == 503  # and one that calls itself otherwise is not it


async def test_without_configuration(tmp_path: Path) -> None:
    """Where none is configured there is no single sign-on."""
    async with house(tmp_path) as home:
        browser = await home.browser()
        assert (await browser.get("/anmelden/sso")).status == 404
        assert (await browser.get("/anmelden/sso/zurueck")).status == 404
