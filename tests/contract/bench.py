"""One network, two makes: the same people and the same manager connection at virtual and at real Asterisks.

A test gets a `Bench` and cannot tell which it is. Callers have `state`, `heard`, `sip`, `until()`, `hang_up()`; phones
`behaviour`, `dial()`, `calls`. Sites and numbers are those of `tests/asterisk/conftest.py`.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Protocol

from callrouter.sim.pbx import VirtualPbx, boot
from callrouter.sim.people import Behaviour, VirtualCaller
from tests.asterisk.ami import HandRouter, Message, RawAmi
from tests.asterisk.conftest import NUMBERS, PHONES_PER_SITE
from tests.asterisk.network import AMI_PORT, SECRET, SIP_PORT, Network
from tests.contract import ua


class Call(Protocol):
    state: str
    sip: int

    @property
    def heard(self) -> list[str]: ...
    async def until(self, *states: str, timeout_s: float = 10.0) -> None: ...
    def hang_up(self) -> None: ...


class PhoneCall(Protocol):
    state: str

    async def until(self, *states: str, timeout_s: float = 10.0) -> None: ...
    def hold(self, on: bool = True) -> None: ...
    def hang_up(self) -> None: ...


class Bench:
    """`await enter()` opens a manager connection to each site and takes an epoch there."""

    real: bool

    def __init__(self) -> None:
        self.ami: dict[str, RawAmi] = {}
        self.router: dict[str, HandRouter] = {}
        self.stack = AsyncExitStack()
        self._asked: set[tuple[str, str]] = set()

    async def enter(self) -> None:
        for k, site in enumerate(NUMBERS):
            host, port, secret = self.manager(site)
            ami = await self.stack.enter_async_context(RawAmi(host, port, "callrouter", secret))
            self.ami[site] = ami
            seen = await ami.getvar("CR_EPOCH")
            epoch = int(seen or 0) + 10 + k
            self.router[site] = await self.stack.enter_async_context(HandRouter(ami, epoch))

    async def leave(self) -> None:
        await self.stack.aclose()

    def manager(self, site: str) -> tuple[str, int, str]:
        raise NotImplementedError

    async def call(self, site: str, caller: str = "01711234567", number: str = "") -> Call:
        raise NotImplementedError

    async def phone(self, site: str, index: int, behaviour: Behaviour) -> str:
        """The name of the site's phone number `index` (from 1), registered and of this behaviour."""
        raise NotImplementedError

    async def unregister(self, site: str, name: str) -> None:
        raise NotImplementedError

    def dial(self, site: str, name: str, number: str) -> PhoneCall:
        raise NotImplementedError

    def phone_calls(self, site: str, name: str) -> list[PhoneCall]:
        raise NotImplementedError

    def caller_holds(self, site: str, caller: Call) -> None:
        raise NotImplementedError

    async def outside(self, number: str, behaviour: Behaviour) -> None:
        """What the telephone at this number, out in the world, does when it is rung."""
        raise NotImplementedError

    def outside_calls(self, site: str, number: str) -> list[PhoneCall]:
        """Its calls that came over this site's line."""
        raise NotImplementedError

    # ---- shared by most tests

    def originate(self, site: str, call: str, phone: str, number: str = "491711234567", **more: str) -> str:
        """As the router has an agent's phone rung for a callback; returns the action's id. call: the channel's id."""
        epoch, ring_ms, dial_s = more.pop("epoch", ""), more.pop("ring_ms", "20000"), more.pop("dial_s", "20")
        variables = {
            "__CR_CALL": call,
            "CR_STAGE": "callback",
            "CR_TO": phone,
            "CR_FOR": "captured_agency-gera",
            "CR_BACK": f"{epoch or self.router[site].epoch}_{dial_s}_{number}_06990009200",
            "PJSIP_HEADER(add,X-Callrouter-Call)": call,
        }
        fields = {
            "Channel": f"PJSIP/{phone}", "ChannelId": call, "Context": "callrouter-callback", "Exten": "ring",
            "Priority": "1", "Async": "true", "Timeout": ring_ms, "CallerID": f'"+{number}" <+{number}>',
            "Variable": ",".join(f"{name}={value}" for name, value in variables.items()),
        }  # fmt: skip
        return self.ami[site].send("Originate", **{**fields, **more})

    async def held(self, site: str = "gera", caller: str = "01711234567") -> tuple[Call, str, int]:
        """A caller in hold, claimed; his Uniqueid; and where the site's events of this call begin."""
        ami = self.ami[site]
        since = len(ami.events)
        person = await self.call(site, caller)
        offered = await ami.event("CrOffered", since)
        await ami.event("CrHold", since, Call=offered["Call"])
        await self.router[site].claim(offered["Call"])
        return person, offered["Call"], since

    async def status(self, site: str, call: str) -> dict[str, str] | None:
        """The caller's row of `Status`, with its variables among the headers; None: there is none."""
        names = "CR_CALL,CR_DID,CR_CLI,CR_CLAIM,CR_STAGE,CR_CAUSE,CR_TO,CR_TRY,CR_FOR,DIALEDPEERNUMBER"
        rows = await self.ami[site].listing("Status", Variables=names)
        for row in rows:
            if row.get("Uniqueid") == call:
                pairs = (line.partition("=") for line in row["Variable"].split("\n"))
                return {**row, **{name: value for name, _, value in pairs}}
        return None


def name_of(site: str, index: int) -> str:
    return str(1000 * (list(NUMBERS).index(site) + 1) + index)


class VirtualBench(Bench):
    real = False

    def __init__(self) -> None:
        super().__init__()
        self.sites: dict[str, VirtualPbx] = {}

    async def enter(self) -> None:
        for site, numbers in NUMBERS.items():
            phones = [name_of(site, i) for i in range(1, PHONES_PER_SITE + 1)]
            made = VirtualPbx(site, phones=phones, numbers=numbers, failsafe=phones[-2:], failsafe_s=5)
            made.manager.refused_after_s = 0.2
            self.sites[site] = made
        await boot(*self.sites.values())
        await super().enter()

    async def leave(self) -> None:
        await super().leave()
        for site in self.sites.values():
            await site.stop()

    def manager(self, site: str) -> tuple[str, int, str]:
        return "127.0.0.1", self.sites[site].port, self.sites[site].secret

    async def call(self, site: str, caller: str = "01711234567", number: str = "") -> Call:
        return self.sites[site].call(number or NUMBERS[site][0], caller)

    async def phone(self, site: str, index: int, behaviour: Behaviour) -> str:
        phone = self.sites[site].phone(name_of(site, index))
        phone.behaviour = behaviour
        if not phone.is_registered:
            since = len(self.ami[site].events)
            phone.register()
            await self.ami[site].event("ContactStatus", since, EndpointName=phone.name)
        return phone.name

    async def unregister(self, site: str, name: str) -> None:
        self.sites[site].phone(name).unregister()

    def dial(self, site: str, name: str, number: str) -> PhoneCall:
        return self.sites[site].phone(name).dial(number)

    def phone_calls(self, site: str, name: str) -> list[PhoneCall]:
        return list(self.sites[site].phone(name).calls)

    async def outside(self, number: str, behaviour: Behaviour) -> None:
        for site in self.sites.values():
            site.outside(number).choose = lambda _: behaviour

    def outside_calls(self, site: str, number: str) -> list[PhoneCall]:
        return list(self.sites[site].outside(number).calls)

    def caller_holds(self, site: str, caller: Call) -> None:
        assert isinstance(caller, VirtualCaller)
        assert caller.channel is not None
        self.sites[site].put_on_hold(caller.channel, True)


class RealBench(Bench):
    real = True

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self._phones: dict[tuple[str, str], ua.Phone] = {}
        self._outside: ua.Phone | None = None

    async def leave(self) -> None:
        if self._outside is not None:
            for call in tuple(self._outside.calls):
                call.hang_up()
        for phone in self._phones.values():
            for call in tuple(phone.calls):
                call.hang_up()
            await phone.unregister()
            phone.line.close()
        for site, ami in self.ami.items():
            for row in await ami.listing("Status"):
                await ami.action("Hangup", Channel=row["Channel"], Cause="16")
            assert site
        await super().leave()

    def manager(self, site: str) -> tuple[str, int, str]:
        return self.network.sites[site].host, AMI_PORT, SECRET

    async def _line(self, host: str, site: str, user: str) -> ua.Line:
        there = self.network.sites[site]
        line = ua.Line(host, (there.host, SIP_PORT), user, there.password)
        await line.open()
        self.stack.callback(line.close)
        return line

    async def call(self, site: str, caller: str = "01711234567", number: str = "") -> Call:
        line = await self._line(self.network.carrier, site, caller)
        return ua.Outgoing(line, number or NUMBERS[site][0])

    async def phone(self, site: str, index: int, behaviour: Behaviour) -> str:
        name = name_of(site, index)
        key = (site, name)
        if key not in self._phones:
            self._phones[key] = ua.Phone(await self._line(self.network.phones_host, site, name))
            since = len(self.ami[site].events)
            await self._phones[key].register()
            await self.ami[site].event("DeviceStateChange", since, Device=f"PJSIP/{name}", State="NOT_INUSE")
            await self.ami[site].event("ContactStatus", since, EndpointName=name)
        self._phones[key].behaviour = behaviour
        return name

    async def unregister(self, site: str, name: str) -> None:
        await self._phones[site, name].unregister()

    def dial(self, site: str, name: str, number: str) -> PhoneCall:
        return self._phones[site, name].dial(number)

    def phone_calls(self, site: str, name: str) -> list[PhoneCall]:
        return list(self._phones[site, name].calls)

    async def outside(self, number: str, behaviour: Behaviour) -> None:
        """One telephone stands for the world, and only Gera rings it: the tests ring one number at a time."""
        if self._outside is None:
            line = ua.Line(self.network.carrier, (self.network.sites["gera"].host, SIP_PORT), number, "")
            await line.open(SIP_PORT)
            self.stack.callback(line.close)
            self._outside = ua.Phone(line)
        self._outside.behaviour = behaviour

    def outside_calls(self, site: str, number: str) -> list[PhoneCall]:
        return list(self._outside.calls) if self._outside is not None else []

    def caller_holds(self, site: str, caller: Call) -> None:
        assert isinstance(caller, ua.Outgoing)
        caller.hold()


def chan_variable(event: Message, name: str, header: str = "ChanVariable") -> str:
    for line in event.get(header, "").split("\n"):
        key, _, value = line.partition("=")
        if key == name:
            return value
    return ""
