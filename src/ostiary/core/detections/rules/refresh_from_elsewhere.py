"""
A session goes on from another place than it was. Needs where both addresses are; without that, what the program calls
itself.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import between, days, minutes

__all__ = ["RULE"]

SEEN = Memory("refresh_from_elsewhere", days(2), most=8)
"""Where a session was: address, country, network, product."""
SOON = minutes(60)


def _keys(event: Event) -> Iterable[Key]:
    yield SEEN.of(event.session)


def _look(event: Event, past: Past) -> Found | None:
    side = event.side
    if not event.session or not side.source:
        return None
    key = SEEN.of(event.session)
    before = past.of(key)
    product = side.agent.partition("/")[0][:40]
    if past.know(key, side.source, side.country, str(side.network), product) or not before:
        return None
    last = before[-1]
    source, country, network, program = last.value
    if side.country and country and side.country != country:
        quick = between(last.at, event.at) <= SOON
        text = f"A session went on in {side.country}, and was in {country} before."
        return _found(event, text, "country", source, Severity.HIGH if quick else Severity.MEDIUM)
    if side.network and network != "0" and str(side.network) != network:
        text = f"A session went on from another network (AS{side.network}) than before (AS{network})."
        return _found(event, text, "network", source, Severity.MEDIUM if program != product else Severity.LOW)
    if program and product and program != product:
        text = f"A session went on with another program ({product}) than before ({program})."
        return _found(event, text, "program", source, Severity.LOW)
    return None


def _found(event: Event, text: str, how: str, before: str, severity: Severity) -> Found:
    return found(
        text, subject=f"{event.session} {how} {event.side.source}", severity=severity, what=how, before=before,
        now=event.side.address, agent=event.side.agent, refused=event.kind == Kind.REFRESH_REFUSED,
    )  # fmt: skip


RULE = Rule(
    id="refresh_from_elsewhere",
    title="A session goes on from elsewhere",
    severity=Severity.MEDIUM,
    explanation=(
        "A refresh token came from another country than the session was in (high within an hour), from another "
        "network, or from another program (low): a token that was copied is used where it was copied to."
    ),
    false_positives="Laptops on the move, VPNs that are switched on, and programs that share one token cache.",
    watches=frozenset({Kind.REDEEMED, Kind.REFRESHED, Kind.REFRESH_REFUSED}),
    look=_look,
    keys=_keys,
    covers=("kqlsearch-multiple", "datadog-def-000-a7l"),
    needs="a geo file, for countries and networks",
)
