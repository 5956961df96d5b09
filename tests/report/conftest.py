"""A database of each kind for the command."""

from __future__ import annotations

from tests.store.conftest import url  # noqa: F401
