"""The doctor names what is wrong with a site and how to mend it; a well one has nothing to mend."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from callrouter.ami.doctor import Finding, Level, Patient, examine
from callrouter.cli import main
from callrouter.cli.doctor import patient_of
from callrouter.config.load import load
from tests.config.folders import folder

from .fake import Answer, FakeAsterisk, Fields, block, channel, refuse, reply, silent

DATA = Path(__file__).parent / "data"
RIGHTS = ("Setvar", "PlayDTMF", "Getvar", "Status", "DeviceStateList", "Originate")


def probe(
    fake: FakeAsterisk, fields: dict[str, str], *, variables: bool = True, user: bool = True, trap: bool = False
) -> bytes:
    headers = [line for line in channel() if variables or not line.startswith("ChanVariable")]
    headers = [line.replace("callrouter-hold", "callrouter-probe") for line in headers]
    number = fields["Variable"].partition("=")[2]
    told = block("Event: UserEvent", *headers, "UserEvent: CrProbe", f"Id: {number}") if user else b""
    if trap:
        caught = ("UserEvent: CrTrap", f"Id: {number}", "Text: a\rEvent: forged")
        told = block("Event: UserEvent", *headers, *caught) + told
    return reply(fields, "Message: Originate successfully queued") + block("Event: Newchannel", *headers) + told


@pytest.fixture
async def well() -> AsyncIterator[FakeAsterisk]:
    """A site that is as it should be."""
    async with FakeAsterisk() as fake:
        fake.variables = {
            "CR_DIALPLAN": "1",
            "CR_SITE": "gera",
            "CR_EPOCH": "77",
            "CR_BEAT_77": "1.x",
            "DIALPLAN_EXISTS(from-carrier,39123,1)": "1",
            "DIALPLAN_EXISTS(from-site,1001,1)": "1",
            "DIALPLAN_EXISTS(callrouter-probe,s,1)": "1",
            "PJSIP_ENDPOINT(carrier,trust_id_inbound)": "false",
            "PJSIP_ENDPOINT(carrier,callerid)": '"carrier" <0>',
            "PJSIP_AOR(gotha,contact)": "gotha@@1f",
            "PJSIP_CONTACT(gotha@@1f,status)": "Reachable",
        }
        fake.devices = {"PJSIP/1001": "NOT_INUSE"}
        fake.answers |= {
            "ListCommands": lambda f: reply(f, *(f"{name}: Does it.  (Priv: call,all)" for name in RIGHTS)),
            "CoreSettings": lambda f: reply(f, "AsteriskVersion: 22.10.1", "SystemName: gera"),
            "Ping": lambda f: reply(f, "Ping: Pong", f"Timestamp: {time.time():.6f}"),
            "Originate": lambda f: probe(fake, f),
        }
        yield fake


def patient(fake: FakeAsterisk) -> Patient:
    return Patient(
        site="gera", host="127.0.0.1", port=fake.port, user="callrouter", secret="lab", tls=None, server_name="",
        dialplan=1, carrier="carrier", numbers=("39123",), phones=("1001",), peers=("gotha",),
        rung_from=("gotha",),
    )  # fmt: skip


async def findings(one: Patient, timeout_s: float = 2.0) -> list[Finding]:
    return await asyncio.to_thread(examine, one, timeout_s)


def bad(found: list[Finding]) -> list[str]:
    return [str(finding) for finding in found if finding.level is not Level.GOOD]


async def test_a_well_site(well: FakeAsterisk) -> None:
    """Nothing to mend, and each thing that was looked at is named."""
    found = await findings(patient(well))
    assert bad(found) == []
    assert [f.what for f in found if "clocks" not in f.what] == [
        "login as callrouter (AMI 11.0.0, Asterisk 22.10.1)",
        "has the rights it needs and no more",
        "the dialplan has version 1 and all 1 numbers",
        "events of channels and of the dialplan arrive",
        "events with control characters are held back",
        "all 1 phones can be reached",
        "the trunk to gotha is up",
        "epoch 77 is in force",
    ]
    assert {fields["Action"] for fields in well.actions}.isdisjoint({"Setvar", "PlayDTMF", "Hangup", "Redirect"})


@pytest.mark.parametrize(
    ("commands", "boots", "says"),
    [
        (("PJSIPNotify", "ModuleLoad"), False, "gera: good: callrouter-phones may ask phones to answer"),
        (("ModuleLoad",), False, "gera: error: callrouter-phones may not PJSIPNotify: agents cannot answer"),
        (("PJSIPNotify", "Originate"), False, "gera: warning: callrouter-phones has write class originate, too"),
        (("PJSIPNotify",), True, "gera: warning: callrouter-phones reads events for which it has no use"),
        ((), False, "gera: error: login as callrouter-phones refused: Authentication failed; compare the secret"),
    ],
)
async def test_the_user_that_asks_phones(well: FakeAsterisk, commands: tuple[str, ...], boots: bool, says: str) -> None:
    """It has the one right, reads nothing, and can log in; the first user's findings stay as they are."""
    logins: list[str] = []
    as_router, rights = well.answers["Login"], well.answers["ListCommands"]

    def login(fields: Fields) -> bytes | None:
        logins.append(fields["Username"])
        if len(logins) == 1 or boots:
            return as_router(fields)
        return reply(fields) if commands else refuse("Authentication failed")(fields)

    def may(fields: Fields) -> bytes | None:
        return rights(fields) if len(logins) == 1 else reply(fields, *(f"{name}: x" for name in commands))

    well.answers |= {"Login": login, "ListCommands": may}
    found = await findings(replace(patient(well), phone_control=("callrouter-phones", "lab")))
    assert logins == ["callrouter", "callrouter-phones"]
    assert [str(finding) for finding in found][-1].startswith(says)
    assert len(bad(found)) == ("good" not in says)


def variable(name: str, value: str) -> Callable[[FakeAsterisk], None]:
    return lambda fake: fake.variables.update({name: value})


def answer(name: str, how: Answer) -> Callable[[FakeAsterisk], None]:
    return lambda fake: fake.answers.update({name: how})


def devices(**states: str) -> Callable[[FakeAsterisk], None]:
    return lambda fake: setattr(fake, "devices", {f"PJSIP/{name[1:]}": state for name, state in states.items()})


@pytest.mark.parametrize(
    ("fault", "what", "mend"),
    [
        (answer("Login", refuse("Authentication failed")), "error: login as callrouter refused", "compare the secret"),
        (
            answer("ListCommands", lambda f: reply(f, "Ping: x")),
            "may not Setvar, PlayDTMF, Getvar: write class call",
            "",
        ),
        (
            answer("ListCommands", lambda f: reply(f, *(f"{name}: x" for name in (*RIGHTS, "Command")))),
            "warning: has write class command",
            "write = call,reporting,originate",
        ),
        (answer("CoreSettings", lambda f: reply(f, "SystemName: pbx")), "calls itself 'pbx'", "systemname = gera"),
        (variable("CR_DIALPLAN", ""), "the dialplan callrouter.conf is missing", "#include"),
        (variable("CR_DIALPLAN", "0"), "has version 0, this release needs 1", "dialplan fixed"),
        (variable("CR_SITE", "gotha"), "CR_SITE is 'gotha'", "render --site gera"),
        (variable("DIALPLAN_EXISTS(from-carrier,39123,1)", "0"), "callers of 39123 get no answer", "render"),
        (variable("DIALPLAN_EXISTS(from-site,1001,1)", "0"), "calls of gotha cannot ring 1001", "render"),
        (variable("DIALPLAN_EXISTS(callrouter-probe,s,1)", "0"), "no callrouter-probe", "callrouter.conf"),
        (
            lambda fake: fake.answers.update(Originate=lambda f: probe(fake, f, trap=True)),
            "control char",
            "eventfilter",
        ),
        (variable("PJSIP_ENDPOINT(carrier,trust_id_inbound)", ""), "no PJSIP endpoint 'carrier'", "pjsip.conf"),
        (variable("PJSIP_ENDPOINT(carrier,trust_id_inbound)", "true"), "could forge events", "trust_id_inbound = no"),
        (variable("PJSIP_ENDPOINT(carrier,callerid)", "<unknown>"), "no fixed caller id", "callerid ="),
        (devices(p2001="INUSE"), "1 phones are unknown here: 1001", "pjsip.conf"),
        (devices(p1001="UNAVAILABLE"), "warning: 1 of 1 phones cannot be reached: 1001", "registration"),
        (variable("PJSIP_AOR(gotha,contact)", ""), "calls may go to gotha, but there is no trunk", "pjsip.conf"),
        (variable("PJSIP_CONTACT(gotha@@1f,status)", "Unreachable"), "trunk to gotha is down (Unreachable)", "running"),
        (variable("PJSIP_CONTACT(gotha@@1f,status)", "NonQualified"), "to gotha is not watched", "qualify_frequency"),
        (answer("Ping", lambda f: reply(f, "Timestamp: 1000.5")), "error: Asterisk's clock is", "NTP"),
        (answer("Ping", lambda f: reply(f, f"Timestamp: {time.time() + 9}")), "warning: Asterisk's clock is", "NTP"),
        (answer("DeviceStateList", refuse("Permission denied")), "phones cannot be examined: Permission", "rights"),
        (answer("Status", silent), "", ""),
    ],
)
async def test_each_fault_has_its_finding(
    well: FakeAsterisk, fault: Callable[[FakeAsterisk], None], what: str, mend: str
) -> None:
    """One planted fault, one finding that names it, with the mend."""
    fault(well)
    found = bad(await findings(patient(well)))
    assert any(what in text and mend in text for text in found) or not what, found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "what"),
    [
        (lambda fake: answer("Originate", reply), "events of channels do not arrive"),
        (
            lambda fake: answer("Originate", lambda f: probe(fake, f, user=False)),
            "events of the dialplan do not arrive",
        ),
        (
            lambda fake: answer("Originate", lambda f: probe(fake, f, variables=False)),
            "do not carry CR_CALL and CR_TRY",
        ),
        (lambda fake: lambda it: setattr(it, "booted", False), "no FullyBooted came"),
    ],
)
async def test_events_that_do_not_arrive(
    well: FakeAsterisk, how: Callable[[FakeAsterisk], Callable[[FakeAsterisk], None]], what: str
) -> None:
    """Read rights and filters can be seen only by what comes; each missing class has its own line."""
    how(well)(well)
    found = bad(await findings(patient(well)))
    assert any(what in text and "manager.conf" in text for text in found), found


@pytest.mark.slow
async def test_nobody_there_and_somebody_else_there(well: FakeAsterisk) -> None:
    """A closed port, a port of something else, and a manager that falls silent are all unreachable, not a traceback."""
    well.answers["Getvar"] = silent
    (found,) = (await findings(patient(well), 0.3))[-1:]
    assert "no answer within 0.3 s" in str(found)
    well.banner = b"SSH-2.0-x\r\n"
    (found,) = await findings(patient(well), 0.3)
    assert "no greeting came" in str(found)
    await well.stop()
    (found,) = await findings(patient(well))
    assert "bindaddr and port" in found.mend
    await well.listen()


async def test_tls_is_verified() -> None:
    """The doctor sends no secret to a manager with a wrong certificate either."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(DATA / "tls_good.pem")
    async with FakeAsterisk(server) as fake:
        trusting = replace(patient(fake), tls=ssl.create_default_context(cafile=DATA / "tls_good.pem"))
        (first, *_) = await findings(trusting)
        assert first.what.startswith("login as callrouter (AMI 11.0.0")
        fake.actions.clear()
        (only,) = await findings(replace(trusting, tls=ssl.create_default_context(cafile=DATA / "tls_other.pem")))
        assert "TLS with 127.0.0.1" in only.what
        assert not fake.actions


def test_trunks_are_looked_at_in_the_direction_of_the_calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A one-way agreement needs a trunk from the borrower and phones at the lender; so does a team of another site."""
    for name in ("SECRET_GERA", "SECRET_GOTHA"):
        monkeypatch.setenv(name, "s")

    def seen(more: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        loaded = load(folder(tmp_path, more=more))
        return [(one.peers, one.rung_from) for one in (patient_of(loaded, "gera"), patient_of(loaded, "gotha"))]

    assert seen("agreements: {one: {borrower: agency-gera, lender: agency-gotha, topics: general}}") == [
        (("gotha",), ()),
        ((), ("gera",)),
    ]
    hotline = "hotlines: {far: {title: F, site: gera, numbers: 030 23125 000, teams: agency-gotha}}"
    assert seen(hotline) == [(("gotha",), ()), ((), ("gera",))]
    assert seen("") == [((), ()), ((), ())]


def test_the_command_ends_with_status_1_when_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing secret is a finding; an unknown site is named; a bad configuration is said as by check."""
    for name in ("GERA", "GOTHA", "MAGDEBURG", "AACHEN"):
        monkeypatch.delenv(f"CALLROUTER_AMI_{name}", raising=False)
    folder = str(Path(__file__).parents[2] / "config")
    result = CliRunner().invoke(main, ["doctor", folder, "--site", "gera"])
    assert result.exit_code == 1
    assert (
        "gera: error: its secret cannot be read; environment variable CALLROUTER_AMI_GERA is not set" in result.output
    )
    result = CliRunner().invoke(main, ["doctor", folder, "--site", "nowhere"])
    assert result.exit_code == 1
    assert "no site nowhere" in result.output
    result = CliRunner().invoke(main, ["doctor", str(DATA)])
    assert result.exit_code == 1
