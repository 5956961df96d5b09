"""Data that is made once and never changed, as quickly as Python makes any."""

from __future__ import annotations

import dataclasses
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A slotted dataclass, compared and hashed by its values. mypy lets nobody write to its fields.

    At run time nothing guards them: a frozen dataclass takes four times as long to make, and what a call says and what
    is decided on it are some fifty of these. For classes that are made at every event; others are frozen.
    """
    return dataclasses.dataclass(slots=True, unsafe_hash=True)(cls)
