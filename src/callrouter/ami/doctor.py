"""What is wrong between the router and one site's Asterisk, each finding with its mend. Looks; changes nothing.

The only thing it makes is a call on a Local channel to `callrouter-probe`, which involves no phone and no line, to see
whether the events that the router lives on reach its user.
"""

from __future__ import annotations

import queue
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_hex

from callrouter.ami.checker import Checker, NoAnswer, Refusal

CLOCK_S = 2.0  # a larger difference makes logs and records hard to compare
CLOCK_BAD_S = 60.0
NAMES_MAX = 8  # in one line; the others are counted


class Level(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    site: str
    level: Level
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.site}: {self.level}: {self.what}" + (f"; {self.mend}" if self.mend else "")


@dataclass(frozen=True, slots=True)
class Patient:
    """What the configuration says of one site, as far as its Asterisk must agree.

    peers: sites whose phones this site's calls may ring. rung_from: sites whose calls may ring phones here. phones: of
    agents and of the failsafe group.
    """

    site: str
    host: str
    port: int
    user: str
    secret: str
    tls: ssl.SSLContext | None
    server_name: str
    dialplan: int
    carrier: str
    numbers: tuple[str, ...]
    phones: tuple[str, ...]
    peers: tuple[str, ...]
    rung_from: tuple[str, ...]
    phone_control: tuple[str, str] | None = None  # user and secret of who asks phones to answer


NEEDED = {
    "Setvar": "call",
    "PlayDTMF": "call",
    "Getvar": "call",
    "Status": "reporting",
    "DeviceStateList": "reporting",
    "Originate": "originate",
}
TOO_MUCH = {"Command": "command", "UpdateConfig": "config", "ModuleLoad": "system", "CreateConfig": "config"}
# what who asks phones to answer has no use for
TOO_MUCH_THERE = {"Command": "command", "UpdateConfig": "config", "Originate": "originate", "PlayDTMF": "call"}


def examine(patient: Patient, timeout_s: float = 5.0, clock: Callable[[], float] = time.time) -> list[Finding]:
    """All findings of one site. Blocks for some seconds at most; never raises for what a site may do."""
    site = patient.site
    where = f"{f'[{patient.host}]' if ':' in patient.host else patient.host}:{patient.port}"

    def connection() -> Checker:
        return Checker(patient.host, patient.port, patient.tls, timeout_s, patient.server_name)

    try:
        with connection() as checker:
            findings = [Finding(site, *found) for found in _examine(patient, checker, clock)]
        if patient.phone_control is not None:
            with connection() as checker:
                findings += [Finding(site, *found) for found in _phone_control(*patient.phone_control, checker)]
        return findings
    except (ssl.SSLError, ssl.CertificateError) as error:
        mend = "see tls (ca, server_name) in the configuration and tlscertfile in manager.conf"
        return [Finding(site, Level.ERROR, f"TLS with {where} failed: {error}", mend)]
    except (OSError, NoAnswer) as error:
        mend = "is Asterisk running, and do bindaddr and port in manager.conf fit the configuration?"
        return [Finding(site, Level.ERROR, f"cannot reach {where}: {error}", mend)]


Found = tuple[Level, str, str]


def _examine(patient: Patient, checker: Checker, clock: Callable[[], float]) -> Iterator[Found]:
    try:
        checker.login(patient.user, patient.secret)
    except Refusal as error:
        mend = f"compare the secret, and see permit and deny of [{patient.user}] in manager.conf"
        yield Level.ERROR, f"login as {patient.user} refused: {error}", mend
        return
    yield Level.GOOD, f"login as {patient.user} (AMI {checker.version}{_asterisk(checker)})", ""
    if not _event(checker, "FullyBooted", 3.0):
        mend = f"add system to read of [{patient.user}] in manager.conf, unless Asterisk is just starting"
        yield Level.ERROR, "no FullyBooted came", mend
    for check in (_rights, _names, _dialplan, _probe, _carrier, _phones, _trunks, _clock(clock), _router):
        try:
            yield from check(patient, checker)
        except Refusal as error:
            yield Level.ERROR, f"{check.__name__.strip('_')} cannot be examined: {error}", "see the rights above"


def _asterisk(checker: Checker) -> str:
    try:
        return f", Asterisk {checker.ask('CoreSettings').get('AsteriskVersion', '?')}"
    except Refusal:
        return ""


def _event(checker: Checker, name: str, limit_s: float, **keys: str) -> dict[str, str] | None:
    """The next event of this name and these fields; None if it does not come in time."""
    return _up_to(checker, name, limit_s, **keys)[1]


def _up_to(
    checker: Checker, name: str, limit_s: float, **keys: str
) -> tuple[list[dict[str, str]], dict[str, str] | None]:
    """That event, and the events that came before it."""
    deadline = time.monotonic() + limit_s
    before: list[dict[str, str]] = []
    while True:
        try:
            event = checker.events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return before, None
        if event.name == name and all(event.keys.get(key) == value for key, value in keys.items()):
            return before, dict(event.keys)
        before.append(dict(event.keys))


def _rights(patient: Patient, checker: Checker) -> Iterator[Found]:
    """ListCommands names what this user may do, and nothing else."""
    allowed = set(checker.ask("ListCommands"))
    missing: dict[str, list[str]] = {}
    for action, right in NEEDED.items():
        if action not in allowed:
            missing.setdefault(right, []).append(action)
    for right, actions in missing.items():
        what = f"may not {', '.join(actions)}: write class {right} is missing (or the module is not loaded)"
        yield Level.ERROR, what, f"write = call,reporting,originate for [{patient.user}] in manager.conf"
    excess = sorted({right for action, right in TOO_MUCH.items() if action in allowed})
    if excess:
        what = f"has write class {', '.join(excess)}: whoever learns the secret owns the machine"
        yield Level.WARNING, what, f"write = call,reporting,originate for [{patient.user}] in manager.conf"
    if not missing and not excess:
        yield Level.GOOD, "has the rights it needs and no more", ""


def _phone_control(user: str, secret: str, checker: Checker) -> Iterator[Found]:
    """Who asks phones to answer: may it, and nothing that it can do without?"""
    shipped = "manager.d/phones.conf.example"
    try:
        checker.login(user, secret)
    except Refusal as error:
        yield Level.ERROR, f"login as {user} refused: {error}", f"compare the secret, permit and deny with {shipped}"
        return
    allowed = set(checker.ask("ListCommands"))
    if "PJSIPNotify" not in allowed:
        mend = f"write = system for [{user}], and res_pjsip_notify.so in modules.conf"
        yield Level.ERROR, f"{user} may not PJSIPNotify: agents cannot answer from their pages", mend
    excess = sorted({right for action, right in TOO_MUCH_THERE.items() if action in allowed})
    if excess:
        yield Level.WARNING, f"{user} has write class {', '.join(excess)}, too", f"write = system alone, see {shipped}"
    if _event(checker, "FullyBooted", 0.5):
        yield Level.WARNING, f"{user} reads events for which it has no use", f"read = (nothing), see {shipped}"
    elif "PJSIPNotify" in allowed and not excess:
        yield Level.GOOD, f"{user} may ask phones to answer", ""


def _names(patient: Patient, checker: Checker) -> Iterator[Found]:
    name = checker.ask("CoreSettings").get("SystemName", "")
    if name != patient.site:
        mend = f"systemname = {patient.site} in asterisk.conf, then restart Asterisk"
        yield Level.ERROR, f"Asterisk calls itself {name!r}: ids of calls would not be unique", mend


def _dialplan(patient: Patient, checker: Checker) -> Iterator[Found]:
    version = checker.get("CR_DIALPLAN")
    if not version:
        mend = (
            '#include "callrouter.conf" in extensions.conf (`callrouter dialplan fixed` prints it), `dialplan reload`'
        )
        yield Level.ERROR, "the dialplan callrouter.conf is missing", mend
        return
    if version != str(patient.dialplan):
        mend = "take callrouter.conf of this release (`callrouter dialplan fixed`), then `dialplan reload`"
        yield Level.ERROR, f"the dialplan has version {version}, this release needs {patient.dialplan}", mend
    render = f"`callrouter dialplan render --site {patient.site}` prints callrouter-site.conf; then `dialplan reload`"
    at = checker.get("CR_SITE")
    if at != patient.site:
        yield Level.ERROR, f"the dialplan's CR_SITE is {at!r}", render
    unknown = [number for number in patient.numbers if not _exists(checker, "from-carrier", number)]
    if unknown:
        yield Level.ERROR, f"callers of {_some(unknown)} get no answer: not in from-carrier", render
    away = [phone for phone in patient.phones if not _exists(checker, "from-site", phone)]
    if away and patient.rung_from:
        who = " and ".join(patient.rung_from)
        yield Level.ERROR, f"calls of {who} cannot ring {_some(away)}: not in from-site", render
    if version == str(patient.dialplan) and at == patient.site and not unknown:
        yield Level.GOOD, f"the dialplan has version {version} and all {len(patient.numbers)} numbers", ""


def _exists(checker: Checker, context: str, extension: str) -> bool:
    return checker.get(f"DIALPLAN_EXISTS({context},{extension},1)") == "1"


def _probe(patient: Patient, checker: Checker) -> Iterator[Found]:
    """Do the events arrive that the router lives on?"""
    if not _exists(checker, "callrouter-probe", "s"):
        yield Level.ERROR, "the dialplan has no callrouter-probe", "take callrouter.conf of this release"
        return
    probe = token_hex(4)
    target = {"Channel": "Local/s@callrouter-probe/n", "Context": "callrouter-probe", "Exten": "s", "Priority": "1"}
    checker.ask("Originate", **target, Async="true", Timeout="2000", Variable=f"__CR_PROBE={probe}")
    channel = _event(checker, "Newchannel", 3.0, Context="callrouter-probe")
    if channel is None:
        mend = f"add call to read of [{patient.user}], and Newchannel to its eventfilters, in manager.conf"
        yield Level.ERROR, "events of channels do not arrive", mend
    elif not {"CR_CALL", "CR_TRY"} <= set(channel.get("ChanVariable", {})):
        mend = "channelvars = CR_CALL,CR_TRY under [general] in manager.conf"
        yield Level.ERROR, "events of channels do not carry CR_CALL and CR_TRY", mend
    before, user = _up_to(checker, "UserEvent", 3.0, UserEvent="CrProbe", Id=probe)
    if user is None:
        mend = f"add user to read of [{patient.user}], and UserEvent to its eventfilters, in manager.conf"
        yield Level.ERROR, "events of the dialplan do not arrive", mend
    elif channel is not None:
        yield Level.GOOD, "events of channels and of the dialplan arrive", ""
    if any(event.get("UserEvent") == "CrTrap" for event in before):
        mend = f"the first eventfilter of [{patient.user}] in deploy/asterisk/manager.conf"
        yield Level.ERROR, "events with control characters arrive: callers could forge events", mend
    elif user is not None:
        yield Level.GOOD, "events with control characters are held back", ""


def _carrier(patient: Patient, checker: Checker) -> Iterator[Found]:
    """Text from the wire must not become part of AMI events (a stranger could forge them)."""
    name = patient.carrier
    trust = checker.get(f"PJSIP_ENDPOINT({name},trust_id_inbound)")
    if not trust:
        mend = "see trunk.carrier in the configuration and pjsip.conf; func_pjsip_endpoint.so must be loaded"
        yield Level.ERROR, f"there is no PJSIP endpoint {name!r} for the carrier", mend
        return
    if trust not in ("false", "no"):
        mend = f"trust_id_inbound = no for [{name}] in pjsip.conf"
        yield Level.ERROR, "the carrier's endpoint trusts identities: callers could forge events", mend
    if not any(char.isdigit() for char in checker.get(f"PJSIP_ENDPOINT({name},callerid)")):
        mend = f'callerid = "carrier" <0> for [{name}] in pjsip.conf; the dialplan reads the number itself'
        yield Level.ERROR, "the carrier's endpoint has no fixed caller id: callers could forge events", mend


def _phones(patient: Patient, checker: Checker) -> Iterator[Found]:
    states = {row.get("Device", ""): row.get("State", "") for row in checker.rows("DeviceStateList")}
    known = [phone for phone in patient.phones if f"PJSIP/{phone}" in states]
    missing = [phone for phone in patient.phones if f"PJSIP/{phone}" not in states]
    if missing:
        mend = "add them to pjsip.conf, or mend the teams in the configuration"
        yield Level.ERROR, f"{len(missing)} phones are unknown here: {_some(missing)}", mend
    off = [phone for phone in known if states[f"PJSIP/{phone}"] in ("UNAVAILABLE", "INVALID", "UNKNOWN")]
    if off:
        mend = "switched off? See their registration (`pjsip show contacts`)"
        yield Level.WARNING, f"{len(off)} of {len(known)} phones cannot be reached: {_some(off)}", mend
    elif known:
        yield Level.GOOD, f"all {len(known)} phones can be reached", ""


def _trunks(patient: Patient, checker: Checker) -> Iterator[Found]:
    for peer in patient.peers:
        contacts = [name for name in checker.get(f"PJSIP_AOR({peer},contact)").split(",") if name]
        if not contacts:
            mend = f"add endpoint and aor [{peer}] to pjsip.conf; func_pjsip_aor.so must be loaded"
            yield Level.ERROR, f"calls may go to {peer}, but there is no trunk to it", mend
            continue
        states = {checker.get(f"PJSIP_CONTACT({name},status)") for name in contacts}
        if "Reachable" in states:
            yield Level.GOOD, f"the trunk to {peer} is up", ""
        elif "NonQualified" in states and checker.get(f"PJSIP_AOR({peer},qualify_frequency)") not in ("", "0"):
            yield Level.WARNING, f"the trunk to {peer} has not been tried yet", "look again in some seconds"
        elif "NonQualified" in states:
            mend = f"qualify_frequency = 2 for aor [{peer}] in pjsip.conf"
            yield Level.WARNING, f"the trunk to {peer} is not watched: its death would go unseen", mend
        else:
            mend = f"is {peer}'s Asterisk running, and is its address in aor [{peer}] right?"
            yield Level.ERROR, f"the trunk to {peer} is down ({', '.join(sorted(states))})", mend


def _clock(clock: Callable[[], float]) -> Callable[[Patient, Checker], Iterator[Found]]:
    def clocks(_patient: Patient, checker: Checker) -> Iterator[Found]:
        """Ping's Timestamp against the middle of the way there and back."""
        before = clock()
        theirs = checker.ask("Ping").get("Timestamp", "")
        ours = (before + clock()) / 2
        try:
            apart = float(theirs) - ours
        except ValueError:
            return
        if abs(apart) > CLOCK_S:
            level = Level.ERROR if abs(apart) > CLOCK_BAD_S else Level.WARNING
            word = "ahead of" if apart > 0 else "behind"
            mend = "let both machines follow the same time servers (NTP)"
            yield level, f"Asterisk's clock is {abs(apart):.1f} s {word} this machine's", mend
        else:
            yield Level.GOOD, f"the clocks differ by {abs(apart) * 1000:.0f} ms", ""

    return clocks


def _router(_patient: Patient, checker: Checker) -> Iterator[Found]:
    epoch = checker.get("CR_EPOCH")
    alive = epoch not in ("", "0") and bool(checker.get(f"CR_BEAT_{epoch}"))
    yield Level.GOOD, f"epoch {epoch} is in force" if alive else "no router has been here since Asterisk's start", ""


def _some(names: list[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
