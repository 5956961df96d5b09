"""Pydantic's findings in this project's words: what is wrong and the mend, with 'did you mean'.

Knows pydantic's error types and models, not what the models mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

Loc = tuple[int | str, ...]


def wrong(what: str, mend: str, key: str = "") -> PydanticCustomError:
    """To be raised in a validator. key: the entry of a mapping that it concerns."""
    return PydanticCustomError("callrouter", "{what}; {mend}", {"what": what, "mend": mend, "key": key})


def _close(word: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A mend for a name that does not exist."""
    names = list(known)
    close = _close(word, names)
    if close:
        return f"did you mean '{close}'?"
    if otherwise:
        return otherwise
    if not names:
        return "there are none"
    return f"known: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"


@dataclass(frozen=True, slots=True)
class Finding:
    """loc: path within the entry. key: its key is meant, not its value."""

    loc: Loc
    key: bool
    what: str
    mend: str


def explain_all(model: type[BaseModel], errors: ValidationError) -> list[Finding]:
    """A key that is missing because it is misspelt is told once."""
    details = errors.errors(include_url=False)
    misspelt = set()
    for error in details:
        if error["type"] == "extra_forbidden":
            *path, word = error["loc"]
            close = _close(str(word), _keys(_model_at(model, tuple(path))))
            misspelt.add((*path, close))
    return [
        Finding(*_explain(model, error))
        for error in details
        if error["type"] != "missing" or tuple(error["loc"]) not in misspelt
    ]


def _explain(model: type[BaseModel], error: ErrorDetails) -> tuple[Loc, bool, str, str]:
    loc = tuple(step for step in error["loc"] if step != "[key]")
    context = error.get("ctx", {})
    kind = error["type"]
    if kind == "callrouter":
        key = str(context["key"])
        return (*loc, key) if key else loc, bool(key) or "[key]" in error["loc"], context["what"], context["mend"]
    if kind == "extra_forbidden":
        known = _keys(_model_at(model, loc[:-1]))
        word = str(loc[-1])
        close = did_you_mean(word, known, otherwise=f"known here: {', '.join(known)}")
        if word.isdigit():  # {per_hour: 9,5}
            close = "write decimal numbers with a point, like 9.5, and a blank after a comma that parts"
        return loc, True, f"unknown key '{word}'", close
    if kind == "missing":
        return loc[:-1], True, f"'{loc[-1]}' is missing", f"add '{loc[-1]}: …'"
    name = next((str(step) for step in reversed(loc) if isinstance(step, str)), "this")
    what, mend = _plain(kind, name, error.get("input"), context)
    return loc, False, what, mend


def _plain(kind: str, name: str, given: Any, context: dict[str, Any]) -> tuple[str, str]:
    got = _shown(given)
    if given is None:
        return f"'{name}' is empty", "give it a value, or remove the key"
    if kind in ("enum", "literal_error"):
        options = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return f"{name}: {got} is not known", did_you_mean(str(given), options.split(", "), f"use one of {options}")
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        limit = context[key]
        number = int(limit) if isinstance(limit, float) and limit.is_integer() else limit
        return f"{name}: {got} is out of bounds", f"use {words.format(number)}"
    if kind in _KINDS:
        what, mend = _KINDS[kind]
        if kind in ("list_type", "model_type", "model_attributes_type") and isinstance(given, str):
            got = "a text"  # it may be a secret that was written where an entry should name one
        return f"{name}: {got} is {what}", mend
    if kind in ("too_short", "string_too_short"):
        return f"'{name}' is empty", "name at least one" if kind == "too_short" else "write something"
    if kind == "string_too_long":
        return f"'{name}' is too long", f"use at most {context['max_length']} characters"
    return f"{name}: {got} does not fit ({kind})", "see 'callrouter schema'"


_LIMITS: dict[str, tuple[str, str]] = {
    "greater_than_equal": ("at least {}", "ge"),
    "greater_than": ("more than {}", "gt"),
    "less_than_equal": ("at most {}", "le"),
    "less_than": ("less than {}", "lt"),
}
_KINDS: dict[str, tuple[str, str]] = {
    "int_type": ("no whole number", "write digits only"),
    "int_parsing": ("no whole number", "write digits only"),
    "int_parsing_size": ("no whole number that fits", "write fewer digits"),
    "int_from_float": ("no whole number", "write digits only"),
    "float_type": ("no number", "write it like 30 or 2.5"),
    "float_parsing": ("no number", "write it like 30 or 2.5"),
    "finite_number": ("no number", "write it like 30 or 2.5"),
    "bool_type": ("neither true nor false", "write true or false"),
    "bool_parsing": ("neither true nor false", "write true or false"),
    "string_type": ("no text", "write one value; put true, false and null in quotes when the word is meant"),
    "list_type": ("no list", "write [one, two], or lines that begin with '- '"),
    "dict_type": ("no mapping", "write 'key: value' lines under it"),
    "model_type": ("no mapping", "write 'key: value' lines under it"),
    "model_attributes_type": ("no mapping", "write 'key: value' lines under it"),
    "path_type": ("no path", "write the path of a file"),
}


def _shown(given: Any) -> str:
    if isinstance(given, bool):
        return f"'{str(given).lower()}'"
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    text = str(given)
    return f"'{text if len(text) <= 60 else text[:57] + '…'}'"


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_at(model: type[BaseModel], loc: Loc) -> type[BaseModel]:
    """The model that a path leads to; steps through lists and mappings stay with their items' model."""
    for step in loc:
        inner = _first_model(_keys(model).get(str(step)))
        model = inner or model
    return model


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_first_model(part) for part in get_args(annotation))
    return next((one for one in found if one is not None), None)
