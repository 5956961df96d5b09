"""Kinds of text and number that the models in `schema.py` are made of: names, phones, hours, dates, paths.

A number may come as text: that is how YAML is read here (`source.py`). Each kind says in its own words what is wrong.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from callrouter.config.hours import HoursError, clock_of, days_of, iso_date, make_hours, spans_of
from callrouter.config.messages import wrong
from callrouter.core.plan import Span
from callrouter.roles import BadGrant, Grant

Land = Literal["BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"]


def no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise wrong(f"'{str(value).lower()}' is no number", "write a number")
    return value


def matching(pattern: str, what: str, mend: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise wrong(f"'{value}' is no {what}", mend)
        return value

    return AfterValidator(check)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise wrong(f"'{value}' is no time zone", "use a name like Europe/Berlin") from None
    return value


def _proxy(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise wrong(f"'{value}' is no address or network", "write it like 127.0.0.1 or 10.1.0.0/16") from None
    return value


def _grant(value: str) -> str:
    try:
        return str(Grant.read(value))
    except BadGrant as error:
        what, _, mend = str(error).partition("; ")
        raise wrong(what, mend) from None


def _port_of(value: str) -> str:
    port = value.rpartition(":")[2]
    if port.isdecimal() and ":" in value and not value.endswith("]") and not 1 <= int(port) <= 65_535:
        raise wrong(f"'{value}' names a port that does not exist", "use 1 to 65535, mostly 5060")
    return value


def listed(value: object) -> object:
    """One thing where a list may stand is a list of one."""
    return value if isinstance(value, list) or value is None else [value]


def text_schema(pattern: str, **more: Any) -> WithJsonSchema:
    """Editors read 1001 as a number; it is text here all the same."""
    return WithJsonSchema({"type": ["string", "integer"], "pattern": pattern, **more})


Whole = Annotated[int, BeforeValidator(no_bool)]
Count = Annotated[Whole, Field(ge=0, le=1_000_000)]
Seconds = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=86_400, allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=1, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=200), matching(r"[^\x00-\x1f\x7f]*", "text", "use one line")]
SiteName = Annotated[
    str, matching("[a-z][a-z0-9]{0,15}", "name of a site", "use a-z and 0-9, a letter first, at most 16 in all")
]
Name = Annotated[
    str, matching("[a-z][a-z0-9-]{0,39}", "name", "use a-z, 0-9 and '-', a letter first, at most 40 in all")
]
Phone = Annotated[
    str,
    # a single letter would be a special extension of the dialplan (h, i, s, t)
    matching("[a-z0-9]{2,20}|[0-9]", "phone", "use the endpoint's name at its site: a-z and 0-9, 2 to 20 of them"),
    text_schema("^([a-z0-9]{2,20}|[0-9])$"),
]
AgentNumber = Annotated[
    str, matching("[0-9]{1,10}", "agent number", "use digits only, at most 10"), text_schema("^[0-9]{1,10}$")
]
Digits = Annotated[
    str,
    matching(r"\+?[0-9]{1,20}", "number as trunks deliver it", "use digits, perhaps behind a '+'"),
    text_schema(r"^\+?[0-9]{1,20}$"),
]
Printed = Annotated[
    str,
    matching(r"\+?[0-9][0-9 /()-]{1,30}", "telephone number", "use digits, spaces, '-' and '/'"),
    text_schema(r"^\+?[0-9][0-9 /()-]{1,30}$"),
]
Prefix = Annotated[str, matching("[0-9]{0,4}", "prefix", "use digits only, at most 4"), text_schema("^[0-9]{0,4}$")]
Endpoint = Annotated[
    str, matching("[A-Za-z0-9_-]{1,40}", "name of a PJSIP endpoint", "use a-z, 0-9, '-' and '_', at most 40")
]
_IP6 = "[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*"
Host = Annotated[str, matching(rf"[A-Za-z0-9._-]{{1,253}}|{_IP6}", "host", "use a host name or an IP address")]
SipAddress = Annotated[
    str,
    AfterValidator(_port_of),
    matching(rf"([A-Za-z0-9._-]{{1,253}}|\[{_IP6}\])(:[0-9]{{1,5}})?", "SIP address", "write host or host:port"),
]
Address = Annotated[
    str,
    matching(
        r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*",
        "e-mail address",
        "write it like name@example.org",
    ),
]
Proxy = Annotated[str, AfterValidator(_proxy)]
GrantText = Annotated[str, AfterValidator(_grant)]
Grants = Annotated[list[GrantText], BeforeValidator(listed, json_schema_input_type=list[GrantText] | GrantText)]
Port = Annotated[Whole, Field(ge=1, le=65_535)]
Zone = Annotated[str, AfterValidator(_zone)]
Level = Annotated[Whole, Field(ge=1, le=9)]
Names = Annotated[list[Name], BeforeValidator(listed, json_schema_input_type=list[Name] | Name)]
Country = Annotated[str, matching("[A-Z]{2}", "country", "use its two capital letters, like DE")]
Digit = Annotated[str, matching("[0-9*#]", "digit", "use 0 to 9, '*' or '#'"), text_schema("^[0-9*#]$")]
Language = Literal["de", "en"]


def _languages(value: list[Language]) -> list[Language]:
    if len(set(value)) < len(value):
        raise wrong("a language stands twice", "name each once")
    return value


Languages = Annotated[
    list[Language],
    BeforeValidator(listed, json_schema_input_type=list[Language] | Language),
    Field(min_length=1),
    AfterValidator(_languages),
]


def _one_line(value: object) -> object:
    """Texts may be folded over several lines of YAML."""
    return " ".join(value.split()) if isinstance(value, str) else value


Sentence = Annotated[
    str, BeforeValidator(_one_line), Field(min_length=1, max_length=1000), matching(r"[^\x00-\x1f\x7f]*", "text", "")
]


def _german(value: object) -> object:
    return {"de": value} if isinstance(value, str) else value


Spoken = Annotated[
    dict[Language, Sentence], BeforeValidator(_german, json_schema_input_type=dict[Language, Sentence] | Sentence)
]
"""What a caller is told, per language."""
Skills = dict[Name, Level]
"""Skill to level, 1 (knows the basics) to 9 (expert)."""


def _day(value: str) -> str:
    try:
        days_of(value)
    except HoursError as error:
        raise wrong(error.what, error.mend) from None
    return value


def _spans(value: object) -> object:
    if value is None:
        raise wrong("no hours stand here", "write 08:00-18:00 or closed; within {…} put a key with commas in quotes")
    if value == "open":
        return None
    texts = listed(value)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise wrong("this is no span of time", "write it like 08:00-18:00, or closed")
    try:
        return spans_of(texts)
    except HoursError as error:
        raise wrong(error.what, error.mend) from None


def _once(value: dict[str, tuple[Span, ...] | None]) -> dict[str, tuple[Span, ...] | None]:
    try:
        make_hours(value, "UTC")
    except HoursError as error:
        raise wrong(error.what, error.mend, key=error.key) from None
    return value


_WEEKDAY = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DATE = r"(\d{4}-)?\d\d-\d\d"
_DAYS_SCHEMA = {
    "type": "object",
    "description": "Weekdays (Mon, Mon-Fri, Sat,Sun), dates (2026-12-24, 12-24 for each year, 2026-12-27..2026-12-31) "
    "and holidays, each to spans of local time or closed; holidays: open makes them days like others.",
    "propertyNames": {"pattern": rf"^({_WEEKDAY}([-,] ?{_WEEKDAY})*|{_DATE}(\.\.{_DATE})?|holidays)$"},
    "additionalProperties": {
        "anyOf": [
            {"enum": ["closed", "open"]},
            {"type": "string", "pattern": r"^\d\d?:\d\d\s*[-–]\s*\d\d?:\d\d$"},
            {"type": "array", "items": {"type": "string", "pattern": r"^\d\d?:\d\d\s*[-–]\s*\d\d?:\d\d$"}},
        ]
    },
}
Week = Annotated[
    dict[Annotated[str, AfterValidator(_day)], Annotated[tuple[Span, ...] | None, BeforeValidator(_spans)]],
    AfterValidator(_once),
    WithJsonSchema(_DAYS_SCHEMA),
]


def _always(value: object) -> object:
    return None if value == "always" else value


Always = Annotated[
    Week | None, BeforeValidator(_always, json_schema_input_type=Week | Literal["always"] | None)
]  # without a week: at any time


def _clock(value: str) -> int:
    try:
        return clock_of(value)
    except HoursError as error:
        raise wrong(error.what, error.mend) from None


Clock = Annotated[
    int,
    BeforeValidator(_clock, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d\d?:\d\d$"}),
]
"""A time of the day, in seconds after midnight."""


def _date(value: str) -> str:
    try:
        return str(iso_date(value))
    except HoursError as error:
        raise wrong(error.what, error.mend) from None


Day = Annotated[str, AfterValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]


def beside(value: Path, info: ValidationInfo) -> Path:
    """Paths of files are relative to the folder of the configuration."""
    folder = (info.context or {}).get("folder", Path())
    return Path(folder) / value.expanduser()


Beside = Annotated[Path, AfterValidator(beside)]


def _per_team(value: object) -> object:
    return value if isinstance(value, dict) or value is None else {"": value}


_PER_TEAM_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    ]
}
PerTeam = Annotated[dict[str, Count], BeforeValidator(_per_team), WithJsonSchema(_PER_TEAM_SCHEMA)]
