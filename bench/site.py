"""A site as AMI text: what a real Asterisk sent for one call, taken as a template and spun into thousands of calls.

`story` is all that one site would say while its calls arrive, are answered and end. `python -m bench.site` is that site
as a process of its own: an AMI server on a free port of the loopback device that answers what the link asks and, when
told, sends the story as fast as the orders for it come in.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from random import Random

from callrouter.ami.protocol import parse
from callrouter.ami.translate import REPEATABLE, translate
from callrouter.core.commands import Offer
from callrouter.core.events import AgentAct, AgentActed, PhoneState, SiteRead
from callrouter.core.plan import Agent, Hotline, Number, Plan, Site, Team, Topic
from callrouter.core.router import Router

SITE = "magdeburg"
PHONES = 200
TEAMS = 4
TALKING = 100  # conversations at once; the other agents are free
EVENTS_OF_A_CALL = 11
START = 1_800_000_000.0

_CHANNEL = """Privilege: {privilege},all
SystemName: magdeburg
Channel: PJSIP/{channel}
ChannelState: {state}
ChannelStateDesc: {desc}
CallerIDNum: {caller}
CallerIDName: {caller}
ConnectedLineNum: {line}
ConnectedLineName: {line}
Language: en
AccountCode: 
Context: {context}
Exten: {exten}
Priority: {priority}
Uniqueid: {uid}
Linkedid: {linked}
ChanVariable: CR_CALL={call}
ChanVariable: CR_TRY={attempt}
"""  # noqa: W291  # as Asterisk writes it
_DEST = """DestChannel: PJSIP/{channel}
DestChannelState: {state}
DestChannelStateDesc: {desc}
DestCallerIDNum: {phone}
DestCallerIDName: {phone}
DestConnectedLineNum: {caller}
DestConnectedLineName: {caller}
DestLanguage: en
DestAccountCode: 
DestContext: from-phones
DestExten: {exten}
DestPriority: 1
DestUniqueid: {uid}
DestLinkedid: {call}
DestChanVariable: CR_CALL={call}
DestChanVariable: CR_TRY=
"""  # noqa: W291


def plan() -> Plan:
    """One site with its agents in a few teams, each with one hotline; no wrap-up, so that the phones set the pace."""
    topics = (Topic("any", "Anything"),)
    teams = tuple(Team(f"team{n}", f"Team {n}", SITE, wrap_up_s=0.0) for n in range(TEAMS))
    hotlines = tuple(
        Hotline(f"line{n}", f"Line {n}", SITE, (Number(f"302312501{n}"),), None, (f"team{n}",), topics, "any")
        for n in range(TEAMS)
    )
    agents = tuple(Agent(f"{SITE}/{1000 + n}", f"team{n % TEAMS}", SITE, str(1000 + n)) for n in range(PHONES))
    return Plan("bench", (Site(SITE, "Magdeburg", "ST", "Europe/Berlin"),), hotlines, teams, agents, ())


def _crlf(name: str, text: str) -> str:
    return f"Event: {name}\n{text}\n".replace("\n", "\r\n")


class _Call:
    """One call's messages."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.uid = f"{SITE}-{1_800_000_000 + number}.{2 * number}"
        self.leg = f"{SITE}-{1_800_000_000 + number}.{2 * number + 1}"
        self.caller = f"+4989999{number % 100_000:05}"
        self.phone = ""
        self.attempt = 0

    def _caller_leg(self, **given: object) -> str:
        words: dict[str, object] = {
            "privilege": "call", "channel": f"carrier-{self.number:08x}", "state": 4, "desc": "Ring",
            "caller": self.caller, "line": self.phone or "<unknown>", "context": "callrouter-do",
            "exten": "agent", "priority": 10, "uid": self.uid, "linked": self.uid, "call": self.uid,
            "attempt": self.attempt or "",
        }  # fmt: skip
        return _CHANNEL.format(**(words | given))

    def _phone_leg(self, **given: object) -> str:
        words: dict[str, object] = {
            "privilege": "call", "channel": self.phone_channel, "state": 0, "desc": "Down", "caller": self.phone,
            "line": "<unknown>", "context": "from-phones", "exten": "s", "priority": 1, "uid": self.leg,
            "linked": self.uid, "call": "", "attempt": "",
        }  # fmt: skip
        return _CHANNEL.format(**(words | given))

    @property
    def phone_channel(self) -> str:
        return f"{self.phone}-{2 * self.number + 1:08x}"

    def _dest(self, state: int, desc: str, exten: str) -> str:
        return _DEST.format(
            channel=self.phone_channel, state=state, desc=desc, phone=self.phone, caller=self.caller, exten=exten,
            uid=self.leg, call=self.uid,
        )  # fmt: skip

    def arrives(self, did: str) -> list[str]:
        first = self._caller_leg(context="from-carrier", exten=did, priority=1, call="", caller="0")
        offered = self._caller_leg(privilege="user", context="callrouter-in", exten="s")
        held = self._caller_leg(privilege="user", context="callrouter-hold", exten="s", priority=7)
        return [
            _crlf("Newchannel", first),
            _crlf("UserEvent", f"{offered}UserEvent: CrOffered\nCall: {self.uid}\nDid: {did}\nCli: {self.caller}\n"),
            _crlf("UserEvent", f"{held}UserEvent: CrHold\nCall: {self.uid}\nEpoch: 5\nState: Ring\n"),
        ]

    def is_answered(self) -> list[str]:
        return [
            _crlf("Newchannel", self._phone_leg()),
            _crlf("DialBegin", f"{self._caller_leg()}{self._dest(0, 'Down', 'agent')}DialString: {self.phone}\n"),
            self.device("RINGING"),
            _crlf("DialEnd", f"{self._caller_leg()}{self._dest(6, 'Up', '')}DialStatus: ANSWER\n"),
            self.device("INUSE"),
        ]

    def ends(self) -> list[str]:
        cause = "Cause: 16\nCause-txt: Normal Clearing\n"
        mine = self._caller_leg(state=6, desc="Up")
        other = self._phone_leg(state=6, desc="Up", line=self.caller, exten="", call=self.uid)
        return [_crlf("Hangup", mine + cause), _crlf("Hangup", other + cause), self.device("NOT_INUSE")]

    def device(self, state: str) -> str:
        text = f"Privilege: call,all\nSystemName: {SITE}\nDevice: PJSIP/{self.phone}\nState: {state}\n"
        return _crlf("DeviceStateChange", text)


def story(calls: int, seed: int = 1) -> Iterator[list[str]]:
    """The messages of each call's arrival and answer, with the end of an older one now and then; as a site sends them.

    A router here says which phone rings; another that is told the same decides the same.
    """
    rng = Random(seed)
    network = plan()
    router = Router(network, START)
    now = START
    offers: list[Offer] = []

    def play(blocks: list[str]) -> None:
        nonlocal now
        for block in blocks:
            fields = parse(block.removesuffix("\r\n\r\n"), REPEATABLE)
            assert fields is not None, block
            for event in translate(SITE, fields):
                now += 1e-4  # no two events at the same instant: ties would be broken by the plan's order
                offers.extend(c for c in router.handle(event, now) if isinstance(c, Offer))

    router.handle(SiteRead(SITE, phones=tuple(PhoneState(SITE, a.phone, True, False) for a in network.agents)), now)
    for agent in network.agents:
        now += 1e-4
        router.handle(AgentActed(agent.id, AgentAct.READY), now)
    talking: list[_Call] = []
    for number in range(1, calls + 1):
        call = _Call(number)
        blocks = call.arrives(network.hotlines[rng.randrange(TEAMS)].numbers[0].digits)
        play(blocks)
        (offer,) = offers
        offers.clear()
        call.phone, call.attempt = offer.targets[0].phone, offer.attempt
        answered = call.is_answered()
        play(answered)
        talking.append(call)
        if len(talking) > TALKING:
            over = talking.pop(rng.randrange(len(talking))).ends()
            play(over)
            answered += over
        if number == calls:
            answered += [block for last in talking for block in last.ends()]
        yield blocks + answered


# ---- the site as a process


class _Server(asyncio.Protocol):
    """One manager session. A line on stdin, `UPTO AHEAD`, allows it to send calls up to number UPTO, and, if AHEAD is
    not 0, only so many before the orders for them have come."""

    def __init__(self, told: list[bytes]) -> None:
        self._told = told
        self._globals: dict[str, str] = {}
        self._rest = b""
        self._sent = self._bells = self._upto = self._ahead = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"Asterisk Call Manager/11.0.0\r\n")
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._allowed)

    def _allowed(self) -> None:
        self._upto, self._ahead = map(int, sys.stdin.readline().split())
        self._more()

    def _more(self) -> None:
        until = min(self._upto, self._bells + self._ahead) if self._ahead else self._upto
        if until > self._sent:
            self._transport.write(b"".join(self._told[self._sent : until]))
            self._sent = until

    def data_received(self, data: bytes) -> None:
        *blocks, self._rest = (self._rest + data).split(b"\r\n\r\n")
        answers = [self._answer(block.decode()) for block in blocks]
        self._transport.write("".join(answers).encode())
        self._more()

    def _answer(self, block: str) -> str:
        fields = dict(line.split(": ", 1) for line in block.split("\r\n"))
        ident, extra = f"ActionID: {fields.get('ActionID', '')}\r\n", ""
        match fields["Action"]:
            case "Login":
                booted = "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
                return f"Response: Success\r\n{ident}Message: Authentication accepted\r\n\r\n{booted}"
            case "Challenge":
                extra = "Challenge: 136795372\r\n"
            case "Getvar":
                name = fields["Variable"]
                extra = f"Variable: {name}\r\nValue: {self._globals.get(name, '')}\r\n"
            case "Setvar" if "Channel" not in fields:
                self._globals[fields["Variable"]] = fields["Value"]
            case "PlayDTMF":
                self._bells += 1
            case "Status" | "DeviceStateList" as action:
                return self._list(ident, action)
        return f"Response: Success\r\n{ident}{extra}\r\n"

    def _list(self, ident: str, action: str) -> str:
        rows = ""
        if action == "DeviceStateList":
            names = (agent.phone for agent in plan().agents)
            row = "Event: DeviceStateChange\r\n{}Device: PJSIP/{}\r\nState: NOT_INUSE\r\n\r\n"
            rows = "".join(row.format(ident, name) for name in names)
        begin = f"Response: Success\r\n{ident}EventList: start\r\nMessage: {action} will follow\r\n\r\n"
        return f"{begin}{rows}Event: {action}Complete\r\n{ident}EventList: Complete\r\nListItems: 0\r\n\r\n"

    def connection_lost(self, exc: Exception | None) -> None:
        asyncio.get_running_loop().stop()


async def _serve(calls: int) -> None:
    told = ["".join(blocks).encode() for blocks in story(calls)]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Server(told), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(_serve(int(sys.argv[1])))
    except RuntimeError as end:  # the loop was stopped: the link has gone
        sys.exit(0 if "stopped before" in str(end) else 1)
