"""The operations below /api/v1: look at the network, switch an agreement, set an agent's state, explain a call.

It looks at snapshots and submits events; what follows from them the router decides. Ids hold a slash, so their two
parts are two parts of the path: agent `magdeburg/1001` is /api/v1/agents/magdeburg/1001.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from callrouter.core.agents import AgentState
from callrouter.core.calls import RINGING
from callrouter.core.events import AgentAct, AgentActed, AgreementSwitched, HotlineSwitched
from callrouter.web import models, views
from callrouter.web.acts import ask, audit, unavailable
from callrouter.web.context import CannotTell, Context
from callrouter.web.operations import Asked, Operation
from callrouter.web.problems import Fault, FieldError
from callrouter.web.ringing_back import OPERATIONS as CALLBACKS
from callrouter.web.steps import step_out

CONFLICT, UNPROCESSABLE = HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
NOT_FOUND, UNAVAILABLE = HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE

UNTIL_S_MAX = 366 * 86_400.0
STEPS_MAX = 1000
CANDIDATES_MAX = 1000
# the states in which an act means something; acts that are not here always do
_WORKING_TIME = frozenset(AgentState) - {AgentState.LOGGED_OUT}
MEANS = {
    AgentAct.PAUSE: _WORKING_TIME,
    AgentAct.WRAP_UP_DONE: frozenset({AgentState.TALKING, AgentState.WRAP_UP}),
    AgentAct.WRAP_UP_MORE: frozenset({AgentState.WRAP_UP}),
    AgentAct.WRAP_UP_OPEN: frozenset({AgentState.TALKING, AgentState.WRAP_UP}),
}


# ---- looking


async def sites(asked: Asked) -> models.SitePage:
    snapshot = asked.context.snapshot()
    found = views.sites_out(snapshot, asked.context.plan(), asked.context.versions())
    page = views.cut(found, asked.query_as(models.ListQuery))
    return models.SitePage(
        at=models.instant(snapshot.at), total=page.total, next=page.next, items=[found[key] for key in page.keys]
    )


async def teams(asked: Asked) -> models.TeamPage:
    query = asked.query_as(models.TeamQuery)
    snapshot = asked.context.snapshot()
    found = views.teams_out(snapshot, asked.context.plan())
    page = views.cut((key for key, team in found.items() if query.site in ("", team.site)), query)
    return models.TeamPage(
        at=models.instant(snapshot.at), total=page.total, next=page.next, items=[found[key] for key in page.keys]
    )


async def agents(asked: Asked) -> models.AgentPage:
    query = asked.query_as(models.AgentQuery)
    snapshot = asked.context.snapshot()
    found = {
        view.agent: view
        for view in snapshot.agents
        if query.site in ("", view.site) and query.team in ("", view.team) and query.state in (None, view.state)
    }
    page = views.cut(found, query)
    return models.AgentPage(
        at=models.instant(snapshot.at),
        total=page.total,
        next=page.next,
        items=[views.agent_out(found[key]) for key in page.keys],
    )


async def lines(asked: Asked) -> models.LinePage:
    query = asked.query_as(models.LineQuery)
    snapshot = asked.context.snapshot()
    found = {view.hotline: view for view in snapshot.lines if query.site in ("", view.site)}
    page = views.cut(found, query)
    return models.LinePage(
        at=models.instant(snapshot.at),
        total=page.total,
        next=page.next,
        items=[views.line_out(found[key]) for key in page.keys],
    )


async def calls(asked: Asked) -> models.CallPage:
    query = asked.query_as(models.CallQuery)
    snapshot = asked.context.snapshot()
    found = {
        view.call: view
        for view in snapshot.calls
        if query.site in ("", view.site) and query.hotline in ("", view.hotline) and query.state in (None, view.state)
    }
    page = views.cut(found, query)
    return models.CallPage(
        at=models.instant(snapshot.at),
        total=page.total,
        next=page.next,
        items=[views.call_out(found[key]) for key in page.keys],
    )


async def agreements(asked: Asked) -> models.AgreementPage:
    snapshot = asked.context.snapshot()
    found = views.agreements_out(snapshot)
    page = views.cut(found, asked.query_as(models.ListQuery))
    return models.AgreementPage(
        at=models.instant(snapshot.at), total=page.total, next=page.next, items=[found[key] for key in page.keys]
    )


async def agent(asked: Asked) -> models.AgentOut:
    return _agent(asked.context, _id(asked, "number"))


async def call(asked: Asked) -> models.CallOut:
    found = _call(asked.context, _id(asked, "id"))
    if found is None:
        raise Fault(HTTPStatus.NOT_FOUND, "No such call is alive; /explain shows those that have just ended, too.")
    return found


async def agreement(asked: Asked) -> models.AgreementOut:
    return _agreement(asked.context, asked.path["name"])


async def explain(asked: Asked) -> models.ExplainOut:
    name = _id(asked, "id")
    now = _call(asked.context, name)
    steps = asked.context.history(name)[-STEPS_MAX:]
    if now is None and not steps:
        raise Fault(HTTPStatus.NOT_FOUND, "No such call is alive, and none that ended lately had this id.")
    waits = now is not None and now.state in RINGING
    candidates = asked.context.explain(name)[:CANDIDATES_MAX] if waits else ()
    return models.ExplainOut(
        call=name,
        now=now,
        steps=[step_out(step, name) for step in steps],
        candidates=[
            models.CandidateOut(
                agent=candidate.agent, team=candidate.team, agreement=candidate.agreement, why_not=candidate.why_not
            )
            for candidate in candidates
        ],
    )


async def whatif(asked: Asked) -> models.WhatIfOut:
    """Simulated in other processes from the state of this instant."""
    query = asked.query_as(models.WhatIfQuery)
    if asked.context.whatif is None:
        raise Fault(HTTPStatus.NOT_FOUND, "This router makes no forecasts.")
    try:
        return models.WhatIfOut.model_validate(await asked.context.whatif(query.change))
    except CannotTell as error:
        if error.question:
            fields = (FieldError(where="query.change", what=str(error)),)
            raise Fault(
                HTTPStatus.UNPROCESSABLE_ENTITY, f"The change is not understood: {error.what}.", fields
            ) from None
        if error.busy:
            raise unavailable(f"{error}.") from None
        raise Fault(NOT_FOUND, f"{error}.") from None


def _id(asked: Asked, part: str) -> str:
    return f"{asked.path['site']}/{asked.path[part]}"


def _agent(context: Context, name: str) -> models.AgentOut:
    view = next((view for view in context.snapshot().agents if view.agent == name), None)
    if view is None:
        raise Fault(HTTPStatus.NOT_FOUND, "The plan has no such agent.")
    return views.agent_out(view)


def _call(context: Context, name: str) -> models.CallOut | None:
    view = next((view for view in context.snapshot().calls if view.call == name), None)
    return None if view is None else views.call_out(view)


def _agreement(context: Context, name: str) -> models.AgreementOut:
    found = views.agreements_out(context.snapshot()).get(name)
    if found is None:
        raise Fault(HTTPStatus.NOT_FOUND, "The plan has no such agreement.")
    return found


# ---- changing


async def switch(asked: Asked) -> models.AgreementOut:
    """One at a time, so that of two who switch at once the second is told that the state is no longer what he saw."""
    context, name, body = asked.context, asked.path["name"], asked.body_as(models.SwitchIn)
    until = _until(context, body.until)
    async with context.switching:
        before = _agreement(context, name)
        meant = [one for one in before.directions if body.borrower in ("", one.borrower)]
        if not meant:
            raise Fault(HTTPStatus.UNPROCESSABLE_ENTITY, f"{body.borrower} borrows nothing under this agreement.")
        enabled = any(one.enabled for one in meant)
        if body.expected_enabled is not None and body.expected_enabled != enabled:
            state = "on" if enabled else "off"
            raise Fault(HTTPStatus.CONFLICT, f"Changed meanwhile: the agreement is {state}. Look again, then decide.")
        by = asked.token.name
        await ask(context, AgreementSwitched(name, body.enabled, until, body.reason, by, body.borrower))
        after = _agreement(context, name)
    what = f"agreement {name}" + (f" for {body.borrower}" if body.borrower else "")
    await audit(asked, what, body.reason, switch_text(before), switch_text(after))
    return after


async def switch_hotline(asked: Asked) -> models.LineOut:
    """As with agreements: look and switch are one act."""
    context, name, body = asked.context, asked.path["name"], asked.body_as(models.HotlineIn)
    until = _until(context, body.until)
    async with context.switching:
        before = _line(context, name)
        if body.expected_mode is not None and body.expected_mode is not before.mode:
            detail = f"Changed meanwhile: the hotline is {before.mode.value}. Look again, then decide."
            raise Fault(HTTPStatus.CONFLICT, detail)
        await ask(context, HotlineSwitched(name, body.mode, until, body.reason, asked.token.name))
        after = _line(context, name)
    await audit(asked, f"hotline {name}", body.reason, mode_text(before), mode_text(after))
    return after


def _line(context: Context, name: str) -> models.LineOut:
    found = next((view for view in context.snapshot().lines if view.hotline == name), None)
    if found is None:
        raise Fault(HTTPStatus.NOT_FOUND, "The plan has no such hotline.")
    return views.line_out(found)


def mode_text(line: models.LineOut) -> str:
    return line.mode.value + (f" until {line.mode_until.isoformat()}" if line.mode_until else "")


def _until(context: Context, until: datetime | None) -> float | None:
    at = None if until is None else until.timestamp()
    if at is not None and not 0 < at - context.clock() <= UNTIL_S_MAX:
        raise Fault(HTTPStatus.UNPROCESSABLE_ENTITY, "`until` must lie ahead, by no more than a year.")
    return at


def switch_text(state: models.AgreementOut) -> str:
    """One word when the directions stand alike, else each by its borrower."""
    texts = {
        one.borrower: ("on" if one.enabled else "off") + (f" until {one.until.isoformat()}" if one.until else "")
        for one in state.directions
    }
    same = set(texts.values())
    return same.pop() if len(same) == 1 else ", ".join(f"{borrower} {text}" for borrower, text in texts.items())


async def set_agent_state(asked: Asked) -> models.AgentOut:
    context, name, body = asked.context, _id(asked, "number"), asked.body_as(models.AgentStateIn)
    before = _agent(context, name)
    if before.state not in MEANS.get(body.state, AgentState):
        raise Fault(HTTPStatus.CONFLICT, f"This means nothing now: the agent is {before.state.value}.")
    await ask(context, AgentActed(name, body.state, body.reason, asked.token.name))
    after = _agent(context, name)
    await audit(asked, f"agent {name} {body.state.value}", body.reason, before.state, after.state)
    return after


# ---- the table

OPERATIONS = (
    Operation("GET", "/sites", "listSites", "Sites and their links", models.SitePage, sites, models.ListQuery),
    Operation("GET", "/teams", "listTeams", "Teams, agents by state", models.TeamPage, teams, models.TeamQuery),
    Operation("GET", "/agents", "listAgents", "Agents' present states", models.AgentPage, agents, models.AgentQuery),
    Operation("GET", "/agents/{site}/{number}", "getAgent", "One agent's present state", models.AgentOut, agent),
    Operation(
        "POST",
        "/agents/{site}/{number}/state",
        "setAgentState",
        "Ask for an agent's state",
        models.AgentOut,
        set_agent_state,
        body=models.AgentStateIn,
        faults=(CONFLICT,),
    ),
    Operation("GET", "/lines", "listLines", "Callers waiting per hotline", models.LinePage, lines, models.LineQuery),
    Operation(
        "POST",
        "/lines/{name}/switch",
        "switchHotline",
        "Close a hotline by hand, play its notice, or set it back",
        models.LineOut,
        switch_hotline,
        body=models.HotlineIn,
        faults=(CONFLICT, UNPROCESSABLE),
    ),
    Operation("GET", "/calls", "listCalls", "Calls that are alive", models.CallPage, calls, models.CallQuery),
    Operation("GET", "/calls/{site}/{id}", "getCall", "One call that is alive", models.CallOut, call),
    Operation(
        "GET", "/calls/{site}/{id}/explain", "explainCall", "Why a call went where it went", models.ExplainOut, explain
    ),
    Operation(
        "GET",
        "/agreements",
        "listAgreements",
        "Overflow agreements",
        models.AgreementPage,
        agreements,
        models.ListQuery,
    ),
    Operation("GET", "/agreements/{name}", "getAgreement", "One agreement", models.AgreementOut, agreement),
    Operation(
        "GET",
        "/whatif",
        "askWhatIf",
        "What a change would do in the next hour and until tonight; nothing is switched",
        models.WhatIfOut,
        whatif,
        models.WhatIfQuery,
        faults=(NOT_FOUND, UNPROCESSABLE, UNAVAILABLE),
    ),
    Operation(
        "POST",
        "/agreements/{name}/switch",
        "switchAgreement",
        "Switch an agreement on or off",
        models.AgreementOut,
        switch,
        body=models.SwitchIn,
        faults=(CONFLICT, UNPROCESSABLE),
    ),
    *CALLBACKS,
)
