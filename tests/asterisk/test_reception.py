"""Before the answer, on the real Asterisk: menus, announcements and callers who are turned away, all of it unbilled."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrouter.core.commands import Outcome, TopicChosen
from callrouter.core.events import HotlineMode, HotlineSwitched
from tests.asterisk.lab import Lab
from tests.asterisk.routing import Rules, bye, routing, talk

pytestmark = pytest.mark.asterisk

G = "gera"
MENU = """, languages: [de], default_topic: general, topics: {general: {title: Allgemeines},
    benefit: {title: Leistung}}, menu: {prompt: {de: "Für Leistungen drücken Sie die Eins."}, options: {1: benefit},
    wait_s: 2, tries: 2}"""
ANNOUNCED = ", languages: [de], announcements: {closed: {de: Geschlossen.}, busy: {de: Alle sprechen.}}"


@pytest.mark.parametrize("by", ["RTP", "INFO"])
async def test_a_digit_before_the_answer_chooses_the_topic(lab: Lab, tmp_path: Path, by: str) -> None:
    """The menu is early media; the digit comes by RFC 4733 or SIP INFO while nothing is answered; then the agent."""
    phone = await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c", Rules(hotline=MENU)) as router:
        await router.ready("gera/2001")
        caller = lab.call(G, press="1")
        early = await caller.hears(183)
        assert "m=audio" in early.body
        assert phone.legs() == []
        await caller.press(by)
        await talk(caller, phone)
        await bye(router, caller)
        record = await router.finished(caller)
        assert (record.outcome, record.topic) == (Outcome.ANSWERED, "benefit")
        assert [(x.topic, x.digits) for x in router.all(TopicChosen)] == [("benefit", "1")]


async def test_a_caller_who_presses_nothing_has_the_default_topic(lab: Lab, tmp_path: Path) -> None:
    """The menu is played twice, then he rings an agent for the default topic."""
    phone = await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c", Rules(hotline=MENU)) as router:
        await router.ready("gera/2001")
        caller = lab.call(G)
        await talk(caller, phone)
        await bye(router, caller)
        assert (await router.finished(caller)).topic == "general"
        assert [x.digits for x in router.all(TopicChosen)] == [""]


async def test_closed_is_announced_and_ends_with_cause_17(lab: Lab, tmp_path: Path) -> None:
    """Closed by hand: early media, then 486, never answered; nobody's phone rings."""
    phone = await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c", Rules(hotline=ANNOUNCED)) as router:
        await router.ready("gera/2001")
        await router.service.engine.ask(HotlineSwitched("agency-gera", HotlineMode.CLOSED, None, "fire alarm", "test"))
        caller = lab.call(G)
        assert "m=audio" in (await caller.hears(183)).body
        assert await caller.ends() == 486
        record = await router.finished(caller)
        assert (record.outcome, record.cause) == (Outcome.CLOSED, 17)
        assert phone.legs() == []


async def test_all_busy_is_announced_before_the_busy_tone(lab: Lab, tmp_path: Path) -> None:
    """Nobody is there and no waiting is configured: the announcement as early media, then 486."""
    async with routing(lab, tmp_path / "c", Rules(hotline=ANNOUNCED, ring_max_s=0)) as router:
        caller = lab.call(G)
        await caller.hears(183)
        assert await caller.ends() == 486
        assert (await router.finished(caller)).outcome is Outcome.BUSIED


async def test_a_team_without_an_agreement_never_overflows(lab: Lab, tmp_path: Path) -> None:
    """Gotha has no agreement, as an ARGE has none: its caller hears busy though Magdeburg's agent is free."""
    phone = await lab.phone("magdeburg", "1001")
    async with routing(lab, tmp_path / "c", Rules(ring_max_s=0)) as router:
        await router.ready("magdeburg/1001")
        caller = lab.call("gotha")
        assert await caller.ends() == 486
        assert (await router.finished(caller)).outcome is Outcome.BUSIED
        assert phone.legs() == []
