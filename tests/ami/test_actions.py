"""Orders become exactly the actions of the contract, or are refused."""

from __future__ import annotations

import pytest

from callrouter.ami.actions import BadOrder, actions
from callrouter.core.commands import Ask, CancelOffer, Claim, Offer, Order, Release, Reread, Say, Target

CALL = "gera/1732268042.17"
CHANNEL = "gera-1732268042.17"
HERE = Target("gera/1001", "gera", "1001")
THERE = Target("magdeburg/1002", "magdeburg", "1002")


def bell(digit: str = "D") -> dict[str, str]:
    return {"Action": "PlayDTMF", "Channel": CHANNEL, "Digit": digit, "Duration": "40", "Receive": "true"}


def setvar(name: str, value: str) -> dict[str, str]:
    return {"Action": "Setvar", "Channel": CHANNEL, "Variable": name, "Value": value}


def test_claim_sets_the_claim_and_rings_no_bell() -> None:
    """A claim only tells the hold loop that a router lives."""
    assert actions(Claim(CALL, "arrived"), 77) == (setvar("CR_CLAIM", "77"),)


def test_offer_names_phones_here_and_elsewhere() -> None:
    """Phones of other sites carry their site, own phones do not; the epoch comes first, the try last."""
    assert actions(Offer(CALL, 3, (HERE, THERE), 20, "x"), 77) == (
        setvar("CR_CMD", "77_agent_20_1001&1002@magdeburg_3"),
        bell(),
    )


def test_cancel_names_the_try_and_touches_no_leg() -> None:
    """The dialplan takes the bell and a phone's answer one after the other; hanging up a leg could end a talk."""
    got = actions(CancelOffer(CALL, 3, ("gera/1732268042.18", "gera/1732268042.19"), "x"), 77)
    assert got == (setvar("CR_CANCEL", "3"), bell("C"))


def test_release_carries_its_cause() -> None:
    """A caller whom nobody can serve is released with a Q.850 cause."""
    assert actions(Release(CALL, 17, "x"), 77) == (setvar("CR_CMD", "77_release_17"), bell())
    asked = Ask(CALL, 3, ("gera-menu-de", "gera-menu-en"), 1, 5, "x")
    assert actions(asked, 77) == (setvar("CR_CMD", "77_ask_gera-menu-de&gera-menu-en_1_5_3"), bell())
    assert actions(Say(CALL, ("closed",), 0, "x"), 77) == (setvar("CR_CMD", "77_say_closed_0"), bell())


def _offer(phone: str = "1001", site: str = "gera", call: str = CALL, ring_s: int = 20, attempt: int = 1) -> Offer:
    return Offer(call, attempt, (Target("a", site, phone),), ring_s, "x")


@pytest.mark.parametrize(
    "order",
    [
        _offer(phone="1001\r\nAction: Hangup"),
        _offer(phone="1001&1002"),
        _offer(phone="1001_9"),
        _offer(phone=""),
        _offer(phone="1001\n"),
        _offer(site="magde burg"),
        _offer(site="1x"),
        _offer(call="gera/1\r\nX: y"),
        _offer(call="gera"),
        _offer(ring_s=0),
        _offer(ring_s=99999),
        _offer(attempt=-1),
        Offer(CALL, 1, (), 20, "x"),
        Offer(CALL, 1, (HERE,) * 51, 20, "x"),
        Ask(CALL, 1, (), 1, 5, "x"),
        Ask(CALL, 1, ("a_b",), 1, 5, "x"),
        Ask(CALL, 1, ("ok",), 21, 5, "x"),
        Ask(CALL, 1, ("ok",), 1, 0, "x"),
        Say(CALL, ("../etc/passwd",), 17, "x"),
        Say(CALL, ("ok",), 128, "x"),
        Release(CALL, 0, "x"),
        Release(CALL, 128, "x"),
        CancelOffer("/PJSIP.*/", 1, (), "x"),
        Claim("gera/1732268042.17\n", "x"),
        Reread("gera", "x"),
    ],
)
def test_values_that_could_carry_something_else_are_refused(order: Order) -> None:
    """No order can bring a line break, a separator, a pattern or an absurd number into Asterisk."""
    with pytest.raises(BadOrder):
        actions(order, 77)


def test_no_order_without_an_epoch() -> None:
    """Before the site's epoch is held there is nothing an order could carry."""
    with pytest.raises(BadOrder):
        actions(Claim(CALL, "x"), 0)
