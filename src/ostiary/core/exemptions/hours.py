"""
Allowed hours: on which days, between which times of which time zone an exemption may run.

The zone is named as the IANA database names it, so summer time is right; a zone that this machine does not know allows
nothing. A stretch that reaches the end of its day goes on in the next day's stretch that begins at midnight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ostiary.core.words.instants import Instant, from_datetime, to_datetime

__all__ = ["DAYS", "Hours", "Stretch", "clock_minutes", "hours_document", "hours_from", "zone_exists", "zone_of"]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MIDNIGHT = 24 * 60  # minutes: the end of a day
LOOKED_AHEAD = 8  # days: more than a week of stretches without a gap is every hour there is


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours of some days."""

    days: frozenset[int]
    """0 is Monday."""
    opens: int
    """Minutes after midnight."""
    closes: int
    """Minutes after midnight, at most 1440; later than `opens`."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A week, in one time zone."""

    zone: str
    stretches: tuple[Stretch, ...]

    def inside(self, now: Instant) -> bool:
        """Whether *now* is in one of the stretches."""
        return self.until(now) > now

    def until(self, now: Instant) -> Instant:
        """When the stretch that *now* is in closes; *now* itself when it is in none."""
        zone = zone_of(self.zone)
        if zone is None:
            return now
        reached = now
        for _ in range(LOOKED_AHEAD):
            further = self._closing(reached, zone)
            if further <= reached:
                break
            reached = further
        return reached

    def _closing(self, now: Instant, zone: ZoneInfo) -> Instant:
        local = to_datetime(now).astimezone(zone)
        minute = local.hour * 60 + local.minute
        closing = [s.closes for s in self.stretches if local.weekday() in s.days and s.opens <= minute < s.closes]
        return _moment(local.date(), max(closing), zone) if closing else now


def _moment(day: date, minute: int, zone: ZoneInfo) -> Instant:
    if minute >= MIDNIGHT:
        day, minute = day + timedelta(days=1), 0
    return from_datetime(datetime.combine(day, time(minute // 60, minute % 60), zone))


@lru_cache(64)
def zone_of(name: str) -> ZoneInfo | None:
    """The zone of that name; None where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError on some machines
        return None
    except KeyError:
        return None


def zone_exists(name: str) -> bool:
    """Whether this machine knows the zone."""
    return 0 < len(name) <= 64 and zone_of(name) is not None


def clock_minutes(text: object) -> int | None:
    """``08:30`` as minutes after midnight, ``24:00`` included; None for anything else."""
    if not isinstance(text, str) or len(text) != 5 or text[2] != ":" or not (text[:2] + text[3:]).isdecimal():
        return None
    found = int(text[:2]) * 60 + int(text[3:])
    return found if text[3:] < "60" and found <= MIDNIGHT else None


def hours_document(hours: Hours) -> dict[str, Any]:
    """As rules write it, and as it is stored with an exemption."""
    weekly = [
        {"days": [DAYS[day] for day in sorted(s.days)], "from": _clock(s.opens), "to": _clock(s.closes)}
        for s in hours.stretches
    ]
    return {"timeZone": hours.zone, "weekly": weekly}


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def hours_from(document: Mapping[str, Any]) -> Hours:
    """Read `hours_document`. Raises ValueError or KeyError for anything else: what is stored was checked once."""
    stretches = []
    for each in document["weekly"]:
        opens, closes = clock_minutes(each["from"]), clock_minutes(each["to"])
        if opens is None or closes is None or opens >= closes:
            raise ValueError("not a stretch of hours")
        stretches.append(Stretch(frozenset(DAYS.index(day) for day in each["days"]), opens, closes))
    return Hours(document["timeZone"], tuple(stretches))
