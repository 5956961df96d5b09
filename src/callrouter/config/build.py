"""A valid network as the router's and the desk's plans. Reads and checks nothing: `references.py`, `sense.py` did."""

from __future__ import annotations

import re
from datetime import date

from callrouter.callers import normalise
from callrouter.config import kinds, offices, places, schema
from callrouter.config.callback import SAYS, WORKDAYS, may_ring
from callrouter.config.holidays import public_holidays
from callrouter.config.hours import ALL_DAY, DAYS, HOLIDAYS, make_hours
from callrouter.config.spoken import callback_said, said
from callrouter.core import plan
from callrouter.desk.places import Address, Place, Telephone
from callrouter.desk.plan import Department, Desk, Stage

GENERAL = "general"  # the topic of a hotline that names none
YEARS_AHEAD = 2  # days that return each year are written out for this year and so many more


def topics_of(hotline: schema.Hotline) -> dict[str, schema.Topic]:
    return hotline.topics or {GENERAL: schema.Topic(title=hotline.title)}


def directions(agreement: schema.Agreement) -> list[tuple[str, str]]:
    """(borrower, lender), both ways when mutual."""
    pair = (agreement.borrower, agreement.lender)
    return [pair, pair[::-1]] if agreement.mutual else [pair]


def teams_of(hotline: schema.Hotline, topic: schema.Topic) -> list[str]:
    return topic.teams or hotline.teams


def skills(levels: kinds.Skills) -> plan.Skills:
    return tuple(sorted(levels.items()))


def years_from(today: date) -> range:
    return range(today.year, today.year + YEARS_AHEAD + 1)


def hours(hotline: schema.Hotline, site: schema.Site, years: range) -> plan.Hours | None:
    """When the hotline is open by the clock and the holidays of its site."""
    if hotline.hours is None:
        return None
    return make_hours(hotline.hours, site.zone, years=years, holidays=public_holidays(site.land, years))


def window(agreement: schema.Agreement, site: schema.Site | None = None, years: range = range(0)) -> plan.Hours | None:
    """By the clock of the borrower's site. Holidays count only if the window names them: its hotlines know theirs."""
    if agreement.window is None and agreement.from_ is None and agreement.until is None:
        return None
    week = dict.fromkeys(DAYS, ALL_DAY) if agreement.window is None else agreement.window
    zone = site.zone if site else "UTC"
    named = public_holidays(site.land, years) if site and HOLIDAYS in week else ()
    return make_hours(week, zone, agreement.from_ or "", agreement.until or "", years=years, holidays=named)


def make_plan(network: schema.Network, version: str, today: date) -> plan.Plan:
    """The same plan for each day of a year: the dates in it reach from this year's first day on."""
    years = years_from(today)
    return plan.Plan(
        version=version,
        sites=tuple(_site(name, site) for name, site in network.sites.items()),
        hotlines=tuple(
            _hotline(name, hotline, network.sites[hotline.site], years) for name, hotline in network.hotlines.items()
        ),
        teams=tuple(_team(name, team) for name, team in network.teams.items()),
        agents=tuple(agent for name, team in network.teams.items() for agent in agents_of(name, team)),
        agreements=tuple(
            direction
            for name, one in network.agreements.items()
            for direction in _agreements(name, one, network, years)
        ),
    )


def _site(name: str, site: schema.Site) -> plan.Site:
    return plan.Site(name, site.title, site.land, site.zone, site.trunk.early_media, site.trunk.menu is None)


def agents_of(name: str, team: schema.Team) -> list[plan.Agent]:
    return [
        plan.Agent(
            id=f"{team.site}/{number}",
            team=name,
            site=team.site,
            phone=entry.phone or number,
            skills=skills(entry.skills),
        )
        for entry in team.agents
        for number in entry.numbers()
    ]


def _team(name: str, team: schema.Team) -> plan.Team:
    return plan.Team(
        name=name,
        title=team.title,
        site=team.site,
        strategy=team.strategy,
        ring_s=team.ring_s,
        wrap_up_s=team.wrap_up_s,
        wrap_up_more_s=team.wrap_up_more_s,
        wrap_up_max_s=team.wrap_up_max_s,
        refusal_pause_s=team.refusal_pause_s,
        ring_all_max=team.ring_all_max,
    )


def _hotline(name: str, hotline: schema.Hotline, site: schema.Site, years: range) -> plan.Hotline:
    topics = topics_of(hotline)
    return plan.Hotline(
        name=name,
        title=hotline.title,
        site=hotline.site,
        numbers=tuple(plan.Number(number.dialled, number.topic or "") for number in hotline.numbers),
        hours=hours(hotline, site, years),
        teams=tuple(hotline.teams),
        topics=tuple(_topic(topic_name, topic) for topic_name, topic in topics.items()),
        default_topic=hotline.default_topic or next(iter(topics)),
        target_s=hotline.target_s,
        ring_max_s=hotline.ring_max_s,
        line_max=hotline.line_max,
        priority=hotline.priority,
        affinity_s=hotline.affinity_s,
        redial_window_s=hotline.redial_window_s,
        menu=_menu(name, hotline),
        say_welcome=said(name, hotline, "welcome"),
        say_closed=said(name, hotline, "closed"),
        say_busy=said(name, hotline, "busy"),
        say_notice=said(name, hotline, "notice"),
        nobody=hotline.nobody,
        callback=_callback(name, hotline, site, years),
    )


def _callback(name: str, hotline: schema.Hotline, site: schema.Site, years: range) -> plan.CallbackRules:
    callback = hotline.callback
    holidays = public_holidays(site.land, years)
    working = make_hours(dict.fromkeys(WORKDAYS, ALL_DAY), site.zone, years=years, holidays=holidays)
    named = callback.hours
    if named is None:
        may = may_ring(hours(hotline, site, years), site.zone, working)
    else:
        may = make_hours(named, site.zone, years=years, holidays=holidays)
    says = {f"say_{what}": callback_said(name, hotline, what) for what in SAYS}
    return plan.CallbackRules(
        hours=may,
        working=working,
        shows=re.sub(r"[^0-9+]", "", callback.shows or hotline.numbers[0].number),
        digit=callback.digit,
        wait_s=callback.wait_s,
        reserve=callback.reserve,
        tries_max=callback.tries_max,
        pause_s=callback.pause_s,
        dial_s=callback.dial_s,
        due_days=callback.due_days,
        due_at_s=callback.due_at,
        unreached_max=callback.unreached_max,
        **(says if hotline.nobody is plan.Nobody.CALLBACK else {}),
    )


def _menu(name: str, hotline: schema.Hotline) -> plan.Menu | None:
    menu = hotline.menu
    if menu is None:
        return None
    return plan.Menu(said(name, hotline, "menu"), tuple(sorted(menu.options.items())), menu.wait_s, menu.tries)


def _topic(name: str, topic: schema.Topic) -> plan.Topic:
    return plan.Topic(
        name=name,
        title=topic.title,
        needs=skills(topic.needs),
        relax=tuple(plan.Relaxation(step.after_s, skills(step.needs)) for step in topic.relax),
        priority=topic.priority,
        teams=tuple(topic.teams),
    )


def _agreements(name: str, agreement: schema.Agreement, network: schema.Network, years: range) -> list[plan.Agreement]:
    return [
        plan.Agreement(
            name=name,
            borrower=borrower,
            lender=lender,
            hotlines=tuple(agreement.hotlines),
            topics=tuple(agreement.topics),
            reserve=for_team(agreement.reserve, lender) or 0,
            max_calls=None if agreement.max_calls is None else for_team(agreement.max_calls, lender),
            after_s=agreement.after_s,
            window=window(agreement, network.sites[network.teams[borrower].site], years),
            lender_health=agreement.lender_health,
            enabled=agreement.enabled,
        )
        for borrower, lender in directions(agreement)
    ]


def for_team(value: kinds.PerTeam, team: str) -> int | None:
    return value.get(team, value.get(""))


def make_desk(network: schema.Network, today: date) -> Desk:
    """Likewise the same for each day of a year."""
    years = years_from(today)
    return Desk(
        departments=tuple(
            _department(name, one, network.sites[one.site], years) for name, one in network.departments.items()
        ),
        places=tuple(_place(name, one, network, years) for name, one in network.places.items()),
    )


def working_hours(department: offices.Department, site: schema.Site, years: range) -> plan.Hours:
    """When the department works, by the clock of its site and the holidays of its Land."""
    holidays = public_holidays(department.land or site.land, years)
    return make_hours(department.hours, site.zone, years=years, holidays=holidays)


def _department(name: str, department: offices.Department, site: schema.Site, years: range) -> Department:
    return Department(
        name=name,
        title=department.title,
        site=department.site,
        hours=working_hours(department, site, years),
        email=department.email,
        language=department.language,
        phones=tuple(department.phones),
        topics=tuple(department.topics),
        due_days=department.due_days,
        due_at_s=department.due_at,
        stages=tuple(Stage(one.to, one.after_days) for one in department.escalations),
    )


def _place(name: str, place: places.Place, network: schema.Network, years: range) -> Place:
    names = {language: public_holidays(place.land, years, language) for language in ("de", "en")}
    return Place(
        name=name,
        title=place.title,
        hours=make_hours(place.hours, place.zone, years=years, holidays=names["de"]),
        visit=_address(place.visit),
        post=_address(place.post or place.visit),
        email=place.email,
        telephone=_telephone(place.hotline, network, years) if place.hotline else None,
        postcodes=tuple(place.postcodes),
        access=tuple(place.access.items()),
        holidays=tuple((day, tuple((language, names[language][day]) for language in names)) for day in names["de"]),
    )


def _address(address: places.Address) -> Address:
    return Address(address.street, address.postcode, address.town, address.extra or "")


def _telephone(name: str, network: schema.Network, years: range) -> Telephone:
    hotline = network.hotlines[name]
    number = hotline.numbers[0].number
    return Telephone(name, number, normalise(number), hours(hotline, network.sites[hotline.site], years))
