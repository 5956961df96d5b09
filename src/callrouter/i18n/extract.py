"""`python -m callrouter.i18n.extract`: bring en.po up to date with the texts in the code and the templates.

New ones come in empty, those that are gone go. `--check` changes nothing and says what would have to be done.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from callrouter.i18n.texts import FOLDER, LANGUAGES

SOURCE = FOLDER.parent
METHODS = [("**/templates/**", "jinja2"), ("**.py", "python")]
# `_` and `texts` are a Texts; `gettext` and `ngettext` are for templates
KEYWORDS = {
    "_": None,
    "texts": None,
    "words": None,
    "mark": None,
    "gettext": None,
    "ngettext": (1, 2),
    "plural": (1, 2),
}
HEAD = r"""# The twin of each German text. `make texts` writes this file; only the msgstr lines are for hands.
msgid ""
msgstr ""
"Language: {language}\n"
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: {plural}\n"

"""


def found() -> Catalog:
    """Every text that is marked for translation."""
    catalog = Catalog(project="callrouter", charset="utf-8")
    options = {"**/templates/**": {"trimmed": "true", "silent": "false"}}
    for _, _, text, comments, context in extract_from_dir(SOURCE, METHODS, options, KEYWORDS, ("TEXT:",)):
        catalog.add(text, auto_comments=comments, context=context)
    return catalog


def path(language: str) -> Path:
    return FOLDER / f"{language}.po"


def kept(language: str) -> Catalog:
    with path(language).open("rb") as file:
        return read_po(file, locale=language)


def merged(language: str) -> Catalog:
    """What the catalogue should hold: each text that is found, with the translation that it has."""
    old = kept(language)
    new = Catalog(locale=language, charset="utf-8")
    for message in found():
        if message.id:
            known = old.get(message.id if isinstance(message.id, str) else message.id[0], message.context)
            text = known.string if known and known.id == message.id else ""
            new.add(message.id, text, context=message.context, auto_comments=message.auto_comments)
    return new


def missing(catalog: Catalog) -> list[Message]:
    """Texts without a translation."""
    return [m for m in catalog if m.id and not (all(m.string) if isinstance(m.string, tuple) else m.string)]


def written(catalog: Catalog) -> bytes:
    """Sorted, without places and dates, so that two who add texts seldom touch the same lines."""
    out = BytesIO()
    write_po(out, catalog, no_location=True, sort_output=True, width=120, omit_header=True)
    return HEAD.format(language=catalog.locale_identifier, plural=catalog.plural_forms).encode() + out.getvalue()


def main(arguments: list[str]) -> int:
    stale = False
    for language in LANGUAGES[1:]:
        catalog = merged(language)
        data = written(catalog)
        changed = data != path(language).read_bytes()
        stale = stale or changed
        if changed and "--check" not in arguments:
            path(language).write_bytes(data)
        lacking = missing(catalog)
        print(f"{path(language).name}: {len(catalog)} texts, {len(lacking)} without translation")  # noqa: T201
        for message in lacking:
            print(f"  {message.id!r}")  # noqa: T201
    return int(stale and "--check" in arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
