"""What a site says when it is read back is true, however much of the story was missed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.plan import Agreement, Hours, Menu, Strategy
from callrouter.core.router import Router
from callrouter.core.timers import Rank
from tests.core.story import WEEKDAYS, Story, network
from tests.core.world import Books

OFF = {"enabled": False}
ALL = {"strategy": Strategy.RING_ALL}


def seen(
    call: str,
    stage: e.Stage,
    *phones: tuple[str, str],
    legs: tuple[str, ...] = (),
    number: str = "365",
    attempt: int = 1,
) -> e.LiveCall:
    """A call as its site has it; phones are those of the last order, legs names each one's channel."""
    found = tuple((leg, *phone, stage is e.Stage.TALKING) for leg, phone in zip(legs, phones, strict=False))
    return e.LiveCall(call, number, "030", stage, 10.0, attempt, phones, found, 5.0)


def read(story: Story, *calls: e.LiveCall, site: str = "gera") -> list[c.Command]:
    """The site is read back with exactly these calls; its phones are well."""
    story.links[site] = True
    return story.send(e.SiteRead(site, calls, story.phone_states(site)))


def restart(story: Story) -> None:
    """The router dies and another begins with the same plan; all agents are ready."""
    story.router = Router(story.router.plan, story.now)
    story.books = Books(story.router)
    for agent in story.router.plan.agents:
        story.send(e.AgentActed(agent.id, e.AgentAct.READY))


def test_a_hold_that_is_told_again_after_a_read_back_does_not_free_the_agent() -> None:
    """A caller arrives while his site is read: he is offered at once, and the late word of his hold changes nothing."""
    story = Story()
    call = story.arrive("gera", "365")
    assert story.router.state.calls[call].attempt == 1
    story.echo(call)
    assert story.router.state.calls[call].attempt == 1
    story.obey_all()
    assert story.rung(call) == "gera/2001"


def test_an_order_that_was_lost_while_the_hold_seemed_an_echo_is_noticed() -> None:
    """The caller is in hold though an agent was offered to him a moment ago: soon the site is read back."""
    story = Story(network(agreement=OFF))
    call = story.arrive("gera", "365")
    assert story.router.state.calls[call].attempt == 1
    story.calls[call].orders.clear()
    story.echo(call)
    story.pass_time(2.5)
    assert story.wanted_reread == {"gera": None}
    story.link_up("gera")
    assert story.router.state.calls[call].attempt == 2


@pytest.mark.parametrize("link_lost", [False, True])
def test_a_claim_that_was_lost_is_given_again(link_lost: bool) -> None:
    """A caller whom the site has unclaimed is claimed: else the dialplan would ring the failsafe for him after 2 s."""
    story = Story(ready="")
    call = story.arrive("gera", "365")
    assert story.calls[call].orders == [c.Claim(call, "waits in gera")]
    story.calls[call].orders.clear()
    if link_lost:
        story.link_down("gera")
    else:
        story.send(e.OrderLost(call, None, unknown=True, text="Claim: no answer"))
    told = read(story, replace(seen(call, e.Stage.HELD, attempt=0), claimed=False))
    assert [one for one in told if isinstance(one, c.Claim)] == [c.Claim(call, "waits in gera")]
    assert c.Claim(call, "waits in gera") not in read(story, seen(call, e.Stage.HELD, attempt=0))


def test_a_hold_that_is_told_long_after_an_offer_ends_it() -> None:
    """If the end of the attempt was never told, being back in hold tells it: the next agent is rung."""
    story = Story(network(agreement=OFF))
    call = story.dial()
    story.pass_time(20.0)
    story.calls[call].stage = e.Stage.HELD
    story.told("gera", e.CallHeld(call))
    assert story.router.state.calls[call].attempt == 2


@pytest.mark.parametrize("known", [True, False])
def test_a_caller_who_was_put_through_unseen_counts_as_answered(known: bool) -> None:
    """Answered and transferred while the link was down: the agent is free, the record true, the promise unbroken."""
    story = Story(network(agreement=OFF))
    call = story.dial()
    story.link_down("gera")
    true = story.calls[call]
    true.stage, true.up, true.leg = e.Stage.ELSEWHERE, True, ""
    if not known:
        restart(story)
    story.pass_time(30.0)
    story.link_up("gera")
    assert story.agent("gera/2001") == "ready"
    assert [v.state for v in story.router.snapshot(story.now).calls] == ["transferred"]
    story.link_up("gera")
    story.pass_time(200.0)
    story.hang_up(call)
    assert (story.outcome(call), story.books.ended[call].agent) == (c.Outcome.ANSWERED, "gera/2001")
    assert not story.books.broken


def test_who_is_up_at_an_end_that_is_told_before_his_site_was_read_was_answered_unseen() -> None:
    """The answer came while nobody listened: it breaks no promise, and the agent who was rung is free."""
    story = Story(network(agreement=OFF))
    call = story.dial()
    assert story.rung(call) == "gera/2001"
    story.link_down("gera")
    story.pass_time(3.0)
    del story.calls[call]
    story.send(e.CallEnded(call, answered=True))
    story.link_up("gera")
    assert story.outcome(call) is c.Outcome.ANSWERED
    assert not story.books.broken
    assert story.agent("gera/2001") == "ready"
    waiting = Story(ready="")
    call = waiting.dial()
    waiting.send(e.CallEnded(call, answered=True))
    assert waiting.books.broken


def test_a_waiting_caller_who_turns_out_to_be_served_leaves_the_line() -> None:
    """The site says he was put through to somebody: no agent is rung for him any more, no limit ends his call."""
    story = Story(ready="")
    call = story.dial()
    story.calls[call].up = True
    read(story, seen(call, e.Stage.ELSEWHERE))
    story.act("gera/2001", e.AgentAct.READY)
    assert story.agent("gera/2001") == "ready"
    story.pass_time(200.0)
    assert call not in story.books.ended
    story.hang_up(call)
    assert story.outcome(call) is c.Outcome.ANSWERED


def test_a_conversation_that_was_put_through_unseen_ends_for_the_agent() -> None:
    """Talking in the books, elsewhere at the site: the agent is in wrap-up, the call goes on."""
    story = Story()
    call = story.dial()
    story.answer(call)
    read(story, seen(call, e.Stage.ELSEWHERE, ("gera", "2001")))
    assert story.agent("gera/2001") == "wrap_up"
    assert call in story.router.state.calls


def test_who_answers_another_router_is_not_taken_for_ours() -> None:
    """A router that was stopped offers the caller, and hears then that another router's agent has answered him."""
    story = Story()
    call = story.dial()
    story.send(e.LegStarted(call, 1, "gera/other", "gera", "2002"), e.LegAnswered(call, 1, "gera/other"))
    assert story.agent("gera/2001") == "offered"
    read(story, seen(call, e.Stage.TALKING, ("gera", "2002"), legs=("gera/other",)))
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("busy", "talking")


def test_of_several_who_were_rung_nobody_knows_who_put_the_caller_through() -> None:
    """A router that comes later finds him elsewhere: the record has no agent rather than a guess."""
    story = Story()
    call = story.dial()
    story.calls[call].up = True
    restart(story)
    read(story, seen(call, e.Stage.ELSEWHERE, ("gera", "2001"), ("gera", "2002")))
    story.hang_up(call)
    record = story.books.ended[call]
    assert (record.outcome, record.agent, record.team) == (c.Outcome.ANSWERED, "", "agency-gera")


def test_an_answer_by_a_phone_of_nobody_frees_the_agent_who_was_rung() -> None:
    """The site has the caller talk to a phone that is no agent's: the agent is free, and so is the loan."""
    story = Story(ready="magdeburg")
    call = story.dial()
    assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 1}
    story.calls[call].up = True
    read(story, seen(call, e.Stage.TALKING, ("gera", "9999"), legs=("gera/x",)))
    assert story.agent("magdeburg/1001") == "ready"
    assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 0}
    story.hang_up(call)
    assert (story.outcome(call), story.books.ended[call].agent) == (c.Outcome.ANSWERED, "")


def test_a_waiting_caller_who_rings_phones_of_nobody_is_left_alone_until_he_is_back() -> None:
    """Another router or an old plan rings unknown phones for him: he is not offered, and waits again afterwards."""
    story = Story(network(agreement=OFF), ready="")
    call = story.dial()
    read(story, seen(call, e.Stage.OFFERED, ("gera", "9999")))
    story.act("gera/2001", e.AgentAct.READY)
    assert story.agent("gera/2001") == "ready"
    story.pass_time(5.0)
    assert "gera" in story.wanted_reread
    story.link_up("gera")
    story.obey_all()
    assert story.rung(call) == "gera/2001"


def test_an_agent_in_wrap_up_who_is_found_ringing_has_one_call_only() -> None:
    """His wrap-up is over then: when its time would have ended he is not offered a second call."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    story.answer(call)
    story.hang_up(call)
    assert story.agent("gera/2001") == "wrap_up"
    story.pass_time(20.0)
    other = story.arrive("gera", "999")
    read(story, seen("gera/70.0", e.Stage.OFFERED, ("gera", "2001")), seen(other, e.Stage.HELD, number="999"))
    assert story.agent("gera/2001") == "offered"
    waiting = story.dial()
    story.pass_time(15.0)
    assert story.agent("gera/2001") == "offered"
    assert not story.rung(waiting)


@pytest.mark.parametrize("answers", [True, False])
def test_an_agent_who_is_found_with_another_call_has_that_one(answers: bool) -> None:
    """He rang for one call in the books and talks in another at the site: the first is read back, not torn."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    if answers:
        story.answer(call)
    mine = seen(call, e.Stage.TALKING if answers else e.Stage.OFFERED, ("gera", "2001"), legs=("gera/l1",))
    story.pass_time(2.0)
    commands = read(story, mine, seen("gera/70.0", e.Stage.TALKING, ("gera", "2001"), legs=("gera/l2",)))
    assert story.router.state.seats["gera/2001"].call == "gera/70.0"
    assert story.agent("gera/2001") == "talking"
    assert [x.site for x in commands if isinstance(x, c.Reread)] == ["gera"]
    if not answers:
        assert story.router.state.calls[call].state == "offered"
        story.send(e.OfferEnded(call, 1, e.Result.BUSY))
        assert story.agent("gera/2001") == "talking"
    story.send(e.CallEnded(call))
    assert story.agent("gera/2001") == "talking"


def test_the_last_answer_counts_for_an_agent_who_was_found_elsewhere() -> None:
    """The answer to his first call comes after he was found with another: he talks in the one that was told last."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    leg = story.calls[call].leg
    mine = seen(call, e.Stage.OFFERED, ("gera", "2001"), legs=(leg,))
    read(story, mine, seen("gera/70.0", e.Stage.TALKING, ("gera", "2001"), legs=("gera/l2",)))
    story.answer(call)
    assert story.router.state.seats["gera/2001"].call == call
    assert story.router.state.calls["gera/70.0"].state == "transferred"


def test_a_leg_of_a_phone_that_is_not_rung_is_ignored() -> None:
    """A forwarded or hostile leg does not make another agent the one who answers."""
    story = Story(network(team=ALL))
    call = story.dial("366")
    commands = story.send(e.LegStarted(call, 1, "gera/odd", "magdeburg", "1001"))
    assert [type(x) for x in commands] == [c.Ignored]
    story.send(e.LegAnswered(call, 1, "gera/odd"))
    assert story.agent("magdeburg/1001") == "ready"


def test_the_leg_of_the_agent_is_the_one_whose_end_counts() -> None:
    """Found in a conversation of three: when the agent's own leg ends he is in wrap-up."""
    story = Story()
    phones = (("gera", "9999"), ("gera", "2001"))
    read(story, seen("gera/70.0", e.Stage.TALKING, *phones, legs=("gera/odd", "gera/his")))
    assert story.agent("gera/2001") == "talking"
    story.send(e.LegEnded("gera/70.0", "gera/odd"))
    assert story.agent("gera/2001") == "talking"
    story.send(e.LegEnded("gera/70.0", "gera/his"))
    assert story.agent("gera/2001") == "wrap_up"


@pytest.mark.parametrize("stage", [e.Stage.TALKING, e.Stage.OFFERED, e.Stage.ELSEWHERE])
def test_a_loan_found_after_a_restart_counts_under_the_agreement_that_covers_it(stage: e.Stage) -> None:
    """The first agreement joins the teams but is for another topic: the second one lent, until the caller is gone."""
    plan = network()
    other = Agreement("other-topic", "agency-gera", "agency-magdeburg", topics=("other",))
    story = Story(replace(plan, agreements=(other, *plan.agreements)))
    read(story, seen("gera/70.0", stage, ("magdeburg", "1001"), legs=("gera/l",), number="366"))
    assert story.router.counts().borrowed[("magdeburg-gera", "agency-gera")] == 1
    assert story.router.counts().borrowed[("other-topic", "agency-gera")] == 0
    story.send(e.CallEnded("gera/70.0"))
    assert story.router.counts().borrowed[("magdeburg-gera", "agency-gera")] == 0


def test_a_loan_that_no_agreement_explains_any_more_is_not_counted() -> None:
    """A call of Magdeburg talks to an agent of Gera, and no agreement goes that way: it goes on, uncounted."""
    story = Story()
    read(story, seen("gera/70.0", e.Stage.TALKING, ("gera", "2001"), legs=("gera/l",), number="391"))
    assert story.agent("gera/2001") == "talking"
    assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 0}


def test_an_agent_who_had_refused_and_is_found_talking_is_ready_after_it() -> None:
    """The pause for a refusal does not outlive the conversation that he took after all."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    story.phone_fails(call, e.Result.REFUSED)
    assert story.agent("gera/2001") == "paused"
    read(story, seen(call, e.Stage.TALKING, ("gera", "2001"), legs=("gera/l",)))
    assert story.agent("gera/2001") == "talking"
    story.calls[call].up = True
    story.hang_up(call)
    story.pass_time(31.0)
    assert story.agent("gera/2001") == "ready"


def test_a_conversation_that_the_dialplan_took_frees_its_agent() -> None:
    """Whatever the books said, nobody of ours talks to a caller whom the failsafe serves."""
    story = Story()
    call = story.dial()
    story.answer(call)
    story.send(e.CallTaken(call))
    assert story.agent("gera/2001") == "wrap_up"
    ringing = story.dial()
    story.send(e.CallTaken(ringing))
    assert story.agent("gera/2002") == "ready"
    story.send(e.CallHeld(call))
    assert story.router.state.calls[call].state == "failsafe"


def test_a_caller_who_was_put_back_is_not_rung_for_ever() -> None:
    """Answered, put back into hold, and nobody free: the ring limit counts again and ends his call."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    story.answer(call)
    story.pass_time(10.0)
    story.calls[call].stage = e.Stage.HELD
    story.told("gera", e.CallHeld(call, answered=True))
    assert story.agent("gera/2001") == "wrap_up"
    story.act("gera/2001", e.AgentAct.LOG_OUT)
    story.pass_time(99.0)
    assert call in story.calls
    story.pass_time(2.0)
    assert story.outcome(call) is c.Outcome.BUSIED
    story = Story(network(agreement=OFF, hotline={"ring_max_s": None}))
    call = story.dial()
    story.answer(call)
    story.act("gera/2002", e.AgentAct.LOG_OUT)
    story.calls[call].stage = e.Stage.HELD
    story.told("gera", e.CallHeld(call, answered=True))
    story.pass_time(31.0)
    assert story.rung(call) == "gera/2001"


def test_a_caller_who_was_put_back_and_is_answered_again_has_one_record() -> None:
    """His wait is counted to the first answer, his conversation to the last."""
    story = Story(network(agreement=OFF))
    call = story.dial()
    story.pass_time(5.0)
    story.answer(call)
    story.calls[call].stage = e.Stage.HELD
    story.told("gera", e.CallHeld(call, answered=True))
    story.obey_all()
    story.pass_time(5.0)
    story.answer(call)
    story.pass_time(20.0)
    story.hang_up(call)
    record = story.books.ended[call]
    assert (record.agent, record.wait_s, record.talk_s) == ("gera/2002", 5.0, 25.0)


def test_orders_that_are_too_fresh_to_show_are_waited_for() -> None:
    """Offered a second ago and still held at the site: nothing. Two seconds later: the attempt failed."""
    story = Story(network(agreement=OFF))
    call = story.arrive("gera", "365")
    story.pass_time(1.0)
    story.calls[call].orders.clear()
    story.link_up("gera")
    assert story.router.state.calls[call].attempt == 1
    story.pass_time(2.0)
    assert "gera" in story.wanted_reread
    story.link_up("gera")
    assert story.router.state.calls[call].attempt == 2
    assert story.agent("gera/2001") == "unreachable"


def test_an_attempt_whose_end_was_missed_blames_nobody() -> None:
    """The site saw this attempt and has the caller waiting again: its agent is asked again at once."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    story.pass_time(10.0)
    story.calls[call].stage = e.Stage.HELD
    story.link_up("gera")
    assert story.router.state.calls[call].attempt == 2
    assert story.agent("gera/2001") == "offered"


def test_a_call_that_rings_at_the_site_though_the_books_have_it_waiting_is_adopted() -> None:
    """Its offer was given up too early: the phones that ring are the books' again, and nobody else is rung."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    story.send(e.OrderLost(call, 1, unknown=False, text="no such channel"))
    assert story.agent("gera/2001") == "ready"
    story.link_up("gera")
    assert story.agent("gera/2001") == "offered"
    story.link_up("gera")
    story.answer(call)
    assert story.agent("gera/2001") == "talking"


def test_a_call_that_talks_though_the_books_have_it_waiting_is_adopted() -> None:
    """The answer was missed: the agent talks, and the site's second look changes nothing."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    true = story.calls[call]
    true.stage, true.up, true.with_agent = e.Stage.TALKING, True, "gera/2001"
    story.link_up("gera")
    assert story.agent("gera/2001") == "talking"
    assert story.link_up("gera") is None
    story.hang_up(call)
    assert story.outcome(call) is c.Outcome.ANSWERED


def test_a_failsafe_seen_in_the_read_back_is_believed() -> None:
    """Known or unknown: the dialplan serves the call, no agent is rung for it, and its end says failsafe."""
    story = Story()
    call = story.dial()
    story.calls[call].stage = e.Stage.FAILSAFE
    read(story, seen(call, e.Stage.FAILSAFE), seen("gera/70.0", e.Stage.FAILSAFE))
    assert story.agent("gera/2001") == "ready"
    for one in (call, "gera/70.0"):
        story.send(e.CallEnded(one, answered=True))
        assert story.outcome(one) is c.Outcome.FAILSAFE
    assert not story.books.broken


def test_a_caller_whom_the_last_router_let_in_is_not_turned_away_at_closing_time() -> None:
    """Found waiting after hours: he came in time, so he is served."""
    story = Story(network(hotline={"hours": Hours("Europe/Berlin", WEEKDAYS)}))
    story.pass_time(7 * 3600.0)
    read(story, seen("gera/70.0", e.Stage.HELD, attempt=0))
    assert story.agent("gera/2001") == "offered"


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("hotline", "outcome", "why"),
    [
        ({"hours": Hours("Europe/Berlin", WEEKDAYS)}, c.Outcome.CLOSED, c.Unserved.NONE),
        ({"ring_max_s": 5.0}, c.Outcome.BUSIED, c.Unserved.RING_LIMIT),
        ({"ring_max_s": 0.0}, c.Outcome.BUSIED, c.Unserved.NOBODY_FREE),
        ({"ring_max_s": None}, c.Outcome.BUSIED, c.Unserved.LINE_FULL),
        ({}, c.Outcome.BUSIED, c.Unserved.LINE_FULL),
    ],
)
def test_a_caller_who_hears_his_last_words_did_not_give_up(
    known: bool, hotline: dict[str, Any], outcome: c.Outcome, why: c.Unserved
) -> None:
    """The router that told him to end is gone, and its books are: what he is told says it."""
    story = Story(network(hotline=hotline), ready="")
    if outcome is c.Outcome.CLOSED:
        story.pass_time(7 * 3600.0)
    call = "gera/70.0"
    if known:
        read(story, seen(call, e.Stage.OFFERED))
    read(story, replace(seen(call, e.Stage.PROMPTED), ending=17))
    story.send(e.CallEnded(call, 17))
    assert (story.outcome(call), story.record(call).unserved) == (outcome, why)
    assert not [timer for timer in story.router.state.timers.alive() if timer.ref == call]


def test_a_caller_who_is_told_to_end_while_the_books_have_him_rung_frees_the_agent() -> None:
    """Another router has told him: nobody is rung for him any more."""
    story = Story()
    call = story.dial()
    story.pass_time(3.0)
    story.calls[call].stage = e.Stage.PROMPTED
    read(story, replace(seen(call, e.Stage.PROMPTED), ending=17))
    assert story.agent("gera/2001") == "ready"
    read(story, replace(seen(call, e.Stage.PROMPTED), ending=17))
    story.send(e.CallEnded(call, 17))
    assert story.outcome(call) is c.Outcome.BUSIED


def test_a_caller_whom_no_router_has_had_is_met_as_any_other() -> None:
    """He came while his site was being read: he hears his menu, and finds the line as full or closed as it is."""
    menu = Menu("menu", (("1", "benefit"),), 5.0, 1)
    story = Story(network(hotline={"menu": menu, "line_max": 1}))
    commands = read(story, replace(seen("gera/70.0", e.Stage.HELD, attempt=0), claimed=False))
    assert [x.sounds for x in commands if isinstance(x, c.Ask)] == [("menu",)]
    commands = read(
        story, seen("gera/70.0", e.Stage.PROMPTED), replace(seen("gera/71.0", e.Stage.HELD, attempt=0), claimed=False)
    )
    assert [x.call for x in commands if isinstance(x, c.Release)] == ["gera/71.0"]


def test_callers_whom_the_last_router_let_in_are_not_turned_away_from_a_full_line() -> None:
    """Found waiting: the line is as long as it is, only the next one finds it full."""
    story = Story(network(hotline={"line_max": 1}, agreement=OFF), ready="")
    found = [seen(f"gera/7{i}.0", e.Stage.HELD, attempt=0) for i in range(3)]
    assert not [x for x in read(story, *found) if isinstance(x, c.Release)]


@pytest.mark.parametrize("unknown", [False, True])
def test_a_busy_that_was_never_said_is_no_reason(unknown: bool) -> None:
    """The order was refused and the caller gone when his site was read: he was not told busy. If it is not known
    whether the order took effect, it is the best that can be said."""
    story = Story(network(hotline={"ring_max_s": 0.0}, agreement=OFF), ready="")
    call = story.arrive("gera", "365")
    story.calls[call].orders.clear()
    story.send(e.OrderLost(call, None, unknown))
    story.pass_time(2.5)
    read(story)
    record = story.record(call)
    assert record.outcome is (c.Outcome.BUSIED if unknown else c.Outcome.LOST)
    assert not record.seen


def test_a_busy_that_was_never_said_is_said_when_he_listens() -> None:
    """The order was refused, the caller still there: he is told now."""
    story = Story(network(hotline={"ring_max_s": 0.0}, agreement=OFF), ready="")
    call = story.arrive("gera", "365")
    story.calls[call].orders.clear()
    story.send(e.OrderLost(call, None, unknown=False))
    story.link_up("gera")
    assert [x.cause for x in story.calls[call].orders if isinstance(x, c.Release)] == [17]
    story.obey_all()
    assert story.outcome(call) is c.Outcome.BUSIED


def test_whom_the_dialplan_served_unseen_was_served_by_the_dialplan() -> None:
    """It took him, and he is gone when his site is read: more is known than that he was lost."""
    story = Story()
    call = story.dial()
    story.send(e.CallTaken(call))
    story.pass_time(3.0)
    read(story)
    assert story.outcome(call) is c.Outcome.FAILSAFE
    assert not story.record(call).seen


def test_a_call_to_no_number_of_ours_that_is_found_is_ended() -> None:
    """Held: released with cause 1. Talking all the same: left alone."""
    story = Story()
    commands = read(story, seen("gera/70.0", e.Stage.HELD, number="999"))
    assert [x.cause for x in commands if isinstance(x, c.Release)] == [1]
    read(story, seen("gera/71.0", e.Stage.TALKING, ("gera", "2001"), legs=("gera/l",), number="999"))
    assert story.agent("gera/2001") == "talking"
    story.send(e.CallHeld("gera/71.0"))
    assert story.agent("gera/2001") == "wrap_up"


def test_a_release_that_was_lost_is_given_again() -> None:
    """Told to end, found waiting: the order is repeated, since the call is there to be ended."""
    story = Story()
    call = story.arrive("gera", "999")
    story.calls[call].orders.clear()
    story.link_up("gera")
    assert [x for x in story.calls[call].orders if isinstance(x, c.Release)]
    read(story, seen(call, e.Stage.OFFERED, ("gera", "2001"), number="999"))
    assert story.agent("gera/2001") == "ready"


def test_a_fresh_call_that_a_read_back_does_not_name_yet_is_kept() -> None:
    """It arrived after the site was asked; two seconds later it would be gone."""
    story = Story()
    story.send(e.CallArrived("gera/70.0", "gera", "365"))
    read(story)
    assert "gera/70.0" in story.router.state.calls
    story.pass_time(3.0)
    read(story)
    assert story.outcome("gera/70.0") is c.Outcome.LOST


@pytest.mark.parametrize("lives", [None, e.Stage.HELD, e.Stage.TALKING])
def test_a_fresh_call_that_a_read_back_does_not_name_is_asked_for_once_more(lives: e.Stage | None) -> None:
    """It may be over, its end shed with much else, and nothing would ever tell: two seconds later the site says it."""
    story = Story(ready="" if lives is e.Stage.HELD else "gera")
    call = story.dial()
    if lives is e.Stage.TALKING:
        story.answer(call)
    read(story)
    story.wanted_reread.clear()
    story.pass_time(2.5)
    assert "gera" in story.wanted_reread
    if lives is None:
        del story.calls[call]
        story.link_up("gera")
        assert story.outcome(call) is c.Outcome.LOST
    else:
        story.link_up("gera")
        assert not [
            timer for timer in story.router.state.timers.alive() if (timer.ref, timer.rank) == (call, Rank.WATCH)
        ]


def test_phones_and_trunks_are_as_the_site_says() -> None:
    """A phone that is not named is unreachable, one with a channel busy, a trunk that is named down is not used."""
    story = Story()
    phone = e.PhoneState("gera", "2002", reachable=True, in_use=False)
    legs = (("2002", "gera/p"), ("9999", "gera/q"))
    story.send(e.SiteRead("gera", (), (phone,), legs, trunks_down=("magdeburg",)))
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("unreachable", "busy")
    call = story.dial()
    assert not story.rung(call)
    story.link_up("gera")
    story.obey_all()
    assert story.rung(call) == "gera/2001"


def test_losing_one_site_leaves_the_others_callers_in_line() -> None:
    """Gera's link is gone: Magdeburg's caller is served by Magdeburg's agent, Gera's by nobody."""
    story = Story(ready="")
    gera, own = story.dial("365"), story.dial("391")
    story.link_down("gera")
    story.act("magdeburg/1001", e.AgentAct.READY)
    assert (story.rung(gera), story.rung(own)) == ("", "magdeburg/1001")


def test_a_phone_whose_own_trunk_is_no_trunk_is_suspected_itself() -> None:
    """'No route' to a phone at the caller's own site is the phone's fault: the next agent is rung, not him again."""
    story = Story()
    call = story.dial()
    story.phone_fails(call, e.Result.NO_ROUTE)
    assert story.agent("gera/2001") == "unreachable"
    assert story.rung(call) == "gera/2002"


def test_a_call_that_is_never_heard_of_again_is_asked_for_again_and_again() -> None:
    """As long as the site has no answer the question is repeated every ten seconds, and only for such calls."""
    story = Story()
    story.send(e.CallArrived("gera/70.0", "gera", "365"))
    asked = 0
    for _ in range(4):
        story.pass_time(10.0)
        asked += story.wanted_reread.pop("gera", 0) is None
    assert asked == 4


def test_a_talking_agent_may_be_found_in_a_team_without_wrap_up() -> None:
    """Put back into hold and found talking again: no wrap-up stands in between."""
    story = Story(network(team={"wrap_up_s": 0.0}, agreement=OFF), ready="gera/2001")
    call = story.dial()
    story.answer(call)
    read(story, seen("gera/70.0", e.Stage.TALKING, ("gera", "2001"), legs=("gera/l",)), seen(call, e.Stage.ELSEWHERE))
    assert story.agent("gera/2001") == "talking"


def test_a_borrowed_caller_who_was_put_through_unseen_still_counts_as_borrowed() -> None:
    """Answered by the lender while the link was down: the loan lasts until the caller hangs up, and counts once."""
    for stage in (e.Stage.ELSEWHERE, e.Stage.TALKING):
        story = Story(ready="magdeburg")
        call = story.dial()
        story.calls[call].up = True
        read(story, seen(call, stage, ("magdeburg", "1001"), legs=("gera/l",)))
        assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 1}
        story.hang_up(call)
        assert story.books.ended[call].agreement == "magdeburg-gera"
        assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 0}


def test_a_transferred_caller_who_talks_to_a_phone_of_nobody_is_as_the_books_say() -> None:
    """The agent's share of the conversation ended with his leg, and the loan is kept until the caller hangs up."""
    story = Story(ready="magdeburg")
    call = story.dial()
    story.answer(call)
    story.pass_time(10.0)
    story.agent_hangs_up(call, stays=True)
    story.pass_time(10.0)
    read(story, seen(call, e.Stage.TALKING, ("gera", "9999"), legs=("gera/x",)))
    assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 1}
    story.hang_up(call)
    assert story.books.ended[call].talk_s == 10.0


def lent(story: Story) -> str:
    """A caller of Gera's talks to Magdeburg's 1001, whose own site knows the leg of his phone."""
    call = story.dial()
    story.send(e.PhoneLeg("magdeburg", "1001", "magdeburg/his", up=True))
    story.answer(call)
    story.pass_time(10.0)
    return call


def test_who_puts_a_borrowed_caller_through_is_free_though_the_trunk_goes_on() -> None:
    """Only his own site sees that his leg ended. The loan lasts, his talk is over, a read-back changes neither."""
    story = Story(ready="magdeburg/1001")
    call = lent(story)
    story.send(e.LegEnded(call, "magdeburg/another"), e.LegEnded(call, "magdeburg/his"))
    story.send(e.PhoneLeg("magdeburg", "1001", "magdeburg/his", up=False))
    assert story.agent("magdeburg/1001") == "wrap_up"
    story.pass_time(60.0)
    read(story, seen(call, e.Stage.TALKING, ("magdeburg", "1001"), legs=("gera/l",)))
    assert story.agent("magdeburg/1001") == "ready"
    assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 1}
    story.hang_up(call)
    assert (story.outcome(call), story.books.ended[call].talk_s) == (c.Outcome.ANSWERED, 10.0)


@pytest.mark.parametrize("lives", [True, False])
def test_what_the_router_before_knew_of_a_caller_who_was_put_through_counts(*, lives: bool) -> None:
    """His agent has been free since then, and his talk is as long as it was; whether the call still goes on or not."""
    story = Story(ready="magdeburg/1001")
    call = lent(story)
    restart(story)
    talked = seen(call, e.Stage.TALKING, ("magdeburg", "1001"), legs=("",))
    story.send(e.SiteRead("gera", (replace(talked, age_s=50.0, talk_s=40.0, left_s=30.0),)))
    story.send(e.LinkDown("gera"))
    assert story.router.state.seats["magdeburg/1001"].call == ""
    story.pass_time(5.0)
    story.send(
        e.SiteRead(
            "gera", (replace(talked, age_s=55.0, talk_s=45.0, legs=(("gera/l", "", "", True),)),) if lives else ()
        )
    )
    if lives:
        story.send(e.CallEnded(call))
    ended = story.books.ended[call]
    assert (ended.outcome, ended.agent, ended.talk_s) == (c.Outcome.ANSWERED, "magdeburg/1001", 10.0)


def test_what_says_nothing_of_his_phone_does_not_end_a_borrowed_talk() -> None:
    """A router that starts recalls its calls before any site was read: no phone is known to be free."""
    story = Story(ready="magdeburg/1001")
    lent(story)
    story.send(e.SiteRead("magdeburg", (), ()))
    assert story.agent("magdeburg/1001") == "talking"


@pytest.mark.parametrize("order", [("gera", "magdeburg"), ("magdeburg", "gera")])
@pytest.mark.parametrize("known", [True, False])
def test_who_put_a_borrowed_caller_through_unseen_is_free(known: bool, order: tuple[str, str]) -> None:
    """Whichever site is read first, and whether the router is the same or a new one: his phone says that he is free."""
    story = Story(ready="magdeburg/1001")
    call = lent(story)
    for site in order:
        story.link_down(site)
    story.calls[call].with_agent = ""
    if not known:
        restart(story)
    story.pass_time(60.0)
    for site in order:
        story.link_up(site)
    story.pass_time(60.0)
    assert story.agent("magdeburg/1001") == "ready"
    assert [v.state for v in story.router.snapshot(story.now).calls] == ["transferred"]
    assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 1}


def test_a_caller_who_was_put_back_and_then_through_keeps_his_first_answer() -> None:
    """His wait ended when an agent first answered, whatever was missed after that."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    story.pass_time(4.0)
    story.answer(call)
    story.pass_time(10.0)
    story.told("gera", e.CallHeld(call, answered=True))
    read(story, seen(call, e.Stage.ELSEWHERE, ("gera", "2001")))
    story.hang_up(call)
    assert (story.outcome(call), story.books.ended[call].wait_s) == (c.Outcome.ANSWERED, 4.0)


def test_callers_who_come_before_their_site_was_read_wait_outside_the_line() -> None:
    """No order reaches the site yet: they are not offered, and keep their turn when it is read."""
    story = Story()
    router = story.router = story.books.router = Router(network(), story.now)
    story.books.state = {a.id: "logged_out" for a in router.plan.agents}
    story.send(e.AgentActed("gera/2001", e.AgentAct.READY))
    story.send(e.CallArrived("gera/70.0", "gera", "365"), e.CallHeld("gera/70.0"))
    assert router.state.calls["gera/70.0"].lane is None
    read(story, seen("gera/70.0", e.Stage.HELD, attempt=0))
    assert story.agent("gera/2001") == "offered"


def test_a_borrowed_call_that_an_agent_of_its_own_has_is_not_borrowed() -> None:
    """Offered to Magdeburg as far as we know, found talking to Gera's own agent: no agreement has a share in it."""
    story = Story(ready="magdeburg")
    call = story.dial()
    assert story.rung(call) == "magdeburg/1001"
    commands = read(story, seen(call, e.Stage.TALKING, ("gera", "2001"), legs=("gera/l",)))
    assert [(x.agent, x.agreement) for x in commands if isinstance(x, c.CallAnswered)] == [("gera/2001", "")]
    assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 0}
    assert story.agent("magdeburg/1001") == "ready"


def test_an_answer_to_an_attempt_that_was_given_up_is_read_back() -> None:
    """The order came later than the books thought possible: the conversation is found, and is no broken promise."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.arrive("gera", "365")
    story.send(e.OrderLost(call, 1, unknown=False, text="too late"))
    story.wanted_reread.clear()
    story.pass_time(1.0)
    story.obey(call)
    story.answer(call)
    assert "gera" in story.wanted_reread
    story.link_up("gera")
    assert story.agent("gera/2001") == "talking"
    commands = story.send(e.LegAnswered(call, 1, story.calls[call].leg))
    assert [type(x) for x in commands] == [c.Ignored]
    story.hang_up(call)
    assert story.outcome(call) is c.Outcome.ANSWERED
    assert not story.books.broken


def test_an_answer_by_a_phone_that_left_the_plan_is_an_answer() -> None:
    """A new router finds it ringing, and does not know whose phone it is: the record says answered, by nobody known."""
    for vanishes in (False, True):
        story = Story(network(agreement=OFF), ready="")
        read(story, seen("gera/70.0", e.Stage.OFFERED, ("gera", "9999")))
        story.send(e.LegAnswered("gera/70.0", 1, "gera/l"))
        story.pass_time(9.0)
        if vanishes:
            read(story)
        else:
            story.send(e.CallEnded("gera/70.0", answered=True))
        record = story.books.ended["gera/70.0"]
        assert (record.outcome, record.agent, record.talk_s) == (c.Outcome.ANSWERED, "", 9.0)
        assert not story.books.broken


def test_who_was_answered_by_somebody_unknown_and_put_back_waits_again() -> None:
    """He rings, and when he hangs up then he has abandoned; the answer is no broken promise."""
    story = Story(network(agreement=OFF, team=ALL))
    call = story.dial()
    story.send(e.LegAnswered(call, 1, "gera/unseen"))
    story.pass_time(3.0)
    story.calls[call].stage, story.calls[call].up = e.Stage.HELD, True
    story.told("gera", e.CallHeld(call, answered=True))
    story.hang_up(call)
    assert story.outcome(call) is c.Outcome.ABANDONED
    assert not story.books.broken


def test_no_order_is_given_to_a_site_that_cannot_be_reached() -> None:
    """Not an offer when an agent becomes free, not a release at the ring limit: both wait for the site's return."""
    story = Story(ready="")
    call = story.dial()
    story.link_down("gera")
    story.pass_time(50.0)
    assert not [x for x in story.send(e.AgentActed("magdeburg/1001", e.AgentAct.READY)) if isinstance(x, c.Offer)]
    story.act("magdeburg/1001", e.AgentAct.PAUSE)
    story.pass_time(100.0)
    assert call not in story.books.ended
    story.link_up("gera")
    story.obey_all()
    assert story.outcome(call) is c.Outcome.BUSIED
