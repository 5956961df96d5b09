"""What the link asks of a site: its epoch, its state as a whole. It makes the actions and keeps nothing."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5

from callrouter.ami.epoch import Look
from callrouter.ami.readback import VARIABLES, read_back
from callrouter.ami.session import Refused, Rows, Session, refusal
from callrouter.ami.translate import number, text
from callrouter.core.events import SiteRead


def get(variable: str) -> dict[str, str]:
    """Read a global variable or a function."""
    return {"Action": "Getvar", "Variable": variable}


def put(variable: str, value: str) -> dict[str, str]:
    """Write a global variable."""
    return {"Action": "Setvar", "Variable": variable, "Value": value}


VERSIONS = ({"Action": "CoreSettings"}, get("CR_DIALPLAN"))
VERSION_CHARS = 60


def said(rows: Rows | None, key: str) -> str | None:
    """What an answer has under this key; None: there was no answer, or a refusal."""
    return None if rows is None or refusal(rows) is not None else text(rows[0], key)[:VERSION_CHARS]


async def login(session: Session, user: str, secret: str, deadline_s: float) -> None:
    """Answer the manager's challenge, so that the secret itself never passes the wire. Raises Lost, Refused."""
    challenge = await session.ask({"Action": "Challenge", "AuthType": "MD5"}, deadline_s)
    key = md5((text(challenge, "Challenge") + secret).encode()).hexdigest()  # noqa: S324  # what AMI speaks
    await session.ask({"Action": "Login", "AuthType": "MD5", "Username": user, "Key": key, "Events": "on"}, deadline_s)


async def epoch(session: Session, known: int, deadline_s: float) -> Look:
    """The site's epoch and its beat. known: the epoch that it probably is, which saves a second trip.

    Raises Lost, Refused.
    """
    asked = [get("CR_EPOCH"), get(f"CR_BEAT_{known}")]
    found, beat = await session.ask_all(asked, deadline_s)
    if found is None:
        raise Refused("Getvar: the manager user needs write class 'call' or 'reporting'")
    now = number(text(found, "Value"), 0)
    if now and now != known:
        (beat,) = await session.ask_all([get(f"CR_BEAT_{now}")], deadline_s)
    return Look(now, text(beat, "Value") if beat else "")


async def site(session: Session, name: str, peers: Sequence[str], deadline_s: float) -> SiteRead:
    """The whole site: channels, phones, trunks. Raises Lost, Refused."""
    status = {"Action": "Status", "Variables": VARIABLES}
    rows, devices = await session.lists([status, {"Action": "DeviceStateList"}], deadline_s)
    return read_back(name, rows, devices, await contacts(session, peers, deadline_s))


async def contacts(session: Session, peers: Sequence[str], deadline_s: float) -> dict[str, tuple[str, ...]]:
    """The states of the trunks' contacts, per site. Functions, since the lists of PJSIP need class `system`."""
    aors = await session.ask_all([get(f"PJSIP_AOR({peer},contact)") for peer in peers], deadline_s)
    names = [[name for name in text(aor, "Value").split(",") if name] if aor else [] for aor in aors]
    wanted = [get(f"PJSIP_CONTACT({name},status)") for found in names for name in found]
    answers = iter(await session.ask_all(wanted, deadline_s))
    states: dict[str, tuple[str, ...]] = {}
    for peer, found in zip(peers, names, strict=True):
        said = [next(answers) for _ in found]
        states[peer] = tuple(text(answer, "Value") for answer in said if answer)
    return states
