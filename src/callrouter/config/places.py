"""What the files may say of places: what the public is told of addresses, hours and telephones."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from callrouter.config.kinds import Address as Mail
from callrouter.config.kinds import Land, Name, Spoken, Text, Week, Zone, listed, matching, text_schema
from callrouter.config.model import Model

Postcode = Annotated[str, matching("[0-9]{5}", "postcode", "write its five digits"), text_schema("^[0-9]{5}$")]
Beginning = Annotated[
    str, matching("[0-9]{1,5}", "beginning of a postcode", "use one to five digits"), text_schema("^[0-9]{1,5}$")
]


class Address(Model):
    """Where letters or people arrive."""

    street: Text
    """Street and number, or a post-office box."""
    postcode: Postcode
    town: Text
    extra: Text | None = None
    """A line above the street."""


class Place(Model):
    """A house that the public may visit."""

    title: Text
    land: Land
    """Federal state, for public holidays."""
    zone: Zone = "Europe/Berlin"
    hours: Week
    """When the house is open; the telephone's hours are the hotline's."""
    visit: Address
    post: Address | None = None
    """For letters, when it is another address."""
    email: Mail
    hotline: Name | None = None
    """Its telephone: number, hours, and whose agents get what is written in the contact form."""
    postcodes: Annotated[
        list[Beginning],
        BeforeValidator(listed, json_schema_input_type=list[Beginning] | Beginning),
        Field(max_length=500),
    ] = []
    """Beginnings of the postcodes that it serves."""
    access: Spoken = {}
    """How it is reached without barriers, per language."""
