"""What the YAML files may say of the web pages: how they are reached, who may log in, what is aimed at and shown."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from callrouter.config.kinds import Grants, Proxy, Share, Text, Whole, listed
from callrouter.config.messages import wrong
from callrouter.config.model import Model
from callrouter.config.secret import Secret


class Sessions(Model):
    """When somebody is logged out by himself."""

    idle_min: Annotated[Whole, Field(ge=5, le=1440)] = 60
    """Minutes without a click or a key."""
    longest_h: Annotated[Whole, Field(ge=1, le=168)] = 12
    """Hours after the login."""


def _issuer(value: str) -> str:
    if not re.fullmatch(r"https://[A-Za-z0-9._:/~-]+|http://(127\.0\.0\.1|localhost)(:\d+)?[A-Za-z0-9._:/~-]*", value):
        raise wrong(f"'{value}' is no issuer", "write its https:// address as the provider's metadata does")
    return value


def _url(value: str) -> str:
    if value and not re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?", value):
        raise wrong(f"'{value}' is no address of the pages", "write https://HOST or https://HOST:PORT, without a path")
    return value


class Oidc(Model):
    """Single sign-on with OpenID Connect."""

    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: Text
    client_secret: Secret | None = None
    """Without it the client is a public one; PKCE is always used."""
    title: Text = "Single Sign-on"
    """What the button on the login page says."""
    scopes: list[Text] = ["openid", "profile"]
    claim: Text = "groups"
    """The claim of the ID token that says what somebody may do."""
    grants: Annotated[dict[Text, Grants], Field(min_length=1)]
    """Value of the claim to roles: {callrouter-leitung-md: supervisor:magdeburg, edv: [ops, admin]}."""


class Targets(Model):
    """Shares that are aimed at, 0 to 1; pages mark figures that miss them."""

    answered: Share = 0.8
    """Attempts answered in time (`target_s` of the hotline)."""
    first: Share = 0.93
    """Demands whose first attempt was answered."""
    resolved: Share = 0.8
    """Answered calls that were settled at once."""
    kept: Share = 0.95
    """Promised callbacks that were made by their due time."""


class Pages(Model):
    """The web pages for supervisors, agents, departments and the public."""

    url: Annotated[str, AfterValidator(_url)] = ""
    """How browsers reach the pages, e.g. https://callrouter.example.org; needed behind a proxy."""
    proxies: Annotated[list[Proxy], BeforeValidator(listed, json_schema_input_type=list[Proxy] | Proxy)] = []
    """Addresses or networks of proxies whose X-Forwarded-For is believed."""
    sessions: Sessions = Sessions()
    oidc: Oidc | None = None
    targets: Targets = Targets()
    seats: Literal["hidden", "state"] = "state"
    """What supervisors see of a single agent: nothing, or seat and present state. There are no figures per agent."""
    outbound: bool = True
    """Agents may ring numbers of `ring_countries` of their own accord; false: only callers who are on a list."""
    team_min: Annotated[Whole, Field(ge=1, le=100)] = 5
    """Figures of a team are shown from so many logged in agents on."""

    @model_validator(mode="after")
    def _address(self) -> Pages:
        if self.oidc is not None and not self.url:
            raise wrong("single sign-on needs 'url'", "write the address by which browsers reach the pages")
        return self
