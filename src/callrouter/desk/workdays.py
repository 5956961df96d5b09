"""Until when a callback is promised: working days by the hours of the department that makes the promise.

A working day is a day on which the department opens at all; public holidays of its Land, and days such as 24 December,
are in its hours. The day of the call does not count.
"""

from __future__ import annotations

from datetime import date
from math import inf

from callrouter.core import calendar
from callrouter.core.calendar import open_s, spans_of
from callrouter.core.plan import Hours
from callrouter.desk.plan import Department


def due_at(department: Department, called_at: float) -> float:
    """When a caller of this instant must have been rung back at the latest, UTC seconds. inf: it never works again."""
    return after(department, called_at, department.due_days)


def escalates_at(department: Department, due: float, after_days: int) -> float:
    """When somebody is written to because a callback that was due then is not done."""
    return due if after_days == 0 else after(department, due, after_days)


def after(department: Department, since: float, days: int) -> float:
    """The department's due time on the working day that comes so many after the day of `since`."""
    return calendar.due_at(department.hours, since, days, department.due_at_s)


def is_working_day(hours: Hours, day: date) -> bool:
    return bool(spans_of(hours, day))


def left_s(department: Department, now: float, due: float) -> float:
    """Working seconds until it is due; negative: since it was."""
    if due == inf:
        return inf
    return open_s(department.hours, now, due) if now <= due else -open_s(department.hours, due, now)
