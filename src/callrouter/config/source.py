"""YAML files as plain values that know where they stand: file, line and column of every key and value.

Numbers and dates stay text (`+49…`, leading zeros, `08:00`); only true, false and null are more than text. What the
keys mean is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

Where = tuple[str | int, ...]

_TEXTS_MAX = 256  # parsed and kept; of a larger folder each is parsed each time
_VALUES_MAX = 200_000  # an alias that repeats aliases multiplies; nobody writes so many values
_STANDARD = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A spot in a file; line and column count from 1. line 0: the file or folder as a whole."""

    file: str
    line: int = 0
    col: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding. A warning is legal but odd; anything else keeps the configuration from being used."""

    place: Place
    what: str
    mend: str = ""
    warning: bool = False

    def __str__(self) -> str:
        mend = f"; {self.mend}" if self.mend else ""
        return f"{self.place}: {'warning: ' if self.warning else ''}{self.what}{mend}"


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds every error found; warnings would only echo them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(slots=True)
class Source:
    """All files of a folder, read: values by section and name, and where each key and value stands."""

    keys: dict[Where, Place] = field(default_factory=dict)
    values: dict[Where, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _unread: list[str] = field(default_factory=list)  # texts of files that are no YAML; '' for one without a text

    def error(self, place: Place, what: str, mend: str = "") -> None:
        self.problems.append(Problem(place, what, mend))

    def place(self, where: Where, *, key: bool = False) -> Place:
        """The nearest place for a path of keys and indexes; steps that are not in the file are passed over."""
        at: Where = ()
        for step in where:
            if (*at, step) in self.values:
                at = (*at, step)
        if key and at in self.keys:
            return self.keys[at]
        return self.values[at]

    def whole(self, section: str) -> bool:
        """Has all been read that the files say of the section? If not, an unknown name there may be none."""
        return not any(not text or re.search(rf"^{section}:", text, re.MULTILINE) for text in self._unread)

    def read(self, path: Path, shown: str) -> list[tuple[str, Place, Node]]:
        """(key, its place, node) for each top-level key of one file; what cannot be read is reported and left out."""
        before = len(self.problems)
        text = self.text(path, shown)
        found = [] if text is None else self.parse(text, shown)
        if not found and len(self.problems) > before:
            self._unread.append(text or "")
        return found

    def parse(self, text: str, shown: str) -> list[tuple[str, Place, Node]]:
        """The same for a text that begins in the file's first line."""
        try:
            node = _composed(text)
        except ReaderError as error:
            before = text[: error.position]
            place = Place(shown, before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
            self.error(place, "not YAML: a control character stands here", "remove it")
            return []
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(shown, mark.line + 1, mark.column + 1) if mark else Place(shown)
            self.error(place, f"not YAML: {error.problem or error.context}", "check indentation, colons and brackets")
            return []
        except (YAMLError, RecursionError) as error:
            self.error(Place(shown), f"not YAML: {error}")
            return []
        if node is None:
            return []
        if not isinstance(node, MappingNode):
            self.error(_spot(node, shown), "this is no mapping", "begin the file with keys such as 'sites:'")
            return []
        return self._pairs(node, shown)

    def entries(self, node: Node, section: str, shown: str) -> list[tuple[str, Place, Node]]:
        """The same for one section; an empty one has no entries."""
        if _is_null(node):
            return []
        if not isinstance(node, MappingNode):
            self.error(_spot(node, shown), f"'{section}' holds no mapping", "write 'name:' lines under it")
            return []
        return self._pairs(node, shown)

    def text(self, path: Path, shown: str) -> str | None:
        """A file's text, or None with what is wrong reported."""
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            place = Place(shown, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
            self.error(place, "not UTF-8", "save the file in UTF-8")
        except OSError as error:
            mend = "check the file's permissions" if isinstance(error, PermissionError) else "check its name"
            self.error(Place(shown), f"cannot be read: {error.strerror}", mend)
        return None

    def _pairs(self, node: MappingNode, shown: str) -> list[tuple[str, Place, Node]]:
        """Keys of a mapping, each once: (key, its place, the value's node). Odd and doubled keys are reported."""
        seen: dict[str, Place] = {}
        pairs: list[tuple[str, Place, Node]] = []
        for key_node, value in node.value:
            spot = _spot(key_node, shown)
            if not isinstance(key_node, ScalarNode):
                self.error(spot, "a key must be text")
            elif str(key_node.tag) == f"{_STANDARD}merge":
                self.error(spot, "merge keys (<<) are not known here", "repeat the keys, or alias a whole value")
            elif key_node.value in seen:
                first = seen[key_node.value].line
                self.error(spot, f"key '{key_node.value}' stands twice, first in line {first}", "remove one of the two")
            else:
                seen[key_node.value] = spot
                pairs.append((key_node.value, spot, value))
        return pairs

    def take(self, node: Node, where: Where, key: Place, shown: str, inside: tuple[int, ...] = ()) -> Any:
        """The plain value of a node; notes under `where` the places of everything in it."""
        spot = _spot(node, shown)
        self.keys[where] = key
        self.values[where] = spot
        if id(node) in inside or len(self.values) > _VALUES_MAX:
            self.error(spot, "an alias repeats itself without end", "write the values out")
            return None
        tag = str(node.tag)
        if not tag.startswith(_STANDARD):
            self.error(spot, f"the tag '{tag}' is not known here", "remove it")
            return None
        inside = (*inside, id(node))
        if isinstance(node, MappingNode):
            pairs = self._pairs(node, shown)
            return {name: self.take(value, (*where, name), at, shown, inside) for name, at, value in pairs}
        if isinstance(node, SequenceNode):
            items = enumerate(node.value)
            return [self.take(item, (*where, i), _spot(item, shown), shown, inside) for i, item in items]
        if _is_null(node):
            return None
        assert isinstance(node, ScalarNode)
        text = str(node.value)
        if node.style is None and tag == f"{_STANDARD}bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        return text


@lru_cache(maxsize=_TEXTS_MAX)
def _composed(text: str) -> Node | None:
    """The nodes of a text, to be read only: of a folder that is read again, what has changed is parsed."""
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    return node


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.style is None and str(node.tag) == f"{_STANDARD}null"


def _spot(node: Node, shown: str) -> Place:
    return Place(shown, node.start_mark.line + 1, node.start_mark.column + 1)
