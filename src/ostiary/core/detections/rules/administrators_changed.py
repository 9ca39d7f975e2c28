"""
Somebody becomes, or is no more, an administrator or approver. Needs nothing beside the entry.
"""

from collections.abc import Mapping

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours

__all__ = ["RULE"]


def _look(event: Event, past: Past) -> Found | None:
    old, new = set(_roles(event.inner("before"))), set(_roles(event.inner("after")))
    if event.kind == Kind.USER_CREATED:
        new |= set(event.texts("roles"))
    if old == new:
        return None
    more, less = sorted(new - old), sorted(old - new)
    gained, lost = f"Somebody is {' and '.join(more)} from now on.", f"Somebody is not {' and '.join(less)} any more."
    text = gained if more else lost
    return found(
        text, subject=f"{event.target} {more} {less}", severity=Severity.HIGH if "administrator" in more else None,
        given=more, taken=less, by=event.actor, target=event.target,
    )  # fmt: skip


def _roles(of: Mapping[str, object]) -> list[str]:
    listed = of.get("roles")
    return [str(each) for each in listed] if isinstance(listed, list) else []


RULE = Rule(
    id="administrators_changed",
    title="Who administers was changed",
    severity=Severity.MEDIUM,
    explanation=(
        "A role was given to somebody or taken away; high where they may administer from now on. There are no other "
        "roles here than standing ones, and who holds one can open exemptions, approve them, or change policy."
    ),
    false_positives="People who come and go.",
    watches=frozenset({Kind.USER_CREATED, Kind.USER_CHANGED}),
    look=_look,
    covers=("sigma-91c95675", "sigma-665e2d43", "sentinel-outside-pim"),
    once=hours(1),
)
