"""
msal's confidential client with a certificate: the authorization code flow, then a refresh. Configuration: `client_id`,
`authority`, `scopes`, `redirect`, and `credential` as msal takes it. Orders: `begin` (shows the address for the
browser), `finish` with the answer's parameters on the next line, `token`.
"""

import json
import sys
from typing import Any

import msal
from talk import configuration, say, say_refused, serve

given = configuration()
application = msal.ConfidentialClientApplication(
    given["client_id"],
    authority=given["authority"],
    client_credential=given["credential"],
    instance_discovery=given.get("instance_discovery", False),
)
flow: dict[str, Any] = {}


def begin() -> None:
    """Show where the browser goes."""
    flow.update(application.initiate_auth_code_flow(given["scopes"], redirect_uri=given["redirect"]))
    say("visit", address=flow["auth_uri"])


def finish() -> None:
    """Exchange the code that the browser brought."""
    tell(application.acquire_token_by_auth_code_flow(flow, json.loads(sys.stdin.readline())))


def token() -> None:
    """Refresh: the client proves itself again, with the same assertion."""
    (account,) = application.get_accounts()
    tell(application.acquire_token_silent_with_error(given["scopes"], account=account, force_refresh=True))


def tell(result: dict[str, Any]) -> None:
    """Print what msal returned as the outcome."""
    if "access_token" not in result:
        say_refused(result)
        return
    say("signed_in", access_token=result["access_token"], claims=result.get("id_token_claims"))


serve({"begin": begin, "finish": finish, "token": token})
