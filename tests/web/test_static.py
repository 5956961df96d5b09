"""Files of others are what their packages ship, to the byte, and nobody else's come in."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256

from callrouter.web.static import FOLDER

VENDOR = FOLDER / "vendor"
DIGESTS = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "hx-sse.min.js": "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
    "uplot.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "fira-sans-400.woff2": "3e38d8c01fe97529fbf0a086bf958d724b723ca7fc8be77b4ba5745f6259b6ca",
    "fira-sans-500.woff2": "88d3e420adee3fa99ae50c15b123e3c9a07ce0ec0c03a01bd6bdd5232822da28",
    "fira-sans-600.woff2": "55e09735e30d8492afac5d59ac433c6b367bb7dd00c46e157cfe95c9fb29e833",
}


def test_files_of_others_are_unchanged() -> None:
    """Whoever takes a newer one changes its digest here, and its line in the folder's README."""
    shipped = (path for path in VENDOR.iterdir() if path.suffix not in (".md", ".txt"))
    assert {path.name: sha256(path.read_bytes()).hexdigest() for path in shipped} == DIGESTS


def test_licences_stand_beside_them() -> None:
    """Each package's own text."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in VENDOR.glob("*.LICENSE.txt")}
    assert texts.keys() == {f"{package}.LICENSE.txt" for package in ("htmx", "uplot", "fira-sans")}
    assert "Zero-Clause BSD" in texts["htmx.LICENSE.txt"]
    assert "MIT License" in texts["uplot.LICENSE.txt"]
    assert "SIL OPEN FONT LICENSE Version 1.1" in texts["fira-sans.LICENSE.txt"]


def test_a_part_of_the_look_is_defined_once() -> None:
    """Two parts that share a class's name would change each other's look: the facts of a call once had the margins of
    the public's places."""
    text = (FOLDER / "callrouter.css").read_text(encoding="utf-8")
    flat = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", text)
    counted = Counter(re.findall(r"^(\.[\w-]+) \{", flat, re.MULTILINE))
    assert len(counted) > 50
    assert [name for name, times in counted.items() if times > 1] == []
