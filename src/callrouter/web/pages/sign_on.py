"""Single sign-on: to the provider and back. What the provider says of somebody becomes his account and its roles."""

from __future__ import annotations

import re
from time import time

import structlog
from aiohttp import web

from callrouter.accounts.book import AccountError, normal
from callrouter.accounts.oidc import Person, SignOn, SignOnError
from callrouter.web.pages.login import admit, local_path, login_form
from callrouter.web.routes import get
from callrouter.web.visit import NotFound, Visit

log = structlog.get_logger(__name__)
ATTEMPT_S = 600
NAMES_MAX = 50  # accounts whose name begins alike


def _sign_on(visit: Visit) -> SignOn:
    """Raises NotFound where none is configured."""
    found = visit.front.sign_on
    if found is None:
        raise NotFound
    return found


def _cookie(visit: Visit) -> str:
    return "__Host-callrouter-sso" if visit.front.secure else "callrouter_sso"


async def leave(visit: Visit) -> web.StreamResponse:
    """To the provider."""
    onward = local_path(visit.request.query.get("weiter", ""))
    try:
        where, browser = await _sign_on(visit).begin(onward)
    except SignOnError as error:
        log.error("single sign-on cannot begin", error=str(error))
        return login_form(visit, onward, visit.texts("Der Anmeldedienst ist zurzeit nicht erreichbar."), 503)
    answer = web.Response(status=303, headers={"Location": where})
    answer.set_cookie(
        _cookie(visit), browser, path="/", httponly=True, samesite="Lax", secure=visit.front.secure, max_age=ATTEMPT_S
    )
    return answer


async def come_back(visit: Visit) -> web.StreamResponse:
    """From the provider, with a code."""
    browser = visit.request.cookies.get(_cookie(visit), "")
    try:
        person, onward = await _sign_on(visit).end(visit.request.query, browser, time())
    except SignOnError as error:
        log.warning("single sign-on failed", error=str(error), address=visit.front.address(visit.request))
        return login_form(visit, "", visit.texts("Die Anmeldung ist nicht gelungen. Bitte noch einmal versuchen."), 401)
    if not person.grants:
        log.warning("somebody without a role wanted to log in", account=person.name)
        return login_form(visit, "", visit.texts("Für Sie ist hier keine Rolle eingetragen."), 403)
    account = await _account(visit, person)
    if account is None:
        return login_form(visit, "", visit.texts("Ihr Konto ist gesperrt."), 403)
    answer = await admit(visit, account, onward)
    answer.del_cookie(_cookie(visit), path="/", secure=visit.front.secure, httponly=True, samesite="Lax")
    return answer


async def _account(visit: Visit, person: Person) -> int | None:
    """The account of this subject, made or brought up to date; None: it is disabled."""
    book = visit.front.accounts
    known = await book.of_subject(person.subject)
    if known is not None:
        account, enabled = known
        if enabled:
            await book.set_grants(account, person.grants)
        return account if enabled else None
    base = re.sub(r"[^\w.@+-]", "-", normal(person.name))[:50]
    base = base if len(base) > 1 else f"sso-{base}"
    for name in (base, *(f"{base}-{number}" for number in range(2, NAMES_MAX))):
        try:
            return await book.add(name, person.title, person.grants, None, time(), subject=person.subject)
        except AccountError:  # the name is taken, or the same person came by another request
            known = await book.of_subject(person.subject)
            if known is not None:
                return known[0]
    log.error("no name is left for an account", account=base)
    return None


ROUTES = (*get("/anmelden/sso", leave), *get("/anmelden/sso/zurueck", come_back))
