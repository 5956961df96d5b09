"""Local days and times of a scenario as microseconds since its beginning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from callrouter.config.hours import DAYS
from callrouter.sim.kernel import SECOND_US

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class SimClock:
    """start: local, without zone. Days are numbered from the one on which it begins."""

    start: datetime
    zone: str

    @property
    def start_us(self) -> int:
        """UTC."""
        return _utc_us(self.start.replace(tzinfo=ZoneInfo(self.zone)))

    def day(self, number: int) -> date:
        return self.start.date() + timedelta(days=number)

    def us(self, day: int, second: int) -> int:
        """Since the beginning, by the wall clock of that day; 86,400 is the next midnight."""
        moment = datetime.combine(self.day(day + second // DAY_S), datetime.min.time(), ZoneInfo(self.zone))
        rest = second % DAY_S
        wall = moment.replace(hour=rest // 3600, minute=rest // 60 % 60, second=rest % 60)
        return _utc_us(wall) - self.start_us

    def second_of_day(self, us: int) -> tuple[int, int]:
        """(day, second of that local day) of an instant."""
        local = datetime.fromtimestamp((self.start_us + us) // SECOND_US, ZoneInfo(self.zone))
        return (local.date() - self.start.date()).days, local.hour * 3600 + local.minute * 60 + local.second


def _utc_us(moment: datetime) -> int:
    return round(moment.timestamp() * SECOND_US)


def names(day: date, keys: tuple[str, ...]) -> bool:
    """Is the day among these weekdays, dates and days of each year? () = every day."""
    iso = day.isoformat()
    return not keys or any(key in (DAYS[day.weekday()], iso, iso[5:]) for key in keys)
