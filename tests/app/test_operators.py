"""Operators' pages over a whole service: the state of everything, the story of a call, the configuration."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from time import time

import aiohttp
import pytest

from callrouter.app import Service
from callrouter.roles import Grant
from callrouter.sim.people import ANSWERS
from tests.app.conftest import NUMBERS, Network, ready

CALLER = "017612345678"
OURS = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "de"}


class Visitor:
    """Somebody who is logged in."""

    def __init__(self, session: aiohttp.ClientSession, service: Service) -> None:
        self._session = session
        self._url = service.server.url
        self._csrf = ""

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(self._url + path, headers=OURS, allow_redirects=False) as answer:
            return answer.status, self._keep(await answer.text())

    async def post(self, path: str, **form: str) -> tuple[int, str]:
        data = {"csrf": self._csrf, **form}
        async with self._session.post(self._url + path, data=data, headers=OURS, allow_redirects=False) as answer:
            text = self._keep(await answer.text())
            return answer.status, answer.headers.get("Location") or text

    def _keep(self, text: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', text)
        self._csrf = found[1] if found else self._csrf
        return unescape(text)


@asynccontextmanager
async def visitor(service: Service, grant: str) -> AsyncIterator[Visitor]:
    accounts = service.front.accounts
    account = await accounts.account(grant) or await accounts.account(f"{grant}-of-tests")
    number = account.id if account else await accounts.add(f"{grant}-of-tests", "", [Grant.read(grant)], None, time())
    token = await accounts.begin(number, time())
    async with aiohttp.ClientSession(cookies={service.front.cookie: token}) as session:
        yield Visitor(session, service)


async def text_of(who: Visitor, path: str, wanted: str) -> str:
    """The page, once it holds this."""
    text = ""

    async def look() -> bool:
        nonlocal text
        _, text = await who.get(path)
        return wanted in text

    for _ in range(600):
        if await look():
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(f"{wanted!r} is not on {path}: {text[-3000:]}")


@pytest.mark.slow
async def test_story_of_a_call(network: Network, tmp_path: Path) -> None:
    """The timeline has an item for each event with its reasons; replayed it is the same; no number is shown."""
    network.phone("gera/2001", ANSWERS)
    async with network.service(tmp_path / "var") as service, visitor(service, "ops") as who:
        await ready(service, "gera/2001")
        caller = network.sites["gera"].call(NUMBERS["gera"], CALLER)
        await caller.until("talking")
        status, text = await who.get("/anrufe?ende=live")
        assert status == 200
        assert f'href="/anrufe/{caller.call}"' in text
        assert "•••678" in text
        caller.hang_up()
        await caller.until("ended")
        await text_of(who, "/anrufe", caller.call)
        path = f"/anrufe/{caller.call}"
        _, text = await who.get(path)
        assert "<ol" in text
        assert 'aria-label="Verlauf"' in text
        events = [turn for turn in re.findall(r"<li.*?</li>", text, re.DOTALL) if 'class="when"' in turn]
        assert len(events) >= 5
        offers = [turn for turn in events if "Angeboten" in turn]
        assert offers
        assert all("Grund" in turn for turn in offers)
        assert "am längsten frei von 1 in gera" in text
        assert service.router.plan.version in text
        assert ">answered<" not in text.replace(" ", "")
        _, again = await who.post(path)
        assert "Gleich: Alle" in again
        assert "verworfen:" in again or "candidates" not in again
        status, where = await who.post("/anrufe", nummer="+49 176 12345678")
        assert status == 303
        assert "176" not in where
        _, found = await who.get(where)
        assert caller.call in found
        _, nobody = await who.get((await who.post("/anrufe", nummer="0365 1234567"))[1])
        assert caller.call not in nobody
        for page in (text, again, found):
            assert CALLER not in page
            assert CALLER[1:] not in page
        assert (await who.get("/anrufe/gera/1.1"))[0] == 404
        for query in ("?von=x&bis=y", "?vor=x", "?vor=1.0~a&anruf=gera/", "?bis=1999-01-01"):
            assert (await who.get("/anrufe" + query))[0] == 200


@pytest.mark.slow
async def test_state_of_the_system(network: Network, tmp_path: Path) -> None:
    """A file that is broken is told with file:line while the old version stays; a dead site is disturbed."""
    async with (
        network.service(tmp_path / "var", folder=network.folder) as service,
        visitor(service, "ops") as who,
        visitor(service, "admin") as admin,
    ):
        version = service.router.plan.version
        text = await text_of(who, "/system", "Alles in Ordnung")
        assert "verbunden" in text
        assert (await who.get("/system/konfiguration"))[0] == 200
        file = network.folder / "network.yaml"
        good = file.read_text()
        file.write_text(good.replace("ring_max_s: 110", "ring_max_s: soon", 1))
        text = await text_of(who, "/system", "FEHLER")
        assert re.search(r"network\.yaml:\d+:\d+", text)
        assert f"{version} läuft weiter." in text
        assert service.router.plan.version == version
        status, text = await who.get("/system/konfiguration")
        assert status == 422
        assert re.search(r"network\.yaml:\d+:\d+", text)
        file.write_text(good.replace("ring_max_s: 110", "ring_max_s: 90", 1))
        await who.post("/system/konfiguration")
        text = await text_of(who, "/system", "hotlines.agency-gera.ring_max_s")
        assert "90" in text
        assert service.router.plan.version != version
        await network.sites["gotha"].kill()
        await text_of(who, "/system", "gestört")
        assert (await admin.get("/system"))[0] == 200
        assert (await admin.post("/system/konfiguration"))[0] == 403


async def test_configuration_and_route_tester(network: Network, tmp_path: Path) -> None:
    """Files are shown without passwords; the tester gives the production router's answer, or says what is wrong."""
    secret = "service:\n  database: postgresql+asyncpg://me:geheim@host/db\n"
    async with (
        network.service(tmp_path / "var", folder=network.folder) as service,
        visitor(service, "ops") as who,
    ):
        (network.folder / "more.yaml").write_text(secret)
        _, text = await who.get("/konfiguration")
        assert "me:•••@host" in text
        assert "geheim" not in text
        asked = "/konfiguration?hotline=agency-gera&wann=2026-11-23T09:14"
        _, text = await who.get(asked)
        assert "Angeboten an gera/2001" in text
        _, text = await who.get(asked + "&besetzt=gera")
        assert "Vereinbarung both" in text
        assert "Überlauf nach both: niemand frei in gera" in text
        _, text = await who.get(asked + "&besetzt=gera&v-both=aus")
        assert "Wartet" in text
        assert "Vereinbarung AUS" in text
        for wrong in ("&besetzt=nobody", "&gewartet=-1", "&gestoert=nowhere"):
            assert (await who.get(asked + wrong))[0] == 422
        assert (await who.get("/konfiguration?hotline=x"))[0] == 422
        assert (await who.get("/konfiguration?hotline=agency-gera&wann=soon"))[0] == 422


async def test_files_are_shown_where_nothing_is_reloaded(network: Network, tmp_path: Path) -> None:
    """A service that never reads its files again, such as the demo's, shows them all the same, and offers no reload."""
    async with network.service(tmp_path / "var") as service, visitor(service, "ops") as who:
        _, text = await who.get("/konfiguration")
        assert "network.yaml" in text
        _, text = await who.get("/system/konfiguration")
        assert "liest seine Konfiguration nicht neu ein" in text
        assert (await who.post("/system/konfiguration"))[0] == 303


async def test_accounts_and_audit(network: Network, tmp_path: Path) -> None:
    """Accounts are made, changed and locked; every change is in the trail; nobody locks himself out."""
    async with network.service(tmp_path / "var") as service, visitor(service, "admin") as who:
        await who.get("/konten")
        status, text = await who.post("/konten", name="Anna", titel="Anna A.", rollen="supervisor:gera, ops")
        assert status == 200
        made = re.search(r"<code>(\w{4}-\w{4}-\w{4}-\w{4})</code>", text)
        assert made
        for form, what in (
            ({"name": "anna", "rollen": "ops"}, "Diesen Namen gibt es schon."),
            ({"name": "x", "rollen": "ops"}, "2 bis 64 Buchstaben"),
            ({"name": "otto", "rollen": "boss"}, "there is no role"),
            ({"name": "otto", "rollen": ""}, "Mindestens eine Rolle"),
            ({"name": "otto", "rollen": "supervisor:nowhere"}, "steht nicht in der Konfiguration"),
        ):
            status, text = await who.post("/konten", **form)
            assert (status, what in text) == (422, True), (form, text[-2000:])
        anna = await service.front.accounts.credentials("anna")
        assert anna is not None
        assert await service.front.passwords.verify(anna[1], made[1])
        assert (await who.get("/konten/anna"))[0] == 200
        assert (await who.post("/konten/anna/rollen", rollen="agent:gera/2001"))[0] == 303
        assert (await who.post("/konten/anna/abmelden"))[0] == 303
        assert "Passwort für anna" in (await who.post("/konten/anna/passwort"))[1]
        assert (await who.post("/konten/anna/sperren"))[0] == 303
        assert "gesperrt" in (await who.get("/konten"))[1]
        assert (await who.post("/konten/anna/freigeben"))[0] == 303
        assert (await who.post("/konten/anna/fliegen"))[0] == 404
        assert (await who.get("/konten/nobody"))[0] == 404
        assert (await who.post("/konten/admin-of-tests/sperren"))[0] == 422
        assert (await who.post("/konten/admin-of-tests/rollen", rollen="ops"))[0] == 422
        _, text = await who.get("/protokoll?was=anna")
        for word in ("added", "rollen", "abmelden", "passwort", "sperren", "freigeben"):
            assert word in text
        assert "supervisor:gera" in text
        assert (await who.get("/protokoll?vor=1&wer=x"))[0] == 200
