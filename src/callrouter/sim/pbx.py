"""A virtual Asterisk: manager interface on loopback TCP, contract dialplan, phones, a carrier line, trunks to others.

It behaves as Asterisk 22 does for all that the router uses (tests/contract holds it to that); there is no SIP and no
sound. Several of them joined by `join` are a network. The router under test or in the demo cannot tell the difference,
and this file knows nothing of the router.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from callrouter.sim import dialplan
from callrouter.sim.channels import DOWN, RING, RINGING, UP, Channel, Ended, Headers, sip_of_cause
from callrouter.sim.manager import PHONES_WRITE, ROUTER_READ, ROUTER_WRITE, ManagerServer, User
from callrouter.sim.pace import Pace
from callrouter.sim.people import ANSWERS, PhoneCall, VirtualCaller, VirtualPhone
from callrouter.sim.trunks import Trunk

HOST = "127.0.0.1"
CARRIER = "carrier"


class VirtualPbx:
    """One site. `await start()`, then `call()` and `phone()`; `await stop()` at the end.

    site: its name, also the `systemname`. phones: endpoint names. numbers: what callers may dial (None: anything).
    failsafe: phones that ring when no router lives. phone_user: who asks phones to answer, '' = nobody. Seconds of
    `qualify_s`, `rtp_timeout_s`, `look_s` are real.
    """

    def __init__(
        self,
        site: str,
        *,
        phones: Iterable[str] = (),
        numbers: Iterable[str] | None = None,
        failsafe: Iterable[str] = (),
        failsafe_s: float = 30.0,
        user: str = "callrouter",
        secret: str = "virtual",  # noqa: S107  loopback only
        phone_user: str = "callrouter-phones",
        pace: Pace | None = None,
        qualify_s: float = 2.0,
        rtp_timeout_s: float = 8.0,
        look_s: float = dialplan.LOOK_S,
    ) -> None:
        self.site = site
        self.pace = pace or Pace()
        self.port = 0
        self.user, self.secret = user, secret
        self.failsafe = tuple(failsafe)
        self.failsafe_s = failsafe_s
        self.qualify_s, self.rtp_timeout_s, self.look_s = qualify_s, rtp_timeout_s, look_s
        users = {user: User(secret, ROUTER_READ, ROUTER_WRITE)}
        if phone_user:
            users[phone_user] = User(secret, frozenset(), PHONES_WRITE)
        self.manager = ManagerServer(self, users)
        self.globals: dict[str, str] = {}
        self.booted_at = 0.0
        self.calls_processed = 0
        self.running = False
        self.trunks: dict[str, Trunk] = {}
        self.on_event: Callable[[str, Headers], None] | None = None
        self._numbers = frozenset(numbers) if numbers is not None else None
        self._phones = {name: VirtualPhone(name, self) for name in phones}
        self._outside: dict[str, VirtualPhone] = {}
        self._channels: dict[str, Channel] = {}
        self._by_name: dict[str, Channel] = {}
        self._devices: dict[str, str] = {}
        self._callers: dict[str, VirtualCaller] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._serial = 0
        self._second = 0

    # ---- life

    async def start(self) -> None:
        """Boot, or boot again: globals and calls are new, registrations are kept. The port stays."""
        assert not self.running
        self.globals = {"CR_SITE": self.site, "CR_DIALPLAN": "3", "CR_SOUNDS": "callrouter"}
        self._serial = 0
        self._second = max(int(self.pace()), self._second + 1)  # no real restart fits into a second: ids stay unique
        self.booted_at = self.pace()
        self.running = True
        self._devices = {name: self._device_state(name) for name in self._endpoints()}
        self.port = await self.manager.listen(HOST, self.port)
        for trunk in self.trunks.values():
            trunk.peer_changed(self)

    async def stop(self) -> None:
        """As SIGTERM: says Shutdown, ends the calls, closes."""
        if not self.running:
            return
        self.emit("Shutdown", "system,all", [("Shutdown", "Cleanly"), ("Restart", "False")])
        for channel in tuple(self._channels.values()):
            channel.hang_up(0)
        await asyncio.sleep(0.01)
        await self._die(abort=False)

    async def kill(self) -> None:
        """As SIGKILL: links break, calls are gone without a word; others notice when their qualify fails."""
        if self.running:
            await self._die(abort=True)

    async def _die(self, *, abort: bool) -> None:
        self.running = False
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._channels.clear()
        self._by_name.clear()
        callers, self._callers = tuple(self._callers.values()), {}
        for caller in callers:
            caller.site_died()
        for phone in self._phones.values():
            for call in tuple(phone.calls):
                call.heard_end(0, 0)
        for trunk in self.trunks.values():
            trunk.peer_changed(self)
        await self.manager.shut(abort=abort)

    async def cut_link(self) -> None:
        """The router's link breaks; the calls go on."""
        await self.manager.shut()

    async def mend_link(self) -> None:
        self.port = await self.manager.listen(HOST, self.port)

    def hang_link(self, deaf: bool = True) -> None:
        """Half-open: sessions stay connected and hear, but nothing answers. New sessions are not affected."""
        for session in self.manager.sessions:
            session.deaf = deaf

    # ---- people

    def call(self, number: str, caller: str = "") -> VirtualCaller:
        """A caller dials `number` over the site's carrier. He has no number when `caller` is empty."""
        known = self.running and (self._numbers is None or number in self._numbers)
        if not known:
            nobody = VirtualCaller(None, number, caller, self.pace)
            nobody.heard_end(*((1, 404) if self.running else (0, 408)))
            return nobody
        channel = self._new(CARRIER, RING)
        channel.number, channel.title = "0", CARRIER
        channel.at("from-carrier", number, 1)
        channel.dialled = number
        person = VirtualCaller(channel, number, caller, self.pace)
        channel.far = person
        self._callers[channel.unique_id] = person
        self.calls_processed += 1
        self._announce(channel)
        cli = "".join(c for c in caller if c in "0123456789+")[:20]
        self._run(channel, dialplan.incoming(self, channel, number, cli))
        return person

    def phone(self, name: str) -> VirtualPhone:
        """The phone of that name, put up when it is new."""
        if name not in self._phones:
            self._phones[name] = VirtualPhone(name, self)
            self._devices[name] = "UNAVAILABLE"
        return self._phones[name]

    @property
    def phones(self) -> dict[str, VirtualPhone]:
        return self._phones

    def registered(self, phone: VirtualPhone) -> None:
        self._contact(phone.name, "Reachable", "NonQualified")

    def unregistered(self, phone: VirtualPhone) -> None:
        self._contact(phone.name, "Unreachable", "Removed")

    def dial_out(self, phone: VirtualPhone, number: str) -> PhoneCall:
        """A phone dials. Unknown numbers get 404 without a channel."""
        call = PhoneCall(phone, None, "dialling")
        if not self.running or not phone.is_registered:
            call.heard_end(0, 408)
            return call
        if number not in dialplan.CODES and not self._dialable(number) and not number.startswith("0"):
            call.heard_end(1, 404)
            return call
        channel = self._new(phone.name, RING)
        channel.at("from-phones", number, 1)
        channel.dialled = number
        channel.far = call
        call.channel = channel
        phone.calls.append(call)
        self._announce(channel)
        if number in dialplan.CODES:
            self._run(channel, dialplan.code(self, channel, number))
        else:
            target = f"{number}@{CARRIER}" if number.startswith("0") else number
            self._run(channel, dialplan.private(self, channel, target))
        return call

    def put_on_hold(self, channel: Channel, on: bool) -> None:
        """The phone at the end of this channel sent a re-INVITE: the other end hears music, or him again."""
        if channel.gone or channel.holds == on:
            return
        channel.holds = on
        music = [("MusicClass", "default")] if on else []
        self.emit("Hold" if on else "Unhold", "call,all", [*channel.headers(), *music])
        for other in self._channels.values():
            if other is not channel and other.bridge == channel.bridge:
                other.on_hold = on
                self.device_changed(other.endpoint)

    def outside(self, number: str) -> VirtualPhone:
        """The party in the world at `number`: answers after 3 s unless told otherwise."""
        if number not in self._outside:
            party = VirtualPhone(number, self)
            party.is_registered = True
            party.choose = lambda _: ANSWERS
            self._outside[number] = party
        return self._outside[number]

    def originate(self, target: str, channel_id: str, variables: dict[str, str], ring_s: float, caller: str) -> None:
        """A manager has a phone rung. An id that is in use, or a phone that is not there, makes no channel."""
        if channel_id in self._channels or not self._reachable(target):
            return
        phone, _, at = target.partition("@")
        channel = self._new(at or phone, DOWN, unique_id=channel_id)
        channel.context = "from-site" if at else "from-phones"
        channel.dialled = target
        origin = Channel("Originate", f"{channel_id};1", "", UP, self.pace())  # nobody sees it: it gets the answer
        origin.number = origin.title = caller
        channel.owner = origin
        self._announce(channel)
        channel.variables.update(variables)
        channel.number = channel.title = channel.peer_number = channel.peer_title = caller
        channel.at(channel.context, "s", 1, "AppDial2", "(Outgoing Line)")
        self._run(channel, dialplan.originated(self, channel, origin, target, ring_s))

    # ---- trunks

    def trunk_seen(self, peer: str, up: bool) -> None:
        """Qualify has noticed that the other end came or went."""
        if not self.running:
            return
        word = "Reachable" if up else "Unreachable"
        self._contact(peer, word, word)

    def trunk_call(self, trunk: Trunk, phone: str, caller: Channel, call: str) -> Channel | None:
        """An INVITE from another site; None: it is refused with 404, without a channel."""
        if not self._dialable(phone):
            return None
        channel = self._new(trunk.name_at(self), RING)
        channel.number, channel.title = caller.number, caller.title
        channel.at("from-site", phone, 1)
        channel.dialled = phone
        self._announce(channel)
        self._run(channel, dialplan.lent(self, channel, phone, call))
        return channel

    # ---- what Dial and the dialplan need

    def leg(self, owner: Channel, target: str) -> Channel | None:
        if not self._reachable(target):
            return None
        phone, _, at = target.partition("@")
        channel = self._new(at or phone, DOWN, owner.linked_id)
        channel.owner = owner
        channel.context = "from-site" if at else "from-phones"
        channel.dialled = target
        self._announce(channel)
        channel.variables.update(CR_CALL=owner.variables.get("CR_CALL", ""), DIALEDPEERNUMBER=target)
        channel.at(channel.context, owner.exten, 1, "AppDial", "(Outgoing Line)")
        return channel

    def _reachable(self, target: str) -> bool:
        phone, _, at = target.partition("@")
        if at == CARRIER:
            return True
        if at:
            return at in self.trunks and self.trunks[at].seen_up(self)
        return phone in self._phones and self._phones[phone].is_registered

    def invite(self, leg: Channel) -> None:
        phone, _, at = leg.dialled.partition("@")
        if at == CARRIER:
            leg.far = self.outside(phone).invited(leg)
        elif at:
            self.trunks[at].invite(self, leg, phone)
        else:
            leg.far = self._phones[phone].invited(leg)

    def finish(self, channel: Channel) -> None:
        if channel.gone:
            return
        channel.gone = True
        channel.bridge = ""
        del self._channels[channel.unique_id], self._by_name[channel.name]
        self._callers.pop(channel.unique_id, None)
        self.emit("Hangup", "call,all", channel.hangup_headers())
        self.device_changed(channel.endpoint)
        if channel.far is not None:
            channel.far.heard_end(channel.cause, 0 if channel.state == UP else channel.sip)

    def emit(self, name: str, privilege: str, headers: Headers) -> None:
        self.manager.publish(name, privilege, headers)
        if self.on_event is not None:
            self.on_event(name, headers)

    def user_event(self, channel: Channel, name: str, pairs: Iterable[tuple[str, str]]) -> None:
        self.emit("UserEvent", "user,all", [*channel.headers(), ("UserEvent", name), *pairs])

    def device_changed(self, endpoint: str) -> None:
        state = self._device_state(endpoint)
        if self._devices.get(endpoint) != state:
            self._devices[endpoint] = state
            self.emit("DeviceStateChange", "call,all", [("Device", f"PJSIP/{endpoint}"), ("State", state)])

    # ---- what the manager reads

    def channels(self) -> list[Channel]:
        return list(self._channels.values())

    def find(self, name: str) -> Channel | None:
        channel = self._channels.get(name) or self._by_name.get(name)
        return channel if channel is not None and channel.end_cause is None else None

    def devices(self) -> list[tuple[str, str]]:
        return [(f"PJSIP/{name}", state) for name, state in self._devices.items()]

    def kind(self, endpoint: str) -> str:
        if endpoint in self.trunks:
            return "trunk"
        return "carrier" if endpoint == CARRIER else "phone" if endpoint in self._phones else ""

    def has_contact(self, endpoint: str) -> bool:
        if endpoint in self.trunks:
            return self.trunks[endpoint].seen_up(self)
        return endpoint == CARRIER or self._phones[endpoint].is_registered

    # ---- inside

    def _endpoints(self) -> list[str]:
        return [*self.trunks, CARRIER, *self._phones]

    def _dialable(self, number: str) -> bool:
        """Phones with numbers share a pattern per length and first digit, so some that do not exist are let in."""
        if not number.isdigit():
            return number in self._phones
        return any(name.isdigit() and len(name) == len(number) and name[0] == number[0] for name in self._phones)

    def _new(self, endpoint: str, state: int, linked_id: str = "", unique_id: str = "") -> Channel:
        self._second = max(self._second, int(self.pace()))
        name = f"PJSIP/{endpoint}-{self._serial:08x}"
        unique_id = unique_id or f"{self.site}-{self._second}.{self._serial}"
        self._serial += 1
        channel = Channel(name, unique_id, linked_id, state, self.pace())
        if endpoint in self._phones:
            channel.number, channel.title = endpoint, f"Agent {endpoint}"
        self._channels[unique_id] = self._by_name[name] = channel
        return channel

    def _announce(self, channel: Channel) -> None:
        self.emit("Newchannel", "call,all", channel.headers())

    def _run(self, channel: Channel, context: Coroutine[object, object, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._to_the_end(channel, context))
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _to_the_end(self, channel: Channel, context: Coroutine[object, object, int]) -> None:
        try:
            channel.cause = await context
        except Ended:
            channel.cause = channel.end_cause or 0
        channel.end_cause = channel.cause
        if channel.state != UP and not channel.sip:
            channel.sip = sip_of_cause(channel.cause)
        self.finish(channel)

    def _device_state(self, endpoint: str) -> str:
        ringing = in_use = False
        held = True
        for channel in self._channels.values():
            if channel.endpoint == endpoint:
                held = held and channel.on_hold
                ringing = ringing or channel.state == RINGING
                in_use = in_use or channel.state == UP or (channel.state == RING and channel.indicated)
        if ringing:
            return "RINGINUSE" if in_use else "RINGING"
        if in_use:
            return "ONHOLD" if held else "INUSE"
        return "NOT_INUSE" if self.kind(endpoint) and self.has_contact(endpoint) else "UNAVAILABLE"

    def _contact(self, endpoint: str, peer_status: str, contact_status: str) -> None:
        if not self.running:
            return
        peer = [("ChannelType", "PJSIP"), ("Peer", f"PJSIP/{endpoint}"), ("PeerStatus", peer_status)]
        self.emit("PeerStatus", "system,all", peer)
        self.device_changed(endpoint)
        contact = [("URI", f"sip:{endpoint}@virtual"), ("ContactStatus", contact_status), ("AOR", endpoint)]
        self.emit("ContactStatus", "system,all", [*contact, ("EndpointName", endpoint), ("RoundtripUsec", "0")])


def join(*sites: VirtualPbx) -> None:
    """Trunks between every two of them. Call it before `start`."""
    for i, one in enumerate(sites):
        for other in sites[i + 1 :]:
            trunk = Trunk(one, other)
            one.trunks[other.site] = trunk
            other.trunks[one.site] = trunk


async def boot(*sites: VirtualPbx) -> None:
    """Join and start all of them, and let their trunks find each other at once."""
    join(*sites)
    for site in sites:
        await site.start()
    for site in sites:
        for trunk in site.trunks.values():
            trunk.settle()
