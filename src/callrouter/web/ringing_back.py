"""The API's operations on callbacks: the list, take one, close one, "it was not he".

It holds those that agents of hotlines ring: what callers asked for, and those who gave up. What departments owe is
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from callrouter.core.callbacks import CallbackResult
from callrouter.core.commands import CallbackChanged, Command
from callrouter.core.events import CallbackClosed, CallbackMissed, CallbackTaken
from callrouter.web import models, views
from callrouter.web.acts import ask, audit
from callrouter.web.operations import Asked, Operation
from callrouter.web.problems import Fault

CONFLICT = HTTPStatus.CONFLICT


async def callbacks(asked: Asked) -> models.CallbackPage:
    query, context = asked.query_as(models.CallbackQuery), asked.context
    found = {
        views.callback_key(one): one.id
        for one in context.callbacks()
        if query.site in ("", one.site)
        and query.hotline in ("", one.hotline)
        and query.kind in (None, one.kind)
        and query.status in (None, one.status)
    }
    page, now = views.cut(found, query), context.clock()
    seen = (context.callback(found[key]) for key in page.keys)
    items = [views.callback_out(view, now) for view in seen if view is not None]
    return models.CallbackPage(at=models.instant(now), total=page.total, next=page.next, items=items)


async def callback(asked: Asked) -> models.CallbackOut:
    view = asked.context.callback(_id(asked))
    if view is None:
        raise Fault(HTTPStatus.NOT_FOUND, "There is no such callback, or it is done.")
    return views.callback_out(view, asked.context.clock())


async def take(asked: Asked) -> models.CallbackOut:
    """The router says no where the agent or his phone is busy, somebody is at it, or it is night."""
    before, agent = await callback(asked), asked.body_as(models.CallbackTakeIn).agent
    await ask(asked.context, CallbackTaken(before.callback, agent, asked.token.name))
    after = await callback(asked)
    await audit(asked, f"callback {before.callback} taken", f"for {agent}", before.status.value, after.status.value)
    return after


async def close(asked: Asked) -> models.CallbackStateOut:
    before, body = await callback(asked), asked.body_as(models.CallbackCloseIn)
    event = CallbackClosed(before.callback, CallbackResult(body.result), body.reason, asked.token.name)
    told = await ask(asked.context, event)
    await audit(asked, f"callback {before.callback} closed", body.reason, before.status.value, body.result)
    return _state(told)


async def missed(asked: Asked) -> models.CallbackStateOut:
    """Of one that counts as reached since a moment: a mailbox, or somebody else. It is tried again while tries are
    left."""
    after = _state(await ask(asked.context, CallbackMissed(_id(asked), asked.token.name)))
    what = after.result or after.status
    await audit(asked, f"callback {after.callback} was not reached", "it was not he", "reached", what.value)
    return after


def _state(told: Sequence[Command]) -> models.CallbackStateOut:
    one = [command.callback for command in told if isinstance(command, CallbackChanged)][-1]
    return models.CallbackStateOut(callback=one.id, status=one.status, result=one.result)


def _id(asked: Asked) -> str:
    return f"{asked.path['site']}/{asked.path['id']}"


OPERATIONS = (
    Operation(
        "GET",
        "/callbacks",
        "listCallbacks",
        "Callers who are to be rung back, or gave up",
        models.CallbackPage,
        callbacks,
        models.CallbackQuery,
    ),
    Operation("GET", "/callbacks/{site}/{id}", "getCallback", "One of them", models.CallbackOut, callback),
    Operation(
        "POST",
        "/callbacks/{site}/{id}/take",
        "takeCallback",
        "Have an agent ring this caller now",
        models.CallbackOut,
        take,
        body=models.CallbackTakeIn,
        faults=(CONFLICT,),
    ),
    Operation(
        "POST",
        "/callbacks/{site}/{id}/close",
        "closeCallback",
        "Nobody need ring this caller any more",
        models.CallbackStateOut,
        close,
        body=models.CallbackCloseIn,
        faults=(CONFLICT,),
    ),
    Operation(
        "POST",
        "/callbacks/{site}/{id}/missed",
        "reopenCallback",
        "It was not this caller who answered: try again",
        models.CallbackStateOut,
        missed,
        faults=(CONFLICT,),
    ),
)
