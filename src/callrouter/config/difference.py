"""What is different between two configurations, entry by entry, in the words of the files. Secrets are only named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from callrouter.config.schema import Network

MISSING = object()
WORDS_MAX = 120  # of one value


@dataclass(frozen=True, slots=True)
class Difference:
    """where: `hotlines.agency-gera.ring_max_s`. before, after: '' where there is nothing."""

    where: str
    before: str
    after: str


def differences(old: Network, new: Network) -> tuple[Difference, ...]:
    """In the order of the schema; an entry that came or went is one difference."""
    return tuple(_walk("", _plain(old), _plain(new)))


def _plain(value: Any) -> Any:
    """Models as mappings; whatever else there is stays, since only equality and its text count."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {field.alias or name: _plain(getattr(value, name)) for name, field in fields.items()}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _walk(where: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _walk(f"{where}.{key}" if where else key, old.get(key, MISSING), new.get(key, MISSING))
    elif old is MISSING or new is MISSING or old != new:
        yield Difference(where, _said(old), _said(new))


def _said(value: Any) -> str:
    if value is MISSING or value is None:
        return ""
    if isinstance(value, dict):
        return "{…}"
    text = str(value)
    return text if len(text) <= WORDS_MAX else f"{text[: WORDS_MAX - 1]}…"
