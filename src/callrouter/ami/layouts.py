"""Reads the blocks of events faster: what one event looks like is what most look like.

Asterisk writes each kind of event with the same headers in the same order. From the first sound block of a kind a
pattern of the whole block is made; a later block that fits it has the same sound headers, so only its values are left
to take, and only those that somebody asks for: of thirty headers a translation reads five. Whatever fits none is read,
and judged, line by line. It knows no more of their meaning than `protocol.parse`, whose answer it gives in every case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from callrouter.ami.protocol import Headers, parse

LAYOUTS_MAX = 64  # of all kinds together; Asterisk has a dozen, more would be somebody's play
OF_A_KIND_MAX = 8  # the dialplan's own events have one each


class Block(Mapping[str, "str | list[str]"]):
    """The headers of a block that fits a layout, each taken out of the text when it is asked for."""

    __slots__ = ("_match", "_places")

    def __init__(self, match: re.Match[str], places: Mapping[str, int | tuple[int, ...]]) -> None:
        self._match, self._places = match, places

    def get(self, header: str, default: Any = None) -> Any:
        place = self._places.get(header)
        if place is None:
            return default
        match = self._match
        return match[place] if type(place) is int else [match[one] for one in place]  # type: ignore[union-attr]

    def __getitem__(self, header: str) -> str | list[str]:
        if header not in self._places:
            raise KeyError(header)
        found: str | list[str] = self.get(header)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class _Layout:
    """One sequence of headers. The variable's name is part of a repeatable header: which are there was judged once."""

    def __init__(self, pairs: Sequence[Sequence[str]], repeatable: frozenset[str]) -> None:
        found: dict[str, list[int]] = {}
        for place, (key, _) in enumerate(pairs, 1):
            found.setdefault(key, []).append(place)
        repeated = {key for key, places in found.items() if len(places) > 1}
        assert repeated <= repeatable, f"{sorted(repeated - repeatable)} come twice"
        self.places = {key: tuple(places) if key in repeated else places[0] for key, places in found.items()}
        parts = []
        for key, value in pairs:
            name = value.partition("=")[0] + "=" if key in repeated and "=" in value else ""
            parts.append(f"{re.escape(key)}: ({re.escape(name)}[^\\r]*+)")
        self.match: Callable[[str], re.Match[str] | None] = re.compile("\r\n".join(parts)).fullmatch


class Reader:
    """required: the headers that an event must have, by its name; others than these are not remembered."""

    def __init__(self, required: Mapping[str, Sequence[str]], repeatable: frozenset[str]) -> None:
        self._required, self._repeatable = required, repeatable
        self._known: dict[tuple[str, int], list[_Layout]] = {}
        self._number = 0

    def read(self, name: str, block: str) -> Headers | None:
        """The headers of an event's block; None if it is not sound or lacks one that it must have."""
        layouts = self._known.get((name, block.count("\r\n")))
        if layouts is not None:
            for layout in layouts:
                match = layout.match(block)
                if match is not None:
                    return Block(match, layout.places)
        fields = parse(block, self._repeatable)
        if fields is None or not all(map(fields.__contains__, self._required[name])):
            return None
        self._learn(name, block)
        return fields

    def _learn(self, name: str, block: str) -> None:
        # `Output` says nothing of which variables its values set
        if self._number >= LAYOUTS_MAX or "\r\nOutput: " in block:
            return
        lines = block.split("\r\n")
        if not self._names_variables(lines):
            return
        known = self._known.setdefault((name, len(lines) - 1), [])
        if len(known) < OF_A_KIND_MAX:
            known.append(_Layout([line.split(": ", 1) for line in lines], self._repeatable))
            self._number += 1

    def _names_variables(self, lines: Sequence[str]) -> bool:
        """Does each line of a repeated header name its variable? Without the name a pattern could not tell two that
        are the same, which `parse` refuses."""
        keys = [line.partition(": ")[0] for line in lines]
        repeated = {key for key in self._repeatable if keys.count(key) > 1}
        return all("=" in line for key, line in zip(keys, lines, strict=True) if key in repeated)
