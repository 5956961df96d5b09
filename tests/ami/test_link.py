"""The link against a manager that misbehaves: each fault of the libraries beneath it is mended and pinned here."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from callrouter.ami.linkstate import USUAL, Fault, Phase
from callrouter.ami.session import PENDING_MAX
from callrouter.core.commands import CancelOffer, Claim, Offer, Order, Release, Reread, Target
from callrouter.core.events import (
    CallArrived,
    CallEnded,
    CallHeld,
    LinkDown,
    OrderLost,
    PhoneLeg,
    PhoneState,
    SiteRead,
    TrunkState,
)

from .conftest import Rig, until
from .fake import Answer, block, channel, hold, refuse, reply, silent, user_event

CALL = "gera/1.1"
CLAIM = Claim(CALL, "test")
OFFER = Offer(CALL, 3, (Target("gera/1001", "gera", "1001"),), 20, "test")


async def test_login_then_epoch_then_one_read_back(rig: Rig) -> None:
    """The engine hears nothing of a site before it has been read back whole, as one event, under our epoch."""
    rig.fake.devices = {"PJSIP/1001": "NOT_INUSE", "PJSIP/magdeburg": "UNAVAILABLE", "Queue:x": "INUSE"}
    link = await rig.up()
    assert rig.events == [
        SiteRead("gera", phones=(PhoneState("gera", "1001", True, False),), trunks_down=("magdeburg",))
    ]
    assert rig.fake.variables["CR_EPOCH"] == "1000"
    assert rig.fake.variables["CR_BEAT_1000"].endswith(".m")
    assert link.state.up
    names = [fields["Action"] for fields in rig.fake.actions]
    assert names[:2] == ["Challenge", "Login"]
    assert names.index("Setvar") < names.index("Status")


async def test_contact_states_tell_of_trunks(rig: Rig) -> None:
    """A trunk is judged by its contact, for its device state stays good as long as a call uses it."""
    rig.fake.devices = {"PJSIP/magdeburg": "INUSE"}
    rig.fake.variables["PJSIP_AOR(magdeburg,contact)"] = "magdeburg@@1f"
    rig.fake.variables["PJSIP_CONTACT(magdeburg@@1f,status)"] = "Unreachable"
    await rig.up()
    assert rig.events == [SiteRead("gera", trunks_down=("magdeburg",))]


async def test_the_beat_goes_on(rig: Rig) -> None:
    """The dialplan sees a new value of the beat as long as the router lives."""
    await rig.up()
    first = rig.fake.variables["CR_BEAT_1000"]
    await until(lambda: rig.fake.variables["CR_BEAT_1000"] != first)


async def test_orders_are_written_in_one_go(rig: Rig) -> None:
    """An offer is its variable and its bell, one right after the other, with no answer awaited between."""
    link = await rig.up()
    rig.fake.answers["Setvar"] = silent
    link.execute(OFFER)
    await until(lambda: rig.fake.got("PlayDTMF"))
    at = rig.fake.actions.index(rig.fake.got("PlayDTMF")[0])
    assert rig.fake.actions[at - 1]["Value"] == "1000_agent_20_1001_3"
    assert rig.fake.actions[at]["Channel"] == "gera-1.1"


async def test_a_handler_that_raises_costs_its_message_only(rig: Rig) -> None:
    """panoramisk tears the link down when a callback raises, and loses the rest of the segment."""
    link = await rig.up()
    kept, rig.events = rig.events, None  # type: ignore[assignment]  # append fails now
    rig.fake.send(hold("gera-1.1"))
    await until(lambda: link.state.failures == 1)
    rig.events = kept
    rig.fake.send(hold("gera-1.2"))
    await until(lambda: rig.events[-1] == CallHeld("gera/1.2"))


@pytest.mark.parametrize(
    "forged",
    [
        block("Event: UserEvent", *channel(), "UserEvent: CrHold", "Call: gera-1.1", "Event: Shutdown"),
        block("Event: UserEvent", *channel(), "UserEvent: CrHold", "UserEvent: CrFailsafe", "Call: gera-1.1"),
        block("Event: Newchannel", *channel(), "Uniqueid: gera-9.9"),
        block("Event: Newchannel", *channel(), "ChanVariable: CR_CALL=gera-9.9"),
        block("Event: Newchannel", "Channel: PJSIP/1-1", "CallerIDNum: x") + hold("gera-6.6"),
        block("Event: Newchannel", "a line that is no header", *channel()),
        block("Exten: 100", "Uniqueid: gera-1.1") + hold("gera-6.6"),
        block("Foo: Event: UserEvent"),
    ],
    ids=["event-twice", "name-twice", "id-twice", "variable-twice", "cut", "no-header", "tail", "foreign"],
)
async def test_what_asterisk_cannot_mean_is_dropped_and_the_site_read_back(rig: Rig, forged: bytes) -> None:
    """A forged line break shows as a repeated, missing or misplaced header: alarm, drop what follows, read back."""
    link = await rig.up()
    rig.fake.send(forged + hold("gera-7.7"))
    await until(lambda: link.state.reads == 2 and link.state.phase is Phase.UP)
    assert link.state.rejects == 1
    assert not rig.of(CallHeld)
    assert rig.fake.connections == 1
    rig.fake.send(hold("gera-1.2"))
    await until(lambda: rig.of(CallHeld) == [CallHeld("gera/1.2")])


async def test_the_alarm_shows_no_caller_s_number(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Who reads the log sees what was sent and the last three digits of numbers, however they are written."""
    await rig.up()
    rig.fake.send(block("Event: Newchannel", "CallerIDNum: +49 (171) 123-4567", "CallerIDName: 03655512345", "Cut"))
    await until(lambda: "forged" in caplog.text)
    assert "CallerIDNum: •••567" in caplog.text
    assert "CallerIDName: •••345" in caplog.text
    assert "Cut" in caplog.text


async def test_characters_split_over_segments_and_invalid_ones(rig: Rig) -> None:
    """UTF-8 cut anywhere arrives whole; latin-1 costs a character, never a header."""
    link = await rig.up()
    whole = block(
        "Event: UserEvent", *channel(), "CallerIDName: Jörg", "UserEvent: CrOffered", "Call: gera-1.1", "Did: ü1"
    )
    cut = whole.index("ü".encode()) + 1
    rig.fake.send(whole[:cut])
    await until(lambda: link.state.phase is Phase.UP)
    rig.fake.send(whole[cut:])
    await until(lambda: rig.of(CallArrived) == [CallArrived(CALL, "gera", "ü1", "")])
    rig.fake.send(whole.replace("ö".encode(), b"\xf6").replace("ü1".encode(), b"1\xfc"))
    await until(lambda: len(rig.of(CallArrived)) == 2)
    assert rig.of(CallArrived)[1] == CallArrived(CALL, "gera", "1�", "")


async def test_one_byte_at_a_time_is_the_same(rig: Rig) -> None:
    """Nothing depends on where TCP cuts the stream."""
    await rig.up()
    await rig.fake.dribble(hold())
    await until(lambda: rig.events[-1] == CallHeld(CALL))


async def test_an_empty_last_header_is_kept(rig: Rig) -> None:
    """panoramisk strips it; here it is a header with an empty value."""
    await rig.up()
    rig.fake.send(user_event("CrOffered", "gera-1.1", "Did: 0", "Cli: "))
    await until(lambda: rig.events[-1] == CallArrived(CALL, "gera", "0", ""))


async def test_nothing_is_sent_again_after_a_reconnect(rig: Rig) -> None:
    """An order whose answer was lost with the link is unknown: reported once, never repeated."""
    link = await rig.up()
    rig.fake.answers["PlayDTMF"] = silent
    link.execute(OFFER)
    await until(lambda: rig.fake.got("PlayDTMF"))
    rig.fake.drop()
    await until(lambda: len(rig.of(SiteRead)) == 2)
    assert rig.of(OrderLost) == [OrderLost(CALL, 3, True, "Offer: no answer")]
    assert rig.of(LinkDown) == [LinkDown("gera")]
    assert len(rig.fake.got("PlayDTMF")) == 1
    assert link.state.reconnects == 1


async def test_orders_while_the_link_is_down_fail_at_once(rig: Rig) -> None:
    """They are neither kept nor sent late; before the first connection too."""
    link = rig.make()
    link.execute(OFFER)
    await until(lambda: rig.events)
    assert rig.events == [OrderLost(CALL, 3, False, "Offer: the link to gera is down")]
    await rig.fake.stop()
    link.start()
    await until(lambda: link.state.fault is Fault.UNREACHABLE)
    link.execute(CLAIM)
    await until(lambda: len(rig.events) == 2)
    await rig.fake.listen()
    await until(lambda: link.state.phase is Phase.UP)
    assert not [f for f in rig.fake.got("Setvar") if "Channel" in f]


async def test_a_refused_order_is_lost_and_known(rig: Rig) -> None:
    """Asterisk's no is an answer: nothing happened."""
    link = await rig.up()
    rig.fake.answers["Setvar"] = refuse("No such channel")
    link.execute(CLAIM)
    await until(lambda: rig.of(OrderLost))
    assert rig.of(OrderLost) == [OrderLost(CALL, None, False, "Claim: No such channel")]


async def test_a_refused_bell_is_unknown(rig: Rig) -> None:
    """The variable was set and the hold loop may find it without a bell."""
    link = await rig.up()
    rig.fake.answers["PlayDTMF"] = refuse("Permission denied")
    link.execute(OFFER)
    await until(lambda: rig.of(OrderLost))
    assert rig.of(OrderLost) == [OrderLost(CALL, 3, True, "Offer: Permission denied")]


@pytest.mark.parametrize("order", [OFFER, CLAIM, Release(CALL, 17, "x"), CancelOffer(CALL, 3, (), "x")])
async def test_every_answer_has_a_deadline_and_leaves_nothing_behind(rig: Rig, order: Order) -> None:
    """A manager that stays silent makes the order unknown in time; a late answer is nobody's."""
    link = await rig.up(action_s=0.3)
    late: list[bytes] = []
    both = rig.fake.answers["Setvar"]
    rig.fake.answers["Setvar"] = lambda f: late.append(reply(f)) if "Channel" in f else both(f)
    rig.fake.answers["PlayDTMF"] = lambda f: late.append(reply(f))
    link.execute(order)
    await until(lambda: rig.of(OrderLost))
    lost = rig.of(OrderLost)[0]
    assert isinstance(lost, OrderLost)
    assert lost.unknown
    for answer in late:
        rig.fake.send(answer)
    rig.fake.send(hold())
    await until(lambda: rig.of(CallHeld))
    session = link._session
    assert session is not None
    await session.settled()
    assert len(rig.of(OrderLost)) == 1
    assert rig.fake.connections == 1


async def test_control_characters_never_leave(rig: Rig) -> None:
    """An order with a line break in it is refused before a byte of it is written."""
    link = await rig.up()
    link.execute(Offer(CALL, 1, (Target("a", "gera", "1001\r\nAction: Hangup"),), 20, "x"))
    link.execute(Release("gera/1\r\n", 17, "x"))
    await until(lambda: len(rig.of(OrderLost)) == 2)
    assert all(isinstance(e, OrderLost) and not e.unknown for e in rig.of(OrderLost))
    assert not rig.fake.got("PlayDTMF")


async def test_a_list_that_never_ends_is_given_up(rig: Rig) -> None:
    """The session is of no use then: a new one is made, and the site read back."""
    whole = rig.fake.answers["Status"]
    rig.fake.answers["Status"] = lambda f: reply(f, "EventList: start")
    link = rig.make(list_s=0.3)
    link.start()
    await until(lambda: link.state.fault is Fault.SILENT)
    rig.fake.answers["Status"] = whole
    await until(lambda: link.state.phase is Phase.UP)


async def test_a_link_that_dies_inside_a_list(rig: Rig) -> None:
    """The read-back ends with the connection, not with a future that nobody ends."""
    whole = rig.fake.answers["Status"]
    rig.fake.answers["Status"] = lambda f: rig.fake.drop()
    link = rig.make(list_s=60.0)
    link.start()
    await until(lambda: link.state.connects >= 2)
    rig.fake.answers["Status"] = whole
    await until(lambda: link.state.phase is Phase.UP)


async def test_a_refused_list_names_the_right_that_is_missing(rig: Rig) -> None:
    """Without class reporting nothing can be read back: a state of its own, tried again slowly."""
    rig.fake.answers["Status"] = refuse("Permission denied")
    link = rig.make()
    link.start()
    await until(lambda: link.state.fault is Fault.RIGHTS)
    assert link.state.fault_text == "Status: Permission denied"
    assert not rig.events


async def test_a_refused_login_is_seen_and_tried_again(rig: Rig) -> None:
    """It is a state of its own, not an exception lost in a callback; a mended secret needs no restart."""
    good = rig.fake.answers["Login"]
    rig.fake.answers["Login"] = refuse("Authentication failed")
    link = rig.make()
    link.start()
    await until(lambda: link.state.logins_refused >= 2)
    assert link.state.fault is Fault.LOGIN_REFUSED
    assert "Authentication failed" in link.state.fault_text
    rig.fake.answers["Login"] = good
    await until(lambda: link.state.phase is Phase.UP)


async def test_a_secret_is_never_sent(rig: Rig) -> None:
    """It is proved by a challenge; whatever it holds, a second action it cannot be."""
    link = rig.make(secret="lab\r\nAction: Hangup")
    link.start()
    await until(lambda: link.state.phase is Phase.UP)
    assert {"Challenge", "Login"} <= {fields["Action"] for fields in rig.fake.actions}
    assert not [fields for fields in rig.fake.actions if "lab" in str(fields) or fields["Action"] == "Hangup"]


async def test_a_user_with_a_line_break_is_not_sent(rig: Rig) -> None:
    """It could be a second action."""
    link = rig.make(user="x\r\nAction: Hangup")
    link.start()
    await until(lambda: link.state.fault is Fault.LOGIN_REFUSED)
    assert [fields["Action"] for fields in rig.fake.actions] == ["Challenge"]


async def test_nothing_is_asked_before_asterisk_is_fully_booted(rig: Rig) -> None:
    """Logins are taken before the modules are there; their actions would be unknown commands."""
    rig.fake.booted = False
    link = rig.make()
    link.start()
    await until(lambda: link.state.phase is Phase.BOOTING)
    assert [f["Action"] for f in rig.fake.actions] == ["Challenge", "Login"]
    rig.fake.event("FullyBooted", "Privilege: system,all", "Status: Fully Booted")
    await until(lambda: link.state.phase is Phase.UP)


async def test_a_missing_fullybooted_is_explained(rig: Rig) -> None:
    """A user without read class system never sees it."""
    rig.fake.booted = False
    link = rig.make(boot_s=0.05)
    link.start()
    await until(lambda: link.state.fault is Fault.NOT_BOOTED)
    assert "system" in link.state.fault_text


async def test_a_half_open_connection_is_found(rig: Rig) -> None:
    """A peer that answers nothing any more is left within the deadline of a beat."""
    link = await rig.up(silence_s=0.3)
    rig.fake.answers["Getvar"] = silent
    await until(lambda: rig.of(LinkDown))
    assert link.state.fault is Fault.SILENT


async def test_something_that_is_not_a_manager(rig: Rig) -> None:
    """A wrong port answers something else: the link says so and does not wait for ever."""
    rig.fake.banner = b"HTTP/1.1 400 Bad Request\r\n"
    link = rig.make()
    link.start()
    await until(lambda: link.state.fault is Fault.ENDED)
    assert "not Asterisk's manager" in link.state.fault_text


async def test_a_block_without_an_end_is_bounded(rig: Rig) -> None:
    """Memory has a limit whatever comes in."""
    link = await rig.up(beat_s=20.0)
    await until(lambda: rig.fake.got("CoreSettings") and not link.state.pending)  # an answer would be its end
    rig.fake.send(b"Event: " + b"x" * 300_000)
    await until(lambda: rig.of(LinkDown))
    assert link.state.fault is Fault.ENDED


def test_back_off_grows_with_jitter_and_is_bounded() -> None:
    """Many routers and a restarted Asterisk must not meet in step."""
    assert [USUAL.back_off_s(tries, 1.0) for tries in range(1, 7)] == [0.4, 0.8, 1.6, 3.0, 3.0, 3.0]
    assert USUAL.back_off_s(10_000, 0.0) == 1.5
    assert USUAL.back_off_s(0, 0.5) == pytest.approx(0.15)


async def test_shutdown_of_asterisk_ends_the_session_at_once(rig: Rig) -> None:
    """Shutdown is told a moment before the socket closes."""
    await rig.up()
    rig.fake.event("Shutdown", "Privilege: system,all", "Shutdown: Cleanly", "Restart: False")
    await until(lambda: rig.of(LinkDown))
    await until(lambda: len(rig.of(SiteRead)) == 2)


async def test_a_full_inbox_is_a_gap_and_the_site_is_read_back(rig: Rig) -> None:
    """The reader never waits for the engine: what is not taken is made good by reading back."""
    link = await rig.up()
    rig.takes = False
    rig.fake.send(hold("gera-1.1"))
    await until(lambda: link.state.shed > 0)
    rig.takes = True
    await until(lambda: len(rig.of(SiteRead)) == 2)
    rig.fake.send(hold("gera-1.2"))
    await until(lambda: rig.after_read() == [CallHeld("gera/1.2")])


async def test_a_link_down_is_told_even_if_the_inbox_is_full(rig: Rig) -> None:
    """It must not be lost: the engine would go on giving orders to nobody."""
    await rig.up()
    rig.takes = False
    await rig.fake.stop()
    await until(lambda: rig.link is not None and rig.link.state.phase is Phase.DOWN)
    rig.takes = True
    await until(lambda: rig.of(LinkDown))
    await rig.fake.listen()


async def test_events_during_the_read_back_come_after_it(rig: Rig) -> None:
    """None is lost and none comes before the state that it belongs to."""
    link = await rig.up()
    answer = rig.fake.answers["Status"]
    rig.fake.answers["Status"] = lambda f: hold("gera-1.1") + (answer(f) or b"") + hold("gera-1.2")
    link.execute(Reread("gera", "test"))
    await until(lambda: len(rig.of(SiteRead)) == 2)
    assert rig.events[-3:] == [SiteRead("gera", trunks_down=()), CallHeld("gera/1.1"), CallHeld("gera/1.2")]


async def test_offers_during_a_read_back_wait_for_its_end_and_claims_pass(rig: Rig) -> None:
    """An offer could fall between what is read and what is told after it; a claim means the same at any time."""
    link = await rig.up()
    answer = rig.fake.answers["Status"]

    def status(fields: dict[str, str]) -> bytes | None:
        link.execute(OFFER)
        link.execute(CLAIM)
        return answer(fields)

    rig.fake.answers["Status"] = status
    link.execute(Reread("gera", "test"))
    await until(lambda: len(rig.of(SiteRead)) == 2 and rig.fake.got("PlayDTMF"))
    assert [f["Variable"] for f in rig.fake.got("Setvar") if "Channel" in f] == ["CR_CLAIM", "CR_CMD"]
    assert not rig.of(OrderLost)


@pytest.mark.parametrize("ends", [False, True])
async def test_offers_that_waited_too_long_for_a_read_back_are_given_up(rig: Rig, ends: bool) -> None:
    """The router may think otherwise by then: it is told that the offer was not given, and nothing is sent."""
    link = await rig.up(late_s=0.0, list_s=0.3)
    answer = rig.fake.answers["Status"]

    def status(fields: dict[str, str]) -> bytes | None:
        link.execute(OFFER)
        return None if ends else answer(fields)

    rig.fake.answers["Status"] = status
    link.execute(Reread("gera", "test"))
    await until(lambda: rig.of(OrderLost))
    assert rig.of(OrderLost) == [OrderLost(CALL, 3, False, "Offer: the site was being read back for too long")]
    assert not rig.fake.got("PlayDTMF")


async def test_a_site_is_read_back_now_and_then_without_any_cause(rig: Rig) -> None:
    """What was missed without anybody's noticing is found."""
    await rig.up(audit_s=0.05)
    await until(lambda: len(rig.of(SiteRead)) >= 4)


async def test_a_call_that_ends_while_its_site_is_read_back_ends_as_it_did(rig: Rig) -> None:
    """Its end is told before the read-back in which it is missing; what is told of others comes after it."""
    link = await rig.up()
    answer = rig.fake.answers["Status"]
    hangup = block("Event: Hangup", *channel(), "Cause: 127")
    rig.fake.answers["Status"] = lambda f: hold("gera-1.1") + hold("gera-1.2") + hangup + (answer(f) or b"")
    link.execute(Reread("gera", "test"))
    await until(lambda: len(rig.of(SiteRead)) == 2 and CallHeld("gera/1.2") in rig.events)
    assert [e for e in rig.after_read() if not isinstance(e, PhoneLeg)] == [CallHeld("gera/1.2")]
    (end,) = rig.of(CallEnded)
    assert end == CallEnded("gera/1.1", 127)


async def test_a_session_that_has_ended_is_forgotten(rig: Rig) -> None:
    """No timer for answers that nobody awaits keeps a dead session: of a day of short links they would pile up."""
    link = await rig.up(silence_s=60.0)
    assert link._session is not None
    session = weakref.ref(link._session)
    await link.close()
    link._session = None  # a link that goes on makes the next one
    await until(lambda: gc.collect() is not None and session() is None)


async def test_close_while_reconnecting_is_final(rig: Rig) -> None:
    """panoramisk reconnects anyway."""
    link = await rig.up()
    await rig.fake.stop()
    await until(lambda: link.state.phase is Phase.DOWN)
    await link.close()
    await rig.fake.listen()
    before = rig.fake.connections
    assert link.state.phase is Phase.CLOSED
    assert len(asyncio.all_tasks()) <= 2  # this test and the server
    assert rig.fake.connections == before


async def test_close_while_logging_in_is_final(rig: Rig) -> None:
    """Closing does not wait for an answer."""
    rig.fake.answers["Login"] = silent
    link = rig.make(login_s=60.0)
    link.start()
    await until(lambda: link.state.phase is Phase.LOGIN)
    await link.close()
    assert link.state.phase is Phase.CLOSED
    assert not rig.events


async def test_ignored_events_are_not_even_parsed(rig: Rig) -> None:
    """What nobody needs costs a look at its first line."""
    link = await rig.up()
    before = link.state.ignored
    rig.fake.send(block("Event: VarSet", "no header at all") + hold())
    await until(lambda: rig.of(CallHeld))
    assert link.state.ignored == before + 1
    assert link.state.rejects == 0


async def test_trunk_and_phone_events_pass(rig: Rig) -> None:
    """The small events have their few required headers only."""
    await rig.up()
    rig.fake.event("ContactStatus", "Privilege: system,all", "ContactStatus: Unreachable", "EndpointName: magdeburg")
    rig.fake.event("DeviceStateChange", "Privilege: call,all", "Device: PJSIP/1001", "State: RINGING")
    await until(lambda: len(rig.after_read()) == 2)
    assert rig.after_read() == [TrunkState("gera", "magdeburg", False), PhoneState("gera", "1001", True, True)]


async def test_a_manager_that_takes_no_more_is_left(rig: Rig) -> None:
    """Neither unwritten bytes nor unanswered orders pile up without a limit; each order is reported lost."""
    link = await rig.up(action_s=60.0, silence_s=60.0)
    usual = rig.fake.answers["Setvar"]
    rig.fake.answers["Setvar"] = lambda f: None if "Channel" in f else usual(f)
    count = PENDING_MAX + 10
    for _ in range(count):
        link.execute(CLAIM)
    await until(lambda: rig.of(LinkDown) and len(rig.of(OrderLost)) == count)
    assert link.state.fault is Fault.ENDED
    assert "takes no more" in link.state.fault_text
    await until(lambda: link.state.phase is Phase.UP)
    assert link.state.pending <= 3


async def test_versions_are_asked_for_again_and_again(rig: Rig) -> None:
    """Asterisk's version and the dialplan's are known after the login, and a dialplan that is exchanged is noticed."""
    rig.fake.answers["CoreSettings"] = lambda f: reply(f, "AMIversion: 11.0.0", "AsteriskVersion: 22.10.1")
    rig.fake.variables["CR_DIALPLAN"] = "2"
    link = await rig.up(audit_s=0.05)
    await until(lambda: (link.state.asterisk, link.state.dialplan) == ("22.10.1", "2"))
    rig.fake.variables["CR_DIALPLAN"] = ""
    await until(lambda: link.state.dialplan == "")


@pytest.mark.parametrize("answer", [refuse("Permission denied"), refuse("Invalid/unknown command"), silent, reply])
async def test_versions_that_are_not_told_are_unknown(rig: Rig, answer: Answer) -> None:
    """A manager without the right, without the action or without an answer keeps nobody from routing."""
    rig.fake.answers["CoreSettings"] = answer
    rig.fake.variables["CR_DIALPLAN"] = "3"
    link = await rig.up(action_s=0.5)
    await until(lambda: link.state.dialplan == "3")
    assert not link.state.asterisk
    link.execute(OFFER)
    await until(lambda: rig.fake.got("PlayDTMF"))
    assert link.state.up
