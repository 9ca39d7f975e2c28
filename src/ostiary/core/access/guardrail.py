"""
Which policies are guardrails: enabled, and blocking device code flow for everybody, whatever the application.

Owns no decision; it tells when a change leaves the house less closed than before.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.core.access.compile import Policy, State
from ostiary.core.access.conditions import CONDITIONS
from ostiary.core.access.sides import Sides

_FLOW = "authenticationFlows"
_METHOD = "deviceCodeFlow"


def guards(policy: Policy) -> bool:
    """Whether *policy* keeps everybody from device code flow, but for whom it excludes."""
    covers = not policy.filters and all(_covers(name, side) for name, side in _sides(policy))
    return policy.state is State.ENABLED and policy.blocks and covers


@dataclass(frozen=True, slots=True)
class Weakening:
    """What a change takes away from a guardrail."""

    gone: bool
    """It is none any more: nobody is kept from device code flow by it."""
    excluded: Mapping[str, frozenset[str]]
    """Keys that are excluded now and were not before, by the name of their condition."""


def weakening(before: Policy, after: Policy | None) -> Weakening | None:
    """What of a guardrail a change takes away, *after* None being its end; None where it stays as it is."""
    if not guards(before):
        return None
    if after is None or not guards(after):
        return Weakening(True, {})
    both = zip(_sides(before), _sides(after), strict=True)
    more = {name: new.exclude - old.exclude for (name, old), (_, new) in both if new.exclude - old.exclude}
    return Weakening(False, more) if more else None


def weaker(before: Policy, after: Policy | None) -> bool:
    """Whether a guardrail became less: gone, no guardrail any more, or excluding more than before."""
    return weakening(before, after) is not None


def _sides(policy: Policy) -> list[tuple[str, Sides]]:
    return [(condition.NAME, side) for condition, side in zip(CONDITIONS, policy.sides, strict=True)]


def _covers(name: str, side: Sides) -> bool:
    return side.everyone or (name == _FLOW and _METHOD in side.include)
