"""The classes that the router's journal holds: events, commands and the whole state."""

from __future__ import annotations

from callrouter.core.checkpoint import Checkpoint
from callrouter.core.commands import Command
from callrouter.core.events import Event
from callrouter.journal.codec import Codec

CODEC = Codec(Event, Command, Checkpoint)
