"""Templates in one language: jinja environments that know the texts, the same for pages and reports."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from callrouter.i18n.texts import duration, texts


@lru_cache(maxsize=8)
def environment(language: str, package: str) -> Environment:
    """Over the folder `templates` of a package. Made once; some tens of milliseconds."""
    words = texts(language)
    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters |= {"duration": duration, "number": words.number}
    made.globals |= {"texts": words, "language": language}
    return made
