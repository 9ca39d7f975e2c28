"""
msal's confidential client with another issuer's token as its assertion: `client_credentials`. Configuration:
`client_id`, `authority`, `scopes`, `assertion`. Orders: `token`.
"""

import msal
from talk import configuration, say, say_refused, serve

given = configuration()
application = msal.ConfidentialClientApplication(
    given["client_id"],
    authority=given["authority"],
    client_credential={"client_assertion": given["assertion"]},
    instance_discovery=False,
)


def token() -> None:
    """Ask for the workload's token."""
    result = application.acquire_token_for_client(given["scopes"])
    if "access_token" not in result:
        say_refused(result)
        return
    say("signed_in", access_token=result["access_token"], claims=None)


serve({"token": token})
