"""What a site's lists say becomes one SiteRead; the first rows are what Asterisk 22.10.1 sent."""

from __future__ import annotations

import pytest

from callrouter.ami.readback import meanwhile, read_back
from callrouter.ami.translate import Message
from callrouter.core.events import (
    CallArrived,
    CallEnded,
    CallHeld,
    CallId,
    LegAnswered,
    LegEnded,
    LegStarted,
    LiveCall,
    PhoneState,
    SiteRead,
    Stage,
)

from .test_translate import CALL, LEG, LEG_UID, UID, recorded


def one(rows: list[Message]) -> LiveCall:
    (call,) = read_back("gera", rows, [], {}).calls
    return call


def row(uid: str = UID, channel: str = "PJSIP/carrier-1", call: str = UID, **headers: str | list[str]) -> Message:
    variables = headers.pop("Variable", [])
    assert isinstance(variables, list)
    base: dict[str, str | list[str]] = {"Channel": channel, "Uniqueid": uid, "Context": "callrouter-do", "Seconds": "7"}
    return {**base, **headers, "Variable": [f"CR_CALL={call}", *variables]}


def test_held_ringing_talking_as_asterisk_told_it() -> None:
    """The three stages of one call, adopted with its number, caller, attempt, targets and legs."""
    held = one(recorded("status_held.ami"))
    assert held == LiveCall(CALL, "39123", "03023125042", Stage.HELD, 0.0)
    ringing = one(recorded("status_ringing.ami"))
    assert (ringing.stage, ringing.attempt, ringing.offered) == (Stage.OFFERED, 2, (("gera", "1003"),))
    assert ringing.legs == ((LEG, "gera", "1003", False),)
    talking = one(recorded("status_talking.ami"))
    assert (talking.stage, talking.legs) == (Stage.TALKING, ((LEG, "gera", "1003", True),))


def test_who_was_told_to_end_and_whom_no_router_has_had() -> None:
    """The variables of the dialplan say it; an earlier announcement does not count while the menu plays."""
    words = ["CR_STAGE=prompt", "CR_CLAIM=77", "CR_CAUSE=17"]
    assert (one([row(Variable=words)]).claimed, one([row(Variable=words)]).ending) == (True, 17)
    assert one([row(Variable=["CR_STAGE=prompt", "CR_CLAIM=77", "CR_CAUSE=0"])]).ending == 0
    fresh = one([row(Variable=["CR_STAGE=hold", "CR_CLAIM=", "CR_CAUSE=(null)"])])
    assert (fresh.claimed, fresh.ending) == (False, 0)
    assert one([row(Variable=["CR_STAGE=hold", "CR_CLAIM=77", "CR_CAUSE=17"])]).ending == 0


def test_what_a_read_back_knows_already_is_told_before_it() -> None:
    """A call that is missing and whose end was told, an answer of one that talks; all else belongs after it."""
    answered, gone, later = CallId("gera/1.1"), CallId("gera/2.1"), CallId("gera/3.1")
    live = [LiveCall(call, "1", "", stage, 0.0) for call, stage in ((answered, Stage.TALKING), (later, Stage.OFFERED))]
    phone = PhoneState("gera", "1001", True, True)
    started = LegStarted(answered, 1, "gera/1.2", "gera", "1001")
    held = [
        CallHeld(answered), started, phone, LegAnswered(answered, 1, "gera/1.2"), LegEnded(answered, "gera/1.2"),
        CallArrived(gone, "gera", "1"), CallHeld(gone), CallEnded(gone, 127),
        LegAnswered(later, 1, "gera/3.2"),
    ]  # fmt: skip
    before, after = meanwhile(SiteRead("gera", tuple(live)), held)
    assert before == [held[0], started, held[3], held[5], held[7]]
    assert after == [phone, held[4], held[8]]


def test_all_channels_of_phones_are_named() -> None:
    """A phone in any call must not be offered one."""
    read = read_back("gera", recorded("status_ringing.ami"), [], {})
    assert read.phone_legs == (("carrier", CALL), ("1003", LEG))


AGENT = ["CR_STAGE=agent", "CR_TO=1001@magdeburg&1002@magdeburg&1003", "CR_TRY=5"]


def test_legs_over_a_trunk_by_the_target_that_dial_left_on_them() -> None:
    """Two phones of one other site ring at once: each leg tells whose it is, also when the other one is gone."""
    rows = [
        row(Variable=AGENT),
        row(LEG_UID, "PJSIP/magdeburg-2", DIALED="", Variable=["DIALEDPEERNUMBER=1002@magdeburg"]),
        row("gera-1732268042.19", "PJSIP/1003-3", Variable=["DIALEDPEERNUMBER=1003"]),
    ]
    assert one(rows).legs == ((LEG, "magdeburg", "1002", False), ("gera/1732268042.19", "gera", "1003", False))


def test_an_order_that_waits_for_its_bell_counts_as_given() -> None:
    """Between Setvar and bell the stage still says hold; offering again would be one order too many."""
    call = one([row(Variable=["CR_STAGE=hold", "CR_CMD=77_agent_20_1001_6"])])
    assert (call.stage, call.attempt, call.offered) == (Stage.OFFERED, 6, (("gera", "1001"),))
    assert one([row(Variable=["CR_STAGE=hold", "CR_CMD=77_release_17"])]).stage is Stage.HELD


@pytest.mark.parametrize(
    ("rows", "stage"),
    [
        ([row(Variable=["CR_STAGE=(null)"])], Stage.HELD),
        ([row(Variable=["CR_STAGE=prompt"])], Stage.PROMPTED),
        ([row(Variable=["CR_STAGE=failsafe"], BridgeID="b")], Stage.FAILSAFE),
        ([row(Variable=AGENT)], Stage.OFFERED),
        ([row(Variable=AGENT), row(LEG_UID, "PJSIP/1003-3", ChannelStateDesc="Up")], Stage.TALKING),
        ([row(Variable=AGENT, BridgeID="b"), row(LEG_UID, "PJSIP/1003-3", BridgeID="b")], Stage.TALKING),
        ([row(Variable=AGENT, BridgeID="b")], Stage.ELSEWHERE),
        ([row(Variable=AGENT, ChannelStateDesc="Up", Context="from-phones", BridgeID="b")], Stage.ELSEWHERE),
        ([row(Variable=["CR_STAGE=hold"], ChannelStateDesc="Up", Context="callrouter-hold")], Stage.HELD),
    ],
)
def test_stages(rows: list[Message], stage: Stage) -> None:
    """Where the call stands, by its stage, its bridge, its context and its legs."""
    assert one(rows).stage is stage


def test_calls_come_oldest_first_and_lent_legs_are_no_calls() -> None:
    """The order of service survives a restart; a call of another site is that site's to report."""
    rows = [
        row("gera-1732268042.9", call="gera-1732268042.9"),
        row("gera-1732268042.10", call="gera-1732268042.10"),
        row("gera-1732268041.99", call="gera-1732268041.99"),
        row("gera-1732268042.11", "PJSIP/1001-1", call="magdeburg-1.1"),
        row("gera-1732268042.12", "PJSIP/1002-1", call="(null)"),
        row("17.1"),
    ]
    read = read_back("gera", rows, [], {})
    assert [c.call for c in read.calls] == ["gera/1732268041.99", "gera/1732268042.9", "gera/1732268042.10"]
    assert ("1002", "gera/1732268042.12") in read.phone_legs


@pytest.mark.parametrize(
    ("contacts", "device", "down"),
    [
        (("Reachable",), "UNAVAILABLE", ()),
        (("Unreachable",), "INUSE", ("magdeburg",)),
        (("Unreachable", "Reachable"), "INUSE", ()),
        ((), "INUSE", ()),
        ((), "UNAVAILABLE", ("magdeburg",)),
        (("Strange",), "UNAVAILABLE", ("magdeburg",)),
    ],
)
def test_trunks(contacts: tuple[str, ...], device: str, down: tuple[str, ...]) -> None:
    """By their contacts; by their device where contacts cannot be read. A trunk is not listed as a phone."""
    devices = [{"Device": "PJSIP/magdeburg", "State": device}, {"Device": "PJSIP/1001", "State": "INUSE"}]
    assert read_back("gera", [], devices, {"magdeburg": contacts}) == SiteRead(
        "gera", phones=(PhoneState("gera", "1001", True, True),), trunks_down=down
    )
