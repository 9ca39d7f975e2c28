"""
The rules: one file each, listed here and nowhere else.

A rule is a module's `RULE`; its id is the module's name. What each sees, when it is harmless and which published rules
it covers: docs/detections.md, which is made from here.
"""

from ostiary.core.detections.rule import Rule
from ostiary.core.detections.rules import (
    first_device_sign_in_of_user,
    reported,
    requester_far_from_approver,
    starts_burst,
)

__all__ = ["BY_ID", "RULES"]

RULES: tuple[Rule, ...] = (
    reported.RULE,
    requester_far_from_approver.RULE,
    starts_burst.RULE,
    first_device_sign_in_of_user.RULE,
)

BY_ID = {rule.id: rule for rule in RULES}
