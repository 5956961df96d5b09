"""Is this an e-mail address to which an answer may be sent? The same rule as for those in the configuration."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from callrouter.config.kinds import Address

_ADDRESS: TypeAdapter[str] = TypeAdapter(Address)


def is_address(text: str) -> bool:
    try:
        _ADDRESS.validate_python(text)
    except ValidationError:
        return False
    return "." in text.rpartition("@")[2]
