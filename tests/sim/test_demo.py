"""The demo from the outside: it ends by itself with a summary that adds up."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "callrouter", "demo", *options]
    return subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def figure(text: str, name: str) -> int:
    match = re.search(rf"^ *{name} +(\d+)", text, re.MULTILINE)
    assert match is not None, text
    return int(match[1])


@pytest.mark.slow
def test_ends_by_itself_with_answered_and_overflowed_calls() -> None:
    """Twenty seconds are enough to see calls answered and Gera overflow, with no caller answered by nobody."""
    process = start("--duration", "22", "--port", "0", "--seed", "1")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert figure(out, "answered by an agent") > 50
    assert figure(out, "overflowed") > 0
    assert figure(out, "answered without agent") == 0
    assert "magdeburg-gera: agency-gera → agency-magdeburg" in out
    line = re.search(r"(\d+) callers at the sites, (\d+) calls in the router", out)
    assert line is not None
    assert abs(int(line[1]) - int(line[2])) <= 1


@pytest.mark.slow
def test_ctrl_c_ends_with_the_summary() -> None:
    """While it runs, health and metrics are served; Ctrl-C ends it cleanly."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start("--port", str(port))
    assert process.stdout is not None
    assert "virtual sites" in process.stdout.readline()
    for page, part in (("healthz", "ok"), ("readyz", "ok"), ("metrics", "callrouter_calls_offered_total")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10) as answer:
            assert part in answer.read().decode()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Summary" in out


@pytest.mark.slow
def test_taken_port_names_the_mend() -> None:
    """A port that somebody has is an error that says what to do, and exit status 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start("--port", str(taken.getsockname()[1]))
        out, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "--port" in err
    assert "Traceback" not in out + err


@pytest.mark.slow
def test_begins_when_it_is_told(tmp_path: Path) -> None:
    """Any day can be shown, with the hours and holidays of its year; no letter leaves the machine."""
    process = start("--at", "2027-09-17 09:00", "--duration", "2", "--port", "0", "--keep", str(tmp_path))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "the clock began at Fri 17 Sep 09:00" in out
    assert f"lands in {tmp_path / 'mail'}" in out
    assert figure(out, "e-mail") == 0
