"""What the YAML files may hold: pydantic models, strict about keys, tolerant of numbers written as text.

Each model is one entry; what needs two entries to see is in `references.py`. Attribute docstrings become the help
that editors show (JSON Schema). `model_config` forbids unknown keys; the messages are made in `messages.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from callrouter.config.callback import Callback
from callrouter.config.kinds import (
    AgentNumber,
    Always,
    Beside,
    Count,
    Country,
    Day,
    Digit,
    Digits,
    Endpoint,
    Host,
    Land,
    Languages,
    Name,
    Names,
    PerTeam,
    Phone,
    Port,
    Prefix,
    Printed,
    Seconds,
    Share,
    SipAddress,
    SiteName,
    Skills,
    Spoken,
    Text,
    Whole,
    Zone,
    listed,
    matching,
)
from callrouter.config.messages import wrong
from callrouter.config.model import Model
from callrouter.config.offices import Department, MailServer
from callrouter.config.pages import Pages
from callrouter.config.places import Place
from callrouter.config.secret import Secret
from callrouter.core.plan import Nobody, Strategy

SPOKEN_PER_S = 14  # characters that a voice says in a second, roughly


# ---- sites


class Tls(Model):
    """AMI over TLS, always verified."""

    ca: Beside | None = None
    """File with the certificates to trust; without it the system's. Relative to this folder."""
    server_name: Host | None = None
    """Name in the certificate, when it is not the host."""


AmiUser = Annotated[str, matching(r"[A-Za-z0-9_.-]{1,80}", "name of an AMI user", "use letters, digits, '-._'")]


class PhoneControl(Model):
    """The AMI user by which agents answer from their pages; docs/operations.md says what its right means."""

    user: AmiUser
    """Another one of manager.conf."""
    secret: Secret


class Asterisk(Model):
    """How the router reaches the site's Asterisk (AMI)."""

    host: Host
    port: Port = 5038
    user: AmiUser
    """The user of manager.conf."""
    secret: Secret
    """Never the secret itself: {env: NAME} or {file: PATH}."""
    tls: Tls | None = None
    tunnel: bool = False
    """A tunnel guards the way there: without TLS on purpose."""
    phone_control: PhoneControl | None = None
    """Without it agents lift their handsets."""

    @model_validator(mode="after")
    def _two_users(self) -> Asterisk:
        if self.phone_control is not None and self.phone_control.user == self.user:
            raise wrong("phones are answered by a user of their own", "name another user of manager.conf")
        return self


class Trunk(Model):
    """How calls come in, and how the other sites reach this one."""

    carrier: Endpoint = "carrier"
    """Name of the carrier's PJSIP endpoint at this site."""
    sip: SipAddress
    """host or host:port of this site's SIP, as the other sites see it."""
    outside_prefix: Prefix = ""
    """What agents dial before an outside number; without it their phones reach no carrier."""
    dials: Literal["national", "e164"] = "national"
    """How the carrier wants the numbers of those who are rung back: 0391… and 0043…, or +49391…"""
    early_media: bool = True
    """false: the carrier lets callers hear nothing before the answer; no menu and no announcement is played."""
    menu: Literal["none"] | None = None
    """none: the carrier passes on no digits before the answer; announcements are played, nothing is asked."""


class Failsafe(Model):
    """Who is rung by the dialplan itself when no router is alive."""

    phones: Annotated[list[Phone], BeforeValidator(listed, json_schema_input_type=list[Phone] | Phone)] = []
    ring_s: Annotated[Whole, Field(ge=5, le=180)] = 60


class Site(Model):
    """A place with its own Asterisk, trunk and phones."""

    title: Text
    land: Land
    """Federal state, for public holidays."""
    zone: Zone = "Europe/Berlin"
    asterisk: Asterisk
    trunk: Trunk
    failsafe: Failsafe = Failsafe()


# ---- hotlines


class Relaxation(Model):
    """After so long a wait these needs replace the earlier ones."""

    after_s: Seconds
    needs: Skills = {}


class Topic(Model):
    """What a caller wants."""

    title: Text
    needs: Skills = {}
    relax: list[Relaxation] = []
    priority: Annotated[Whole, Field(ge=-100, le=100)] = 0
    """Higher is served first."""
    teams: Names = []
    """Instead of the hotline's teams."""


class Number(Model):
    """A telephone number of a hotline."""

    number: Printed
    """As it is printed, e.g. 0241-886810."""
    digits: Digits = ""
    """As the site's trunk delivers it, with a plus if it does (+49241886810); without it the digits of the number."""
    topic: Name | None = None
    """The topic that dialling this number implies."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"number": value} if isinstance(value, str) else value

    @property
    def dialled(self) -> str:
        return self.digits or re.sub(r"\D", "", self.number)

    @property
    def national(self) -> str:
        """As it is dialled within the country, however it is printed."""
        return re.sub(r"^(\+|00)49", "0", re.sub(r"[^\d+]", "", self.number))


class Menu(Model):
    """Asked before the answer, in early media: the caller presses a digit, or gets the default topic."""

    prompt: Annotated[Spoken, Field(min_length=1)]
    """What is asked, in each of the hotline's languages."""
    options: Annotated[dict[Digit, Name], Field(min_length=1)]
    """Digit to topic."""
    wait_s: Annotated[Whole, Field(ge=1, le=30)] = 5
    """For a digit, after the prompt."""
    tries: Annotated[Whole, Field(ge=1, le=3)] = 2
    """How often it is asked."""

    @property
    def longest_s(self) -> float:
        """About, since what a text takes to say is estimated."""
        return float(round(self.tries * (sum(map(len, self.prompt.values())) / SPOKEN_PER_S + self.wait_s)))


class Announcements(Model):
    """What callers hear in early media, unbilled."""

    welcome: Spoken = {}
    """Before it rings."""
    closed: Spoken = {}
    """Outside opening hours, then busy. '{opening}' at its end becomes the next opening."""
    busy: Spoken = {}
    """When nobody could serve the caller, then busy."""
    notice: Spoken = {}
    """First of all, while a supervisor has switched the hotline to it: of a disturbance, say."""


class Hotline(Model):
    """A service that callers dial."""

    title: Text
    site: SiteName
    numbers: Annotated[
        list[Number],
        BeforeValidator(listed, json_schema_input_type=list[Number | Printed] | Number | Printed),
        Field(min_length=1),
    ]
    hours: Always = None
    """Opening hours by the site's clock; without them (or with 'always') never closed."""
    teams: Annotated[Names, Field(min_length=1)]
    """Home teams, in order of preference."""
    topics: dict[Name, Topic] = {}
    default_topic: Name | None = None
    """Without it the first topic."""
    target_s: Annotated[Seconds, Field(gt=0)] = 240.0
    """A call is in time when an agent answers within so many seconds."""
    ring_max_s: Seconds | None = 110.0
    """Longest unanswered ringing; null: no limit; 0: busy at once when nobody is free."""
    line_max: Annotated[Count, Field(ge=1)] = 1000
    """Callers who may wait at once."""
    priority: Annotated[Whole, Field(ge=-100, le=100)] = 0
    affinity_s: Seconds = 0.0
    """A caller who rings again within so many seconds prefers his last agent; 0 = off."""
    redial_window_s: Annotated[Seconds, Field(gt=0)] = 1800.0
    """Whoever was not reached and rings again within so many seconds is the same demand (ITU-T E.600)."""
    languages: Languages = ["de"]
    """Every text is spoken in each of them, in this order."""
    menu: Menu | None = None
    announcements: Announcements = Announcements()
    nobody: Nobody = Nobody.ANNOUNCE
    """What a caller meets whom nobody can serve: busy, announce (says the text for busy, if there is one), callback."""
    callback: Callback = Callback()
    """How callers are rung back."""


# ---- teams and agreements


class Agents(Model):
    """One agent {number, phone, skills} or a numbered range {from, count, skills}."""

    number: AgentNumber | None = None
    phone: Phone | None = None
    """Endpoint at the site; without it the number."""
    from_: Annotated[AgentNumber | None, Field(alias="from")] = None
    count: Annotated[Whole, Field(ge=1, le=10_000)] | None = None
    skills: Skills = {}

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"number": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_form(self) -> Agents:
        if (self.number is None) == (self.from_ is None):
            raise wrong("agents are one number or one range", "write {number: 1001} or {from: 1001, count: 50}")
        if (self.from_ is None) != (self.count is None):
            raise wrong("a range needs 'from' and 'count'", "write {from: 1001, count: 50}")
        if self.from_ is not None and self.phone is not None:
            raise wrong("a range cannot share one phone", "remove 'phone', or list the agents one by one")
        return self

    def numbers(self) -> list[str]:
        """All agent numbers meant; leading zeros keep their width."""
        if self.from_ is None or self.count is None:
            return [self.number or ""]
        return [str(int(self.from_) + i).zfill(len(self.from_)) for i in range(self.count)]


class Team(Model):
    """Agents of one site who serve the same hotlines."""

    title: Text
    site: SiteName
    strategy: Strategy = Strategy.LONGEST_IDLE
    ring_s: Annotated[Whole, Field(ge=3, le=120)] = 20
    """How long one agent's phone rings."""
    wrap_up_s: Seconds = 30.0
    wrap_up_more_s: Seconds = 60.0
    """Added each time an agent asks for more time, by wrap_up_max_s at most in all."""
    wrap_up_max_s: Annotated[Seconds, Field(gt=0)] = 300.0
    """How long one lasts while the agent's page asks for the result; any can be prolonged by so much in all."""
    refusal_pause_s: Seconds = 30.0
    ring_all_max: Annotated[Whole, Field(ge=1, le=50)] = 10
    """Phones rung at once under ring_all."""
    agents: Annotated[
        list[Agents],
        BeforeValidator(listed, json_schema_input_type=list[Agents | AgentNumber] | Agents | AgentNumber),
    ] = []


class Agreement(Model):
    """Overflow: when every agent of the borrower is busy, its calls may go to the lender."""

    borrower: Name
    lender: Name
    mutual: bool = False
    """Both teams may borrow from each other."""
    hotlines: Names = []
    """Only these hotlines; without it all of the borrower's."""
    topics: Names = []
    """Only these topics; without it all."""
    reserve: PerTeam = {}
    """Free agents the lender keeps: a number, or {team: number} for a mutual agreement."""
    max_calls: PerTeam | None = None
    """Calls lent at once: a number, or {lending team: number}; without it no limit."""
    after_s: Seconds = 0.0
    """The call waits so long before it may go over; 0: at once."""
    window: Always = None
    """When the agreement is in force, by the clock of the borrower's site."""
    from_: Annotated[Day | None, Field(alias="from")] = None
    """First day."""
    until: Day | None = None
    """Last day, included."""
    lender_health: Share = 0.0
    """Lend only while the lender's own share answered in time is at least this (0 to 1); 0: do not ask."""
    enabled: bool = True


# ---- the service itself


class Token(Model):
    """A bearer token of the API."""

    name: Name
    secret: Secret


Days = Annotated[Whole, Field(ge=1, le=3650)]


class RetentionDays(Model):
    """How many days each kind of data stays in the database; a daily task erases what is older."""

    callers: Days = 30
    """The keyed hashes of callers' numbers; calls and demands stay without them."""
    agents: Days = 90
    """Which agent answered a call; the team stays."""
    calls: Days = 730
    """Call records and demands."""
    audit: Days = 730
    """Who switched what."""
    numbers: Days = 7
    """The numbers of callbacks, after they are done."""
    inquiries: Days = 90
    """What people wrote in the contact form, after it is answered, and what is known of e-mail that was sent."""


class Journal(Model):
    """The record of events and decisions."""

    rotate_mb: Annotated[Whole, Field(ge=1, le=10_000)] = 64
    keep_days: Annotated[Whole, Field(ge=1, le=3650)] = 30


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9.:_\[\]-]+", host) or not port.isdecimal() or int(port) > 65_535:
        raise wrong(f"'{value}' is no address to listen on", "write it like 127.0.0.1:8080")
    return value


def _database(value: str) -> str:
    """Never shows what stands there: it may hold a password."""
    try:
        url = urlsplit(value)
    except ValueError:
        url = urlsplit("")
    if url.scheme not in ("postgresql+asyncpg", "sqlite+aiosqlite"):
        raise wrong("this is no address of a database", "write postgresql+asyncpg://HOST/NAME, or remove it: SQLite")
    if url.password is not None or "password" in parse_qs(url.query):
        mend = "remove it, and set PGPASSWORD or PGPASSFILE where the service runs"
        raise wrong("a password must not stand in the configuration", mend)
    return value


class Service(Model):
    """The router process: where it listens and keeps its files."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"
    tokens: list[Token] = []
    """Who may use the API."""
    state_dir: Path = Path("var")
    """Journal and database; relative to the working directory."""
    prompts_dir: Path | None = None
    """Where `callrouter prompts build` puts its sounds and `callrouter check` looks for them; relative likewise."""
    journal: Journal = Journal()
    database: Annotated[str, AfterValidator(_database)] = ""
    """SQLAlchemy URL, e.g. postgresql+asyncpg://host/callrouter; without it SQLite in state_dir.

    Its password comes from PGPASSWORD or PGPASSFILE (see libpq)."""
    caller_key: Secret | None = None
    """Key for the hashes of callers' numbers; without it one is made in state_dir. Several routers need the same."""
    retention_days: RetentionDays = RetentionDays()
    pages: Pages = Pages()
    mail: MailServer | None = None
    ring_countries: Annotated[
        list[Country], BeforeValidator(listed, json_schema_input_type=list[Country] | Country), Field(min_length=1)
    ] = ["DE"]
    """Countries (ISO 3166) whose numbers may be rung back; those that cost more than a call never are."""
    forecast: Beside | None = None
    """Scenario of an ordinary day, from which is said what a switch would do today; relative to this folder."""
    inbox_max: Annotated[Whole, Field(ge=100, le=10_000_000)] = 20_000
    """Events that may wait to be handled."""

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{self.state_dir / 'callrouter.db'}"


class Network(Model):
    """Everything the files of a configuration folder say. Any file may hold any part of it."""

    sites: dict[SiteName, Site] = {}
    hotlines: dict[Name, Hotline] = {}
    teams: dict[Name, Team] = {}
    agreements: dict[Name, Agreement] = {}
    departments: dict[Name, Department] = {}
    places: dict[Name, Place] = {}
    service: Service = Service()
