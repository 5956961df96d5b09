"""Calls as CSV: a trace to simulate, and what became of its calls."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TextIO

from callrouter.config.messages import did_you_mean
from callrouter.config.source import ConfigError, Place, Problem
from callrouter.sim.call import ANSWERED, Call
from callrouter.sim.desks import desk_of
from callrouter.sim.kernel import from_us, to_us

TRACE = ("at_s", "hotline", "caller", "talk_s", "wrap_s", "patience_s")
CALLS = ("at_s", "hotline", "caller", "outcome", "wait_s", "agent", "team", "agreement", "talk_s")
PROBLEMS_MAX = 20
SECONDS_MAX = 10**9
NUMBER = frozenset("0123456789.eE+-")


def read_trace(path: Path, hotlines: Collection[str], desks: Mapping[str, int]) -> list[Call]:
    """The calls of a trace, sorted as they stand. desks: hotlines whose callers dial so many desks.

    Raises ConfigError with the first problems, each with file:line.
    """
    problems: list[Problem] = []
    calls: list[Call] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            head = next(rows, [])
            if tuple(head) != TRACE:
                raise ConfigError((_no_head(path, ",".join(head)),))
            while (line := rows.line_num + 1) and (row := next(rows, None)) is not None:
                if not row:
                    continue  # an empty line
                try:
                    calls.append(_call(row, hotlines, desks, calls[-1].at_us if calls else 0))
                except _WrongError as error:
                    problems.append(Problem(Place(str(path), line, 1), *error.args))
                    if len(problems) == PROBLEMS_MAX:
                        break
    except UnicodeDecodeError:
        problems.append(Problem(Place(str(path)), "not UTF-8", "save the file in UTF-8"))
    except csv.Error as error:
        problems.append(Problem(Place(str(path), len(calls) + 2, 1), f"not CSV: {error}", "check the quotes"))
    except OSError as error:
        problems.append(Problem(Place(str(path)), f"cannot be read: {error.strerror}", "check its name"))
    if problems:
        raise ConfigError(tuple(problems))
    return calls


def _no_head(path: Path, head: str) -> Problem:
    place = Place(str(path), 1, 1)
    for sign, name in ((";", "semicolons"), ("\t", "tabulators")):
        if tuple(head.split(sign)) == TRACE:
            return Problem(
                place, f"{name} part the columns", "save the file with commas, and numbers with a point: 2.5"
            )
    if not head:
        return Problem(place, "the file is empty", f"begin it with the line {','.join(TRACE)}")
    return Problem(place, f"the first line is '{head[:80]}'", f"write {','.join(TRACE)}")


class _WrongError(Exception):
    """(what is wrong, the mend)"""


def _call(row: list[str], hotlines: Collection[str], desks: Mapping[str, int], before_us: int) -> Call:
    if len(row) != len(TRACE):
        raise _WrongError(f"{len(row)} columns stand here, not {len(TRACE)}", f"write {','.join(TRACE)}")
    at, hotline, caller, talk, wrap, patience = row
    if hotline in desks:
        these = f"{desk_of(hotline, 0)} to {desk_of(hotline, desks[hotline] - 1)}"
        raise _WrongError(
            f"callers of '{hotline}' dial desks in this scenario",
            f"name one of {these}, or add 'hotline {hotline} pooled' to its changes",
        )
    if hotline not in hotlines:
        told = " ".join(hotline.split())[:60]
        raise _WrongError(f"hotline '{told}' does not exist", did_you_mean(told, sorted(hotlines)))
    at_us = _us("at_s", at)
    if at_us < before_us:
        raise _WrongError(f"at_s: {at} comes before the line above", "sort the calls by at_s")
    patience_us = _us("patience_s", patience) if patience else None
    return Call(at_us, hotline, caller, _us("talk_s", talk), _us("wrap_s", wrap or "0"), patience_us)


def _us(name: str, text: str) -> int:
    try:
        us = to_us(text)
    except ValueError:
        us = None
    if us is None or not set(text) <= NUMBER:  # Decimal takes 1_000, and digits of every script
        told = " ".join(text.split())[:60]
        mend = "write it like 30 or 2.5"
        if ":" in told:
            mend = "count from the scenario's start: half past eight of a day that starts at midnight is 30600"
        raise _WrongError(f"{name}: '{told}' is no number of seconds", mend)
    if not 0 <= us <= SECONDS_MAX * 1_000_000:
        raise _WrongError(f"{name}: {text} is out of bounds", f"use 0 to {SECONDS_MAX}")
    return us


def write_trace(calls: Iterable[Call], file: TextIO) -> None:
    """The calls as a trace: whatever was drawn, redials included, to be simulated or checked again."""
    out = csv.writer(file, lineterminator="\n")
    out.writerow(TRACE)
    for call in calls:
        patience = "" if call.patience_us is None else from_us(call.patience_us)
        times = (from_us(call.talk_us), from_us(call.wrap_us), patience)
        out.writerow((from_us(call.at_us), call.hotline, call.caller, *times))


def write_calls(calls: Iterable[Call], file: TextIO) -> None:
    """One line per call, in the order of arrival. What does not apply is empty."""
    out = csv.writer(file, lineterminator="\n")
    out.writerow(CALLS)
    for call in calls:
        wait = "" if call.wait_us is None else from_us(call.wait_us)
        talk = from_us(call.talk_us) if call.outcome == ANSWERED else ""
        served = (call.agent, call.team, call.agreement, talk)
        out.writerow((from_us(call.at_us), call.hotline, call.caller, call.outcome, wait, *served))
