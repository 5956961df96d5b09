"""What the configuration says of connections becomes links with verified TLS; what the router says becomes intents."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from callrouter.config.schema import Service
from callrouter.config.secret import Secret, SecretError
from callrouter.core.events import AgentAct, AgentActed
from callrouter.core.plan import Agent, Agreement, Plan, Site, Team
from callrouter.core.router import Router
from callrouter.wiring import Connection, RouterSeats, callers, switches
from tests.needs import program

PLAIN = Connection("gera", "127.0.0.1", 5038, "callrouter", "x", None, None, False, ("gotha",))
PLAN = Plan(
    "1", (Site("gera", "Gera", "TH", "Europe/Berlin"),), (), (Team("t", "T", "gera"), Team("u", "U", "gera")),
    (Agent("gera/1", "t", "gera", "p1"),), (Agreement("both", "t", "u"), Agreement("both", "u", "t")),
)  # fmt: skip


def seats(*acts: AgentActed) -> RouterSeats:
    router = Router(PLAN, 0.0)
    for act in acts:
        router.handle(act, 1.0)
    return RouterSeats(router)


def test_intents_are_what_agents_asked_for() -> None:
    """Ready though the phone is unreachable is ready; a pause keeps its reason; logged out is none."""
    assert seats().intent("gera/1") is None
    assert seats().intent("gera/9") is None
    assert seats(AgentActed("gera/1", AgentAct.READY)).intent("gera/1") == ("ready", "")
    paused = seats(AgentActed("gera/1", AgentAct.LOG_IN), AgentActed("gera/1", AgentAct.PAUSE, "lunch"))
    assert paused.intent("gera/1") == ("paused", "lunch")
    assert (paused.agent_of("gera", "p1"), paused.agent_of("gera", "p2")) == ("gera/1", None)


def test_timed_pause_does_not_outlive_the_process() -> None:
    """The router's short pause after a refusal would never end after a restart, so it is kept as ready."""
    router = Router(PLAN, 0.0)
    router.handle(AgentActed("gera/1", AgentAct.READY), 1.0)
    seat = router.state.seats["gera/1"]
    seat.intent, seat.reason = type(seat.intent)("paused"), "refused"
    assert RouterSeats(router).intent("gera/1") == ("ready", "")


def test_switches_are_by_name() -> None:
    """Both directions of an agreement are one switch."""
    assert switches(Router(PLAN, 0.0)) == [("both", one.borrower, True, None) for one in PLAN.agreements]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 'asterisk.test', signed by itself."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=asterisk.test", "-addext", "subjectAltName=DNS:asterisk.test", "-keyout", "-", "-out", "-"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(made.stdout)
    return path


@pytest.fixture
async def port(certificate: Path) -> AsyncIterator[int]:
    """A TLS server that greets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def greeting(port: int, connection: Connection) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=connection.context())
    try:
        return await reader.readline()
    finally:
        writer.close()


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """A file that is missing or holds none is said with its path and the site; ssl alone names neither."""
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate\n")
    for path in (tmp_path / "missing.pem", empty):
        with pytest.raises(SecretError, match=rf"{path}: no certificates .*; mend asterisk: tls: ca of site 'gera'"):
            replace(PLAIN, tls=True, ca=path).context()


@pytest.mark.parametrize("kept", [b"", b"\xff\xfe", b"short"])
def test_a_key_of_callers_that_is_none_is_named(tmp_path: Path, kept: bytes) -> None:
    """A damaged caller.key is said with its path and what its loss means."""
    (tmp_path / "caller.key").write_bytes(kept)
    with pytest.raises(SecretError, match=rf"{tmp_path}/caller.key: the key for callers' numbers is .*from a backup"):
        callers(Service(), tmp_path, Secret.reveal)


def test_a_folder_for_its_files_that_is_none_is_named(tmp_path: Path) -> None:
    """Nothing can be kept in what is a file."""
    (tmp_path / "var").touch()
    with pytest.raises(SecretError, match=rf"{tmp_path}/var: File exists; service.state_dir must be a folder"):
        callers(Service(), tmp_path / "var", Secret.reveal)


async def test_tls_trusts_its_ca_and_name_only(certificate: Path, port: int) -> None:
    """The certificate counts under the expected name; with another name, or from another authority, it does not."""
    good = replace(PLAIN, tls=True, ca=certificate, server_name="asterisk.test")
    assert await greeting(port, good) == b"hello\n"
    for bad in (replace(good, server_name="other.test"), replace(good, server_name=None), replace(good, ca=None)):
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeting(port, bad)


def test_plain_has_no_tls() -> None:
    """Without `tls` the link is plain TCP."""
    assert PLAIN.context() is None
