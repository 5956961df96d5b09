"""Does what the entries say together make sense? Errors for what can never work, warnings for what is legal but odd.

What counts as an agreement loop: a team that borrows from itself, and the same direction twice for the same calls (a
mutual agreement counts both ways), since their reserves and caps would contradict each other. Chains (A borrows from B,
B from C) and rings of several teams are legal: a call is never passed on twice, so nothing can circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from callrouter.config import kinds, schema
from callrouter.config.build import agents_of, directions, for_team, skills, teams_of, topics_of, window
from callrouter.config.callback import SAYS, at_night, default_texts
from callrouter.config.draft import Draft
from callrouter.config.hours import HOLIDAYS, ever_open, iso_date, make_hours, meet
from callrouter.config.messages import did_you_mean
from callrouter.config.source import Where
from callrouter.core.plan import Hours, Nobody, Skills

CARRIER_CUTS_S = 180  # RFC 3261 lets a proxy cancel three minutes after the last provisional response


def check_sense(draft: Draft) -> None:
    for name, hotline in draft.hotlines.items():
        _ringing(draft, name, hotline)
        _hours(draft, name, hotline)
        _heard(draft, name, hotline)
        _nobody(draft, name, hotline)
    for name, agreement in draft.agreements.items():
        _agreement(draft, name, agreement)
    _twice(draft)
    if draft.whole("teams") and draft.whole("hotlines"):
        for name, hotline in draft.hotlines.items():
            _served(draft, name, hotline)
            _rung_back(draft, name, hotline)
        for name, team in draft.teams.items():
            _team(draft, name, team)
        _site(draft)
    for name, department in draft.departments.items():
        if not ever_open(make_hours(department.hours, "UTC", years=draft.years)):
            what = f"department '{name}' never works, so no callback would ever be due"
            draft.error(("departments", name, "hours"), what, "give a day some hours")
        if department.escalations and draft.service.mail is None:
            what = f"nobody is written to about overdue callbacks of '{name}': there is no mail server"
            draft.warn(("departments", name, "escalations"), what, "add service: {mail: …}", key=True)
    for name, place in draft.places.items():
        if not ever_open(make_hours(place.hours, "UTC", years=draft.years)):
            draft.error(("places", name, "hours"), f"place '{name}' never opens", "give a day some hours")
    if draft.service.mail is None and any(place.hotline for place in draft.places.values()):
        what = "the contact form is closed: there is no mail server to answer by"
        draft.warn(("places",), what, "add service: {mail: …}", key=True)
    _service(draft)


def _service(draft: Draft) -> None:
    url = urlsplit(draft.service.pages.url)
    if url.scheme == "http" and not _on_this_machine(url.hostname or ""):
        what = "passwords would cross the network in clear"
        draft.warn(("service", "pages", "url"), what, "put a proxy with TLS before the pages and write https://…")
    mail = draft.service.mail
    if mail and mail.ca:
        _there(draft, mail.ca, ("service", "mail", "ca"))
    if draft.service.forecast:
        _there(draft, draft.service.forecast, ("service", "forecast"))
    if not draft.service.tokens:
        draft.warn(("service",), "no tokens: the API refuses every request", "add a token with a name and a secret")


def _there(draft: Draft, file: Path, where: Where) -> None:
    """It may be made later, or on the machine that needs it."""
    if not file.is_file():
        draft.warn(where, f"there is no file {file.name} at this place", "mend its path, or put it there")


# ---- hotlines


def _ringing(draft: Draft, name: str, hotline: schema.Hotline) -> None:
    where: Where = ("hotlines", name, "ring_max_s")
    limit = hotline.ring_max_s
    menu_s = hotline.menu.longest_s if hotline.menu else 0.0
    if hotline.menu is not None and limit is not None and limit <= menu_s:
        what = f"the ring limit of {limit:g} s is not longer than the menu, which lasts up to about {menu_s:g} s"
        draft.error(where, what, "raise ring_max_s or shorten the menu")
        return
    if limit is None:
        draft.warn(where, "no ring limit, but carriers cut long ringing", "set ring_max_s to 180 or less")
    elif limit > CARRIER_CUTS_S:
        draft.warn(where, f"carriers may cut the ringing before {limit:g} s", "set ring_max_s to 180 or less")
    teams = {team for topic in topics_of(hotline).values() for team in teams_of(hotline, topic)}
    for team in sorted(teams & draft.teams.keys()):
        if limit and draft.teams[team].ring_s >= limit:
            ring_s = draft.teams[team].ring_s
            what = f"the ring limit of {limit:g} s leaves no second try after team '{team}' rings {ring_s} s"
            draft.warn(where, what, "raise ring_max_s or lower the team's ring_s")


def _hours(draft: Draft, name: str, hotline: schema.Hotline) -> None:
    week = hotline.hours
    if week is None:
        return
    where: Where = ("hotlines", name, "hours")
    if not ever_open(make_hours(week, "UTC", years=draft.years)) and not week.get(HOLIDAYS):
        what = f"hotline '{name}' never opens"
        draft.error(where, what, "give a day some hours, or remove the key: always open")
    elif HOLIDAYS not in week and make_hours(week, "UTC").weekly[6]:
        what = f"hotline '{name}' opens on Sundays but not on public holidays"
        draft.warn(where, what, "say 'holidays: open' or 'holidays: closed'", key=True)


def _heard(draft: Draft, name: str, hotline: schema.Hotline) -> None:
    """Menus that no caller hears, topics that no caller reaches."""
    where: Where = ("hotlines", name)
    says = hotline.announcements
    site = draft.sites.get(hotline.site)
    if site and not site.trunk.early_media and (hotline.menu or any(text for _, text in says)):
        what = f"callers of '{name}' hear no menu and no announcement: site '{hotline.site}' has no early media"
        key = "menu" if hotline.menu else "announcements"
        draft.warn((*where, key), what, "remove them, or find a carrier that has", key=True)
    elif site and site.trunk.menu and hotline.menu:
        what = f"callers of '{name}' hear no menu: the trunk of site '{hotline.site}' has 'menu: none'"
        draft.warn((*where, "menu"), what, "remove it; all of them go to the default topic", key=True)
    if says.closed and hotline.hours is None:
        what = f"hotline '{name}' never closes, so nobody hears this"
        draft.warn((*where, "announcements", "closed"), what, "remove it, or set hours", key=True)
    if hotline.menu is None:
        return
    implied = [number.topic for number in hotline.numbers]
    if all(implied):
        draft.warn((*where, "menu"), "every number implies a topic, so nobody hears the menu", "remove it", key=True)
    topics = topics_of(hotline)
    reached = {*hotline.menu.options.values(), *implied, hotline.default_topic or next(iter(topics))}
    for topic in topics:
        if topic not in reached:
            mend = "give it a digit in the menu, or a number"
            draft.warn((*where, "topics", topic), f"no caller reaches topic '{topic}'", mend, key=True)


def _nobody(draft: Draft, name: str, hotline: schema.Hotline) -> None:
    """What callers meet whom nobody can serve."""
    where: Where = ("hotlines", name)
    callback, site = hotline.callback, draft.sites.get(hotline.site)
    if hotline.nobody is Nobody.BUSY and hotline.announcements.busy:
        draft.warn((*where, "announcements", "busy"), "nobody hears this: 'nobody' is busy", "remove one", key=True)
    for key, spans in (callback.hours or {}).items():
        if spans is not None and at_night(spans):
            what = f"callers of '{name}' would be rung at night"
            draft.error((*where, "callback", "hours", key), what, "keep between 07:00 and 21:00")
    if callback.hours is not None and not ever_open(make_hours(callback.hours, "UTC", years=draft.years)):
        draft.error((*where, "callback", "hours"), f"callers of '{name}' are never rung", "give a day some hours")
    if hotline.nobody is not Nobody.CALLBACK:
        own = [what for what in SAYS if getattr(callback, what)]
        if own:
            mend = "say 'nobody: callback', or remove it"
            draft.warn((*where, "callback", own[0]), "nobody hears this: no callback is offered", mend, key=True)
        return
    if site and (site.trunk.menu or not site.trunk.early_media):
        lacks = "has 'menu: none'" if site.trunk.early_media else "has no early media"
        what = f"callers of '{name}' are offered no callback: site '{hotline.site}' {lacks}"
        draft.warn((*where, "nobody"), what, "say 'nobody: busy', or find a carrier that has", key=True)
    offer = callback.offer or default_texts(callback)["offer"]
    offer_s = sum(len(offer.get(one, "")) for one in hotline.languages) / schema.SPOKEN_PER_S + callback.wait_s
    limit = hotline.ring_max_s
    if limit is not None and limit <= CARRIER_CUTS_S < limit + offer_s:
        what = f"the offer of a callback lasts about {offer_s:.0f} s after the ring limit of {limit:g} s"
        mend = f"set ring_max_s to {CARRIER_CUTS_S - offer_s:.0f} or less: carriers cut long ringing"
        draft.warn((*where, "ring_max_s"), what, mend)
    hours, may = _week(hotline.hours), _week(callback.hours)
    if may is not None and not meet(hours, may):
        what = f"callers of '{name}' may be rung only when it is closed and nobody is there to do it"
        draft.warn((*where, "callback", "hours"), what, "let them overlap", key=True)


def _rung_back(draft: Draft, name: str, hotline: schema.Hotline) -> None:
    """A reserve that leaves nobody to ring callers back."""
    reserve = hotline.callback.reserve
    sizes = [len(agents_of(team, draft.teams[team])) for team in hotline.teams if team in draft.teams]
    if hotline.nobody is Nobody.CALLBACK and sizes and 0 < max(sizes) <= reserve:
        what = f"agents of '{name}' never ring a caller back: the reserve of {reserve} keeps all of them"
        draft.warn(("hotlines", name, "callback", "reserve"), what, f"set it below {max(sizes)}")


def _served(draft: Draft, name: str, hotline: schema.Hotline) -> None:
    """Topics that nobody of the topic's own teams can serve, and steps of relaxation out of order."""
    every = sorted({skill for team in draft.teams.values() for entry in team.agents for skill in entry.skills})
    for topic_name, topic in hotline.topics.items():
        where: Where = ("hotlines", name, "topics", topic_name)
        times = [step.after_s for step in topic.relax]
        if times != sorted(set(times)):
            draft.error((*where, "relax"), "the steps of 'relax' are out of order", "sort them by after_s, each once")
        unknown = [skill for step in _stages(topic) for skill, _ in step if skill not in every]
        for skill in dict.fromkeys(unknown):
            draft.warn((*where, "needs"), f"no agent has the skill '{skill}'", did_you_mean(skill, every))
        teams = [team for team in teams_of(hotline, topic) if team in draft.teams]
        if not unknown and teams and not any(_able(draft, team, topic) for team in teams):
            what = f"nobody in {_and(teams)} has the skills for topic '{topic_name}'"
            draft.warn(where, what, "give agents the skills, or lower the needs", key=True)


# ---- teams


def _team(draft: Draft, name: str, team: schema.Team) -> None:
    where: Where = ("teams", name)
    if not team.agents:
        draft.warn(where, f"team '{name}' has no agents", "add 'agents:'", key=True)
    if team.wrap_up_s == 0:
        draft.warn((*where, "wrap_up_s"), "agents get no time after a call", "set wrap_up_s to some seconds")
    serves = any(name in teams_of(h, topic) for h in draft.hotlines.values() for topic in topics_of(h).values())
    lends = any(name == lender for one in draft.agreements.values() for _, lender in directions(one))
    if not serves and not lends and draft.whole("agreements"):
        draft.warn(where, f"team '{name}' serves no hotline and lends to nobody", "name it in a hotline", key=True)


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _site(draft: Draft) -> None:
    phones: dict[str, set[str]] = {}
    trunks: dict[str, str] = {}
    for name, team in draft.teams.items():
        phones.setdefault(team.site, set()).update(agent.phone for agent in agents_of(name, team))
    for name, site in draft.sites.items():
        where: Where = ("sites", name, "failsafe")
        other = trunks.setdefault(site.trunk.sip, name)
        if other != name:
            what = f"site '{other}' has the SIP address {site.trunk.sip} already"
            draft.warn(("sites", name, "trunk", "sip"), what, "give each site its own")
        if site.asterisk.tls and site.asterisk.tls.ca:
            _there(draft, site.asterisk.tls.ca, ("sites", name, "asterisk", "tls", "ca"))
        if site.asterisk.tls is None and not site.asterisk.tunnel and not _on_this_machine(site.asterisk.host):
            what = f"the manager of '{name}' is reached in clear: who is on the way reads numbers and may give orders"
            draft.warn(
                ("sites", name, "asterisk"), what, "add tls: {ca: …}, or tunnel: true if one guards it", key=True
            )
        if not site.failsafe.phones:
            what = f"site '{name}' has no failsafe phones: its callers get busy when no router is alive"
            draft.warn(where, what, "add failsafe: {phones: [...]}", key=True)
        here = sorted(phones.get(name, ()))
        for i, phone in enumerate(site.failsafe.phones):
            if phone not in here:
                what = f"failsafe phone '{phone}' is no agent's at this site"
                draft.warn((*where, "phones", i), what, did_you_mean(phone, here, "check its name"))


# ---- agreements


def _agreement(draft: Draft, name: str, agreement: schema.Agreement) -> None:
    where: Where = ("agreements", name)
    if agreement.borrower == agreement.lender:
        what = f"team '{agreement.borrower}' borrows from itself"
        draft.error((*where, "lender"), what, "name another team")
        return
    hours = window(agreement)
    if agreement.from_ and agreement.until and iso_date(agreement.until) < iso_date(agreement.from_):
        draft.error((*where, "until"), f"'until' lies before 'from' ({agreement.from_})", "exchange them")
    elif hours is not None and not ever_open(hours):
        key = "window" if agreement.window is not None else "until"
        draft.error((*where, key), f"agreement '{name}' is never in force", "widen its window or its dates")
    if not (draft.whole("teams") and draft.whole("hotlines")):
        return
    for borrower, lender in directions(agreement):
        if borrower in draft.teams and lender in draft.teams:
            _reserve(draft, where, agreement, lender)
            _covered(draft, where, agreement, borrower, lender)


def _reserve(draft: Draft, where: Where, agreement: schema.Agreement, lender: str) -> None:
    size = len(agents_of(lender, draft.teams[lender]))
    reserve = for_team(agreement.reserve, lender) or 0
    place: Where = (*where, "reserve", lender)
    if reserve > size:
        what = f"the reserve of {reserve} is larger than team '{lender}' with {size} agents"
        draft.error(place, what, f"keep it below {size}" if size else "add agents to the team")
    elif reserve and reserve == size:
        draft.warn(place, f"team '{lender}' keeps all its {size} agents: it never lends", f"keep it below {size}")
    cap = None if agreement.max_calls is None else for_team(agreement.max_calls, lender)
    if cap == 0:
        draft.warn((*where, "max_calls", lender), f"team '{lender}' may lend no call", "raise it, or switch it off")


def _covered(draft: Draft, where: Where, agreement: schema.Agreement, borrower: str, lender: str) -> None:
    """The calls that may go this way: are there any, in hours that meet, and can the lender serve them?"""
    covered = list(_calls(draft, agreement, borrower))
    if not covered:
        what = f"no call of team '{borrower}' falls under this agreement"
        draft.warn(where, what, "check its hotlines and topics, and which hotlines the team serves", key=True)
        return
    limits = [draft.hotlines[hotline].ring_max_s for hotline, _ in covered]
    most = None if None in limits else max(limit for limit in limits if limit is not None)
    if agreement.after_s and most is not None and agreement.after_s >= most:
        what = (
            f"calls of '{borrower}' may go over after {agreement.after_s:g} s, but they end after {most:g} s of ringing"
        )
        draft.warn((*where, "after_s"), what, f"set it below {most:g}")
    window_hours = _week(agreement.window)
    if not any(meet(_week(draft.hotlines[hotline].hours), window_hours) for hotline, _ in covered):
        what = f"the window is closed whenever the hotlines of '{borrower}' are open"
        draft.warn((*where, "window"), what, "move the window")
    if not draft.teams[lender].agents:
        return
    topics = [(topic, topics_of(draft.hotlines[hotline])[topic]) for hotline, topic in covered]
    lacking = [name for name, topic in topics if not _able(draft, lender, topic)]
    names = ", ".join(dict.fromkeys(lacking))
    if len(lacking) == len(covered):
        what = f"lender '{lender}' has none of the skills for the calls of '{borrower}' (topics: {names})"
        draft.error((*where, "lender"), what, "give its agents the skills, or name another lender")
    elif lacking:
        what = f"lender '{lender}' has no agent with the skills for some topics of '{borrower}' ({names})"
        draft.warn((*where, "lender"), what, "give its agents the skills, or list the topics that it can serve")


def _twice(draft: Draft) -> None:
    """The same direction for the same calls at the same time in two agreements."""
    for (first, one), (second, other) in combinations(draft.agreements.items(), 2):
        shared = [pair for pair in directions(other) if pair in directions(one)]
        if not shared or not _touch(one.hotlines, other.hotlines) or not _touch(one.topics, other.topics):
            continue
        if not meet(window(one), window(other)):
            continue
        borrower, lender = shared[0]
        what = f"'{borrower}' borrows from '{lender}' in agreement '{first}' already"
        place = draft.source.place(("agreements", first), key=True)
        mend = "make one agreement of them, or part them by hotlines, topics, windows or dates"
        draft.error(("agreements", second), f"{what} ({place})", mend, key=True)


def _touch(one: list[str], other: list[str]) -> bool:
    return not one or not other or bool(set(one) & set(other))


def _calls(draft: Draft, agreement: schema.Agreement, borrower: str) -> Iterator[tuple[str, str]]:
    """(hotline, topic) of the borrower's calls that the agreement covers."""
    for name, hotline in draft.hotlines.items():
        if agreement.hotlines and name not in agreement.hotlines:
            continue
        for topic_name, topic in topics_of(hotline).items():
            if borrower in teams_of(hotline, topic) and (not agreement.topics or topic_name in agreement.topics):
                yield name, topic_name


def _week(hours: kinds.Week | None) -> Hours | None:
    return None if hours is None else make_hours(hours, "UTC")


# ---- skills


def _stages(topic: schema.Topic) -> list[Skills]:
    return [skills(topic.needs), *(skills(step.needs) for step in topic.relax)]


def _able(draft: Draft, team: str, topic: schema.Topic) -> bool:
    """Has the team an agent for this topic, at once or after relaxation? A team without agents is another warning."""
    entries = draft.teams[team].agents
    return not entries or any(
        all(entry.skills.get(skill, 0) >= level for skill, level in needs)
        for needs in _stages(topic)
        for entry in entries
    )


def _and(names: list[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
