"""How many calls were checked in SIP as captured: counted where the tests run, told once at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

TALLY = pytest.StashKey[Counter[str]]()
_SENT = "sip"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Counter()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of several sends its count with its last word."""
    sent: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if sent is not None:
        sent[_SENT] = dict(session.config.stash[TALLY])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended; one that crashed sent nothing."""
    node.config.stash[TALLY].update(getattr(node, "workeroutput", {}).get(_SENT, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash[TALLY]
    if tally["tests"]:
        terminalreporter.write_line(
            f"SIP as captured: {tally['calls']} calls in {tally['tests']} tests, {tally['answered']} answered, "
            f"{tally['early']} of them before an agent"
        )
