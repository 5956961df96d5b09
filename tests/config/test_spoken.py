"""What callers are told: names of sounds in the plan, and the text of every sound that can be played."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from callrouter.config.load import Loaded, load
from callrouter.config.spoken import Prompt, prompts_of
from callrouter.core import opening
from callrouter.core.plan import Menu
from tests.config.folders import folder

TODAY = date(2026, 11, 23)
HOTLINE = """
sites:
  aachen:
    title: Aachen
    land: NW
    asterisk: {host: 127.0.1.4, user: callrouter, secret: {env: S}}
    trunk: {sip: 127.0.1.4:5060, early_media: no}
hotlines:
  h:
    title: H
    site: gera
    numbers: [030 23125 000, {number: 030 23125 001, topic: benefit}]
    teams: agency-gera
    hours: {Mon-Fri: [08:00-12:00, 13:30-18:00], Sat: 00:00-24:00, 12-24: 09:15-12:00}
    topics: {general: {title: G}, benefit: {title: B, needs: {benefit: 3}}}
    languages: [de, en]
    menu:
      prompt:
        de: >
          Für Fragen zum Geld
          drücken Sie die Eins.
        en: For money press one.
      options: {"*": general, 1: benefit, 0: general}
      wait_s: 4
    announcements:
      welcome: {de: Guten Tag., en: Hello.}
      notice: {de: Störung., en: Disturbance.}
      closed: {de: "Wir sind wieder da {opening}", en: Closed.}
"""


def _load(where: Path) -> Loaded:
    return load(folder(where, more=HOTLINE), TODAY)


def _prompts(loaded: Loaded) -> tuple[Prompt, ...]:
    return prompts_of(loaded.network.hotlines, loaded.plan.hotlines)


def test_menu_and_announcements_reach_the_plan(tmp_path: Path) -> None:
    """Sounds are named hotline-purpose-language, in the order of the languages; what has no text is no sound."""
    plan = _load(tmp_path).plan
    hotline = next(one for one in plan.hotlines if one.name == "h")
    options = (("*", "general"), ("0", "general"), ("1", "benefit"))
    assert hotline.menu == Menu("h-menu-de&h-menu-en", options, wait_s=4.0, tries=2)
    assert hotline.say_welcome == "h-welcome-de&h-welcome-en"
    assert hotline.say_closed == "h-closed-de&next-opening-de&h-closed-en"
    assert (hotline.say_busy, hotline.say_notice) == ("", "h-notice-de&h-notice-en")
    assert {site.name: site.early_media for site in plan.sites} == {"gera": True, "gotha": True, "aachen": False}
    assert all(site.early_digits for site in plan.sites)


def test_a_trunk_may_carry_sound_and_no_digits(tmp_path: Path) -> None:
    """`menu: none` of a trunk reaches the plan, and leaves the announcements alone."""
    text = HOTLINE.replace("early_media: no", "menu: none")
    plan = load(folder(tmp_path, more=text), TODAY).plan
    assert [(site.early_media, site.early_digits) for site in plan.sites if site.name == "aachen"] == [(True, False)]


def test_texts_are_one_line_without_the_mark(tmp_path: Path) -> None:
    """Folded YAML is one sentence; the opening is a sound of its own, and only its language has the parts."""
    said = {prompt.name: prompt.text for prompt in _prompts(_load(tmp_path))}
    assert said["h-menu-de"] == "Für Fragen zum Geld drücken Sie die Eins."
    assert said["h-closed-de"] == "Wir sind wieder da"
    assert said["next-opening-de"] == "zu unseren Öffnungszeiten."
    assert said["opening-mon-de"] == "am Montag,"
    assert (said["opening-at-0800-de"], said["opening-at-1330-de"]) == ("um 8 Uhr.", "um 13 Uhr 30.")
    assert "next-opening-en" not in said
    assert all(re.fullmatch("[a-z0-9-]{1,60}", name) for name in said)


def test_english_times_are_said_by_twelve_hours(tmp_path: Path) -> None:
    """Noon and midnight have names."""
    text = HOTLINE.replace("en: Closed.", 'en: "We are back {opening}"').replace(
        "08:00-12:00,", "08:00-11:00, 12:00-12:30,"
    )
    loaded = load(folder(tmp_path, more=text), TODAY)
    said = {prompt.name: prompt.text for prompt in _prompts(loaded)}
    assert said["opening-at-0000-en"] == "at midnight."
    assert said["opening-at-1200-en"] == "at noon."
    assert said["opening-at-0915-en"] == "at 9:15 a.m."
    assert said["opening-at-1330-en"] == "at 1:30 p.m."


def test_every_sound_that_can_be_played_has_a_text(tmp_path: Path) -> None:
    """Through three years, day and night, no announcement names a sound that nobody made."""
    loaded = _load(tmp_path)
    names = {prompt.name for prompt in _prompts(loaded)}
    hotline = next(one for one in loaded.plan.hotlines if one.name == "h")
    now = datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    played: set[str] = set()
    while now.year < 2029:
        played.update(opening.spoken(hotline.say_closed, hotline.hours, now.timestamp()).split("&"))
        now += timedelta(hours=5)
    assert played <= names
    assert {"opening-at-0915-de", "opening-month-12-de", "opening-tomorrow-de"} <= played


BACK = """
hotlines:
  h:
    title: H
    site: gera
    numbers: 030 23125 000
    teams: agency-gera
    languages: [de, en]
    nobody: callback
    callback:
      digit: "*"
      done: {de: Bis bald., en: See you.}
"""


def test_texts_about_a_callback_are_general_unless_the_hotline_has_its_own(tmp_path: Path) -> None:
    """The general ones are shared by all hotlines and name the key; without an offer there are none."""
    loaded = load(folder(tmp_path, more=BACK), TODAY)
    said = {one.name: one.text for one in _prompts(loaded)}
    assert said["h-callback-done-en"] == "See you."
    assert "drücken Sie die Sterntaste" in said["callback-offer-star-de"]
    assert "press star" in said["callback-offer-star-en"]
    rules = {one.name: one.callback for one in loaded.plan.hotlines}
    mine, other = rules["h"], rules["agency-gera"]
    assert mine is not None
    assert other is not None
    assert mine.say_offer == "callback-offer-star-de&callback-offer-star-en"
    assert mine.say_done == "h-callback-done-de&h-callback-done-en"
    played = {sound for what in (mine.say_number, mine.say_again, mine.say_known) for sound in what.split("&")}
    assert played <= said.keys()
    assert (other.say_offer, other.say_done) == ("", "")
    assert all(re.fullmatch("[a-z0-9-]{1,60}", name) for name in said)
    longest = load(folder(tmp_path, more=BACK.replace("  h:", f"  {'h' * 40}:").replace("done:", "number:")), TODAY)
    assert max(len(one.name) for one in _prompts(longest)) <= 60


def test_callers_are_rung_by_day(tmp_path: Path) -> None:
    """Without hours: those of the hotline from 8 to 20; of one that never closes from Monday to Saturday."""
    early = BACK.replace(
        "    nobody", "    hours: {Mon-Fri: 06:00-22:00, Sat: 05:00-07:00, 12-24: 07:00-12:00}\n    nobody"
    )
    named = BACK.replace("    callback:", "    callback:\n      hours: {Mon-Sun: 07:30-21:00, holidays: open}")
    for text, opens, christmas in (
        (early, ["08:00-20:00"] * 5 + [""] * 2, "08:00-12:00"),
        (BACK, ["08:00-20:00"] * 6 + [""], None),
        (named, ["07:30-21:00"] * 7, None),
    ):
        rules = next(one.callback for one in load(folder(tmp_path, more=text), TODAY).plan.hotlines if one.name == "h")
        assert rules is not None
        assert rules.hours is not None
        shown = [" ".join(f"{_hm(a.from_s)}-{_hm(a.to_s)}" for a in day) for day in rules.hours.weekly]
        assert shown == opens
        days = {day: [f"{_hm(a.from_s)}-{_hm(a.to_s)}" for a in spans] for day, spans in rules.hours.days}
        assert days.get("2026-12-24", [None])[0] == christmas
        assert ("2026-12-25" in days) is (text is not named)


def _hm(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}"


def test_callers_see_the_printed_number(tmp_path: Path) -> None:
    """The hotline's first one, or another that the file names."""
    for more, shown in (("", "03023125000"), ("\n      shows: +49 30 23125 999", "+493023125999")):
        text = BACK.replace("    callback:", f"    callback:{more}")
        hotline = next(one for one in load(folder(tmp_path, more=text), TODAY).plan.hotlines if one.name == "h")
        assert hotline.callback is not None
        assert hotline.callback.shows == shown
