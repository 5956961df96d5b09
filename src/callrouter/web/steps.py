"""The router's turns as the API shows them: neutral words, only this call's part, numbers masked.

Works on any event and command by its fields, so that a new one needs no change here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from enum import Enum

from callrouter.core.callbacks import Callback
from callrouter.core.commands import Command, DialOut, Reread, Target
from callrouter.core.events import CallId, Event, LiveCall, LiveOutbound, PlanReplaced, SiteRead
from callrouter.web.context import Step
from callrouter.web.models import CommandOut, Fact, StepOut, instant, masked

KEYS_MAX = 3  # digits beyond a menu's may be a telephone number
_HIDDEN = frozenset(("call", "because"))


def step_out(step: Step, call: CallId) -> StepOut:
    """One turn, reduced to this call (a caller's, or one that rings somebody back): a site read back names all its
    calls, and others' are not ours to show."""
    commands = [command for command in step.commands if getattr(command, "call", None) == call or _about_site(command)]
    return StepOut(
        at=instant(step.at),
        event=_snake(type(step.event).__name__),
        facts=_event_facts(step.event, call),
        commands=[command_out(command) for command in commands],
    )


def command_out(command: Command) -> CommandOut:
    return CommandOut(
        kind=_snake(type(command).__name__), because=getattr(command, "because", ""), facts=_facts(command, _HIDDEN)
    )


def _about_site(command: Command) -> bool:
    return isinstance(command, Reread)


def _event_facts(event: Event, call: CallId) -> dict[str, Fact]:
    if isinstance(event, SiteRead):
        live: tuple[LiveCall | LiveOutbound, ...] = (*event.calls, *event.outbound)
        mine = next((one for one in live if one.call == call), None)
        return {"site": event.site, **(_facts(mine, _HIDDEN) if mine else {"stage": "gone"})}
    if isinstance(event, PlanReplaced):
        return {"version": str(getattr(event.plan, "version", ""))}
    return _facts(event, _HIDDEN)


def _facts(item: Event | Command | LiveCall | LiveOutbound, hidden: Iterable[str]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for field in fields(item):
        if field.name in hidden:
            continue
        value = getattr(item, field.name)
        facts[field.name] = masked(value) if _personal(item, field.name, value) else _fact(value)
    return facts


def _personal(item: object, name: str, value: object) -> bool:
    """A caller's number: his own, the one to ring back at, or one that he keyed in."""
    if name == "number":  # else the one that he has dialled
        return isinstance(item, DialOut)
    return name in ("caller", "reach") or (name == "digits" and len(str(value)) > KEYS_MAX)


def _fact(value: object) -> Fact:
    if isinstance(value, Callback):
        return value.id
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Sequence):
        return [_word(item) for item in value]
    return str(value)


def _word(item: object) -> str:
    if isinstance(item, Target):
        return item.agent
    if isinstance(item, tuple):
        return " ".join(str(part) for part in item)
    return str(item)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
