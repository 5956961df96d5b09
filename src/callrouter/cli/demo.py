"""`callrouter demo`: the production service on virtual sites, with the callers and agents of an ordinary morning.

It puts together what exists elsewhere: `stage` is the service with the example configuration on virtual sites,
`sim.world` the people, `demo_view` what the terminal shows.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.live import Live

from callrouter import app, logs
from callrouter.cli import demo_view as view
from callrouter.cli.demo_morning import morning
from callrouter.cli.demo_results import Sayings
from callrouter.cli.simulate import refuse
from callrouter.cli.stage import ACCOUNTS, PASSWORD, CannotStart, Stage
from callrouter.config.load import Loaded, load
from callrouter.config.source import ConfigError
from callrouter.core.calendar import is_open
from callrouter.core.plan import Plan
from callrouter.sim.pace import Pace
from callrouter.sim.people import Behaviour
from callrouter.sim.world import BURST_AFTER_S, World

START_H, START_MIN = 10, 15
LINE_EVERY_S = 5.0
DRAW_EVERY_S = 0.5
LIFTS_S = 2.0
# as installed, and in a clone
_EXAMPLES = tuple(Path(__file__).resolve().parents[up] / name for up, name in ((1, "example"), (3, "config")))


@click.command()
@click.option("--duration", type=click.FloatRange(min=1), help="Seconds (by your watch); without it until Ctrl-C.")
@click.option(
    "--pace", type=click.FloatRange(min=0.1, max=100), default=1.0, show_default=True, help="Times real pace."
)
@click.option("--config", "folder", type=click.Path(path_type=Path), help="Folder to use instead of the example.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="For /metrics and the API."
)
@click.option("--seed", type=int, help="Draws the same people again.")
@click.option(
    "--at", type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]), help="Local date and time at which it begins."
)
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Folder that keeps the records, to report on them."
)
def demo(
    duration: float | None,
    pace: float,
    folder: Path | None,
    port: int,
    seed: int | None,
    at: datetime | None,
    keep: Path | None,
) -> None:
    """Show the service at work: virtual sites with callers and agents at the pace of real centres.

    Ends by itself after --duration, or with Ctrl-C, and prints a summary.
    """
    folder = folder or next((path for path in _EXAMPLES if (path / "sites.yaml").is_file()), _EXAMPLES[-1])
    try:
        loaded = load(folder, at.date() if at else None)
    except ConfigError as error:
        refuse(error)
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="callrouter-demo-") as passing:
        state = keep or Path(passing)
        state.mkdir(parents=True, exist_ok=True)
        log_file = state / "demo.log"
        with log_file.open("w") as stream:
            logs.set_up("warning", "console", stream)
            try:
                show = _Demo(loaded, state, pace, port, seed, at)
                asyncio.run(show.run(duration, stream.tell))
            except CannotStart as error:
                click.echo(f"error: {error}", err=True)
                raise SystemExit(2) from error
            except ConfigError as error:
                refuse(error)
        _show_log(log_file, show.logged)
    if keep is not None:
        day = datetime.fromtimestamp(show.pace(), UTC).astimezone(ZoneInfo(show.zone)).date()
        url = f"sqlite+aiosqlite:///{keep / 'callrouter.db'}"
        click.echo(f"callrouter report {folder} --day {day} --database {url} --out report.html")


def _show_log(path: Path, until: int) -> None:
    """Warnings of the show itself; what the service says while it is stopped is no news."""
    lines = path.read_bytes()[:until].decode(errors="replace").splitlines()
    if lines:
        click.echo(f"\n{len(lines)} lines of warnings, the first of them:", err=True)
        click.echo("\n".join(lines[:10]), err=True)


class _Demo:
    def __init__(
        self, loaded: Loaded, state: Path, pace: float, port: int, seed: int, at: datetime | None = None
    ) -> None:
        self.notes: list[str] = []
        self.logged = 0  # bytes of log that belong to the show
        self.seed = seed
        self.zone = loaded.plan.sites[0].zone
        self.loaded = _always_open(loaded) if pace > 1 else loaded
        local = at.replace(tzinfo=ZoneInfo(self.zone)) if at else None
        self.pace = Pace(pace, start=local.timestamp() if local else _morning(self.loaded.plan, self.zone))
        self.before = morning(self.loaded, self.pace(), seed)
        self.stage = Stage(self.loaded, state, self.pace, port, before=self.before)
        self.world = World(
            self.loaded.plan,
            self.stage.sites,
            self.pace,
            random.Random(seed),  # noqa: S311  no secret
            self.stage.seats,
        )
        self.sayings = Sayings(lambda: self.stage.service.office.result_desk, self.stage.seats)
        self.tally = view.Tally(self.loaded.plan)
        self._stop = asyncio.Event()

    async def run(self, duration: float | None, logged: Callable[[], int]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, self._stop.set)
        try:
            service = await self.stage.start()
            service.engine.observe(self.tally.observe)
            service.engine.observe(self.sayings.observe)
            saying = loop.create_task(self.sayings.run(), name="results")
            scene = await self._set_scene(service)
            self.world.start()
            await self._show(scene, None if duration is None else loop.time() + duration)
            self.logged = logged()
            await self.world.close()
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)
            if service.engine.standing_down:
                click.echo(f"the service stood down: {service.engine.standing_down}", err=True)
            click.echo(view.summary(scene, self.tally, self._accounts(service)))
        finally:
            await self.stage.stop()

    async def _set_scene(self, service: app.Service) -> view.Scene:
        world = self.world
        for department in self.loaded.desk.departments:
            for phone in department.phones:  # whoever clicks "Anrufen" lifts the handset, too
                self.stage.sites[department.site].phone(phone).behaviour = Behaviour(answer_s=LIFTS_S * self.pace.rate)
        crew = sum(len(crew.phones) for crew in world.crews)
        agents = service.engine.counts
        await world.open(
            lambda: sum(count for (_, state), count in agents().agents.items() if state == "ready") >= crew,
            lambda: self.tally.all.answered >= world.begun_with,
        )
        began = datetime.fromtimestamp(self.pace(), UTC).astimezone(ZoneInfo(self.zone))
        volumes = ", ".join(f"{site} {calls:.0f}" for site, calls in self._volumes().items())
        self.notes = [
            f"Set up for the show: the clock began at {began:%a %d %b %H:%M}; {crew} of {len(self.loaded.plan.agents)} "
            f"agents are on shift;",
            f"{self.tally.all.answered} conversations were already going on (placed as calls, counted as answered); "
            f"Gera gets a burst of calls after {BURST_AFTER_S / self.pace.rate:.1f} s.",
            f"Calls an hour: {volumes}. Seed {self.seed}.",
        ]
        if self.before:
            self.notes.append(
                f"The {len(self.before)} calls of the hours before are simulated; only pages and reports count them."
            )
        if self.pace.rate > 1:
            self.notes.append("At this pace the opening hours are lifted, so that the day does not end.")
        self.notes.append(f"Pages: {service.server.url}/ with demo accounts, e.g. {ACCOUNTS[0][0]} / {PASSWORD}")
        self.notes.append(f"E-mail that it writes lands in {self.stage.post.folder} and nowhere else.")
        if self.loaded.network.service.tokens:
            api = f"{service.server.url}/api/v1/agreements"
            self.notes.append(f"Try: curl -H 'Authorization: Bearer {self.stage.token}' {api}")
        title = f"{len(self.stage.sites)} virtual sites at {self.pace.rate:g} × real pace"
        return view.Scene(title, self.zone, tuple(self.notes), service.server.url + "/metrics")

    def _volumes(self) -> dict[str, float]:
        volumes: dict[str, float] = {}
        for crew in self.world.crews:
            volumes[crew.team.site] = volumes.get(crew.team.site, 0.0) + crew.calls_per_s * 3600
        return volumes

    async def _show(self, scene: view.Scene, end: float | None) -> None:
        engine, plan = self.stage.service.engine, self.loaded.plan
        ended = asyncio.ensure_future(self.stage.service.ended())
        try:
            if sys.stdout.isatty():
                console = Console()
                with Live(console=console, auto_refresh=False, transient=False) as live:
                    await self._every(
                        DRAW_EVERY_S,
                        lambda: live.update(
                            view.draw(scene, plan, engine.snapshot(), self.tally, console.height), refresh=True
                        ),
                        end,
                        ended,
                    )
            else:
                click.echo(f"callrouter demo: {scene.title}, {scene.url}")
                for note in scene.notes:
                    click.echo(note)
                await self._every(LINE_EVERY_S, lambda: self._print(scene), end, ended)
        finally:
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)

    _printed = 0

    def _print(self, scene: view.Scene) -> None:
        fresh = min(self.tally.overflowed - self._printed, view.OVERFLOWS_SHOWN)
        self._printed = self.tally.overflowed
        for one in list(self.tally.overflows)[-fresh:] if fresh else ():
            click.echo(view.overflow_line(scene, one))
        click.echo(view.line(scene, self.stage.service.engine.snapshot(), self.tally))

    async def _every(
        self, seconds: float, show: Callable[[], None], end: float | None, ended: asyncio.Future[None]
    ) -> None:
        """Until Ctrl-C, the time is over, or the service has ended."""
        loop = asyncio.get_running_loop()
        stop = asyncio.ensure_future(self._stop.wait())
        try:
            while True:
                show()
                left = seconds if end is None else min(seconds, end - loop.time())
                if left <= 0:
                    return
                await asyncio.wait((stop, ended), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if stop.done() or ended.done():
                    if ended.done():
                        ended.result()  # raises what broke
                    return
        finally:
            stop.cancel()
            await asyncio.gather(stop, return_exceptions=True)

    def _accounts(self, service: app.Service) -> list[str]:
        """Do the two sides agree? The virtual sites know of every caller that the router should know of."""
        routed = len(service.engine.snapshot().calls)
        return [
            f"people                   {self.world.calls} calls ({self.world.burst_calls} in bursts, "
            f"{self.world.redials} redials), {self.world.lost_patience} lost patience",
            f"on the line at the end   {self.world.callers} callers at the sites, {routed} calls in the router",
            f"e-mail                   {self.stage.post.count} messages, none left this machine",
            f"seed                     {self.seed}",
        ]


def _always_open(loaded: Loaded) -> Loaded:
    hotlines = tuple(replace(hotline, hours=None) for hotline in loaded.plan.hotlines)
    return replace(loaded, plan=replace(loaded.plan, hotlines=hotlines))


def _morning(plan: Plan, zone: str) -> float:
    """A quarter past ten of the last day, today included, on which every hotline is open then."""
    day = datetime.fromtimestamp(time(), UTC).astimezone(ZoneInfo(zone)).date()
    for back in range(15):
        at = datetime(
            *(day - timedelta(days=back)).timetuple()[:3], START_H, START_MIN, tzinfo=ZoneInfo(zone)
        ).timestamp()
        if all(is_open(hotline.hours, at) for hotline in plan.hotlines):
            return at
    return time()
