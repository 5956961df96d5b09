"""What `Getvar` reads of PJSIP by functions: contacts and their states. Unknown functions and names read as empty.

The router asks for the trunks' states in this way, since the lists of PJSIP need more rights than it has.
"""

from __future__ import annotations

import re
from hashlib import md5
from typing import Protocol

_FUNCTION = re.compile(r"(PJSIP_[A-Z]+)\(([^,()]+),([a-z_]+)\)")


class Endpoints(Protocol):
    """What is known of a site's endpoints: trunk, carrier, phone, or '' for none."""

    def kind(self, endpoint: str) -> str: ...
    def has_contact(self, endpoint: str) -> bool:
        """A trunk: its peer answers. A phone: it is registered. The carrier: always."""


def is_function(variable: str) -> bool:
    return variable.endswith(")")


def read(endpoints: Endpoints, variable: str) -> str:
    match = _FUNCTION.fullmatch(variable)
    if match is None:
        return ""
    function, name, what = match.groups()
    if function == "PJSIP_CONTACT":
        endpoint = re.split("[@;]@", name)[0]
        return _status(endpoints, endpoint) if what == "status" and name == _contact(endpoints, endpoint) else ""
    kind = endpoints.kind(name)
    if not kind:
        return ""
    if function == "PJSIP_AOR":
        frequency = {"trunk": "2", "phone": "5", "carrier": "0"}[kind]
        return {"contact": _contact(endpoints, name), "qualify_frequency": frequency}.get(what, "")
    if function == "PJSIP_ENDPOINT" and kind == "carrier":
        return {"trust_id_inbound": "false", "callerid": '"carrier" <0>'}.get(what, "")
    return ""


def _contact(endpoints: Endpoints, endpoint: str) -> str:
    """Contacts in the configuration are always there; a phone's comes and goes with its registration."""
    kind = endpoints.kind(endpoint)
    if not kind or (kind == "phone" and not endpoints.has_contact(endpoint)):
        return ""
    mark = ";@" if kind == "phone" else "@@"
    return endpoint + mark + md5(endpoint.encode(), usedforsecurity=False).hexdigest()


def _status(endpoints: Endpoints, endpoint: str) -> str:
    if endpoints.kind(endpoint) == "carrier":
        return "NonQualified"
    return "Reachable" if endpoints.has_contact(endpoint) else "Unreachable"
