"""
One session is used from two places in turn. Needs the addresses, and what the programs call themselves.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours

__all__ = ["RULE"]

USES = Memory("concurrent_sessions", hours(1), most=12)
"""The last uses of a session: source and product."""


def _keys(event: Event) -> Iterable[Key]:
    yield USES.of(event.session)


def _look(event: Event, past: Past) -> Found | None:
    if not event.session or not event.side.source:
        return None
    key = USES.of(event.session)
    past.mark(key, event.side.source, event.side.agent.partition("/")[0][:40])
    uses = [mark.value for mark in past.of(key)]
    if not _returned(uses):
        return None
    sources = sorted({source for source, _ in uses})
    return found(
        f"One session is used in turn from {len(sources)} addresses within an hour.",
        subject=event.session, severity=Severity.HIGH if event.side.hosted else None, sources=sources,
        programs=sorted({program for _, program in uses}), uses=len(uses),
    )  # fmt: skip


def _returned(uses: list[tuple[str, ...]]) -> bool:
    """Whether the last source is back after another one: a machine that moves does not come back at once."""
    last = uses[-1][0]
    others = [place for place, use in enumerate(uses) if use[0] != last]
    return bool(others) and any(use[0] == last for use in uses[: others[-1]])


RULE = Rule(
    id="concurrent_sessions",
    title="One session in two places",
    severity=Severity.MEDIUM,
    explanation=(
        "Within an hour a session was used from one address, from another, and from the first again: two machines "
        "hold its token. High where the last one is in a hosting network."
    ),
    false_positives="Machines whose requests leave by several addresses in turn.",
    watches=frozenset({Kind.REDEEMED, Kind.REFRESHED, Kind.REFRESH_REFUSED}),
    look=_look,
    keys=_keys,
    covers=("elastic-3db029b3", "elastic-e3bd85e9"),
)
