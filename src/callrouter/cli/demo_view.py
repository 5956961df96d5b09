"""What the demo shows: counts kept from the engine's notices, drawn as a live table, as lines, and as a summary.

It reads notices and snapshots like any other observer; it knows nothing of virtual sites or the network.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from callrouter.core.callbacks import CallbackKind
from callrouter.core.commands import (
    AnsweredWithoutAgent,
    CallAnswered,
    CallbackChanged,
    CallFinished,
    CallOffered,
    Command,
    Offer,
    OfferFinished,
    OutboundFinished,
    Outcome,
)
from callrouter.core.events import Event
from callrouter.core.plan import Plan
from callrouter.core.snapshot import Snapshot

OVERFLOWS_SHOWN = 8
AGENT_STATES = ("ready", "offered", "talking", "wrap_up", "paused", "busy", "unreachable", "logged_out")


@dataclass(slots=True)
class Figures:
    """Of one hotline, or of all."""

    offered: int = 0
    answered: int = 0
    within_target: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    waits_s: float = 0.0

    @property
    def share(self) -> str:
        """Answered within four minutes, of the calls that are decided; an open one is not held against anybody."""
        decided = self.answered + sum(self.outcomes[o] for o in (Outcome.ABANDONED, Outcome.BUSIED, Outcome.LOST))
        return f"{100 * self.within_target / decided:.0f} %" if decided else "-"


@dataclass(frozen=True, slots=True)
class Overflow:
    at: float
    hotline: str
    agent: str
    agreement: str
    because: str


class Tally:
    """`observe` is an observer of the engine."""

    def __init__(self, plan: Plan) -> None:
        self.hotlines = {hotline.name: Figures() for hotline in plan.hotlines}
        self.all = Figures()
        self.lent: Counter[str] = Counter()  # 'agreement: borrower → lender' -> answered calls
        self.overflows: deque[Overflow] = deque(maxlen=OVERFLOWS_SHOWN)
        self.overflowed = 0
        self.refused: Counter[str] = Counter()
        self.broken_promises = 0
        self.promised: set[str] = set()  # callbacks
        self.rung_back: Counter[str] = Counter()  # what came of calls that were made for them
        self.waiting: dict[str, str] = {}  # call -> why its last offer was made; only of calls that go on

    def observe(self, _event: Event, commands: Sequence[Command], now: float) -> None:
        for command in commands:
            match command:
                case CallOffered(open=True):
                    for figures in self._of(command.hotline):
                        figures.offered += 1
                case Offer():
                    self.waiting[command.call] = command.because
                case CallAnswered():
                    self._answered(command, now)
                case CallFinished():
                    self.waiting.pop(command.call, None)
                    for figures in self._of(command.hotline):
                        figures.outcomes[command.outcome] += 1
                case OfferFinished(result=result) if result is not None:
                    self.refused[result] += 1
                case CallbackChanged(callback=one) if one.kind is CallbackKind.CAPTURED:
                    self.promised.add(one.id)
                case OutboundFinished():
                    self.rung_back[command.result] += 1
                case AnsweredWithoutAgent():
                    self.broken_promises += 1
                case _:
                    pass

    def _of(self, hotline: str) -> tuple[Figures, ...]:
        one = self.hotlines.get(hotline)
        return (self.all, one) if one is not None else (self.all,)

    def _answered(self, notice: CallAnswered, now: float) -> None:
        for figures in self._of(notice.hotline):
            figures.answered += 1
            figures.within_target += notice.within_target
            figures.waits_s += notice.wait_s
        if notice.agreement:
            self.overflowed += 1
            self.lent[f"{notice.agreement}: {notice.hotline} → {notice.team}"] += 1
            because = self.waiting.get(notice.call, "")
            self.overflows.append(Overflow(now, notice.hotline, notice.agent, notice.agreement, because))


@dataclass(frozen=True, slots=True)
class Scene:
    """What the viewer must know besides: what was set up, and where to look further."""

    title: str
    zone: str
    notes: tuple[str, ...]
    url: str

    def clock(self, at: float, form: str = "%H:%M:%S") -> str:
        return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(self.zone)).strftime(form)


def draw(scene: Scene, plan: Plan, snapshot: Snapshot, tally: Tally, height: int) -> RenderableType:
    """height: rows of the terminal; the list of overflows takes what the rest leaves."""
    head = Text.assemble(
        (f"callrouter demo  {scene.clock(snapshot.at, '%a %H:%M:%S')}  ", "bold"), scene.title, f"   {scene.url}"
    )
    notes = [Text(note, style="dim") for note in scene.notes]
    room = height - len(plan.hotlines) - len(plan.teams) - len(notes) - 17
    rows = max(1, min(OVERFLOWS_SHOWN, room // 2))  # a reason takes up to two rows
    return Group(
        head,
        _lines(snapshot, tally),
        _overflows(scene, tally, rows),
        _teams(plan, snapshot),
        Text(callbacks(tally)),
        *notes,
    )


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def _lines(snapshot: Snapshot, tally: Tally) -> Table:
    table = _table("Hotlines")
    table.add_column("hotline")
    names = ("waiting", "longest", "ringing", "talking", "offered", "answered", "≤ 4 min", "gave up", "busy")
    for name in names:
        table.add_column(name, justify="right")
    for line in snapshot.lines:
        _row(table, line.hotline, (line.waiting, line.longest_wait_s, line.offered, line.talking), tally, line.hotline)
    longest = max((line.longest_wait_s for line in snapshot.lines), default=0.0)
    sums = (
        sum(line.waiting for line in snapshot.lines),
        longest,
        sum(line.offered for line in snapshot.lines),
        sum(line.talking for line in snapshot.lines),
    )
    table.add_section()
    _row(table, "all", sums, tally, "")
    return table


def _row(table: Table, name: str, now: tuple[int, float, int, int], tally: Tally, hotline: str) -> None:
    figures = tally.hotlines[hotline] if hotline in tally.hotlines else tally.all if not hotline else Figures()
    waiting, longest, ringing, talking = now
    table.add_row(
        name,
        Text(str(waiting), style="bold red" if waiting else "dim"),
        f"{longest:.0f} s" if longest else "",
        str(ringing or ""),
        str(talking or ""),
        str(figures.offered),
        str(figures.answered),
        figures.share,
        str(figures.outcomes[Outcome.ABANDONED] or ""),
        str(figures.outcomes[Outcome.BUSIED] or ""),
    )


def _teams(plan: Plan, snapshot: Snapshot) -> Table:
    table = _table("Agents")
    table.add_column("team")
    states: dict[str, Counter[str]] = {team.name: Counter() for team in plan.teams}
    for agent in snapshot.agents:
        states.setdefault(agent.team, Counter())[agent.state] += 1
    shown = [state for state in AGENT_STATES if state in AGENT_STATES[:5] or any(c[state] for c in states.values())]
    for state in shown:
        table.add_column(state.replace("_", " "), justify="right")
    for team, counts in states.items():
        table.add_row(team, *(str(counts[state] or "") for state in shown))
    return table


def _overflows(scene: Scene, tally: Tally, rows: int) -> Table:
    table = _table(f"Overflow ({tally.overflowed})")
    table.expand = True
    for name, width in (("at", 8), ("hotline", 18), ("answered by", 14)):
        table.add_column(name, min_width=width, no_wrap=True)
    table.add_column("because", ratio=1)
    for one in list(reversed(tally.overflows))[:rows]:
        table.add_row(scene.clock(one.at), one.hotline, one.agent, one.because)
    if not tally.overflows:
        table.add_row("", "none so far", "", "")
    return table


def callbacks(tally: Tally) -> str:
    rung = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in sorted(tally.rung_back.items()))
    return f"Callbacks: {len(tally.promised)} promised; agents rang {rung or 'nobody so far'}"


# ---- without a terminal


def line(scene: Scene, snapshot: Snapshot, tally: Tally) -> str:
    waiting = " ".join(f"{one.hotline}={one.waiting}" for one in snapshot.lines if one.waiting) or "0"
    states = Counter(agent.state for agent in snapshot.agents)
    agents = " ".join(f"{state}={states[state]}" for state in AGENT_STATES if states[state])
    return (
        f"{scene.clock(snapshot.at)}  waiting {waiting}  agents {agents}  offered {tally.all.offered}  "
        f"answered {tally.all.answered} ({tally.all.share} within 4 min)  overflowed {tally.overflowed}"
    )


def overflow_line(scene: Scene, one: Overflow) -> str:
    return f"{scene.clock(one.at)}  overflow {one.hotline} to {one.agent}: {one.because}"


def summary(scene: Scene, tally: Tally, more: Sequence[str]) -> str:
    figures = tally.all
    wait = figures.waits_s / figures.answered if figures.answered else 0.0
    outcomes = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(figures.outcomes.items()))
    refused = ", ".join(f"{count} {why.replace('_', ' ')}" for why, count in sorted(tally.refused.items()))
    lines = [
        "",
        "Summary",
        f"  calls offered            {figures.offered}",
        f"  answered by an agent     {figures.answered}, after {wait:.1f} s on average",
        f"  answered within 4 min    {figures.share} of the calls that are decided",
        f"  calls that have ended    {outcomes or 'none yet'}",
        f"  offers not taken         {refused or 'none'}",
        f"  overflowed               {tally.overflowed}",
        *(f"    {count:4}  {name}" for name, count in sorted(tally.lent.items())),
    ]
    if tally.overflows:
        lines.append(f"    e.g.  {overflow_line(scene, tally.overflows[-1])}")
    lines.append(f"  {callbacks(tally).lower()}")
    lines.append(f"  answered without agent   {tally.broken_promises}")
    return "\n".join([*lines, *(f"  {text}" for text in more)])
