"""Turn the router's orders into AMI actions. Pure: it sends nothing and keeps nothing.

It knows the contract of `docs/decisions/0001-control-contract.md` and nothing of sockets, answers or time. Every value
is checked against the few characters it may hold, so that no order can carry a line break, a separator of the dialplan
or a second header into Asterisk.
"""

from __future__ import annotations

import re

from callrouter.core.commands import (
    Ask,
    CancelOffer,
    Claim,
    DialOut,
    HangUp,
    Offer,
    Order,
    Release,
    Reread,
    Say,
    Target,
)

Action = dict[str, str]

RING_S_MAX = 3600
TARGETS_MAX = 50  # phones rung at once; CR_CMD must stay well under Asterisk's 4,096 characters
SOUNDS_MAX = 40
DIGITS_MAX = 20
WAIT_S_MAX = 60
BELL = "D"  # digits that no telephone keypad has: an order waits in hold,
STOP = "C"  # and stop ringing (a bell of its own, so that a late one of the other kind means nothing)

_ID = re.compile(r"([a-z][a-z0-9]{0,15})/([A-Za-z0-9.]{1,40})")
_PHONE = re.compile(r"[a-z0-9]{1,20}")
_SOUND = re.compile(r"[a-z0-9-]{1,60}")
_SITE = re.compile(r"[a-z][a-z0-9]{0,15}")
_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_SHOWN = re.compile(r"\+?[0-9]{1,20}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
DIAL_S_MAX = 120


class BadOrder(ValueError):
    """The order holds a value that must not reach Asterisk. Nothing of it was sent; report it as lost, not unknown."""


def site_of(call: str) -> str:
    """The site whose Asterisk has this call or leg: `gera/1732268042.17` → `gera`."""
    return call.partition("/")[0]


def unique_id(id_: str) -> str:
    """Asterisk's Uniqueid of a call or leg: `gera/1732268042.17` → `gera-1732268042.17`. AMI takes it as a Channel."""
    match = _ID.fullmatch(id_)
    if match is None:
        raise BadOrder(f"not an id of a call or leg: {id_!r}")
    return f"{match[1]}-{match[2]}"


def actions(order: Order, epoch: int) -> tuple[Action, ...]:
    """The actions of an order, to be written in one go and in this order. `epoch`: the one this router holds there.

    Raises BadOrder. `Reread` is no action: the link answers it by reading the site back.
    """
    if epoch <= 0:
        raise BadOrder("no epoch is held at this site")
    if isinstance(order, Reread):
        raise BadOrder("reading a site back is no action")
    channel = unique_id(order.call)
    match order:
        case Claim():
            return (_set(channel, "CR_CLAIM", str(epoch)),)
        case Offer():
            ring_s = _number("ring_s", order.ring_s, 1, RING_S_MAX)
            attempt = _number("attempt", order.attempt, 0, 10**9)
            value = f"{epoch}_agent_{ring_s}_{_targets(order)}_{attempt}"
            return _set(channel, "CR_CMD", value), _bell(channel)
        case CancelOffer():
            attempt = _number("attempt", order.attempt, 0, 10**9)
            # the legs are left to the dialplan: a Hangup that races a phone's answer would end the conversation
            return _set(channel, "CR_CANCEL", attempt), _bell(channel, STOP)
        case Release():
            cause = _number("cause", order.cause, 1, 127)
            return _set(channel, "CR_CMD", f"{epoch}_release_{cause}"), _bell(channel)
        case Ask():
            most = _number("digits_max", order.digits_max, 1, DIGITS_MAX)
            wait_s = _number("wait_s", order.wait_s, 1, WAIT_S_MAX)
            step = _number("step", order.step, 0, 10**9)
            value = f"{epoch}_ask_{_sounds(order.sounds)}_{most}_{wait_s}_{step}"
            return _set(channel, "CR_CMD", value), _bell(channel)
        case Say():
            cause = _number("cause", order.cause, 0, 127)
            return _set(channel, "CR_CMD", f"{epoch}_say_{_sounds(order.sounds)}_{cause}"), _bell(channel)
        case DialOut():
            return (_originate(order, channel, epoch),)
        case HangUp():
            return ({"Action": "Hangup", "Channel": channel},)


def _originate(order: DialOut, channel: str, epoch: int) -> Action:
    """The agent's phone is rung by Asterisk; its answer begins the context, which compares the epoch, then dials.

    The id of the channel is that of the call: Asterisk refuses one that it has, so nothing is rung twice. Variables of
    the two underscores are inherited by the caller's leg.
    """
    target = _target(order.target, site_of(order.call))
    ring_s = _number("ring_s", order.ring_s, 1, RING_S_MAX)
    dial_s = _number("dial_s", order.dial_s, 1, DIAL_S_MAX)
    if _E164.fullmatch(order.number) is None or _SHOWN.fullmatch(order.shows) is None:
        raise BadOrder("not a number that can be rung or shown")
    if _NAME.fullmatch(order.hotline) is None:
        raise BadOrder(f"not a hotline: {order.hotline!r}")
    number = order.number.removeprefix("+")
    variables = {
        "__CR_CALL": channel,
        "CR_STAGE": "callback",
        "CR_TO": target,
        "CR_FOR": f"{order.kind}_{order.hotline}",
        "CR_BACK": f"{epoch}_{dial_s}_{number}_{order.shows}",
        "PJSIP_HEADER(add,X-Callrouter-Call)": channel,
    }
    return {
        "Action": "Originate",
        "Channel": f"PJSIP/{target}",
        "ChannelId": channel,
        "Context": "callrouter-callback",
        "Exten": "ring",
        "Priority": "1",
        "Async": "true",
        "Timeout": f"{ring_s}000",
        "CallerID": f'"{order.number}" <{order.number}>',
        "Variable": ",".join(f"{name}={value}" for name, value in variables.items()),
    }


def _set(channel: str, variable: str, value: str) -> Action:
    return {"Action": "Setvar", "Channel": channel, "Variable": variable, "Value": value}


def _bell(channel: str, digit: str = BELL) -> Action:
    return {"Action": "PlayDTMF", "Channel": channel, "Digit": digit, "Duration": "40", "Receive": "true"}


def _targets(order: Offer) -> str:
    if not 1 <= len(order.targets) <= TARGETS_MAX:
        raise BadOrder(f"an offer to {len(order.targets)} phones; 1 to {TARGETS_MAX} are possible")
    home = site_of(order.call)
    return "&".join(_target(target, home) for target in order.targets)


def _target(target: Target, home: str) -> str:
    if _PHONE.fullmatch(target.phone) is None:
        raise BadOrder(f"not a phone: {target.phone!r}")
    if target.site == home:
        return target.phone
    if _SITE.fullmatch(target.site) is None:
        raise BadOrder(f"not a site: {target.site!r}")
    return f"{target.phone}@{target.site}"


def _sounds(sounds: tuple[str, ...]) -> str:
    if not 1 <= len(sounds) <= SOUNDS_MAX:
        raise BadOrder(f"{len(sounds)} sounds; 1 to {SOUNDS_MAX} are possible")
    for sound in sounds:
        if _SOUND.fullmatch(sound) is None:
            raise BadOrder(f"not a sound's name: {sound!r}")
    return "&".join(sounds)


def _number(name: str, value: int, least: int, most: int) -> str:
    if not isinstance(value, int) or not least <= value <= most:
        raise BadOrder(f"{name} is {value!r}; {least} to {most} is possible")
    return str(value)
