"""
Policies that never apply: what an enabled one names nobody or nothing with, so that whoever saved it would believe in a
rule that is none.

Owns the question only; it is asked on save. A stored policy that is idle stays what it is: it matches no sign-in.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ostiary.core.access.compile import Policy
from ostiary.core.access.conditions import CONDITIONS
from ostiary.core.access.sides import Problem

__all__ = ["idle"]

_MEANT = {"users": "includeUsers", "applications": "includeApplications"}
"""Where Graph's own word `None` says that nobody, or nothing, is meant."""


def idle(policy: Policy, document: Mapping[str, Any]) -> Iterator[Problem]:
    """Each condition of *policy*, made of *document*, that no sign-in can match, unless the document says `None`."""
    conditions: Mapping[str, Any] = document["conditions"]
    for condition, sides in zip(CONDITIONS, policy.sides, strict=True):
        said = (conditions.get(condition.NAME) or {}) if condition.NAME in _MEANT else {}
        meant = "None" in (said.get(_MEANT.get(condition.NAME, "")) or ())
        if not sides.everyone and not sides.include and not meant:
            yield Problem(f"$.conditions.{condition.NAME}", "names nothing, so that the policy would never apply")
