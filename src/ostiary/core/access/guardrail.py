"""
Which policies are guardrails: enabled, and blocking device code flow for everybody, whatever the application.

Owns no decision; it tells when a change leaves the house less closed than before.
"""

from ostiary.core.access.compile import Policy, State
from ostiary.core.access.conditions import CONDITIONS
from ostiary.core.access.sides import Sides

_FLOW = "authenticationFlows"
_METHOD = "deviceCodeFlow"


def guards(policy: Policy) -> bool:
    """Whether *policy* keeps everybody from device code flow, but for whom it excludes."""
    covers = not policy.filters and all(_covers(name, side) for name, side in _sides(policy))
    return policy.state is State.ENABLED and policy.blocks and covers


def weaker(before: Policy, after: Policy | None) -> bool:
    """Whether a guardrail became less: gone, no guardrail any more, or excluding more than before."""
    if not guards(before):
        return False
    if after is None or not guards(after):
        return True
    return any(new.exclude - old.exclude for (_, old), (_, new) in zip(_sides(before), _sides(after), strict=True))


def _sides(policy: Policy) -> list[tuple[str, Sides]]:
    return [(condition.NAME, side) for condition, side in zip(CONDITIONS, policy.sides, strict=True)]


def _covers(name: str, side: Sides) -> bool:
    return side.everyone or (name == _FLOW and _METHOD in side.include)
