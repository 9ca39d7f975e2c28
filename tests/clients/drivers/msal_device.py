"""
msal's device flow. Configuration: `client_id`, `scopes`, and `authority` (a tenant's address, Entra's layout) or
`oidc_authority` (an OpenID issuer).
"""

from typing import Any

import msal
from talk import configuration, say, say_refused, serve

given = configuration()
where = (
    {"oidc_authority": given["oidc_authority"]}
    if "oidc_authority" in given
    else {"authority": given["authority"], "instance_discovery": False}
)
application = msal.PublicClientApplication(given["client_id"], **where)


def sign_in() -> None:
    """Ask for a code, show it, and poll until the answer."""
    flow = application.initiate_device_flow(scopes=given["scopes"])
    if "device_code" not in flow:
        say_refused(flow)
        return
    say("code", user_code=flow["user_code"], verification_uri=flow["verification_uri"])
    tell(application.acquire_token_by_device_flow(flow))


def token() -> None:
    """Get another access token for the account in the cache, by its refresh token."""
    (account,) = application.get_accounts()
    tell(application.acquire_token_silent_with_error(given["scopes"], account=account, force_refresh=True))


def tell(result: dict[str, Any]) -> None:
    """Print what msal returned as the outcome."""
    if "access_token" not in result:
        say_refused(result)
        return
    say("signed_in", access_token=result["access_token"], claims=result.get("id_token_claims"))


serve({"sign_in": sign_in, "token": token})
