"""Does every name that an entry uses exist, and is every number, agent and phone used once?"""

from __future__ import annotations

from collections.abc import Iterable

from callrouter.config import schema
from callrouter.config.build import agents_of, directions, topics_of
from callrouter.config.callback import SAYS
from callrouter.config.draft import Draft
from callrouter.config.messages import did_you_mean
from callrouter.config.source import Where
from callrouter.config.spoken import OPENING
from callrouter.roles import EVERY, Grant, Role


def check_references(draft: Draft) -> None:
    _sites(draft)
    _hotlines(draft)
    _texts(draft)
    _numbers(draft)
    _teams(draft)
    _agents(draft)
    _agreements(draft)
    _departments(draft)
    for name, place in draft.places.items():
        if place.hotline is not None:
            _known(draft, "hotline", place.hotline, ("places", name, "hotline"))
    _sign_on(draft)
    tokens: set[str] = set()
    for i, token in enumerate(draft.service.tokens):
        if token.name in tokens:
            draft.error(("service", "tokens", i, "name"), f"token '{token.name}' stands twice", "rename one")
        tokens.add(token.name)
    if not draft.sites and not draft.source.problems:  # else it may be what one of them is about
        draft.error((), "the configuration names no site, so nothing could be routed", "add 'sites:' with one")


def _sign_on(draft: Draft) -> None:
    """The sites, agents and departments of roles that come with single sign-on."""
    oidc = draft.service.pages.oidc
    agents = {
        f"{team.site}/{number}" for team in draft.teams.values() for one in team.agents for number in one.numbers()
    }
    for value, grants in oidc.grants.items() if oidc else ():
        for i, text in enumerate(grants):
            where: Where = ("service", "pages", "oidc", "grants", value, i)
            grant = Grant.read(text)
            if grant.scope in ("", EVERY):
                continue
            if grant.role is Role.AGENT:
                if grant.scope not in agents:
                    draft.error(where, f"agent '{grant.scope}' does not exist", "write agent:SITE/NUMBER as in teams")
            else:
                _known(draft, "department" if grant.role is Role.DEPARTMENT else "site", grant.scope, where)


def _known(draft: Draft, kind: str, name: str, where: Where) -> bool:
    """Report a name that is in no file. kind: 'site', 'hotline', 'team'."""
    names = sorted(draft.names[f"{kind}s"])
    if name in names:
        return True
    if draft.source.whole(f"{kind}s"):
        draft.error(where, f"{kind} '{name}' does not exist", did_you_mean(name, names))
    return False


def _list(draft: Draft, kind: str, names: Iterable[str], where: Where) -> None:
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in seen:
            draft.error((*where, i), f"{kind} '{name}' stands twice in one list", "remove one")
        elif kind != "topic":
            _known(draft, kind, name, (*where, i))
        seen.add(name)


def _sites(draft: Draft) -> None:
    managers: dict[tuple[str, int], str] = {}
    for name, site in draft.sites.items():
        where: Where = ("sites", name)
        address = (site.asterisk.host, site.asterisk.port)
        if address in managers:
            what = f"site '{managers[address]}' has the Asterisk {address[0]}:{address[1]} already"
            draft.error((*where, "asterisk", "host"), what, "give each site its own")
        managers.setdefault(address, name)
        if site.trunk.carrier in draft.names["sites"]:
            what = f"the carrier's endpoint is named like the site '{site.trunk.carrier}'"
            draft.error((*where, "trunk", "carrier"), what, "rename it: trunks between sites have the sites' names")


def _hotlines(draft: Draft) -> None:
    for name, hotline in draft.hotlines.items():
        where: Where = ("hotlines", name)
        _known(draft, "site", hotline.site, (*where, "site"))
        _list(draft, "team", hotline.teams, (*where, "teams"))
        for topic_name, topic in hotline.topics.items():
            _list(draft, "team", topic.teams, (*where, "topics", topic_name, "teams"))
        topics = topics_of(hotline)
        used = [(number.topic, (*where, "numbers", i, "topic")) for i, number in enumerate(hotline.numbers)]
        used += [(topic, (*where, "menu", "options", key)) for key, topic in _options(hotline)]
        for topic_used, place in [*used, (hotline.default_topic, (*where, "default_topic"))]:
            if topic_used is not None and topic_used not in topics:
                what = f"hotline '{name}' has no topic '{topic_used}'"
                draft.error(place, what, did_you_mean(topic_used, topics))


def _options(hotline: schema.Hotline) -> list[tuple[str, str]]:
    return list(hotline.menu.options.items()) if hotline.menu else []


def _texts(draft: Draft) -> None:
    """Every text in every language of its hotline, and in no other; '{opening}' only where it can be said."""
    for name, hotline in draft.hotlines.items():
        where: Where = ("hotlines", name)
        says = hotline.announcements
        texts = [((*where, "announcements", key), key, getattr(says, key)) for key in type(says).model_fields]
        if hotline.menu:
            texts.append(((*where, "menu", "prompt"), "menu", hotline.menu.prompt))
        texts += [((*where, "callback", key), key, getattr(hotline.callback, key)) for key in SAYS]
        for place, purpose, by_language in texts:
            for language, text in by_language.items():
                if language not in hotline.languages:
                    what = f"hotline '{name}' does not speak '{language}'"
                    draft.error((*place, language), what, "remove the text, or add the language to 'languages'")
                elif OPENING in text and purpose != "closed":
                    draft.error((*place, language), f"'{OPENING}' has no meaning here", "it is for 'closed' only")
                elif OPENING in text and (text.count(OPENING) > 1 or not text.endswith(OPENING)):
                    draft.error((*place, language), f"'{OPENING}' stands within the text", "end the text with it")
            for language in hotline.languages:
                if by_language and language not in by_language:
                    draft.error(place, f"no text for the language '{language}'", f"add '{language}: …'", key=True)


def _numbers(draft: Draft) -> None:
    """Over all sites: a number that is moved to another site's trunk must not silently change its hotline."""
    seen: dict[str, tuple[str, Where]] = {}
    printed: dict[str, tuple[str, Where]] = {}
    for name, hotline in draft.hotlines.items():
        for i, number in enumerate(hotline.numbers):
            where: Where = ("hotlines", name, "numbers", i)
            if number.dialled in seen:
                other, place = seen[number.dialled]
                what = f"number {number.dialled} belongs to hotline '{other}' already ({draft.source.place(place)})"
                draft.error(where, what, "remove it from one of the two")
                continue
            seen[number.dialled] = (name, where)
            other, place = printed.setdefault(number.national, (name, where))
            if other != name:  # trunks may deliver it in several spellings, but to one hotline
                what = f"number {number.number} is that of hotline '{other}' ({draft.source.place(place)})"
                draft.error(where, what, "remove it from one of the two")


def _teams(draft: Draft) -> None:
    for name, team in draft.teams.items():
        _known(draft, "site", team.site, ("teams", name, "site"))


def _agents(draft: Draft) -> None:
    agents: dict[str, tuple[str, Where]] = {}
    phones: dict[str, tuple[str, Where]] = {}
    for name, team in draft.teams.items():
        for i, entry in enumerate(team.agents):
            where: Where = ("teams", name, "agents", i)
            here = agents_of(name, team.model_copy(update={"agents": [entry]}))
            twice = [agent.id for agent in here if agent.id in agents]
            if twice:
                other, place = agents[twice[0]]
                what = f"agent {_more(twice)} is in team '{other}' already ({draft.source.place(place)})"
                draft.error(where, what, "remove it from one of the two")
            here = [agent for agent in here if agent.id not in agents]
            taken = [f"{agent.site}/{agent.phone}" for agent in here if f"{agent.site}/{agent.phone}" in phones]
            if taken:
                other, place = phones[taken[0]]
                what = f"phone {_more(taken)} is agent {other}'s already ({draft.source.place(place)})"
                draft.error((*where, "phone"), what, "give each agent a phone of his own")
            for agent in here:
                agents[agent.id] = (name, where)
                phones.setdefault(f"{agent.site}/{agent.phone}", (agent.id, where))
                if not _phone(draft, agent.site, agent.phone, (*where, "phone")):
                    break
    for name, department in draft.departments.items():
        for i, phone in enumerate(department.phones):
            where = ("departments", name, "phones", i)
            at = f"{department.site}/{phone}"
            other, place = phones.get(at, (at, agents[at][1] if at in agents else ()))
            if place:
                what = f"phone {at} is agent {other}'s already ({draft.source.place(place)})"
                draft.error(where, what, "give the department a phone of its own")
            elif phone in department.phones[:i]:
                draft.error(where, f"phone '{phone}' stands twice in one list", "remove one")
            _phone(draft, department.site, phone, where)


def _phone(draft: Draft, site: str, phone: str, where: Where) -> bool:
    """Is this name free for a phone of the site?"""
    trunks, prefix = set(draft.names["sites"]), ""
    if site in draft.sites:
        trunks.add(draft.sites[site].trunk.carrier)
        prefix = draft.sites[site].trunk.outside_prefix
    if phone in trunks:
        draft.error(where, f"phone '{phone}' has the name of a trunk", "rename the phone's endpoint")
    if prefix and phone.isdecimal() and phone.startswith(prefix):
        what = f"phone '{phone}' begins with the prefix for outside calls, '{prefix}'"
        draft.error(where, what, "rename the phone's endpoint, or change outside_prefix")
        return False
    return True


def _more(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{ids[0]} (and {len(ids) - 1} more)"


def _agreements(draft: Draft) -> None:
    for name, agreement in draft.agreements.items():
        where: Where = ("agreements", name)
        _known(draft, "team", agreement.borrower, (*where, "borrower"))
        _known(draft, "team", agreement.lender, (*where, "lender"))
        _list(draft, "hotline", agreement.hotlines, (*where, "hotlines"))
        _topics(draft, agreement.topics, (*where, "topics"))
        lenders = list(dict.fromkeys(lender for _, lender in directions(agreement)))
        for key, value in (("reserve", agreement.reserve), ("max_calls", agreement.max_calls or {})):
            for team in value:
                if team and team not in lenders:
                    what = f"'{team}' does not lend under this agreement"
                    draft.error((*where, key, team), what, did_you_mean(team, lenders), key=True)


def _topics(draft: Draft, names: list[str], where: Where) -> None:
    """Topics of any hotline, each once."""
    _list(draft, "topic", names, where)
    topics = {topic for hotline in draft.hotlines.values() for topic in topics_of(hotline)}
    for i, topic in enumerate(names):
        if topic not in topics and draft.whole("hotlines"):
            draft.error((*where, i), f"topic '{topic}' does not exist", did_you_mean(topic, sorted(topics)))


def _departments(draft: Draft) -> None:
    for name, department in draft.departments.items():
        where: Where = ("departments", name)
        _known(draft, "site", department.site, (*where, "site"))
        _topics(draft, department.topics, (*where, "topics"))
