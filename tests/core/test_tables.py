"""The transition tables are complete, reach every state, and stay as they are drawn."""

from __future__ import annotations

import pytest

from callrouter.core import agents, calls


@pytest.mark.parametrize("state", list(calls.CallState))
@pytest.mark.parametrize("move", list(calls.CallMove))
def test_call_move_is_named_or_means_nothing(state: calls.CallState, move: calls.CallMove) -> None:
    """Every pair of call state and move either leads to a state or is nowhere in the table."""
    after = calls.MOVES.get((state, move))
    assert after is None or after in calls.CallState


def test_every_call_state_is_reached_and_left() -> None:
    """No call state is unreachable; all but the dialplan's failsafe can be left by a move."""
    reached = set(calls.MOVES.values()) | {calls.CallState.ARRIVED}
    assert reached == set(calls.CallState)
    left = {state for (state, _), after in calls.MOVES.items() if after is not state}
    assert left == set(calls.CallState) - {calls.CallState.FAILSAFE}


def test_only_ringing_calls_are_offered_or_released() -> None:
    """An order to ring or to end can only follow from waiting: never from a conversation."""
    for move in (calls.CallMove.OFFER, calls.CallMove.RELEASE):
        assert {state for state, m in calls.MOVES if m is move} == {calls.CallState.WAITING}


@pytest.mark.parametrize("state", list(agents.AgentState))
@pytest.mark.parametrize("move", list(agents.AgentMove))
def test_agent_move_is_named_or_means_nothing(state: agents.AgentState, move: agents.AgentMove) -> None:
    """Every pair of agent state and move leads to a state, to rest (None), or is nowhere in the table."""
    after = agents.MOVES.get((state, move), None)
    assert after is None or after in agents.AgentState


def test_every_agent_state_is_reached() -> None:
    """Working states are reached by the table, resting ones by what intent and phone give."""
    working = {state for state in agents.MOVES.values() if state is not None}
    assert working == set(agents.WORKING)
    rest = set()
    for intent in agents.Intent:
        for up in (False, True):
            for in_use in (False, True):
                seat = agents.AgentSeat("a/1", "t", 0, intent=intent, phone_up=up, phone_in_use=in_use)
                rest |= {seat.resting(link_up=True), seat.resting(link_up=False)}
    assert rest == set(agents.RESTING)


def test_a_working_agent_cannot_be_offered_a_call() -> None:
    """Whoever is offered, talking or in wrap-up has no move that offers him another call."""
    assert not [state for state, move in agents.MOVES if move is agents.AgentMove.OFFER and state in agents.WORKING]
