"""
Grants: one file each, listed here and nowhere else.

A grant declares its `GRANT_TYPES` (names on the wire) and the `PARAMETERS` it needs, and redeems: what was brought is
turned into a session inside the endpoint's transaction. The phases that no grant may forget (authenticating the client,
signing, answering) belong to the endpoint, `services/tokens/token.py`.
"""

from ostiary.services.tokens.grants import authorization_code, device_code, refresh_token
from ostiary.services.tokens.grants.grant import Grant

GRANTS: tuple[Grant, ...] = (device_code, refresh_token, authorization_code)

BY_NAME = {name: grant for grant in GRANTS for name in grant.GRANT_TYPES}
