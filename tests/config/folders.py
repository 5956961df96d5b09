"""Configuration folders for the tests: the small good network of a_network.yaml, and what a test adds to it."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "config"


def folder(where: Path, **files: str) -> Path:
    """A folder that holds the good network and further files, by name without `.yaml`."""
    shutil.copy(HERE / "a_network.yaml", where / "a_network.yaml")
    for name, text in files.items():
        (where / f"{name}.yaml").write_text(text, encoding="utf-8")
    return where
