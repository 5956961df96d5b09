"""Accounts for those who manage them, and the audit trail: who changed what, when and why."""

from __future__ import annotations

from time import time

from aiohttp import web

from callrouter.accounts.book import Account, AccountError
from callrouter.accounts.passwords import generate
from callrouter.roles import BadGrant, Grant, Role
from callrouter.store import search
from callrouter.web.pages.calls import Archive
from callrouter.web.routes import get, post
from callrouter.web.visit import NotFound, Visit

ACTS = ("rollen", "passwort", "abmelden", "sperren", "freigeben")
ID_DIGITS = 16  # of a number in the trail; more are none of ours


async def show(visit: Visit) -> web.StreamResponse:
    return await _list(visit)


async def add(visit: Visit) -> web.StreamResponse:
    """With a password that is shown once, and must be changed at the first login."""
    errors: dict[str, str] = {}
    grants = _grants(visit, errors)
    made = generate()
    if not errors:
        kept = await visit.front.passwords.hash(made)
        name, title = visit.field("name", 64), visit.field("titel", 80)
        try:
            await visit.front.accounts.add(name, title, grants, kept, time(), must_change=True)
        except AccountError as error:
            taken = "already" in str(error)
            errors["name"] = (
                visit.texts("Diesen Namen gibt es schon.")
                if taken
                else visit.texts("Ein Name hat 2 bis 64 Buchstaben, Ziffern und die Zeichen . _ @ + -")
            )
    if errors:
        return await _list(visit, errors, status=422)
    await visit.audit(f"account {visit.field('name', 64)} added", "by page", "", _text(grants))
    return await _list(visit, made=(visit.field("name", 64), made))


async def one(visit: Visit) -> web.StreamResponse:
    return _one(visit, await _account(visit), {})


async def act(visit: Visit) -> web.StreamResponse:
    """Roles, password, sessions, or the account itself. Nobody can lock himself out of managing accounts."""
    account, doing = await _account(visit), visit.at["act"]
    book, errors = visit.front.accounts, dict[str, str]()
    if doing not in ACTS:
        raise NotFound
    own = account.id == visit.user.id
    before, after, made = "", "", ""
    if doing == "rollen":
        grants = _grants(visit, errors)
        if own and Grant(Role.ADMIN) not in grants:
            errors["rollen"] = visit.texts("Die eigene Rolle admin kann man sich nicht nehmen.")
        if not errors:
            await book.set_grants(account.id, grants)
        before, after = _text(account.grants), _text(grants)
    elif doing == "passwort":
        made = generate()
        await book.set_password(account.id, await visit.front.passwords.hash(made), must_change=True)
    elif doing == "abmelden":
        await book.end_all(account.id)
    elif own:
        errors[""] = visit.texts("Das eigene Konto kann man nicht sperren.")
    else:
        await book.set_enabled(account.id, doing == "freigeben")
    if errors:
        return _one(visit, account, errors, status=422)
    visit.front.live.recheck()
    await visit.audit(f"account {account.name} {doing}", "by page", before, after)
    if made:
        return await _list(visit, made=(account.name, made))
    return visit.go("/konten", visit.texts("Konto %(name)s ist geändert.", name=account.name))


async def audit(visit: Visit) -> web.StreamResponse:
    who, what = visit.request.query.get("wer", "").strip(), visit.request.query.get("was", "").strip()
    before = visit.request.query.get("vor", "")
    number = int(before) if before.isdecimal() and len(before) < ID_DIGITS else None
    entries, onward = await search.trail(visit.part(Archive).engine, who[:100], what[:100], number)
    zone = visit.front.context.plan().sites[0].zone
    return visit.show("audit.html", entries=entries, onward=onward, who=who, what=what, zone=zone)


# ---- inside


async def _list(
    visit: Visit, errors: dict[str, str] | None = None, made: tuple[str, str] | None = None, status: int = 200
) -> web.Response:
    return visit.show(
        "accounts.html",
        status=status,
        accounts=await visit.front.accounts.accounts(),
        errors=errors or {},
        made=made,
        values={name: visit.field(name) for name in ("name", "titel", "rollen")},
        zone=visit.front.context.plan().sites[0].zone,
    )


def _one(visit: Visit, account: Account, errors: dict[str, str], status: int = 200) -> web.Response:
    grants = visit.field("rollen") or _text(account.grants)
    return visit.show("account.html", status=status, account=account, errors=errors, grants=grants)


async def _account(visit: Visit) -> Account:
    found = await visit.front.accounts.account(visit.at["name"])
    if found is None:
        raise NotFound
    return found


def _grants(visit: Visit, errors: dict[str, str]) -> tuple[Grant, ...]:
    """Roles as they are written, separated by commas; they must fit the plan."""
    try:
        grants = tuple(Grant.read(part) for part in visit.field("rollen").replace("\n", ",").split(",") if part.strip())
    except BadGrant as error:
        errors["rollen"] = str(error)
        return ()
    if not grants:
        errors["rollen"] = visit.texts("Mindestens eine Rolle ist nötig.")
    plan = visit.front.context.plan()
    places = {site.name for site in plan.sites} | {agent.id for agent in plan.agents} | {"", "*"}
    for grant in grants:
        if grant.role is not Role.DEPARTMENT and grant.scope not in places:
            errors["rollen"] = visit.texts("„%(scope)s“ steht nicht in der Konfiguration.", scope=grant.scope)
    return grants


def _text(grants: tuple[Grant, ...]) -> str:
    return ", ".join(map(str, grants))


ROUTES = (
    *get("/konten", show),
    *post("/konten", add),
    *get("/konten/{name}", one),
    *post("/konten/{name}/{act}", act),
    *get("/protokoll", audit),
)
