"""The wheel holds all that the program needs: without the clone beside it, it checks, renders, shows its pages."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
Program = Callable[..., str]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Runs `callrouter` from an unpacked wheel, in an empty folder; it must succeed."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "there")
    (folder / "empty").mkdir()

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "callrouter", *arguments],
            cwd=folder / "empty",
            env={**os.environ, "PYTHONPATH": str(folder / "there")},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = "import callrouter; print(callrouter.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where],
        env={**os.environ, "PYTHONPATH": str(folder / "there")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert found.stdout.startswith(str(folder))
    return run


@pytest.mark.slow
def test_the_wheel_has_the_fixed_dialplan(program: Program) -> None:
    """`callrouter dialplan` prints what the clone has in dialplans/."""
    assert program("dialplan", "fixed") == (ROOT / "dialplans" / "callrouter.conf").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_wheel_has_the_example_tables_and_pages(program: Program) -> None:
    """The demo runs on the example inside: configuration, migrations, templates and catalogues are there."""
    out = program("demo", "--duration", "1", "--port", "0", "--seed", "1")
    assert "answered without agent   0" in out
