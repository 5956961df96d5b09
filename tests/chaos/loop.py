"""An asyncio loop in virtual time on which several processes live: each can be killed or stopped at any of its steps.

Time jumps to the next timer when nothing is ready, and each step costs a little of it. What is scheduled inherits the
process of who scheduled it (a context variable), so the code under test needs to know nothing of this. Threads' work is
done in the loop, a moment after it was asked for. Nothing here is random unless it is told to be.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from heapq import heapify, heappop, heappush
from typing import Any
from weakref import WeakSet

STEP_S = 2e-6  # of virtual time, for each callback
STEPS_MAX = 20_000_000  # a world that does more is in an endless loop
_DEAD_TIMERS_MAX = 500

PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class Killed(BaseException):
    """Unwinds a process that dies in the midst of a step (while it writes). Nothing it does on its way has effect."""


class Stuck(Exception):
    """The world cannot go on: everybody waits and no timer is set, or it runs in a circle."""


class Process:
    """What the operating system knows of one program: its tasks, whether it runs, what to close when it dies."""

    def __init__(self, loop: VirtualLoop, name: str, number: int = 0) -> None:
        """number: how often a program of that name has begun."""
        self.loop = loop
        self.name = name
        self.number = number
        self.alive = True
        self.stopped = False
        self.steps = 0
        self.dies_at_step: int | None = None
        self.on_death: list[Callable[[], None]] = []
        self.tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._context = contextvars.copy_context()
        self._context.run(PROCESS.set, self)
        self._put_off: list[_Handle | _Timer] = []

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call as if the process did."""
        return self._context.copy().run(function, *args)

    def spawn(self, main: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return self.loop.create_task(main, context=self._context.copy())

    def kill(self) -> None:
        """As SIGKILL: not one instruction more. Its sockets and files are closed by the system, as `on_death` says."""
        if not self.alive:
            return
        self.alive = False
        self._put_off = []
        self.loop.bury(self)
        for close in self.on_death:
            self.loop.outside.copy().run(close)

    def stop(self) -> None:
        """As SIGSTOP, or a machine that is moved: what comes meanwhile waits."""
        self.stopped = True

    def resume(self) -> None:
        self.stopped = False
        put_off, self._put_off = self._put_off, []
        self.loop.again(put_off)

    def may_run(self, handle: _Handle | _Timer) -> bool:
        if self.stopped:
            self._put_off.append(handle)
            return False
        self.steps += 1
        if self.dies_at_step is not None and self.steps >= self.dies_at_step:
            self.kill()
        return self.alive

    def left(self) -> list[str]:
        """What is still planned by a process that says that it has ended: tasks and timers."""
        tasks = [f"task {task!r}" for task in self.tasks if not task.done()]
        return tasks + [f"timer {handle!r}" for handle in self.loop.planned() if handle.process is self]


class _Handle(asyncio.Handle):
    __slots__ = ("process",)


class _Timer(asyncio.TimerHandle):
    __slots__ = ("process",)


class VirtualLoop(asyncio.BaseEventLoop):
    """delay_s: drawn twice for each thing that a thread does. gate: may threads run now?"""

    def __init__(self, delay_s: Callable[[], float] = lambda: 0.0, gate: Callable[[], bool] = lambda: True) -> None:
        super().__init__()
        self.steps = 0
        self._now = 0.0
        self._delay_s = delay_s
        self._gate = gate
        self._timers: list[tuple[float, int, _Timer]] = []
        self._number = 0
        self._dead_timers = 0
        self._graveyard: list[Any] = []
        self.outside = contextvars.copy_context()  # of no process
        self.network: Any = None  # makes connections; set by its maker
        self.set_task_factory(self._make_task)

    # ---- time

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        timer = _Timer(when, callback, args, self, context)
        timer.process = timer._context.get(PROCESS)
        self._number += 1
        if timer.process is not None and not timer.process.alive:
            timer.cancel()
        else:
            heappush(self._timers, (when, self._number, timer))
        return timer

    def _call_soon(self, callback: Any, args: Any, context: Any) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)
        handle.process = handle._context.get(PROCESS)
        if handle.process is not None and not handle.process.alive:
            handle.cancel()
        else:
            self._ready.append(handle)
        return handle

    def _timer_handle_cancelled(self, _handle: asyncio.TimerHandle) -> None:
        self._dead_timers += 1
        if self._dead_timers > _DEAD_TIMERS_MAX and self._dead_timers * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if not entry[2]._cancelled]
            heapify(self._timers)
            self._dead_timers = 0

    def _run_once(self) -> None:
        timers, ready = self._timers, self._ready
        while timers and timers[0][2]._cancelled:
            heappop(timers)
        if not ready and not self._stopping:
            if not timers:
                raise Stuck("nothing will ever happen: every task waits and no timer is set")
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            timer = heappop(timers)[2]
            if not timer._cancelled:
                ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            process = handle.process
            if process is not None and not process.may_run(handle):
                continue
            self._now += STEP_S
            self.steps += 1
            handle._run()
        if self.steps > STEPS_MAX:
            raise Stuck(f"more than {STEPS_MAX} steps: it runs in a circle")

    # ---- processes

    def _make_task(self, loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        context = options.get("context")
        process = PROCESS.get() if context is None else context.get(PROCESS)
        if process is not None:
            process.tasks.add(task)
        return task

    def planned(self) -> list[_Handle | _Timer]:
        """All that is to be called, now or later."""
        return [one for one in (*self._ready, *(entry[2] for entry in self._timers)) if not one._cancelled]

    def bury(self, process: Process) -> None:
        """Nothing of it runs any more or is tidied up: its objects are kept, so that no `finally` runs."""
        for task in process.tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            self._graveyard.append((task, task.get_coro()))
        for handle in self.planned():
            if handle.process is process:
                self._graveyard.append((handle._callback, handle._args))
                handle.cancel()
        self._graveyard.append(process)

    def again(self, handles: list[_Handle | _Timer]) -> None:
        """What was put off while a process was stopped."""
        self._ready.extend(handle for handle in handles if not handle._cancelled)

    # ---- what a real loop gets from the system

    def run_in_executor(self, _executor: Any, function: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()

        def work() -> None:
            if not self._gate():
                self.call_later(0.001, work)
                return
            try:
                result, error = function(*args), None
            except Exception as raised:
                result, error = None, raised
            self.call_later(self._delay_s(), tell, result, error)

        def tell(result: Any, error: Exception | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.call_later(self._delay_s(), work)
        return future

    async def create_connection(self, factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        assert not options.get("ssl"), "the virtual network carries no TLS"
        return await self.network.connect(factory, host, port)

    async def create_server(self, factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        return self.network.listen(factory, host, port)

    def _write_to_self(self) -> None:
        """Nobody else wakes this loop."""

    def _process_events(self, _events: Any) -> None:
        """There are none."""
