"""What the files may say of those behind the agents: departments that ring callers back, and how e-mail leaves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from callrouter.config.kinds import (
    Address,
    Beside,
    Clock,
    Host,
    Land,
    Language,
    Names,
    Phone,
    Port,
    SiteName,
    Text,
    Week,
    Whole,
    listed,
)
from callrouter.config.model import Model
from callrouter.config.secret import Secret


class MailServer(Model):
    """Where e-mail leaves: answers to inquiries, escalations. Without it the contact form is closed."""

    host: Host
    port: Port = 587
    tls: Literal["starttls", "always", "never"] = "starttls"
    """Verified always; never: only to a server on this machine or in a network that is safe by itself."""
    ca: Beside | None = None
    """File with the certificates to trust; without it the system's."""
    user: Text | None = None
    password: Secret | None = None
    sender: Address
    """What messages are from; its domain stands in their ids."""
    title: Text = "Servicecenter"
    """The sender's name."""


class Escalation(Model):
    """Who is written to when a callback is overdue, once for each."""

    to: Address
    after_days: Annotated[Whole, Field(ge=0, le=30)] = 0
    """Working days after it was due; 0: at once."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"to": value} if isinstance(value, str) else value


class Department(Model):
    """People who know more than the agents, and keep the promise to ring a caller back."""

    title: Text
    site: SiteName
    """Whose Asterisk dials for it; also whose clock and public holidays hold."""
    land: Land | None = None
    """Federal state for its public holidays, when it is not the site's."""
    hours: Week
    """When it works. A day without hours (a holiday, '12-24: closed') is no working day: no callback is due then."""
    email: Address
    """Where answers to what it writes go."""
    language: Language = "de"
    """Of the e-mail to it."""
    phones: Annotated[list[Phone], BeforeValidator(listed, json_schema_input_type=list[Phone] | Phone)] = []
    """Endpoints at its site from which it rings callers back: rung first, never offered a call."""
    topics: Names = []
    """Topics whose callbacks go here unless somebody chooses otherwise."""
    due_days: Annotated[Whole, Field(ge=1, le=30)] = 2
    """A callback is due on this working day, the day of the call not counted."""
    due_at: Clock = 64_800
    """And at this time, 18:00 unless set."""
    escalations: Annotated[
        list[Escalation],
        BeforeValidator(listed, json_schema_input_type=list[Escalation | Address] | Escalation | Address),
        Field(max_length=5),
    ] = []
