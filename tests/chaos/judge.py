"""What must hold: after every event of every router, several times a second, and when everybody has gone home.

What may be excused is excused by name and counted, never silently. Records have a judge of their own (`records.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from callrouter.core.agents import AgentSeat, AgentState, Intent
from callrouter.core.calls import CallState
from callrouter.core.commands import AnsweredWithoutAgent, CallFinished, Command, DialOut, Offer
from callrouter.core.events import CallbackKnown, Event, OrderLost, PlanReplaced, SiteRead, Stage
from callrouter.core.router import Router
from callrouter.core.timers import Rank
from callrouter.sim.pbx import VirtualPbx
from tests.chaos import people
from tests.chaos.machine import Machine
from tests.chaos.records import judge_records, segments_of, whole
from tests.chaos.truth import TrueCall
from tests.core.world import Books

if TYPE_CHECKING:
    from tests.chaos.world import World

PATIENCE_S = 3.0  # so long the books may differ from the truth in clear weather: an event is on its way
TASKS_MAX = 60
SERVED = (CallState.OFFERED, CallState.TALKING, CallState.TRANSFERRED)
AWAY = (AgentState.UNREACHABLE, AgentState.BUSY)
INTENTS = {people.READY: Intent.READY, people.PAUSE: Intent.PAUSED, people.LOGOUT: Intent.LOGGED_OUT}


class Checked:
    """The real router, and the invariants of the core after each event (`tests/core/world.py` knows them)."""

    def __init__(self, router: Router, machine: Machine, judge: Judge) -> None:
        self.real = router
        self.books = Books(router)
        self._machine = machine
        self._judge = judge

    def handle(self, event: Event, now: float) -> Sequence[Command]:
        self.books.adopted = self.books.adopted or self._others_lent(event)
        commands = self.real.handle(event, now)
        try:
            if isinstance(event, PlanReplaced):
                for agent in self.real.plan.agents:
                    self.books.state.setdefault(agent.id, "logged_out")
            if isinstance(event, CallbackKnown):  # as it is kept: what was said since is not, or the disk was full
                self.books.callbacks.pop(event.callback.id, None)
            for command in commands:
                known = self.books.ended.get(command.call) if isinstance(command, CallFinished) else None
                if known is not None and not known.seen:  # given up too early: it has come again and has another end
                    del self.books.ended[known.call]
            self.books.take(list(commands))
            self.books.check()
            self.books.in_turn(list(commands))
        except AssertionError as error:
            self._judge.once(f"an invariant of the core is broken at {type(event).__name__}: {error}")
        except Exception as error:
            self._judge.once(f"the core cannot be checked at {event}: {type(error).__name__} {error}")
        if isinstance(event, OrderLost):
            self._judge.order_lost(event)
        for command in commands:
            if isinstance(command, AnsweredWithoutAgent):
                self._judge.false_alarm(command)
            elif isinstance(command, Offer | DialOut):
                self._reachable(command)
        return commands

    def _others_lent(self, event: Event) -> bool:
        """Does it tell of loans that this router has not made, or of an agreement that is another now?"""
        if isinstance(event, PlanReplaced):
            return True
        calls = self.real.state.calls
        return isinstance(event, SiteRead) and any(
            seen.stage in (Stage.OFFERED, Stage.TALKING)
            and (seen.call not in calls or calls[seen.call].state not in SERVED)
            for seen in event.calls
        )

    def _reachable(self, order: Offer | DialOut) -> None:
        """Nobody is rung for a caller, or at a phone, of a site that the books themselves cannot see."""
        targets = order.targets if isinstance(order, Offer) else (order.target,)
        for site in {order.call.partition("/")[0], *(target.site for target in targets)}:
            if not self.real.state.links.get(site):
                self._judge.once(f"{order} though there is no link to {site}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Judge:
    def __init__(self, world: World) -> None:
        self.world = world
        self.excuses: Counter[str] = Counter()
        self.strict = 0  # calls whose records had to be exact
        self.looks = 0  # comparisons of the books with the truth in clear weather
        self.unheard = 0  # offers that reached their switch, and the router does not know it
        self._said: set[str] = set()
        self._owner: dict[tuple[str, str, float], tuple[str, int]] = {}  # (site, epoch, boot) -> who took it
        self._differs: dict[str, float] = {}
        self._orders: set[tuple[str, str]] = set()  # offers, with the channel

    def watch(self, machine: Machine) -> None:
        """A service was made on this machine."""
        assert machine.service is not None
        machine.service.engine.router = Checked(machine.service.router, machine, self)

    def once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.world.broke(text)

    def excuse(self, why: str) -> None:
        self.excuses[why] += 1

    # ---- as it happens

    def false_alarm(self, notice: AnsweredWithoutAgent) -> None:
        """The world keeps the promise, so this is never true. It may be believed after events were lost for good."""
        call, w = self.world.truth.calls[notice.call], self.world
        lossy = w.manglers[call.site].count["never"] or w.kinds["deaf"]
        if lossy and not w.weather.clear(call.site, call.arrived, w.loop.time()):
            self.excuse("alarm after lost events")
        else:
            self.once(f"a false alarm: {notice}")

    def order_lost(self, event: OrderLost) -> None:
        """A router will never know; did the switch take the offer?"""
        channel, attempt = event.call.replace("/", "-", 1), f"_{event.attempt}"
        self.unheard += event.unknown and any(at == channel and one.endswith(attempt) for one, at in self._orders)

    def doubled(self, call: TrueCall) -> None:
        """A second call of ours rings an agent."""
        leg = call.legs[-1]
        others = self.world.truth.talks[f"{leg.at}/{leg.phone}"]
        now = self.world.loop.time()
        sites = {call.site, leg.at, *(other.partition("/")[0] for other in others)}
        clear = all(self.world.weather.clear(site, now - 1.0, now) for site in sites)
        self.once(f"{leg.at}/{leg.phone} is rung for {call.id} and for {others}, clear: {clear}")

    def asked(self, site: VirtualPbx, me: tuple[str, int], variable: str, value: str, channel: str) -> None:
        """A router (its machine, and its number there) set a variable at a switch."""
        if variable == "CR_EPOCH":
            self._owner[site.site, value, site.booted_at] = me
        elif variable == "CR_CMD":
            force = site.globals.get("CR_EPOCH", "")
            epoch = value.partition("_")[0]
            owner = self._owner.get((site.site, epoch, site.booted_at))
            if epoch == force and owner is not None and owner != me:
                self.once(f"{me} gives orders at {site.site} in the name of {owner}")
            self._unread(site, me, value, channel)
            if "_agent_" in value and epoch == force:
                self._offered(me, value, channel)
            self.world.truth.ordered(channel, value, force)

    def _unread(self, site: VirtualPbx, me: tuple[str, int], value: str, channel: str) -> None:
        """No order takes the place of an offer of the same router that the dialplan listens for and has not read."""
        variables = found.variables if (found := site.find(channel)) is not None else {}
        before = variables.get("CR_CMD", "") if variables.get("CR_STAGE") == "hold" else ""
        epochs = {site.globals.get("CR_EPOCH", ""), value.partition("_")[0], before.partition("_")[0]}
        if "_agent_" in before and len(epochs) == 1:
            self.once(f"{me} gives the order {value} for {channel}, which has not read {before} yet")

    def _offered(self, me: tuple[str, int], value: str, channel: str) -> None:
        """Never sent twice; not while he is offered to somebody else; and it stands in the journal before it leaves."""
        machine, attempt = self.world.machines[me[0]], value.rpartition("_")[2]
        call = self.world.truth.calls.get(channel.replace("-", "/", 1))
        if (value, channel) in self._orders:
            self.once(f"{me} gives the order {value} for {channel} once more")
        late = any(int(attempt) < int(other.rpartition("_")[2]) for other, at in self._orders if at == channel)
        if late:  # what was on its way when its link was given up arrives after what came over the next one
            self.excuse("an order over a link that had been given up")
        elif call is not None and call.stage in ("offered", "rung", "talking"):
            self.once(f"{me} gives the order {value} for {channel}, which is {call.stage}")
        self._orders.add((value, channel))
        now = self.world.loop.time()
        if not self.world.lost_lines(now, now) and (channel.replace("-", "/", 1), attempt) not in machine.offers:
            self.once(f"{me} gives the order {value} for {channel}, which is not in its journal")

    def look(self) -> None:
        """Are the books true, where nothing has been wrong for a while?"""
        w = self.world
        self._never()
        now = w.loop.time()
        found: list[str] = []
        for site in w.scene.sites:
            machine = w.weather.in_charge(site)
            if machine is None or not w.weather.clear(site, now - PATIENCE_S, now):
                continue
            assert machine.service is not None
            self.looks += 1
            found += self._compare(site, machine.service.router)
        self._differs = {text: self._differs.get(text, now) for text in found}
        for text, since in self._differs.items():
            if now - since > PATIENCE_S:
                self.once(f"for {PATIENCE_S:g} s in clear weather: {text}")

    def _never(self) -> None:
        for text in self.world.truth.faults:
            self.once(text)

    def _seen(self, call: TrueCall, site: str) -> bool:
        """Is all well where its agent is, too? Who is at a dead site talks no more, and nobody can tell the router."""
        now = self.world.loop.time()
        return call.by is None or call.by.at == site or self.world.weather.clear(call.by.at, now - PATIENCE_S, now)

    def _compare(self, site: str, router: Router) -> list[str]:
        """What is not as it is."""
        state, truth = router.state, self.world.truth
        found = []
        books = {call.id: call for call in state.calls.values() if call.site == site}
        there = {call.id: call for call in truth.live if call.site == site}
        found += [f"{call} is in the books and has ended" for call in books if call not in there]
        found += [f"{call} is not in the books" for call in there if call not in books]
        for name, call in books.items():
            true = there.get(name)
            if true is None or not self._seen(true, site):
                continue
            if (true.stage == "talking") != (call.state is CallState.TALKING):
                found.append(f"{name} is {call.state}, but {true.stage}")
            elif true.stage == "talking" and call.agent != true.agent:
                found.append(f"{name} talks to {true.agent}, not to {call.agent}")
            elif true.failsafe != (call.state is CallState.FAILSAFE) or (
                true.stage in ("offered", "rung") and call.state is not CallState.OFFERED
            ):
                found.append(f"{name} is {call.state}, but {true.stage}")
            elif call.offer is not None and (
                ring := {f"{leg.at}/{leg.phone}" for leg in true.legs if leg.ended is None}
            ):
                offered = {target.agent for target in call.offer.targets}
                found += [f"{name} rings {agent}, and is offered to {offered}" for agent in sorted(ring - offered)]
            elif true.stage == "waiting" and call.state not in (CallState.WAITING, CallState.ARRIVED):
                found.append(f"{name} is {call.state}, but waits")
        return found + [text for seat in state.seats.values() for text in self._compare_seat(site, seat, there)]

    def _compare_seat(self, site: str, seat: AgentSeat, there: Collection[str]) -> Iterator[str]:
        """there: calls that live at the site."""
        at, _, number = seat.id.partition("/")
        phone = self.world.sites[at].phone(number)
        if at == site:
            if seat.state is AgentState.TALKING and not phone.calls:
                yield f"{seat.id} talks in the books, and his phone is free"
            if seat.state is AgentState.READY and phone.calls:
                yield f"{seat.id} is free in the books, and his phone is in use"
            if seat.state is AgentState.READY and not phone.is_registered:
                yield f"{seat.id} is free in the books, and his phone is not there"
            if seat.state in AWAY and not seat.suspect and phone.is_registered and not phone.calls:
                yield f"{seat.id} is {seat.state} in the books, and his phone is free"
        out = self.world.truth.outs.get(seat.call)
        lives = seat.call in there or (out is not None and out.ended is None)
        if seat.call.partition("/")[0] == site and not lives:
            yield f"{seat.id} is {seat.state} with {seat.call}, which has ended"

    # ---- when all is over

    def at_rest(self) -> None:
        w = self.world
        for call in w.truth.live:
            self.once(f"{call.id} never ends: {call.stage} since {call.since:.1f}")
        for site in w.scene.sites:
            machine = w.weather.in_charge(site)
            if machine is None or machine.service is None:
                self.once(f"nobody serves {site} at the end")
                continue
            self._rest(site, machine)
        for machine in w.machines.values():
            if machine.alive and machine.service is not None:
                self._service(machine)

    def _rest(self, site: str, machine: Machine) -> None:
        assert machine.service is not None
        router, w = machine.service.router, self.world
        pbx = w.sites[site]
        for call in router.state.calls.values():
            if call.site == site:
                self.once(f"{call.id} is in the books for ever: {call.state}")
        for out in router.state.outcalls.values():
            if out.id.partition("/")[0] == site:
                self.once(f"{out.id} is in the books for ever: {out.state}")
        for seat in router.state.seats.values():
            if seat.id.partition("/")[0] != site:
                continue
            phone = seat.id.partition("/")[2]
            if seat.state in (AgentState.OFFERED, AgentState.TALKING) or seat.call:
                self.once(f"{seat.id} is stuck: {seat.state} with {seat.call!r}")
            if (seat.phone_up, seat.phone_in_use, seat.legs) != (pbx.phone(phone).is_registered, False, ()):
                self.once(
                    f"the phone of {seat.id} is not seen as it is: {seat.phone_up} {seat.phone_in_use} {seat.legs}"
                )
            wants = seat.intent is Intent.READY or (seat.intent is Intent.PAUSED and seat.reason == "refused")
            if wants and seat.state is not AgentState.READY and seat.resume_at is None:
                self.once(f"{seat.id} is {seat.state} for ever, and wants to be asked")
        for at, peer in router.state.trunks_down:
            if at == site and pbx.trunks[peer].seen_up(pbx):
                self.once(f"the trunk from {at} to {peer} is up and not used")
        for agent in w.agents_of(site):
            self._wants(agent, router)

    def _wants(self, agent: people.Agent, router: Router) -> None:
        seat = router.state.seats.get(agent.id)
        if seat is None or agent.wants is None:
            return
        wanted = INTENTS[agent.wants]
        own = seat.intent is Intent.PAUSED and seat.reason in ("no_answer", "refused")
        if seat.intent is wanted or (own and wanted is Intent.READY):
            return
        counts = {
            agent.heard_at,
            agent.ready_at if agent.wants == people.PAUSE else agent.heard_at,
        }  # only he can pause
        if not all(self.world.weather.clear(agent.site.site, at - 1.0, at + 0.5) for at in counts):
            self.excuse("what an agent asked for in bad weather is lost")
        else:
            self.once(f"{agent.id} was told that he is {wanted} and is {seat.intent}")

    def _service(self, machine: Machine) -> None:
        assert machine.service is not None
        assert machine.process is not None
        service, state = machine.service, machine.service.router.state
        calls = [timer for timer in state.timers.alive() if timer.rank in (Rank.LIMIT, Rank.WIDEN, Rank.WATCH)]
        if calls:
            self.once(f"timers of calls are alive: {calls}")
        if service.engine.failed_count:
            self.once(f"the router failed {service.engine.failed_count} times")
        if service.engine.waiting:
            self.once(f"{service.engine.waiting} events wait")
        for deal in state.deals.values():
            if deal.borrowed:
                self.once(f"{deal.key} still counts {deal.borrowed} borrowed calls")
        for hotline, number in state.waiting.items():
            if number:
                self.once(f"{hotline} still counts {number} who wait")
        for link in service.switchboard.states():
            if link.failures or link.rejects > self.world.manglers[link.site].count["garbled"]:
                self.once(f"{link.site}: {link.failures} messages failed, {link.rejects} were rejected")
            if link.pending > 10:
                self.once(f"{link.site}: {link.pending} answers are awaited")
        trouble = service.journal.trouble or service.store.trouble or service.feed.trouble
        if trouble:
            self.once(f"{machine.name} still says: {trouble}")
        torn = sum(path.stat().st_size - whole(path) for path in segments_of(machine))  # by those who died in a line
        if service.feed.behind > torn:
            self.once(f"{machine.name} has {service.feed.behind - torn} bytes of its journal to read for ever")
        tasks = [task for task in machine.process.tasks if not task.done()]
        if len(tasks) > TASKS_MAX:
            self.once(f"{machine.name} has {len(tasks)} tasks")
        self._switches(machine)

    def _switches(self, machine: Machine) -> None:
        """What a supervisor was told holds, whatever died since."""
        assert machine.service is not None
        state = machine.service.router.state
        for said in self.world.supervisor.confirmed.values():
            if said.name in self.world.supervisor.unknown or said.machine != machine.name:
                continue
            deals = [deal.enabled for deal in state.deals.values() if deal.agreement.name == said.name]
            held = str(state.mode(said.name)) if said.name in state.hotlines else deals[0] if deals else said.state
            if held != said.state:
                self.once(f"a supervisor was told that {said.name} is {said.state}, and it is {held}")

    def afterwards(self) -> None:
        self._never()
        judge_records(self.world, self)
