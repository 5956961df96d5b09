"""The manager interface (AMI) of the virtual Asterisk: sessions on loopback TCP, actions, answers, event delivery.

Wording and shapes are those of Asterisk 22. It reads and changes the switch through `Managed`; it knows no dialplan.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from itertools import count
from typing import Protocol

from callrouter.sim import contacts
from callrouter.sim.channels import UP, Channel, Headers
from callrouter.sim.pace import Pace
from callrouter.sim.people import PhoneCall

BANNER = "Asterisk Call Manager/11.0.0\r\n"
REFUSED_AFTER_S = 1.0
REQUEST_MAX = 65_536
BEHIND_MAX = 8 * 1024 * 1024  # a reader that is so many bytes behind is closed, as `writetimeout` does


@dataclass(frozen=True, slots=True)
class User:
    secret: str
    read: frozenset[str]
    write: frozenset[str]


# what deploy/asterisk grants the router
ROUTER_READ = frozenset(("call", "user", "system"))
ROUTER_WRITE = frozenset(("call", "reporting", "originate"))
PHONES_WRITE = frozenset(("system",))  # and to the user that asks phones to answer

# action -> classes of which one suffices; empty: none is needed
PRIVILEGES: dict[str, tuple[str, ...]] = {
    "setvar": ("call",),
    "getvar": ("call", "reporting"),
    "playdtmf": ("call",),
    "hangup": ("system", "call"),
    "originate": ("originate",),
    "status": ("system", "call", "reporting"),
    "coreshowchannels": ("system", "reporting"),
    "corestatus": ("system", "reporting"),
    "coresettings": ("system", "reporting"),
    "devicestatelist": ("call", "reporting"),
    "userevent": ("user",),
    "pjsipnotify": ("system",),
    "ping": (),
    "logoff": (),
    "login": (),
    "challenge": (),
    # known, and refused to the router
    "command": ("command",),
    "getconfig": ("config", "system"),
    "updateconfig": ("config",),
    "pjsipshowendpoints": ("system",),
    "pjsipshowcontacts": ("system",),
    "reload": ("system", "config"),
}


class Managed(contacts.Endpoints, Protocol):
    """What the manager reads and changes."""

    site: str
    pace: Pace
    globals: dict[str, str]
    booted_at: float
    calls_processed: int

    def channels(self) -> list[Channel]: ...
    def find(self, name: str) -> Channel | None: ...
    def originate(self, target: str, channel_id: str, variables: dict[str, str], ring_s: float, caller: str) -> None:
        """Have `phone` or `phone@site` rung; when it answers the callback context begins. Nothing if it cannot be."""

    def devices(self) -> list[tuple[str, str]]: ...
    def emit(self, name: str, privilege: str, headers: Headers) -> None: ...


class Refusal(Exception):
    """`Response: Error` with this message."""


class Session(asyncio.Protocol):
    def __init__(self, server: ManagerServer) -> None:
        self.server = server
        self.user: User | None = None
        self.transport: asyncio.Transport | None = None
        self._buffer = b""
        self.challenge = ""
        self.deaf = False  # half-open: takes everything, answers nothing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.sessions[self] = None
        transport.write(BANNER.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.sessions.pop(self, None)

    def data_received(self, data: bytes) -> None:
        if self.deaf or self.transport is None:
            return
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            block, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            self.request(block.decode("utf-8", "replace"))
        if len(self._buffer) > REQUEST_MAX:
            self.transport.close()

    def request(self, block: str) -> None:
        fields: Headers = []
        for line in block.split("\r\n"):
            key, colon, value = line.partition(":")
            if colon:
                fields.append((key.strip().lower(), value.strip()))
        self.server.answer(self, Request(fields))

    def write(self, text: str) -> None:
        transport = self.transport
        if transport is None or transport.is_closing() or self.deaf:
            return
        if transport.get_write_buffer_size() > BEHIND_MAX:
            transport.abort()
            return
        transport.write(text.encode())

    def respond(self, response: str, request: Request, headers: Headers) -> None:
        self.write(_block([("Response", response), *request.id_header(), *headers]))

    def event(self, name: str, request: Request, headers: Headers) -> None:
        """A row of a list: it bears the ActionID and goes to the asker only."""
        self.write(_block([("Event", name), *headers, *request.id_header()]))

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


class Request:
    def __init__(self, fields: Headers) -> None:
        self._fields = fields

    def get(self, key: str) -> str:
        return next((value for name, value in self._fields if name == key), "")

    def has(self, key: str) -> bool:
        return any(name == key for name, _ in self._fields)

    def others(self, *but: str) -> Headers:
        return [(name, value) for name, value in self._fields if name not in but]

    def id_header(self) -> Headers:
        return [("ActionID", self.get("actionid"))] if self.has("actionid") else []


def _split(variables: str) -> list[str]:
    """At commas, but not within the brackets of a function."""
    parts, depth = [""], 0
    for sign in variables:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _block(headers: Headers) -> str:
    return "".join(f"{key}: {value}\r\n" for key, value in headers) + "\r\n"


class ManagerServer:
    """Listens, keeps the sessions, answers. `refused_after_s`: the delay that a wrong secret earns."""

    def __init__(self, managed: Managed, users: dict[str, User]) -> None:
        self.managed = managed
        self.users = users
        self.refused_after_s = REFUSED_AFTER_S
        self.sessions: dict[Session, None] = {}  # in the order in which they came
        self.on_action: Callable[[Session, Request], None] | None = None  # who looks over its shoulder
        self.actions_seen: deque[str] = deque(maxlen=1000)  # for tests that must know what a client asked, in order
        self._server: asyncio.Server | None = None
        self._challenges = count(136_795_372)
        self._answers: dict[str, Callable[[Session, Request], None]] = {
            "ping": self._ping,
            "setvar": self._setvar,
            "getvar": self._getvar,
            "playdtmf": self._play_dtmf,
            "hangup": self._hangup,
            "originate": self._originate,
            "status": self._status,
            "devicestatelist": self._device_state_list,
            "coreshowchannels": self._core_show_channels,
            "corestatus": self._core_status,
            "coresettings": self._core_settings,
            "userevent": self._user_event,
            "pjsipnotify": self._pjsip_notify,
        }

    # ---- life

    async def listen(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Session(self), host, port)
        address = self._server.sockets[0].getsockname()
        return int(address[1])

    async def shut(self, *, abort: bool = True) -> None:
        """Stop listening and drop the sessions: at once, or after what is written has left."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in tuple(self.sessions):
            if session.transport is not None:
                if abort:
                    session.transport.abort()
                else:
                    session.transport.close()
        while self.sessions:
            await asyncio.sleep(0)

    def publish(self, name: str, privilege: str, headers: Headers) -> None:
        wanted = privilege.partition(",")[0]
        text = ""
        for session in tuple(self.sessions):
            if session.user is not None and wanted in session.user.read:
                if not text:
                    head = [("Event", name), ("Privilege", privilege), ("SystemName", self.managed.site)]
                    text = _block([*head, *headers])
                session.write(text)

    # ---- requests

    def answer(self, session: Session, request: Request) -> None:
        action = request.get("action")
        if not action:
            session.respond("Error", request, [("Message", "Missing action in request")])
            return
        name = action.lower()
        self.actions_seen.append(name)
        if self.on_action is not None:
            self.on_action(session, request)
        if name == "logoff":
            session.respond("Goodbye", request, [("Message", "Thanks for all the fish.")])
            session.close()
        elif name == "challenge":
            self._challenge(session, request)
        elif name == "login":
            self._login(session, request)
        elif session.user is None:
            session.respond("Error", request, [("Message", "Permission denied")])
        elif name not in PRIVILEGES:
            text = f"Invalid/unknown command: {action}. Use Action: ListCommands to show available commands."
            session.respond("Error", request, [("Message", text)])
        elif name not in self._answers or (PRIVILEGES[name] and session.user.write.isdisjoint(PRIVILEGES[name])):
            session.respond("Error", request, [("Message", "Permission denied")])
        else:
            try:
                self._answers[name](session, request)
            except Refusal as refusal:
                session.respond("Error", request, [("Message", str(refusal))])

    def _challenge(self, session: Session, request: Request) -> None:
        if request.get("authtype").lower() != "md5":
            session.respond("Error", request, [("Message", "Must specify AuthType")])
            return
        session.challenge = session.challenge or str(next(self._challenges))
        session.respond("Success", request, [("Challenge", session.challenge)])

    @staticmethod
    def _proved(session: Session, user: User, request: Request) -> bool:
        if request.get("authtype").lower() != "md5":
            return request.get("secret") == user.secret
        key = md5((session.challenge + user.secret).encode()).hexdigest()  # noqa: S324  # what AMI speaks
        return bool(session.challenge) and request.get("key") == key

    def _login(self, session: Session, request: Request) -> None:
        if session.user is not None:
            session.respond("Success", request, [("Message", "Already authenticated")])
            return
        user = self.users.get(request.get("username"))
        if user is None or not self._proved(session, user, request):
            asyncio.get_running_loop().call_later(self.refused_after_s, self._refuse, session, request)
            return
        session.user = user
        session.respond("Success", request, [("Message", "Authentication accepted")])
        if "system" in user.read:
            up = str(int(self.managed.pace() - self.managed.booted_at))
            headers = [("Event", "FullyBooted"), ("Privilege", "system,all"), ("Uptime", up), ("LastReload", up)]
            session.write(_block([*headers, ("Status", "Fully Booted")]))

    def _refuse(self, session: Session, request: Request) -> None:
        session.respond("Error", request, [("Message", "Authentication failed")])
        session.close()

    def _ping(self, session: Session, request: Request) -> None:
        session.respond("Success", request, [("Ping", "Pong"), ("Timestamp", f"{self.managed.pace():.6f}")])

    def _channel(self, request: Request, message: str = "No such channel") -> Channel:
        channel = self.managed.find(request.get("channel"))
        if channel is None:
            raise Refusal(message)
        return channel

    def _setvar(self, session: Session, request: Request) -> None:
        variable = request.get("variable")
        if not variable:
            raise Refusal("No variable specified")
        where = self._channel(request).variables if request.get("channel") else self.managed.globals
        where[variable] = request.get("value")
        session.respond("Success", request, [("Message", "Variable Set")])

    def _getvar(self, session: Session, request: Request) -> None:
        variable = request.get("variable")
        if not variable:
            raise Refusal("No variable specified")
        where = self._channel(request).variables if request.get("channel") else self.managed.globals
        value = contacts.read(self.managed, variable) if contacts.is_function(variable) else where.get(variable, "")
        session.respond("Success", request, [("Variable", variable), ("Value", value)])

    def _play_dtmf(self, session: Session, request: Request) -> None:
        channel = self._channel(request, "Channel not found")
        digit = request.get("digit")
        if not digit:
            raise Refusal("No digit specified")
        if request.get("receive").lower() in ("true", "yes", "1", "on"):
            channel.digit(digit)
        session.respond("Success", request, [("Message", "DTMF successfully queued")])

    def _hangup(self, session: Session, request: Request) -> None:
        if not request.get("channel"):
            raise Refusal("No channel specified")
        channel = self._channel(request)
        cause = request.get("cause")
        channel.hang_up(int(cause) if cause.isdigit() else 16 if channel.state == UP else 0)
        session.respond("Success", request, [("Message", "Channel Hungup")])

    def _pjsip_notify(self, session: Session, request: Request) -> None:
        """Inside the dialog of a leg; what Asterisk can besides (endpoints, addresses) nobody asks for."""
        if not request.get("channel"):
            raise Refusal("PJSIPNotify requires either an endpoint name, a SIP URI, or a channel.")
        channel = self._channel(request, "Channel not found")
        name, _, value = request.get("variable").partition("=")
        if isinstance(channel.far, PhoneCall) and name == "Event":
            channel.far.notified(value)
        session.respond("Success", request, [("Message", "NOTIFY sent")])

    def _originate(self, session: Session, request: Request) -> None:
        technology, _, target = request.get("channel").partition("/")
        if technology != "PJSIP" or not target:
            raise Refusal("Invalid channel")
        if (request.get("context"), request.get("exten")) != ("callrouter-callback", "ring"):
            raise Refusal("Extension does not exist.")
        if request.get("async").lower() not in ("true", "yes"):
            raise Refusal("Originate failed")
        pairs = (part.rpartition("=") for part in _split(request.get("variable")))
        variables = {name.removeprefix("__"): value for name, _, value in pairs}
        timeout = request.get("timeout")
        ring_s = int(timeout) / 1000 if timeout.isdigit() else 30.0
        number = request.get("callerid").rpartition("<")[2].strip("<>")
        self.managed.originate(target, request.get("channelid"), variables, ring_s, number)
        session.respond("Success", request, [("Message", "Originate successfully queued")])

    def _list(self, session: Session, request: Request, message: str) -> None:
        session.respond("Success", request, [("EventList", "start"), ("Message", message)])

    def _status(self, session: Session, request: Request) -> None:
        channels = [self._channel(request)] if request.get("channel") else self.managed.channels()
        variables = tuple(name for name in request.get("variables").split(",") if name)
        self._list(session, request, "Channel status will follow")
        now = self.managed.pace()
        for channel in channels:
            rows = [("Privilege", "Call"), *channel.status_headers(variables, now)]
            session.event("Status", request, rows)
        count = str(len(channels))
        session.write(
            _block(
                [
                    ("Event", "StatusComplete"),
                    *request.id_header(),
                    ("EventList", "Complete"),
                    ("ListItems", count),
                    ("Items", count),
                ]
            )
        )

    def _complete(self, session: Session, request: Request, name: str, count: int) -> None:
        end = [("EventList", "Complete"), ("ListItems", str(count))]
        session.write(_block([("Event", name), *request.id_header(), *end]))

    def _row(self, session: Session, request: Request, name: str, headers: Headers) -> None:
        session.write(_block([("Event", name), *request.id_header(), *headers]))

    def _device_state_list(self, session: Session, request: Request) -> None:
        self._list(session, request, "Device State Changes will follow")
        devices = self.managed.devices()
        for device, state in devices:
            self._row(session, request, "DeviceStateChange", [("Device", device), ("State", state)])
        self._complete(session, request, "DeviceStateListComplete", len(devices))

    def _core_show_channels(self, session: Session, request: Request) -> None:
        self._list(session, request, "Channels will follow")
        channels = self.managed.channels()
        for channel in channels:
            age = int(max(0.0, self.managed.pace() - channel.born))
            duration = f"{age // 3600:02}:{age // 60 % 60:02}:{age % 60:02}"
            more = [("Application", channel.application), ("ApplicationData", channel.data)]
            end = [("Duration", duration), ("BridgeId", channel.bridge)]
            self._row(session, request, "CoreShowChannel", [*channel.headers(), *more, *end])
        self._complete(session, request, "CoreShowChannelsComplete", len(channels))

    def _core_status(self, session: Session, request: Request) -> None:
        booted = datetime.fromtimestamp(self.managed.booted_at, UTC)
        day, clock = booted.strftime("%Y-%m-%d"), booted.strftime("%H:%M:%S")
        headers = [("CoreStartupDate", day), ("CoreStartupTime", clock), ("CoreReloadDate", day)]
        headers += [("CoreReloadTime", clock), ("CoreCurrentCalls", str(len(self.managed.channels())))]
        session.respond("Success", request, [*headers, ("CoreProcessedCalls", str(self.managed.calls_processed))])

    def _core_settings(self, session: Session, request: Request) -> None:
        headers = [("AMIversion", "11.0.0"), ("AsteriskVersion", "22.0.0-virtual"), ("SystemName", self.managed.site)]
        session.respond("Success", request, headers)

    def _user_event(self, session: Session, request: Request) -> None:
        name = request.get("userevent")
        if not name:
            raise Refusal("Missing UserEvent")
        pairs = request.others("action", "actionid", "userevent", "channel")
        self.managed.emit("UserEvent", "user,all", [("UserEvent", name), *pairs])
        session.respond("Success", request, [("Message", "Event Sent")])
