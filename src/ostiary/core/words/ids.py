"""
Names of things: every id is text, and almost every one a GUID, so that nothing can be counted or guessed from it.

Distinct types keep a client from being passed where a user is meant. Making a new id is `outside.random`'s work.
"""

import re
from typing import NewType

UserId = NewType("UserId", str)
GroupId = NewType("GroupId", str)
AppId = NewType("AppId", str)
"""An application's client_id, Graph's `appId`; a GUID for applications registered here."""
PolicyId = NewType("PolicyId", str)
ExemptionId = NewType("ExemptionId", str)
SignInId = NewType("SignInId", str)
"""One device sign-in, from its request on; the correlation id of everything about it."""
SessionId = NewType("SessionId", str)
"""What a sign-in gave. Also the family of its refresh tokens."""
DrillId = NewType("DrillId", str)
"""One drill; shown in the place of a sign-in's id."""
DeviceId = NewType("DeviceId", str)
"""A machine of the inventory."""

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def is_guid(text: str) -> bool:
    """Whether *text* is a GUID in its usual lower-case form."""
    return _GUID.fullmatch(text) is not None
