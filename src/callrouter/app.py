"""The service put together: configuration, router, engine, links, journal, store, measures and the HTTP server.

Builds, starts and stops them in the right order and exchanges the plan while they run. Decides nothing about calls.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from secrets import token_hex

import structlog

from callrouter import __version__, wiring
from callrouter.ami.handsets import Handsets
from callrouter.ami.linkstate import Phase
from callrouter.clock import Clock
from callrouter.config.difference import differences
from callrouter.config.load import Loaded, load
from callrouter.config.reloads import Reloads
from callrouter.config.secret import Secret, SecretError
from callrouter.config.source import ConfigError
from callrouter.config.watch import watch
from callrouter.core.commands import Order
from callrouter.core.events import CallId, Event, PlanReplaced
from callrouter.core.explain import candidates_of
from callrouter.core.router import Router
from callrouter.engine import Engine, NotDecided, Overloaded
from callrouter.journal.disk import Disk
from callrouter.journal.records import CODEC
from callrouter.journal.tail import Tail, unread
from callrouter.journal.writer import Journal, JournalLimits
from callrouter.links import Lines, Links, lines_of
from callrouter.measures import Measures
from callrouter.office.office import Office, Outside
from callrouter.outlook import Outlook, Records
from callrouter.reach import callback_families, record_families
from callrouter.recovery import Recovery
from callrouter.store.books import Books
from callrouter.store.callbacks import Callbacks
from callrouter.store.feed import Feed
from callrouter.store.recall import Recall
from callrouter.store.retention import daily
from callrouter.store.standing import Watch
from callrouter.store.store import FAULTS, Store
from callrouter.store.today import attempts
from callrouter.web.context import Candidate, Context, Versions
from callrouter.web.figures import Figures
from callrouter.web.front import Front
from callrouter.web.pages.calls import Archive
from callrouter.web.preview import Preview
from callrouter.web.service import Server
from callrouter.web.stories import Stories
from callrouter.web.system import Backstage, System

log = structlog.get_logger(__name__)

GARBAGE_OBJECTS = 10_000  # made and still alive before new ones are searched: a millisecond
WARM_AFTER_S = 20.0
AGAIN_S = 5.0  # before a configuration is read again that found no room in the inbox
RESTART_S = 1.0  # before a helper task that broke is started again


@dataclass(frozen=True, slots=True)
class Options:
    """What a driver (tests, the demo) may want otherwise than the configuration says.

    folder: watched for changes; None: never reloaded. reveal: where secrets come from. steady: seconds that no
    correction touches. nonce: tells this process from another router of the same instant. watch: how changes are seen.
    """

    folder: Path | None = None
    state_dir: Path | None = None
    host: str | None = None
    port: int | None = None
    reveal: Callable[[Secret], str] = Secret.reveal
    clock: Callable[[], float] = field(default_factory=Clock)
    rate: float = 1.0  # of that clock
    steady: Callable[[], float] = time.monotonic
    rng: Callable[[], float] = random.random
    nonce: str = field(default_factory=lambda: token_hex(4))
    watch: Callable[[Path, asyncio.Event], AsyncGenerator[Loaded | ConfigError]] = watch
    disk: Disk = field(default_factory=Disk)
    demo: Sequence[tuple[str, str, str]] = ()  # accounts that the login page tells everybody


class Service:
    """`await start()`, then `await ended()` or do something else, then `await stop()`; or all of it with `run`."""

    def __init__(self, loaded: Loaded, options: Options | None = None) -> None:
        """Raises SecretError, ValueError (a token that is none) and OSError (certificates). Blocks on files."""
        self.loaded = loaded
        self.options = options = options or Options()
        service = loaded.network.service
        state_dir = options.state_dir or service.state_dir
        self._callers = wiring.callers(service, state_dir, options.reveal)
        lines = Lines.of(loaded.network, options.reveal)
        clock = options.clock
        self.router = Router(loaded.plan, clock())
        self.measures = Measures(loaded.plan)
        limits = JournalLimits(
            segment_bytes_max=service.journal.rotate_mb * 2**20, keep_s=service.journal.keep_days * 86_400.0
        )
        self._folder = folder = state_dir / "journal"
        self.journal = Journal(folder, CODEC, self.router.checkpoint, limits, self._may_delete, options.disk)
        self.engine = Engine(
            self.router,
            clock,
            self._execute,
            observers=[self.measures.observe],
            journal=self.journal,
            meter=self.measures,
            inbox_max=service.inbox_max,
            rate=options.rate,
            stopwatch=options.steady,
            leapt_s=lambda: clock.leapt_s if isinstance(clock, Clock) else 0.0,
        )
        self.reloads = Reloads()
        self.store = Store(wiring.database_url(service, state_dir), wiring.RouterSeats(self.router), clock)
        callbacks = Callbacks(self.store.engine, self._callers)
        self.feed = Feed(
            Tail(folder, CODEC),
            Books(self.store.engine, self._callers.key_of, callbacks),
            self.engine.now,
            ringing=lambda: wiring.ringing(self.router, self._callers),
            on_closed=self.measures.reach.closed,
            unread=unread,
            opened=lambda: self.store.opened,
        )
        self._recall = Recall(callbacks, wiring.RouterBacks(self.router), self._told, lambda: self.feed.caught_up)
        self._callbacks = Watch(self.store.engine, self.engine.now, lambda: self.store.opened)
        self.engine.observe(self.store.observe)
        records = Records(partial(attempts, self.store.engine), self._callers.key_of, lambda: self.feed.caught_up)
        self.outlook = Outlook(service.forecast, self.router.checkpoint, clock(), records=records)
        self.engine.observe(self.outlook.observe)
        self.links = Links(
            lines,
            self.engine.submit,
            epoch=int(clock() * 10),
            nonce=options.nonce,
            clock=options.steady,
            rng=options.rng,
        )
        self.switchboard = self.links.switchboard
        self._recovery = Recovery(self.router, self.engine, self.store, self.measures)
        self.handsets = Handsets(wiring.phone_logins(loaded.network, options.reveal))
        context = Context(
            snapshot=self.engine.snapshot,
            plan=lambda: self.router.plan,
            ask=self.engine.ask,
            history=self.engine.history,
            explain=self._candidates,
            metrics=self.measures.text,
            health=self.reasons,
            audit=self.store.audit,
            clock=self.engine.now,
            tokens=wiring.tokens(service, options.reveal),
            callbacks=self.router.callbacks,
            callback=self.router.callback,
            versions=lambda: {one.site: Versions(one.asterisk, one.dialplan) for one in self.switchboard.states()},
            whatif=self.outlook.ask if service.forecast else None,
        )
        host = service.host if options.host is None else options.host
        self.figures = Figures(
            self.store.engine,
            lambda: self.router.plan,
            self.engine.now,
            lambda: self.feed.stored + self.feed.replaced,
        )
        self.office = Office(
            Outside(
                self.router,
                self.engine.submit,
                self.engine.now,
                lambda: self.loaded.desk,
                lambda: not self.engine.standing_down,
                self.store.engine,
                self._callers,
                self.measures.registry,
                wiring.mail_server(service, options.reveal),
                service.pages.url,
                options.steady,
                self.handsets,
                lambda number: self.links.numbers.of(number),  # noqa: PLW0108  a reload exchanges it
            )
        )
        self.front = Front(
            context,
            wiring.accounts(service, self.store.engine),
            service.pages,
            parts={
                System: System(self._backstage()),
                Stories: Stories(folder),
                Archive: Archive(self.store.engine, self._callers),
                Figures: self.figures,
                Watch: self._callbacks,
                Preview: Preview(self.outlook.foresee if service.forecast else None),
                Office: self.office,
            },
            sign_on=wiring.sign_on(service.pages, options.reveal),
            demo=options.demo,
            rate=options.rate,
        )
        self.figures.changed = self.front.live.changed
        self.engine.observe(self.figures.observe)
        self.engine.observe(self.front.live.observe)
        self.engine.observe(self.office.observe)
        self.office.tell(self.front.live.changed)
        self.server = Server(context, host, service.port if options.port is None else options.port, self.front)
        self._tasks: list[asyncio.Task[None]] = []
        self._engine_task: asyncio.Task[None] | None = None
        self._nudge = asyncio.Event()
        self._taking = asyncio.Lock()  # of two configurations the one that was read later stays
        self._stop = asyncio.Event()
        self._phase = "starting"
        self._config_trouble = ""
        self._declare()

    # ---- health

    def reasons(self) -> list[str]:
        """Why this service is not ready, for /readyz; empty if it is."""
        found = [] if self._phase == "running" else [f"the service is {self._phase}"]
        if self.engine.standing_down and self._phase == "running":
            found.append(f"stands down: {self.engine.standing_down}")
        for state in self.switchboard.states():
            if state.phase is Phase.WATCHING:
                found.append(f"site {state.site}: another router has it, this one watches")
            elif not state.up:
                found.append(f"site {state.site}: the link is {state.phase.value}{state.why and f': {state.why}'}")
        if self._config_trouble:
            found.append(f"the configuration was refused, the old one is in force: {self._config_trouble}")
        if self.journal.trouble:
            found.append(f"the journal in {self._folder} {self.journal.trouble}")
        if self.store.trouble or self.feed.trouble:
            found.append(f"the database {self.store.place}: {self.store.trouble or self.feed.trouble}")
        return found

    # ---- life

    async def start(self) -> None:
        """Raises CannotListen, and has touched nothing then. Calls are routed from here on."""
        await self.server.listen()
        self.journal.begin(self.engine.now())
        self._engine_task = asyncio.create_task(self._run_engine(), name="engine")
        if not await self._recovery.restore():
            self._tasks.append(asyncio.create_task(self._recovery.later(), name="restore"))
        self.store.record()
        await self._recovery.remember(self._folder, self.links.sites, self.journal.path)
        self._keep("journal", self.journal.run)
        self._keep("store", self.store.run)
        self._keep("call records", self.feed.run)
        self._keep("retention", self._erase)
        self._keep("callbacks", self._callbacks.run)
        self._keep("callbacks recalled", self._recall.run)
        self._keep("figures", self.figures.run)
        self._keep("pages", self.front.live.run)
        for name, run in self.office.runs().items():
            self._keep(name, run)
        self._tasks.append(asyncio.create_task(self._warm_up(), name="forecasts"))
        self.links.start()
        self.measures.show_agreements(wiring.switches(self.router))
        self.measures.reloaded(True, self.engine.now())
        self.reloads.taken(self.engine.now(), self.router.plan.version)
        self.server.start()
        if self.options.folder is not None:
            self._keep("configuration", self._watch)
        self._phase = "running"
        log.info(
            "callrouter runs", release=__version__, plan=self.loaded.plan.version, url=self.server.url,
            sites=sorted(self.links.sites),
        )  # fmt: skip

    async def stop(self) -> None:
        """Callers go on ringing and agents go on talking: another router, or the failsafe, takes over."""
        self._phase = "stopping"
        self._stop.set()
        if self._engine_task is None:  # the port was taken
            await self.server.stop()
        else:
            await self._end(self._engine_task)
        await self.front.close()
        self.outlook.close()
        await self.store.close()

    async def _end(self, engine_task: asyncio.Task[None]) -> None:
        """All that has begun."""
        self.engine.stand_down("the service is stopping")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.server.stop()
        await self.switchboard.close()
        self.engine.stop()
        await asyncio.gather(engine_task, return_exceptions=True)
        self.journal.close(self.engine.now())
        await self.feed.round()
        await self.office.close()
        log.info("callrouter has stopped")

    async def _warm_up(self) -> None:
        """After the start, which has more urgent things to do."""
        await asyncio.sleep(WARM_AFTER_S)
        try:
            await self.outlook.warm()
        except (OSError, BrokenExecutor):
            log.exception("no processes to simulate in; the next question tries again")

    def request_stop(self) -> None:
        """From a signal handler."""
        self._stop.set()

    def request_reload(self) -> None:
        """From a signal handler: read the configuration again."""
        self._nudge.set()

    async def ended(self) -> None:
        """Until somebody asks to stop. Raises what broke the engine, if that happened."""
        await self._stop.wait()
        if self._engine_task is not None and self._engine_task.done():
            self._engine_task.result()

    # ---- the plan, exchanged while running

    async def apply(self, loaded: Loaded) -> None:
        """Put a new configuration in force without touching a call. Raises what `__init__` does, and NotDecided."""
        lines = await lines_of(loaded.network, self.options.reveal)
        logins = await asyncio.to_thread(wiring.phone_logins, loaded.network, self.options.reveal)
        before = self.router.plan.version
        if loaded.plan.version != before:
            await self.engine.ask(PlanReplaced(loaded.plan))
        if loaded.network.service != self.loaded.network.service:
            log.warning("changes under 'service' take effect after a restart")
        if loaded.unguided:  # as they were, rather than without those that have a mistake
            loaded = replace(loaded, desk=replace(loaded.desk, guides=self.loaded.desk.guides))
        self.loaded = loaded
        self.handsets.use(logins)
        new = await self.links.use(lines)
        log.info("configuration read", plan=loaded.plan.version, before=before, links_renewed=new)
        self.office.figures.show(self.router.plan, loaded.desk)
        if loaded.plan.version == before:  # at most a secret was exchanged
            return
        self.measures.show_agreements(wiring.switches(self.router))
        try:
            await self.store.audit(
                who="configuration",
                what="plan",
                why="its files, or the dates of holidays, changed",
                before=before,
                after=loaded.plan.version,
            )
        except FAULTS:
            log.exception("no audit entry was written", what="plan", after=loaded.plan.version)

    async def _watch(self) -> None:
        assert self.options.folder is not None
        async for result in self.options.watch(self.options.folder, self._nudge):
            async with self._taking:
                await self._take(result)

    async def _take(self, result: Loaded | ConfigError) -> None:
        try:
            if isinstance(result, ConfigError):
                raise result
            before = self.loaded
            await self.apply(result)
            self._config_trouble = ""
            self.measures.reloaded(True, self.engine.now())
            changes = differences(before.network, self.loaded.network)
            self.reloads.taken(self.engine.now(), self.router.plan.version, changes)
            for problem in result.unguided:
                log.error("the guides stay as they were", problem=str(problem))
            for problem in result.warnings:
                if problem not in before.warnings:
                    log.warning("configuration", problem=str(problem))
        except ConfigError as error:
            self._refuse(len(error.problems), [str(problem) for problem in error.problems])
        except Overloaded as error:
            self._refuse(1, [f"{error}; it is tried again in {AGAIN_S:g} s"])
            asyncio.get_running_loop().call_later(AGAIN_S, self._nudge.set)
        except (SecretError, ValueError, OSError, NotDecided) as error:
            self._refuse(1, [str(error)])

    def _refuse(self, number: int, problems: Sequence[str]) -> None:
        more = f" (and {number - 1} more)" if number > 1 else ""
        self._config_trouble = f"{problems[0]}{more}"
        self.reloads.refused(self.engine.now(), self.router.plan.version, problems)
        self.measures.reloaded(False, self.engine.now())
        for problem in problems:
            log.error("the new configuration is refused; the old one stays", problem=problem)

    # ---- inside

    def _backstage(self) -> Backstage:
        """What operators may look at."""
        return Backstage(
            self.switchboard.states,
            self.options.steady,
            self.engine.now,
            lambda: wiring.phones(self.router),
            self.journal,
            self._folder,
            self.feed,
            self.store,
            self.engine,
            self.reloads,
            lambda: self.loaded,
            self.options.folder,
            self._read_again,
            self._reload,
            self.store.engine.dialect.name,
        )

    async def _read_again(self) -> Loaded | ConfigError:
        """The configuration as its files are now; nothing is changed by it."""
        assert self.options.folder is not None
        try:
            return await asyncio.to_thread(load, self.options.folder)
        except ConfigError as error:
            return error

    async def _reload(self) -> None:
        async with self._taking:
            await self._take(await self._read_again())

    def _candidates(self, call: CallId) -> list[Candidate]:
        return [Candidate(one.agent, one.team, one.agreement, one.why_not) for one in candidates_of(self.router, call)]

    def _execute(self, order: Order) -> None:
        self.switchboard.execute(order)

    async def _told(self, event: Event) -> bool:
        """False: not now."""
        try:
            await self.engine.ask(event)
        except (NotDecided, Overloaded):
            return False
        return True

    def _may_delete(self, segment: Path) -> bool:
        return self.feed.may_delete(segment)

    async def _erase(self) -> None:
        await daily(self.store.engine, wiring.days(self.loaded.network.service), self.engine.now)

    async def _run_engine(self) -> None:
        try:
            await self.engine.run()
        finally:
            self._stop.set()  # without its engine the service must end, and be started again

    def _keep(self, name: str, run: Callable[[], Coroutine[None, None, None]]) -> None:
        """A helper that is started again if it breaks: routing does not depend on it."""

        async def kept() -> None:
            while True:
                try:
                    await run()
                except Exception:
                    log.exception("a helper broke and is started again", helper=name)
                await asyncio.sleep(RESTART_S)

        self._tasks.append(asyncio.create_task(kept(), name=name))

    def _declare(self) -> None:
        measures = self.measures
        measures.watch_counts(self.engine.counts, lambda: self.engine.waiting)
        measures.watch_journal(self.journal)
        measures.watch_links(self.switchboard.states)
        measures.watch_flag("ready", lambda: not self.reasons())
        measures.watch_flag("store_writable", lambda: not self.store.trouble and not self.feed.trouble)
        feed = self.feed
        measures.watch(lambda: record_families(feed.behind, feed.stored, feed.damaged))
        measures.watch(
            lambda: callback_families(self._callbacks.found, [hotline.name for hotline in self.router.plan.hotlines])
        )


def calm_collector() -> None:
    """Search for garbage seldom and briefly: events and decisions hold no circles, so nearly every search is in vain.

    What lives as long as the service is not searched at all; that took 60 ms at a time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)


async def run(service: Service, on_running: Callable[[Service], None] = lambda _: None) -> None:
    """Start, until somebody asks to stop, stop. Raises what `start` does."""
    try:
        await service.start()
        calm_collector()
        on_running(service)
        await service.ended()
    finally:
        await service.stop()
