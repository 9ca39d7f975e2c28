"""
How likely the account is in other hands: Graph's `userRiskLevels`.
"""

from ostiary.core.access.facts import Facts
from ostiary.core.access.risk import keys_of, read
from ostiary.core.access.sides import Keys

__all__ = ["NAME", "REQUIRED", "UNKNOWN_IS_NONE", "keys", "read"]

NAME = "userRiskLevels"
REQUIRED = False
UNKNOWN_IS_NONE = False


def keys(facts: Facts) -> Keys:
    """The level."""
    return keys_of(facts.user_risk)
