"""Orders raced against a phone's answer: whatever the order of the two, nobody is lost and nobody is torn apart."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from tests.asterisk.ami import HandRouter, RawAmi
from tests.asterisk.lab import Lab
from tests.asterisk.parties import Caller, Phone

pytestmark = pytest.mark.asterisk

M = "magdeburg"
LANES = 3  # races at once, each with its own phone and caller
AROUND = tuple(range(-5, 6))  # ms: the order is sent so long after the phone's answer
# Asterisk takes 80 ms to hear out a digit while phones ring: a cancel that is sent then is decided in the same instant
DECIDING = tuple(range(-88, -75))


async def _at(when: float) -> None:
    """Return at this perf_counter time, to a fraction of a millisecond."""
    await asyncio.sleep(max(0.0, when - time.perf_counter() - 0.002))
    while time.perf_counter() < when:
        pass


async def _race(ami: RawAmi, phone: Phone, call: str, delay_ms: int, variable: str, value: str, digit: str) -> None:
    """The phone answers and the order is sent, `delay_ms` apart."""
    answer_at = time.perf_counter() + 0.250  # long after the offer's own digit: two close ones are spaced apart
    for when, what in sorted([(answer_at, "answer"), (answer_at + delay_ms / 1000, "order")]):
        await _at(when)
        if what == "answer":
            phone.tell("ANSWER")
        else:
            ami.send("Setvar", Channel=call, Variable=variable, Value=value)
            ami.send("PlayDTMF", Channel=call, Digit=digit, Duration="40", Receive="true")


async def _lasts(lab: Lab, phone: Phone, caller: Caller, delay_ms: int) -> None:
    """The conversation outlives the digit; then the caller ends it."""
    await caller.hears(200)
    await phone.talks()
    with pytest.raises(AssertionError, match="not seen in SIP"):
        await lab.wire.until(lambda: caller.gone, 0.25)
    assert not caller.gone, f"torn from a conversation by an order {delay_ms} ms after the answer"
    caller.hang_up()
    await caller.over()


async def _cancel_race(lab: Lab, router: HandRouter, name: str, delay_ms: int) -> str:
    ami = lab.amis[M]
    phone, caller = await lab.phone(M, name), lab.call(M)
    call = await lab.held(caller)
    await router.offer(call, name, attempt=1)
    await phone.rings()
    since = len(ami.events)
    await _race(ami, phone, call, delay_ms, "CR_CANCEL", "1", "C")
    await lab.wire.until(lambda: caller.final or ami.find("CrTried", since, Call=call), what="either end")
    if caller.final:
        assert caller.final == 200
        await _lasts(lab, phone, caller, delay_ms)
        assert not ami.find("CrTried", since, Call=call)
        return "talked"
    await ami.event("CrHold", since, Call=call, State="Ring")
    await router.order(call, "release_17")
    assert await caller.ends() == 486, f"answered and put back, order {delay_ms} ms after the answer"
    return "held"


async def test_a_cancel_raced_against_the_answer_loses_no_caller_and_tears_no_conversation(lab: Lab) -> None:
    """Each race ends in a conversation that lasts, or with the caller held, unanswered. Nothing else."""
    ends: Counter[str] = Counter()

    async def lane(number: int) -> None:
        for turn, delay_ms in enumerate((AROUND + DECIDING)[number::LANES]):
            ends[await _cancel_race(lab, router, str(1001 + 10 * number + turn), delay_ms)] += 1

    async with await lab.hand_router(M) as router, asyncio.TaskGroup() as lanes:
        for number in range(LANES):
            lanes.create_task(lane(number))
    assert ends["talked"] >= len(AROUND)
    assert ends["held"]
    assert ends.total() == len(AROUND + DECIDING)
    assert lab.check().early == ()


async def _void_race(lab: Lab, router: HandRouter, name: str, delay_ms: int, value: str) -> None:
    phone, caller = await lab.phone(M, name), lab.call(M)
    call = await lab.held(caller)
    await router.offer(call, name, attempt=1)
    await phone.rings()
    await _race(lab.amis[M], phone, call, delay_ms, "CR_CMD", value, "D")
    await _lasts(lab, phone, caller, delay_ms)
    assert len(phone.legs()) == 1


async def test_a_late_order_of_any_kind_never_ends_a_conversation(lab: Lab) -> None:
    """A second offer or a release around the answer is void: the first phone has the caller, and they talk on."""

    async def lane(number: int) -> None:
        for turn, delay_ms in enumerate((AROUND + DECIDING)[number::LANES]):
            value = "1_release_17" if turn % 2 else "1_agent_20_1050_2"
            await _void_race(lab, router, str(1001 + 10 * number + turn), delay_ms, value)

    other = await lab.phone(M, "1050")
    async with await lab.hand_router(M) as router, asyncio.TaskGroup() as lanes:
        for number in range(LANES):
            lanes.create_task(lane(number))
    assert other.legs() == []
    assert lab.check().early == ()
