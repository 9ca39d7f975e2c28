"""
Time as one integer: microseconds since 1970-01-01 UTC.

Integers compare exactly, fit a database column and cannot carry a wrong zone. Nothing here asks a clock: the caller
brings *now*.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NewType

from ostiary.core.words.said import Said, counted, said

Instant = NewType("Instant", int)
"""A moment: microseconds since the epoch, UTC."""

Span = NewType("Span", int)
"""A length of time in microseconds; may be negative where a difference is."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNZONED = _EPOCH.replace(tzinfo=None)
_SECOND = 1_000_000
_LAST = 253_402_300_799 * _SECOND  # 9999-12-31T23:59:59Z, the last second that ISO 8601 can write with four digits

_ISO_DURATION = re.compile(
    r"P(?:(?P<d>\d{1,5})D)?(?:T(?:(?P<h>\d{1,6})H)?(?:(?P<m>\d{1,7})M)?(?:(?P<s>\d{1,9})S)?)?", re.ASCII | re.IGNORECASE
)
_SHORT_DURATION = re.compile(
    r"(?:(?P<d>\d{1,5})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,7})m)?(?:(?P<s>\d{1,9})s)?", re.ASCII
)
# What Python SDKs of Graph send: str(timedelta), e.g. "2:00:00" or "365 days, 0:00:00".
_CLOCK_DURATION = re.compile(
    r"(?:(?P<d>\d{1,5}) days?, )?(?P<h>\d{1,6}):(?P<m>\d{2}):(?P<s>\d{2})(?:\.\d{1,6})?", re.ASCII
)
_ISO_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def seconds(count: float) -> Span:
    """A span of *count* seconds."""
    return Span(round(count * _SECOND))


def minutes(count: float) -> Span:
    """A span of *count* minutes."""
    return seconds(count * 60)


def hours(count: float) -> Span:
    """A span of *count* hours."""
    return seconds(count * 3600)


def days(count: float) -> Span:
    """A span of *count* days of 24 hours."""
    return seconds(count * 86_400)


def doubled(first: Span, times: int, longest: Span) -> Span:
    """*first*, doubled so many *times*, *longest* at most: how pauses grow that nobody knows the right length of."""
    return Span(min(longest, first << min(times, 40)))


def after(moment: Instant, span: Span) -> Instant:
    """*moment* plus *span*."""
    return Instant(moment + span)


def between(earlier: Instant, later: Instant) -> Span:
    """How long it is from *earlier* to *later*; negative when they are the other way round."""
    return Span(later - earlier)


def to_seconds(value: Instant | Span) -> int:
    """Whole seconds, rounded down: the NumericDate of RFC 7519 §2 for an instant."""
    return value // _SECOND


def from_seconds(count: float) -> Instant:
    """The instant *count* seconds after the epoch."""
    return Instant(round(count * _SECOND))


def to_datetime(moment: Instant) -> datetime:
    """The aware UTC datetime of *moment*."""
    return _EPOCH + timedelta(microseconds=moment)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime. Raises ValueError for a naive one, which names no moment."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone names no moment")
    return Instant((moment - _EPOCH) // timedelta(microseconds=1))


def to_iso(moment: Instant) -> str:
    """RFC 3339 with six fractional digits and Z, e.g. ``2026-11-23T08:00:00.000000Z``."""
    return (_UNZONED + timedelta(microseconds=moment)).isoformat(timespec="microseconds") + "Z"


def from_iso(text: str) -> Instant:
    """
    Read an RFC 3339 date-time (up to nine fractional digits; more than six are cut).

    Raises ValueError when *text* is anything else, a date without a zone included.
    """
    found = _ISO_MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"not a date-time with a zone: {text[:40]!r}")
    day, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone
    moment = from_datetime(datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{zone}"))
    if not 0 <= moment <= _LAST:
        raise ValueError(f"out of range: {text[:40]!r}")
    return moment


def to_iso_duration(span: Span) -> str:
    """
    ISO 8601 duration of a non-negative *span* in whole seconds, e.g. ``PT2H30M``; days stay hours, as Graph reads
    them.
    """
    total = span // _SECOND
    parts = ((total // 3600, "H"), (total % 3600 // 60, "M"), (total % 60, "S"))
    return "PT" + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0S")


def in_words(span: Span) -> Said:
    """How long a non-negative *span* is, as people say it: ``3 days``, ``1 h 30 min``, ``45 min``; the rest is cut."""
    total = to_seconds(span)
    days_, hours_, minutes_ = total // 86_400, total % 86_400 // 3600, total % 3600 // 60
    if days_:
        return counted("%(count)s day", "%(count)s days", days_)
    if hours_ and minutes_:
        return said("%(hours)s h %(minutes)s min", hours=hours_, minutes=minutes_)
    if hours_:
        return said("%(hours)s h", hours=hours_)
    return said("%(minutes)s min", minutes=minutes_) if minutes_ else said("less than a minute")


def from_duration(text: str) -> Span:
    """
    Read ``PT2H``, ``P1D``, ``90m``, ``1h30m`` or ``2:00:00`` (what Graph's Python SDK sends).

    Raises ValueError for anything else, for an empty length and for lengths over 10,000 days.
    """
    for shape in (_ISO_DURATION, _SHORT_DURATION, _CLOCK_DURATION):
        found = shape.fullmatch(text)
        if found and any(found.groupdict().values()):
            d, h, m, s = (int(found[name] or 0) for name in "dhms")
            span = seconds(d * 86_400 + h * 3600 + m * 60 + s)
            if span <= days(10_000):
                return span
    raise ValueError(f"not a duration: {text[:40]!r} (write 90m, 2h or PT2H)")
