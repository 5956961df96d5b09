"""Put together what a site's lists say into one `SiteRead`. Pure: the link fetches the lists.

It reads rows of `Status` (with the channel variables of the contract), rows of `DeviceStateList` and the states of the
trunks' contacts. A caller's channel is the one whose Uniqueid is its own `CR_CALL`; all else with that `CR_CALL` are
its legs. Calls that another site lent to us are that site's to report and show here as phones' channels only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from callrouter.ami.translate import (
    CONTACT_UP,
    Message,
    endpoint,
    entity,
    number,
    outbound,
    phone_state,
    targets,
    text,
    variable,
)
from callrouter.core.callbacks import CallbackKind
from callrouter.core.events import (
    CallEnded,
    CallHeld,
    CallId,
    Event,
    LegAnswered,
    LegId,
    LiveCall,
    LiveOutbound,
    OutboundAnswered,
    OutboundEnded,
    OutStage,
    PhoneState,
    SiteRead,
    Stage,
)

# CR_CMD: an order that has been given and not yet been read by the dialplan. CR_CAUSE: how it ends after what is said.
# DIALEDPEERNUMBER: Dial puts the target (`1001` or `1001@gera`) on each channel that it calls. CR_FOR: what an outbound
# call is made for
VARIABLES = "CR_CALL,CR_DID,CR_CLI,CR_CLAIM,CR_STAGE,CR_CAUSE,CR_TO,CR_TRY,CR_CMD,CR_FOR,DIALEDPEERNUMBER"

TALKS = (Stage.TALKING, OutStage.TALKING)

_Targets = tuple[tuple[str, str], ...]
_Leg = tuple[LegId, str, str, bool]


def read_back(
    site: str,
    status: Iterable[Message],
    devices: Iterable[Message],
    contacts: Mapping[str, Collection[str]],
) -> SiteRead:
    """contacts: for each other site the states of its trunk's contacts (`Reachable`, …); empty if it could not be read.

    A trunk whose contacts are unknown is judged by its device state, which is right as long as no call uses it.
    """
    callers: list[Message] = []
    outbound_calls: list[LiveOutbound] = []
    legs: dict[str, list[Message]] = {}
    phone_legs: list[tuple[str, LegId]] = []
    for row in status:
        unique_id, channel = text(row, "Uniqueid"), text(row, "Channel")
        leg = entity(unique_id)
        if not leg:
            continue
        call = _var(row, "CR_CALL") or variable(row, "ChanVariable", "CR_CALL")
        if call == unique_id and outbound(leg):
            outbound_calls += _outbound(site, leg, row)
        elif call == unique_id:
            callers.append(row)
        elif call:
            legs.setdefault(call, []).append(row)
        if endpoint(channel):
            phone_legs.append((endpoint(channel), leg))
    states = [state for row in devices if (state := phone_state(site, text(row, "Device"), text(row, "State")))]
    calls = [_call(site, row, legs.get(text(row, "Uniqueid"), [])) for row in sorted(callers, key=_age_order)]
    return SiteRead(
        site=site,
        calls=tuple(calls),
        phones=tuple(state for state in states if state.phone not in contacts),
        phone_legs=tuple(phone_legs),
        trunks_down=tuple(sorted(peer for peer, found in contacts.items() if not _trunk_up(peer, found, states))),
        outbound=tuple(outbound_calls),
    )


def meanwhile(read: SiteRead, held: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """Part what was told while the site was read: (what the read-back knows already, what comes after it).

    A call whose end was told and that is not there had ended before: how it ended is known. (That it listened is left
    out, since nothing can be ordered for it any more.) One whose answer was told and that talks was answered before.
    """
    events = list(held)
    stages: dict[CallId, Stage | OutStage] = {call.call: call.stage for call in read.calls}
    stages |= {call.call: call.stage for call in read.outbound}
    last: dict[str, int] = {}  # of the events of a call that are known already
    for place, event in enumerate(events):
        if (isinstance(event, CallEnded | OutboundEnded) and event.call not in stages) or (
            isinstance(event, LegAnswered | OutboundAnswered) and stages.get(event.call) in TALKS
        ):
            last[event.call] = place
    before: list[Event] = []
    after: list[Event] = []
    for place, event in enumerate(events):
        call = getattr(event, "call", "")
        if place > last.get(call, -1):
            after.append(event)
        elif call in stages or not isinstance(event, CallHeld):
            before.append(event)
    return before, after


def _outbound(site: str, call: CallId, row: Message) -> list[LiveOutbound]:
    """An outbound call is its agent's channel. What it is made for stands in its variables."""
    made_for, to = _var(row, "CR_FOR").partition("_"), targets(site, _var(row, "CR_TO"))
    known = outbound(call)
    if made_for[0] not in set(CallbackKind) or not to or known is None:
        return []  # not of this release's making
    stage = OutStage.RINGING
    if text(row, "ChannelStateDesc") == "Up":
        stage = OutStage.TALKING if text(row, "BridgeID") else OutStage.DIALLING
    talk_s = _seconds(row) if stage is OutStage.TALKING else 0.0
    return [LiveOutbound(call, known[0], CallbackKind(made_for[0]), made_for[2], *to[0], stage, talk_s)]


def _call(site: str, row: Message, leg_rows: list[Message]) -> LiveCall:
    offered, attempt = targets(site, _var(row, "CR_TO")), number(_var(row, "CR_TRY"), 0)
    stage = _stage(row, leg_rows)
    if stage is Stage.HELD:
        coming = _coming(site, _var(row, "CR_CMD"))
        if coming is not None:
            stage, (offered, attempt) = Stage.OFFERED, coming
    legs = _legs(site, offered, sorted(leg_rows, key=_age_order)) if stage in (Stage.OFFERED, Stage.TALKING) else ()
    talk_s = max((_seconds(leg) for leg in leg_rows), default=0.0) if stage is Stage.TALKING else 0.0
    return LiveCall(
        call=entity(text(row, "Uniqueid")),
        number=_var(row, "CR_DID") or text(row, "DNID"),
        caller=_var(row, "CR_CLI"),
        stage=stage,
        age_s=_seconds(row),
        attempt=attempt,
        offered=offered,
        legs=legs,
        talk_s=talk_s,  # an upper bound: Status counts a leg's seconds from its first ring
        claimed=bool(_var(row, "CR_CLAIM")),
        ending=number(_var(row, "CR_CAUSE"), 0) if stage is Stage.PROMPTED else 0,
    )


def _stage(row: Message, legs: list[Message]) -> Stage:
    stage, bridge = _var(row, "CR_STAGE"), text(row, "BridgeID")
    ours = text(row, "Context").startswith("callrouter-")
    if stage == "failsafe":
        return Stage.FAILSAFE
    if text(row, "ChannelStateDesc") == "Up" and not ours:
        return Stage.ELSEWHERE
    if bridge:
        with_us = any(text(leg, "BridgeID") == bridge for leg in legs)
        return Stage.TALKING if with_us else Stage.ELSEWHERE
    if stage == "prompt":
        return Stage.PROMPTED
    if stage != "agent":
        return Stage.HELD
    # Dial rings, or a phone has answered and the bridge is not made yet
    return Stage.TALKING if any(text(leg, "ChannelStateDesc") == "Up" for leg in legs) else Stage.OFFERED


def _coming(site: str, command: str) -> tuple[_Targets, int] | None:
    """(targets, attempt) of an offer that waits in CR_CMD for the bell."""
    parts = command.split("_")
    if len(parts) != 5 or parts[1] != "agent":
        return None
    return targets(site, parts[3]), number(parts[4], 0)


def _legs(site: str, offered: _Targets, rows: list[Message]) -> tuple[_Leg, ...]:
    """Which phone each leg rings. Its channel's name tells for our own phones; over a trunk it names only the site."""
    sites = {at for at, _ in offered if at != site}
    found: list[_Leg] = []
    for row in rows:
        name, leg = endpoint(text(row, "Channel")), entity(text(row, "Uniqueid"))
        at = name if name in sites else site
        phone = _var(row, "DIALEDPEERNUMBER").partition("@")[0] or (name if at == site else "")
        if not phone:
            phone = next((phone for where, phone in offered if where == at), "")
        if phone:
            found.append((leg, at, phone, text(row, "ChannelStateDesc") == "Up"))
    return tuple(found)


def _trunk_up(peer: str, statuses: Collection[str], states: list[PhoneState]) -> bool:
    known = [CONTACT_UP[status] for status in statuses if status in CONTACT_UP]
    if known:
        return any(known)
    return all(state.reachable for state in states if state.phone == peer)


def _var(row: Message, name: str) -> str:
    return variable(row, "Variable", name)


def _seconds(row: Message) -> float:
    return float(number(text(row, "Seconds"), 0))


def _age_order(row: Message) -> tuple[int, int]:
    """Uniqueids hold the second and a running number."""
    second, _, sequence = text(row, "Uniqueid").rpartition("-")[2].partition(".")
    return number(second, 0), number(sequence, 0)
