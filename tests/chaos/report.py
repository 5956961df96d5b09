"""What many worlds together have seen: rates, faults by kind, and which of them struck calls at which stage."""

from __future__ import annotations

import time
from collections import Counter

from tests.chaos.faults import KINDS, pairs
from tests.chaos.run import Result
from tests.chaos.truth import LIVE


class Report:
    def __init__(self) -> None:
        self.began = time.monotonic()
        self.seeds = self.failed = self.calls = self.strict = self.looks = self.starts = self.unheard = 0
        self.virtual_s = self.clear_s = self.site_s = 0.0
        self.kinds: Counter[str] = Counter()
        self.fired: Counter[tuple[str, str]] = Counter()
        self.struck: Counter[tuple[str, str]] = Counter()
        self.mangled: Counter[str] = Counter()
        self.excuses: Counter[str] = Counter()

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.failed += bool(result.problems)
        self.calls += result.calls
        self.strict += result.strict
        self.looks += result.looks
        self.unheard += result.unheard
        self.starts += result.starts
        self.virtual_s += result.virtual_s
        self.clear_s += result.clear_s
        self.site_s += result.site_s
        self.kinds.update(result.kinds)
        self.struck.update(result.struck)
        self.fired.update(result.fired)
        self.mangled.update(result.mangled)
        self.excuses.update(result.excuses)

    def rates(self) -> str:
        seconds = time.monotonic() - self.began
        hours = self.virtual_s / 3600
        lines = [
            f"{self.seeds} seeds ({self.seeds / max(seconds, 1e-9) * 60:.0f}/min), {self.failed} failed; "
            f"{hours:.1f} virtual hours ({self.virtual_s / max(seconds, 1e-9):.0f} times real time), "
            f"{self.clear_s / max(self.site_s, 1e-9):.0%} of them clear; {self.calls} calls, {self.strict} judged "
            f"strictly; {self.starts} router starts; books compared {self.looks} times",
            f"faults: {sum(self.kinds.values())} of {len(self.kinds)} kinds; {len(self.fired)} of {len(pairs())} pairs "
            f"of kind and the stage that a call reached when it struck; messages: "
            + ", ".join(f"{number} {name}" for name, number in sorted(self.mangled.items()))
            + f"; {self.unheard} offers took effect and their answers were lost",
            "excused: " + ", ".join(f"{number} {name}" for name, number in sorted(self.excuses.items())),
        ]
        return "\n".join(lines)

    def table(self) -> str:
        """Calls that were at this stage when a fault of this kind struck."""
        width = max(len(stage) for stage in LIVE) + 1
        rows = [f"{'fault':12}{'struck':>8}" + "".join(f"{stage:>{width}}" for stage in LIVE)]
        for kind in KINDS:
            cells = "".join(f"{self.struck[kind, stage]:>{width}}" for stage in LIVE)
            rows.append(f"{kind:12}{self.kinds[kind]:>8}{cells}")
        missing = [f"{kind}/{stage}" for kind, stage in pairs() if not self.fired[kind, stage]]
        return "\n".join([*rows, f"pairs that did not come: {' '.join(missing) or 'none'}"])
