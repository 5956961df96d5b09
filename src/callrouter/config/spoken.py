"""Everything that callers are told before the answer: which sounds there are, what they are called and what they say.

Names are `hotline-purpose-language` and, for the next opening, what `core/opening.py` calls its parts. How text becomes
sound is `prompts/`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from callrouter.config import kinds, schema
from callrouter.config.callback import SAYS, default_texts
from callrouter.config.words import MONTHS, ORDINALS, WEEKDAYS
from callrouter.core import opening, plan
from callrouter.core.opening import MARK
from callrouter.core.plan import Nobody

OPENING = "{opening}"  # in the text for closed hours, at its end


@dataclass(frozen=True, slots=True)
class Prompt:
    """One sound: what it is called ([a-z0-9-]{1,60}), what it says, in which language."""

    name: str
    text: str
    language: str


def said(name: str, hotline: schema.Hotline, purpose: str) -> str:
    """The sounds of one purpose (menu, welcome, closed, busy, notice), joined by `&`; '' without such a text."""
    texts = _texts(hotline).get(purpose, {})
    sounds: list[str] = []
    for language in hotline.languages:
        if language in texts:
            sounds.append(f"{name}-{purpose}-{language}")
            if OPENING in texts[language]:
                sounds.append(f"{MARK}-{language}")
    return "&".join(sounds)


def callback_said(name: str, hotline: schema.Hotline, what: str) -> str:
    """The sounds of one of the texts about a callback; a text of the hotline's own goes before the general one."""
    return "&".join(prompt.name for prompt in _callback_prompts(name, hotline, what))


def _callback_prompts(name: str, hotline: schema.Hotline, what: str) -> list[Prompt]:
    own: kinds.Spoken = getattr(hotline.callback, what)
    general = default_texts(hotline.callback)[what]
    shared = f"callback-{what}" + (f"-{hotline.callback.digit.replace('*', 'star')}" if what == "offer" else "")
    return [
        Prompt(f"{name}-callback-{what}-{language}", own[language], language)
        if own
        else Prompt(f"{shared}-{language}", general[language], language)
        for language in hotline.languages
    ]


def prompts_of(hotlines: dict[str, schema.Hotline], hours: Iterable[plan.Hotline]) -> tuple[Prompt, ...]:
    """All sounds that these hotlines may play, sorted by name; none twice."""
    found: dict[str, Prompt] = {}
    times: dict[str, set[int]] = {}
    opens = {one.name: _openings(one.hours) for one in hours}
    for name, hotline in hotlines.items():
        for purpose, texts in _texts(hotline).items():
            for language, text in texts.items():
                sound = f"{name}-{purpose}-{language}"
                found[sound] = Prompt(sound, text.removesuffix(OPENING).rstrip(), language)
                if OPENING in text:
                    times.setdefault(language, set()).update(opens[name])
        if hotline.nobody is Nobody.CALLBACK:
            for what in SAYS:
                found |= {prompt.name: prompt for prompt in _callback_prompts(name, hotline, what)}
    for spoken, seconds in times.items():
        clock = [(opening.at(second), _clock(spoken, second)) for second in seconds]
        for part, text in [*_when(spoken), *clock]:
            found[f"{part}-{spoken}"] = Prompt(f"{part}-{spoken}", text, spoken)
    return tuple(found[name] for name in sorted(found))


def _texts(hotline: schema.Hotline) -> dict[str, kinds.Spoken]:
    found = {
        "menu": hotline.menu.prompt if hotline.menu else {},
        "welcome": hotline.announcements.welcome,
        "closed": hotline.announcements.closed,
        "busy": hotline.announcements.busy,
        "notice": hotline.announcements.notice,
    }
    return {purpose: texts for purpose, texts in found.items() if texts}


def _openings(hours: plan.Hours | None) -> set[int]:
    """Every second of the day at which a span begins."""
    if hours is None:
        return set()
    every = [*hours.weekly, *(spans for _, spans in hours.days)]
    return {span.from_s for spans in every for span in spans}


def _when(language: str) -> list[tuple[str, str]]:
    """The parts of which a day is put together, without the times."""
    german = language == "de"
    ordinals = ORDINALS[language]
    return [
        (MARK, "zu unseren Öffnungszeiten." if german else "during our opening hours."),
        ("opening-today", "heute," if german else "today,"),
        ("opening-tomorrow", "morgen," if german else "tomorrow,"),
        *((opening.weekday(i), f"{'am' if german else 'on'} {day},") for i, day in enumerate(WEEKDAYS[language])),
        *((opening.day_of(i), f"{'dem' if german else 'the'} {day}") for i, day in enumerate(ordinals, 1)),
        *((opening.month(i), f"{'' if german else 'of '}{name},") for i, name in enumerate(MONTHS[language], 1)),
    ]


def _clock(language: str, second: int) -> str:
    hour, minute = second // 3600, second // 60 % 60
    if language == "de":
        return f"um {hour} Uhr{f' {minute}' if minute else ''}."
    if minute == 0 and hour in (0, 12):
        return "at noon." if hour else "at midnight."
    shown = f"{hour % 12 or 12}:{minute:02}" if minute else str(hour % 12 or 12)
    return f"at {shown} {'a.m.' if hour < 12 else 'p.m.'}"
