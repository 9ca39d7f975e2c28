"""
A code is typed in the person's night, who does not usually work then. Needs how far east the person is, for the sun's
time, and five different hours that are known of them.
"""

from collections.abc import Iterable, Set

from ostiary.core.access.facts import Place
from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, days, to_datetime

__all__ = ["RULE", "asleep"]

HOURS = Memory("prompts_at_night", days(60), most=24)
"""Hours of the day (UTC) at which a person typed codes."""
NIGHT = (23, 6)
ENOUGH = 3
AROUND = 2


def _keys(event: Event) -> Iterable[Key]:
    yield HOURS.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user:
        return None
    key, hour = HOURS.of(event.user), to_datetime(event.at).hour
    usual = {int(mark.value[0]) for mark in past.of(key)}
    past.know(key, str(hour))
    local = asleep(event.at, event.person.place, usual)
    if local is None:
        return None
    return found(
        f"{event.user_name or 'Somebody'} typed a code at about {local} h where they are, and never does so at night.",
        subject=event.user, hour=local, usualHoursUtc=[str(each) for each in sorted(usual)],
        address=event.person.address,
    )  # fmt: skip


def asleep(at: Instant, place: Place, usual: Set[int]) -> int | None:
    """
    The hour by the sun at *place*, where *at* is in the night there and not near an hour (UTC) that is *usual*; None
    where it is not, or too little is known.
    """
    spot, hour = place.coordinates, to_datetime(at).hour
    if not isinstance(spot, tuple) or len(usual) < ENOUGH or any(_near(hour, each) for each in usual):
        return None
    local = (hour + round(spot[1] / 150_000)) % 24  # an hour for each 15 degrees
    return None if NIGHT[1] <= local < NIGHT[0] else local


def _near(one: int, other: int) -> bool:
    apart = abs(one - other) % 24
    return min(apart, 24 - apart) <= AROUND


RULE = Rule(
    id="prompts_at_night",
    title="A code is typed at night",
    severity=Severity.LOW,
    explanation=(
        "A person typed a code between 23 h and 6 h by the sun where they are, and not within two hours of any time at "
        "which they did so before: whoever is woken up by a message approves more easily."
    ),
    false_positives="On-call work, journeys, and a VPN whose exit is far east or west.",
    watches=frozenset({Kind.CLAIMED}),
    look=_look,
    keys=_keys,
    needs="a geo file with coordinates",
)
