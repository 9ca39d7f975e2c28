"""
What keeps device code flow closed became less. Needs nothing beside the entry: whether a policy guards is judged where
it is changed, and told there.
"""

from collections.abc import Mapping

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours

__all__ = ["RULE"]

ALARM = "guardrail_weakened"
"""What the service's own alert is about, wherever a guardrail became less."""
_LISTS = ("excludeUsers", "excludeGroups", "excludeRoles", "excludeApplications", "excludeLocations")
_WORDS = {
    Kind.KILL_SWITCH_OFF: "The kill switch was lifted.",
    Kind.TRUST_ADDED: "Workloads of another issuer are trusted from now on.",
    Kind.TRUST_CHANGED: "What is trusted of another issuer's workloads was changed.",
    Kind.LOCAL_DOOR: "The local door was switched.",
}


def _look(event: Event, past: Past) -> Found | None:
    text, severity = _what(event)
    if not text:
        return None
    return found(
        text, subject=event.target or event.entry, severity=severity, target=event.target, by=event.actor,
        why=event.reason,
    )  # fmt: skip


def _what(event: Event) -> tuple[str, Severity | None]:
    """What became less, and how bad that is."""
    match event.kind:
        case Kind.ALERT:
            return (event.text("text"), None) if event.text("about") == ALARM else ("", None)
        case Kind.EXEMPTION_RULES_CHANGED:
            less = event.texts("weakened")
            return (f"The rules of exemptions were weakened: {'; '.join(less)}.", None) if less else ("", None)
        case Kind.POLICY_CHANGED | Kind.POLICY_DELETED:
            return _policy(event.inner("before"), event.inner("after")), Severity.MEDIUM
        case _:
            return _WORDS[Kind(event.kind)], Severity.MEDIUM


def _policy(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """How a policy became less, whether it is a guardrail or not; empty: it did not."""
    name = str(before.get("displayName") or "")
    if before.get("state") != "enabled":
        return ""
    if not after:
        return f"The policy {name} was deleted while it was enabled."
    if after.get("state") != "enabled":
        return f"The policy {name} is not enforced any more."
    more = sorted(_excluded(after) - _excluded(before))
    return f"The policy {name} excludes more than before." if more else ""


def _excluded(policy: Mapping[str, object]) -> set[str]:
    """Everybody and everything that any condition leaves out."""
    conditions = policy.get("conditions")
    found_: set[str] = set()
    for side in conditions.values() if isinstance(conditions, dict) else ():
        for name in _LISTS if isinstance(side, dict) else ():
            listed = side.get(name)
            found_.update(f"{name} {each}" for each in (listed if isinstance(listed, list) else ()))
    return found_


RULE = Rule(
    id="guardrail_weakened",
    title="A guardrail became less",
    severity=Severity.HIGH,
    explanation=(
        "A policy that keeps everybody from device code flow, a trusted location, the rules of exemptions or those "
        "that admit machines became less (high); any other policy was switched off, deleted or excludes more, the "
        "kill switch was lifted, a workload's issuer was trusted, or the local door was switched (medium)."
    ),
    false_positives="Changes that somebody decided: compare with the reason that was given, and who gave it.",
    watches=frozenset({
        Kind.ALERT, Kind.EXEMPTION_RULES_CHANGED, Kind.POLICY_CHANGED, Kind.POLICY_DELETED, Kind.KILL_SWITCH_OFF,
        Kind.TRUST_ADDED, Kind.TRUST_CHANGED, Kind.LOCAL_DOOR,
    }),
    look=_look,
    covers=("sentinel-ca-changed", "sigma-db6c06c4"),
    once=hours(1),
)  # fmt: skip
