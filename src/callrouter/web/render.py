"""Templates: one jinja environment per language, and single blocks of a template for the streams.

A block is drawn without the rest of its page, so templates call macros as `ui.name(…)` and import nothing themselves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from callrouter.i18n import texts
from callrouter.i18n.texts import duration
from callrouter.web.reasons import told


@lru_cache(maxsize=8)
def environment(language: str) -> Environment:
    """Made once; some tens of milliseconds."""
    words = texts(language)
    made = Environment(
        loader=PackageLoader("callrouter.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters |= {"duration": duration, "number": words.number, "reason": lambda text: told(text, language)}
    made.globals |= {"texts": words, "language": language}
    made.globals["ui"] = made.get_template("ui.html").module
    return made


def page(language: str, template: str, values: dict[str, Any]) -> str:
    return environment(language).get_template(template).render(values)


def block(language: str, template: str, name: str, values: dict[str, Any]) -> str:
    """One block alone."""
    found = environment(language).get_template(template)
    return "".join(found.blocks[name](found.new_context(values)))
