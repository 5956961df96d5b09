"""The state machine that hunts the invariants: random plans, any order of events, failing links, dying routers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callrouter.core import events as e
from callrouter.core.agents import AgentState
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, TryResult
from callrouter.core.plan import (
    Agent,
    Agreement,
    CallbackRules,
    Hotline,
    Hours,
    Menu,
    Nobody,
    Number,
    Plan,
    Relaxation,
    Site,
    Skills,
    Span,
    Strategy,
    Team,
    Topic,
)
from callrouter.core.router import Router
from tests.core.world import Books, World
from tests.examples import examples

SITES = ("a", "b")
CALLERS = ["", "030", "+491", "+492", "+491"]
NEEDS: list[Skills] = [(), (("x", 1),), (("x", 2),), (("x", 1), ("y", 1))]


ALWAYS = Hours("Europe/Berlin", ((Span(0, 86_400),),) * 7)
# the world begins at 14:46:40: soon it is night for a minute
BY_DAY = Hours("Europe/Berlin", ((Span(0, 53_220), Span(53_280, 86_400)),) * 7)


@st.composite
def plans(draw: st.DrawFn, version: str = "1") -> Plan:
    """Two or three teams at two sites, a hotline each, agreements in any direction."""
    teams, agents, hotlines = [], [], []
    for i in range(draw(st.integers(2, 3))):
        site = SITES[i % 2]
        name = f"t{i}"
        strategy = draw(st.sampled_from(list(Strategy)))
        wrap_up_s = draw(st.sampled_from([0.0, 5.0, 30.0]))
        teams.append(Team(name, name, site, strategy, ring_s=draw(st.sampled_from([5, 20])), wrap_up_s=wrap_up_s))
        for k in range(draw(st.integers(1, 4))):
            agents.append(Agent(f"{site}/{i}{k}", name, site, f"{i}{k}", draw(st.sampled_from(NEEDS))))
        relax = (Relaxation(10.0, ()),) if draw(st.booleans()) else ()
        rules = CallbackRules(
            draw(st.sampled_from([None, None, BY_DAY])),
            ALWAYS,
            "030",
            "offer",
            "number",
            "again",
            reserve=draw(st.sampled_from([0, 0, 1])),
            tries_max=draw(st.sampled_from([1, 2, 3])),
            pause_s=20.0,
            dial_s=10,
            unreached_max=draw(st.sampled_from([500, 1, 0])),
        )
        topics = (
            Topic("plain", "plain"),
            Topic("special", "special", draw(st.sampled_from(NEEDS)), relax, draw(st.integers(0, 1))),
        )
        hotlines.append(
            Hotline(
                f"h{i}",
                f"h{i}",
                site,
                (Number(f"{i}0"), Number(f"{i}1", "special")),
                None,
                (name,),
                topics,
                "plain",
                ring_max_s=draw(st.sampled_from([110.0, None, 30.0, 110.0, 0.0])),
                line_max=draw(st.sampled_from([1000, 1000, 2])),
                menu=draw(st.sampled_from([None, Menu("menu", (("1", "special"),), 5.0, 2)])),
                say_welcome=draw(st.sampled_from(["", "hello"])),
                say_busy=draw(st.sampled_from(["", "sorry"])),
                say_notice="strike",
                affinity_s=draw(st.sampled_from([0.0, 100.0])),
                nobody=draw(st.sampled_from([Nobody.CALLBACK, Nobody.CALLBACK, *Nobody])),
                callback=draw(st.sampled_from([None, *[rules] * 3])),
            )
        )
    agreements = []
    names = [t.name for t in teams]
    for k in range(draw(st.sampled_from([2, 3, 1, 0]))):
        borrower, lender = draw(st.permutations(names))[:2]
        if (borrower, lender) in [(x.borrower, x.lender) for x in agreements]:
            continue
        agreements.append(
            Agreement(
                f"g{k}",
                borrower,
                lender,
                topics=draw(st.sampled_from([(), ("plain",)])),
                reserve=draw(st.sampled_from([0, 1, 0, 1, 2])),
                max_calls=draw(st.sampled_from([None, 1, 2, None, 0])),
                after_s=draw(st.sampled_from([0.0, 7.0])),
                lender_health=draw(st.sampled_from([0.0, 0.0, 0.5])),
                enabled=draw(st.sampled_from([True, True, True, False])),
            )
        )
    sites = tuple(Site(s, s, "ST", "Europe/Berlin") for s in SITES)
    return Plan(version, sites, tuple(hotlines), tuple(teams), tuple(agents), tuple(agreements))


def there_is(*stages: e.Stage, orders: bool = False) -> Callable[[Any], bool]:
    """A rule's precondition. (An `assume` in the rule would throw the whole run away.)"""
    return lambda self: bool(self.some(*stages, orders=orders))


def there_is_out(*stages: str, orders: bool = False) -> Callable[[Any], bool]:
    """The same of outbound calls."""
    return lambda self: any(x.stage in stages and (x.orders or not orders) for x in self.world.outs.values())


class Machine(RuleBasedStateMachine):
    """Every rule is something that happens in the world; the world checks the invariants after each event."""

    @initialize(plan=plans())
    def begin(self, plan: Plan) -> None:
        self.world = World(plan)
        for site in SITES:
            self.world.link_up(site)
        for agent in plan.agents:
            self.world.send(e.AgentActed(agent.id, e.AgentAct.READY))

    def pick(self, data: st.DataObject, *stages: e.Stage, orders: bool = False) -> str:
        return data.draw(st.sampled_from(self.some(*stages, orders=orders)))

    def some(self, *stages: e.Stage, orders: bool = False) -> list[str]:
        return [x.id for x in self.world.calls.values() if x.stage in stages and (x.orders or not orders)]

    @rule(data=st.data(), caller=st.sampled_from(CALLERS))
    def a_call_arrives(self, data: st.DataObject, caller: str) -> None:
        hotline = data.draw(st.sampled_from(self.world.router.plan.hotlines))
        self.world.arrive(hotline.site, data.draw(st.sampled_from(hotline.numbers)).digits, caller)

    @rule(data=st.data(), calls=st.integers(1, 6), step_s=st.sampled_from([0.0, 1.0]))
    def a_burst_of_calls_arrives(self, data: st.DataObject, calls: int, step_s: float) -> None:
        """More than there are agents, each carried to where it rings or waits."""
        for _ in range(calls):
            self.a_call_arrives(data, "")
            self.every_site_obeys()
            self.world.pass_time(step_s)

    @rule()
    def every_site_obeys(self) -> None:
        while calls := self.some(*e.Stage, orders=True):
            self.world.obey(calls[0])
            for call in self.some(e.Stage.PROMPTED):
                self.world.prompt_ends(call, "1")
        self.every_phone_rings_for_its_callback()

    @rule()
    def every_phone_rings_for_its_callback(self) -> None:
        while ordered := [out.id for out in self.world.outs.values() if out.orders]:
            self.world.obey_out(ordered[0])

    def pick_out(self, data: st.DataObject, *stages: str) -> str:
        return data.draw(st.sampled_from([x.id for x in self.world.outs.values() if x.stage in stages]))

    @precondition(there_is_out("", "ringing", "dialling", "talking", orders=True))
    @rule(data=st.data())
    def the_site_obeys_about_a_callback(self, data: st.DataObject) -> None:
        self.world.obey_out(data.draw(st.sampled_from([x.id for x in self.world.outs.values() if x.orders])))

    @precondition(there_is_out("ringing"))
    @rule(data=st.data())
    def an_agent_answers_for_a_callback(self, data: st.DataObject) -> None:
        self.world.agent_is_up(self.pick_out(data, "ringing"))

    @precondition(there_is_out("ringing"))
    @rule(data=st.data(), result=st.sampled_from(list(e.Result)))
    def an_agent_misses_a_callback(self, data: st.DataObject, result: e.Result) -> None:
        self.world.out_ends(self.pick_out(data, "ringing"), result)

    @precondition(there_is_out("dialling"))
    @rule(data=st.data(), result=st.sampled_from([None, *TryResult]))
    def a_caller_is_rung_back(self, data: st.DataObject, result: TryResult | None) -> None:
        call = self.pick_out(data, "dialling")
        if result in (None, TryResult.REACHED):
            self.world.caller_is_up(call)
        else:
            self.world.caller_is_missed(call, result)

    @precondition(there_is_out("dialling", "talking"))
    @rule(data=st.data())
    def an_outbound_call_ends(self, data: st.DataObject) -> None:
        self.world.out_ends(self.pick_out(data, "dialling", "talking"))

    @precondition(there_is_out("", "ringing", "dialling", "talking", orders=True))
    @rule(data=st.data(), unknown=st.booleans())
    def an_order_about_a_callback_is_lost(self, data: st.DataObject, unknown: bool) -> None:
        out = self.world.outs[data.draw(st.sampled_from([x.id for x in self.world.outs.values() if x.orders]))]
        out.orders.pop(0)
        if not out.stage:
            del self.world.outs[out.id]
        self.world.told(out.site, e.OrderLost(out.id, None, unknown))

    @precondition(lambda self: self.world.router.state.backs)
    @rule(data=st.data(), close=st.sampled_from([False, False, True]))
    def somebody_sees_to_a_callback(self, data: st.DataObject, close: bool) -> None:
        callback = data.draw(st.sampled_from(list(self.world.router.state.backs)))
        agent = data.draw(st.sampled_from(self.world.router.plan.agents)).id
        if close:
            self.world.send(e.CallbackClosed(callback, CallbackResult.CANCELLED, "because", "test"))
        else:
            self.world.send(e.CallbackTaken(callback, agent, "test"))

    @precondition(lambda self: self.world.router.state.done)
    @rule(data=st.data())
    def it_was_somebody_else(self, data: st.DataObject) -> None:
        callback = data.draw(st.sampled_from(list(self.world.router.state.done)))
        self.world.send(e.CallbackMissed(callback, "test"))

    @rule(data=st.data())
    def a_departments_caller_is_rung(self, data: st.DataObject) -> None:
        agent = data.draw(st.sampled_from(self.world.router.plan.agents))
        hotline = data.draw(st.sampled_from(self.world.router.plan.hotlines))
        self.world.made += 1
        owed = Callback(
            f"{hotline.site}/d{self.world.made}", CallbackKind.DEPARTMENT, hotline.name, "plain", hotline.site, "+499",
            self.world.now, self.world.now + 1000.0,
        )  # fmt: skip
        phone = data.draw(st.sampled_from(["", "", "d1", "d2"]))
        self.world.send(e.OutboundAsked("" if phone else agent.id, owed, "test", phone))

    @rule()
    def every_agent_who_rings_answers(self) -> None:
        for call in self.some(e.Stage.OFFERED):
            self.world.answer(call)

    @precondition(there_is(*e.Stage, orders=True))
    @rule(data=st.data())
    def the_site_obeys(self, data: st.DataObject) -> None:
        self.world.obey(self.pick(data, *e.Stage, orders=True))

    @precondition(there_is(e.Stage.OFFERED))
    @rule(data=st.data())
    def an_agent_answers(self, data: st.DataObject) -> None:
        self.world.answer(self.pick(data, e.Stage.OFFERED))

    @precondition(there_is(e.Stage.PROMPTED))
    @rule(data=st.data(), digits=st.sampled_from(["", "1", "1", "9", "01711"]))
    def a_prompt_ends(self, data: st.DataObject, digits: str) -> None:
        self.world.prompt_ends(self.pick(data, e.Stage.PROMPTED), digits)

    @rule(data=st.data(), mode=st.sampled_from(list(e.HotlineMode)), until=st.sampled_from([None, 10.0]))
    def a_hotline_is_switched(self, data: st.DataObject, mode: e.HotlineMode, until: float | None) -> None:
        hotline = data.draw(st.sampled_from(self.world.router.plan.hotlines)).name
        end = None if until is None else self.world.now + until
        self.world.send(e.HotlineSwitched(hotline, mode, end, "because", "test"))

    @precondition(there_is(e.Stage.OFFERED))
    @rule(data=st.data(), result=st.sampled_from(list(e.Result)))
    def a_phone_does_not(self, data: st.DataObject, result: e.Result) -> None:
        self.world.phone_fails(self.pick(data, e.Stage.OFFERED), result)

    @precondition(there_is(e.Stage.TALKING))
    @rule(data=st.data(), stays=st.booleans())
    def an_agent_hangs_up(self, data: st.DataObject, stays: bool) -> None:
        self.world.agent_hangs_up(self.pick(data, e.Stage.TALKING), stays)

    @precondition(there_is(e.Stage.TALKING))
    @rule(data=st.data(), on=st.booleans())
    def an_agent_puts_his_caller_on_hold(self, data: st.DataObject, on: bool) -> None:
        self.world.put_on_hold(self.pick(data, e.Stage.TALKING), on)

    @precondition(there_is(*e.Stage))
    @rule(data=st.data())
    def a_caller_hangs_up(self, data: st.DataObject) -> None:
        self.world.hang_up(self.pick(data, *e.Stage))

    @rule(data=st.data(), cause=st.booleans())
    def several_things_happen_at_once(self, data: st.DataObject, cause: bool) -> None:
        """A caller arrives in the instant in which an agent becomes ready; either may be told first."""
        agent = data.draw(st.sampled_from(self.world.router.plan.agents))
        hotline = data.draw(st.sampled_from(self.world.router.plan.hotlines))
        number = data.draw(st.sampled_from(hotline.numbers)).digits
        self.world.arrive_with(hotline.site, number, e.AgentActed(agent.id, e.AgentAct.READY), first=cause)

    @rule(seconds=st.sampled_from([0.5, 0.0, 1.0, 5.0, 5.0, 12.0, 40.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(data=st.data(), act=st.sampled_from([*[e.AgentAct.READY] * 6, *e.AgentAct]))
    def an_agent_acts(self, data: st.DataObject, act: e.AgentAct) -> None:
        agent = data.draw(st.sampled_from(self.world.router.plan.agents))
        self.world.send(e.AgentActed(agent.id, act))

    @rule(data=st.data(), up=st.sampled_from([True, True, True, False]), private=st.sampled_from([False, False, True]))
    def a_phone_changes(self, data: st.DataObject, up: bool, private: bool) -> None:
        key = data.draw(st.sampled_from(list(self.world.phones)))
        self.world.phones[key] = [up, private]
        self.world.told(key[0], e.PhoneState(key[0], key[1], up, private))

    @rule(data=st.data(), up=st.booleans())
    def a_phone_has_a_call_of_its_own(self, data: st.DataObject, up: bool) -> None:
        site, phone = data.draw(st.sampled_from(list(self.world.phones)))
        self.world.told(site, e.PhoneLeg(site, phone, f"{site}/own-{phone}", up))

    @precondition(lambda self: self.world.router.plan.agreements)
    @rule(data=st.data(), enabled=st.booleans(), until=st.sampled_from([None, 10.0]))
    def an_agreement_is_switched(self, data: st.DataObject, enabled: bool, until: float | None) -> None:
        agreements = self.world.router.plan.agreements
        name = data.draw(st.sampled_from(agreements)).name
        end = None if until is None else self.world.now + until
        self.world.send(e.AgreementSwitched(name, enabled, end, "because", "test"))

    @precondition(lambda self: all(self.world.links.values()))
    @rule(site=st.sampled_from(SITES))
    def a_link_fails(self, site: str) -> None:
        self.world.link_down(site)

    @rule(site=st.sampled_from(SITES))
    def a_link_returns(self, site: str) -> None:
        self.world.link_up(site)

    @precondition(lambda self: self.world.wanted_reread)
    @rule()
    def a_site_is_read_back(self) -> None:
        site = next(iter(self.world.wanted_reread))
        if self.world.links[site]:
            self.world.link_up(site)
        else:
            del self.world.wanted_reread[site]

    @precondition(there_is(e.Stage.HELD))
    @rule(data=st.data())
    def a_site_is_read_while_somebody_arrives(self, data: st.DataObject) -> None:
        call = self.world.calls[self.pick(data, e.Stage.HELD)]
        self.world.link_up(call.site)
        if call.id in self.world.calls:
            self.world.echo(call.id)

    @rule(up=st.booleans())
    def a_trunk_changes(self, up: bool) -> None:
        self.world.told("a", e.TrunkState("a", "b", up))

    @precondition(there_is(*e.Stage, orders=True))
    @rule(data=st.data())
    def an_order_is_lost(self, data: st.DataObject) -> None:
        call = self.world.calls[self.pick(data, *e.Stage, orders=True)]
        order = call.orders.pop(0)
        attempt = getattr(order, "attempt", None)
        self.world.told(call.site, e.OrderLost(call.id, attempt, unknown=data.draw(st.booleans())))

    @precondition(lambda self: self.world.router.plan.version == "1")
    @rule(plan=plans(version="2"))
    def the_plan_is_replaced(self, plan: Plan) -> None:
        self.world.books.adopted = True
        for agent in plan.agents:
            self.world.phones.setdefault((agent.site, agent.phone), [True, False])
            self.world.books.state.setdefault(agent.id, "logged_out")
        self.world.send(e.PlanReplaced(plan))
        for agent in plan.agents:
            self.world.send(e.AgentActed(agent.id, e.AgentAct.READY))

    @rule()
    def the_router_is_checkpointed(self) -> None:
        before = self.world.router
        saved = before.checkpoint()
        after = Router.restore(saved)
        assert after.checkpoint() == saved
        assert after.next_deadline() == before.next_deadline()
        self.world.router = self.world.books.router = after

    @rule()
    def the_router_is_killed_and_started_again(self) -> None:
        world = self.world
        plan = world.router.plan
        world.router = Router(plan, world.now)
        world.books = Books(world.router)
        world.books.adopted = True
        for call in world.calls.values():
            call.orders.clear()
        for out in list(world.outs.values()):
            out.orders.clear()
            if not out.stage:
                del world.outs[out.id]
        for agent in plan.agents:
            world.send(e.AgentActed(agent.id, e.AgentAct.READY))
        for callback in list(world.kept.values()):
            if callback.status is not CallbackStatus.DONE:
                world.send(e.CallbackKnown(callback))
        for site in SITES:
            world.link_up(site)

    @invariant()
    def the_promise_is_kept(self) -> None:
        if hasattr(self, "world"):
            assert not self.world.books.broken, self.world.story_of(self.world.books.broken[0].call)

    def people_go_on(self) -> None:
        """Prompts end, phones are answered, conversations end."""
        for call in list(self.world.calls.values()):
            if call.id not in self.world.calls:
                continue
            if call.stage is e.Stage.PROMPTED:
                self.world.prompt_ends(call.id)
            elif call.stage is e.Stage.OFFERED:
                self.world.answer(call.id)
            elif call.stage in (e.Stage.TALKING, e.Stage.ELSEWHERE):
                self.world.hang_up(call.id)
        self.every_phone_rings_for_its_callback()
        for out in list(self.world.outs.values()):
            if out.id in self.world.outs:
                self.world.out_ends(out.id)

    def teardown(self) -> None:
        """After the faults stop every call ends and nobody is stuck."""
        if not hasattr(self, "world"):
            return
        world = self.world
        for site in SITES:
            world.link_up(site)
        world.send(e.TrunkState("a", "b", up=True))
        for _ in range(400):
            state = world.router.state
            if not (world.calls or state.calls or world.outs or state.outcalls):
                break
            for call in list(world.calls.values()):
                if call.id in world.calls and call.orders:
                    world.obey(call.id)
            self.people_go_on()
            for site in list(world.wanted_reread):
                world.link_up(site)
            world.pass_time(10.0)
            if _ > 200:
                for call in list(world.calls.values()):
                    world.hang_up(call.id)
        assert not world.books.broken, world.story_of(world.books.broken[0].call)
        assert not world.calls
        assert not world.router.state.calls
        for callback in list(world.router.state.backs):
            world.send(e.CallbackClosed(callback, CallbackResult.CANCELLED))
        self.every_phone_rings_for_its_callback()
        world.pass_time(500.0)
        assert not world.router.state.backs
        assert not world.router.state.outcalls
        open_ = [one.id for one in world.kept.values() if one.status is not CallbackStatus.DONE]
        assert not open_, "what is kept says otherwise"
        working = (AgentState.OFFERED, AgentState.TALKING, AgentState.WRAP_UP)
        assert not [seat for seat in world.router.state.seats.values() if seat.state in working]
        assert len(world.router.state.timers) <= len(world.router.plan.agreements) * 4 + 8


Machine.TestCase.settings = settings(
    max_examples=examples(150),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase
