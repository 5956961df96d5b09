"""How many examples Hypothesis draws: fewer in `make check`, more when somebody hunts (CALLROUTER_EXAMPLES=20)."""

from __future__ import annotations

import os

TIMES = float(os.environ.get("CALLROUTER_EXAMPLES", "1"))


def examples(usual: int) -> int:
    """So many times the usual number, but some."""
    return max(5, round(usual * TIMES))
