"""Frozen dataclasses to JSON and back, by their type hints.

A class is written as an object of its fields. Where the reader cannot know the class from the type (a union, `object`,
the top) the object names it under `_`. So a field added with a default can still read older lines, and a line can be
read by people. Knows nothing of calls, files or the clock.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable
from enum import Enum
from json.encoder import encode_basestring
from math import isfinite
from operator import attrgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

Convert = Callable[[Any], Any]
SCALARS = (str, int, float, bool, types.NoneType)
TAG = "_"

# Infinity is legal in a line (a deadline that never comes); everything else is standard JSON.
to_json = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class CodecError(ValueError):
    """The text does not fit the classes, or a class holds what JSON cannot carry."""


class Codec:
    """Converters for the classes that can be reached from `roots` (classes and unions of classes)."""

    def __init__(self, *roots: Any) -> None:
        self._classes: dict[str, type] = {}
        self._to: dict[type, Convert] = {}
        self._from: dict[type, Convert] = {}
        self._text: dict[type, Callable[[Any], str]] = {}
        for root in roots:
            self._pair(root)

    @property
    def classes(self) -> tuple[type, ...]:
        return tuple(self._classes.values())

    def encode(self, value: Any) -> Any:
        """Plain data for `json`: a known dataclass with its tag, or a scalar."""
        cls = type(value)
        to = self._to.get(cls)
        if to is None:
            if isinstance(value, SCALARS):
                return value
            raise CodecError(f"{cls.__name__} is not known to the journal")
        return {TAG: cls.__name__, **to(value)}

    def decode(self, data: Any) -> Any:
        """The opposite. Raises CodecError."""
        if not isinstance(data, dict):
            if isinstance(data, SCALARS):
                return data
            raise CodecError(f"expected an object with a class, found {type(data).__name__}")
        cls = self._classes.get(data.get(TAG, ""))
        if cls is None:
            raise CodecError(f"unknown class {data.get(TAG)!r}")
        return self._from[cls](data)

    def dumps(self, value: Any) -> str:
        """What `encode` gives, as JSON; quicker than by way of the plain data."""
        text = self._text.get(type(value))
        return to_json(self.encode(value)) if text is None else text(value)

    def loads(self, text: str | bytes) -> Any:
        return self.decode(json.loads(text))

    # ---- making the converters; None stands for "as it is"

    def _pair(self, hint: Any) -> tuple[Convert | None, Convert | None]:
        if hint in SCALARS or hint is None:
            return None, None
        if hint is object or hint is Any:
            return self.encode, self.decode
        origin, args = get_origin(hint), get_args(hint)
        if origin is None and isinstance(hint, type):
            return self._class_pair(hint)
        if origin in (Union, types.UnionType):
            return self._union_pair(args)
        if origin is tuple:
            return self._tuple_pair(args)
        if origin in (list, set, frozenset):
            return self._many_pair(origin, args[0])
        if origin is dict:
            return self._dict_pair(*args)
        raise CodecError(f"no converter for {hint!r}")

    def _class_pair(self, cls: type) -> tuple[Convert | None, Convert | None]:
        if issubclass(cls, Enum):
            if not issubclass(cls, str):
                raise CodecError(f"{cls.__name__}: only string enums can be read back by value")
            return None, cls
        if not dataclasses.is_dataclass(cls):
            raise CodecError(f"no converter for {cls!r}")
        if cls not in self._to:
            self._add(cls)
        return self._late(self._to, cls), self._late(self._from, cls)

    @staticmethod
    def _late(table: dict[type, Convert], cls: type) -> Convert:
        def convert(value: Any) -> Any:  # looked up late: a class may hold itself
            return table[cls](value)

        return convert

    def _add(self, cls: type) -> None:
        if cls.__name__ in self._classes:
            raise CodecError(f"two classes are named {cls.__name__}")
        self._classes[cls.__name__] = cls
        self._to[cls] = self._from[cls] = lambda value: value  # until the fields are known
        hints = get_type_hints(cls)
        names = tuple(field.name for field in dataclasses.fields(cls))
        pairs = {name: self._pair(hints[name]) for name in names}
        special_to = tuple((name, to) for name, (to, _) in pairs.items() if to is not None)
        special_from = tuple((name, back) for name, (_, back) in pairs.items() if back is not None)
        self._to[cls] = _encoder(names, special_to)
        self._text[cls] = _texter(cls.__name__, {name: hints[name] for name in names}, dict(special_to))
        self._from[cls] = _decoder(cls, special_from)

    def _union_pair(self, args: tuple[Any, ...]) -> tuple[Convert | None, Convert | None]:
        others = tuple(arg for arg in args if arg is not types.NoneType)
        if len(others) == 1:
            to, back = self._pair(others[0])
            return _unless_none(to), _unless_none(back)
        for arg in others:
            if arg not in SCALARS and not dataclasses.is_dataclass(arg):
                raise CodecError(f"a union of {args} could not be read back")
            self._pair(arg)
        if all(arg in SCALARS for arg in others):
            return None, None
        return self.encode, self.decode

    def _tuple_pair(self, args: tuple[Any, ...]) -> tuple[Convert | None, Convert | None]:
        if len(args) == 2 and args[1] is Ellipsis:
            return self._many_pair(tuple, args[0])
        pairs = tuple(self._pair(arg) for arg in args)
        tos, backs = tuple(to for to, _ in pairs), tuple(back for _, back in pairs)

        def apply(converts: tuple[Convert | None, ...], values: Any) -> tuple[Any, ...]:
            return tuple(
                value if convert is None else convert(value) for convert, value in zip(converts, values, strict=True)
            )

        encode = None if all(to is None for to in tos) else lambda values: apply(tos, values)
        decode = tuple if all(back is None for back in backs) else lambda values: apply(backs, values)
        return encode, decode

    def _many_pair(self, kind: Any, item: Any) -> tuple[Convert | None, Convert | None]:
        to, back = self._pair(item)
        encode: Convert | None
        if kind in (set, frozenset):  # sorted: the same state gives the same text
            encode = sorted if to is None else (lambda values: [to(value) for value in sorted(values)])
        else:
            encode = None if to is None else (lambda values: [to(value) for value in values])
        decode = kind if back is None else (lambda values: kind([back(value) for value in values]))
        return encode, decode

    def _dict_pair(self, key: Any, item: Any) -> tuple[Convert | None, Convert | None]:
        key_to, key_back = self._pair(key)
        to, back = self._pair(item)
        if key is str and to is None:
            encode: Convert | None = None
        elif key is str:
            encode = lambda value: {name: _as(to, one) for name, one in value.items()}  # noqa: E731
        else:  # pairs: JSON knows text keys only
            encode = lambda value: [[_as(key_to, name), _as(to, one)] for name, one in value.items()]  # noqa: E731
        if key is str:
            return encode, lambda data: {name: _as(back, one) for name, one in data.items()}
        return encode, lambda data: {_as(key_back, name): _as(back, one) for name, one in data}


def _as(convert: Convert | None, value: Any) -> Any:
    return value if convert is None else convert(value)


def _unless_none(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda value: None if value is None else convert(value)


def _encoder(names: tuple[str, ...], special: tuple[tuple[str, Convert], ...]) -> Convert:
    if not names:
        return lambda _: {}
    if len(names) == 1:
        only = attrgetter(names[0])
        get: Convert = lambda value: (only(value),)  # noqa: E731
    else:
        get = attrgetter(*names)

    def encode(value: Any) -> dict[str, Any]:
        data = dict(zip(names, get(value), strict=True))
        for name, convert in special:
            data[name] = convert(data[name])
        return data

    return encode


class _Texts(dict[type, Callable[[Any], str]]):
    """Scalars as JSON, by their class."""

    def __missing__(self, cls: type) -> Callable[[Any], str]:  # an enum, or something that JSON refuses
        return to_json


_TEXTS = _Texts(
    {
        str: encode_basestring,
        int: repr,
        float: lambda value: repr(value) if isfinite(value) else to_json(value),
        bool: lambda value: "true" if value else "false",
        types.NoneType: lambda _: "null",
    }
)


def _texter(tag: str, hints: dict[str, Any], special: dict[str, Convert]) -> Callable[[Any], str]:
    """An object's text, its class named, by a template that is compiled, as `dataclasses` compiles a constructor.

    Two or three objects are written at every event, and a loop over their fields took most of a turn.
    """
    names: dict[str, Any] = {"quoted": encode_basestring, "texts": _TEXTS, "to_json": to_json}
    parts = [f'"{TAG}":"{tag}"']
    for place, (name, hint) in enumerate(hints.items()):
        if name in special:
            names[f"convert{place}"] = special[name]
            text = f"to_json(convert{place}(it.{name}))"
        elif isinstance(hint, type) and issubclass(hint, str):
            text = f"quoted(it.{name})"
        else:
            text = f"texts[type(it.{name})](it.{name})"
        parts.append(f'"{name}":{{{text}}}')
    template = ",".join(parts)
    made: Callable[[Any], str] = eval(f"lambda it: f'{{{{{template}}}}}'", names)  # noqa: S307  # names of our own classes
    return made


def _decoder(cls: type, special: tuple[tuple[str, Convert], ...]) -> Convert:
    def decode(data: Any) -> Any:
        try:
            fields = dict(data)
            fields.pop(TAG, None)
            for name, convert in special:
                if name in fields:
                    fields[name] = convert(fields[name])
            return cls(**fields)
        except CodecError:
            raise
        except (TypeError, ValueError) as error:
            raise CodecError(f"{cls.__name__}: {error}") from error

    return decode
