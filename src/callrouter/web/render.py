"""Templates: one jinja environment per language, and single blocks of a template for the streams.

A block is drawn without the rest of its page, so templates call macros as `ui.name(…)` and import nothing themselves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment

from callrouter.callers import telephone
from callrouter.i18n import templates
from callrouter.web.reasons import told


@lru_cache(maxsize=8)
def environment(language: str) -> Environment:
    """That of the pages, with their macros."""
    made = templates.environment(language, "callrouter.web")
    made.filters["telephone"] = telephone
    made.filters["reason"] = lambda text: told(text, language)
    made.globals["ui"] = made.get_template("ui.html").module
    return made


def page(language: str, template: str, values: dict[str, Any]) -> str:
    return environment(language).get_template(template).render(values)


def block(language: str, template: str, name: str, values: dict[str, Any]) -> str:
    """One block alone."""
    found = environment(language).get_template(template)
    return "".join(found.blocks[name](found.new_context(values)))
