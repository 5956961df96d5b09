"""TLS is verified: a manager is believed only with a certificate for its own address."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from callrouter.ami.linkstate import Fault, Phase

from .conftest import Rig, until
from .fake import FakeAsterisk

DATA = Path(__file__).parent / "data"  # self-signed, made for these tests: for 127.0.0.1, and for somebody else


def server(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / name)
    return context


async def test_a_verified_link_comes_up() -> None:
    """The certificate is known and for this address."""
    async with FakeAsterisk(server("tls_good.pem")) as fake:
        rig = Rig(fake)
        link = await rig.up(tls=ssl.create_default_context(cafile=DATA / "tls_good.pem"))
        assert link.state.up
        await link.close()


@pytest.mark.parametrize(
    ("shown", "trusted"),
    [("tls_other.pem", "tls_other.pem"), ("tls_good.pem", "tls_other.pem")],
    ids=["wrong-name", "unknown-issuer"],
)
async def test_a_wrong_certificate_gets_no_secret(shown: str, trusted: str) -> None:
    """Wrong name or unknown issuer: the login is not even sent, and the state says why."""
    async with FakeAsterisk(server(shown)) as fake:
        rig = Rig(fake)
        link = rig.make(tls=ssl.create_default_context(cafile=DATA / trusted))
        link.start()
        await until(lambda: link.state.fault is Fault.TLS)
        assert "certificate verify failed" in link.state.fault_text
        await link.close()
        assert not fake.actions
        assert link.state.phase is Phase.CLOSED
