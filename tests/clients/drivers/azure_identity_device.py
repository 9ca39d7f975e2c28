"""azure-identity's `DeviceCodeCredential`. Configuration: `client_id`, `scopes`, `tenant`, `origin`."""

import datetime
from typing import Any

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DeviceCodeCredential
from talk import configuration, say, serve


def show(verification_uri: str, user_code: str, _expires: datetime.datetime) -> None:
    """Print the code: the credential calls this when it has one."""
    say("code", user_code=user_code, verification_uri=verification_uri)


given = configuration()
credential = DeviceCodeCredential(
    given["client_id"],
    authority=given["origin"],
    tenant_id=given["tenant"],
    disable_instance_discovery=True,
    prompt_callback=show,
)


def sign_in() -> None:
    """Get a token, through the device flow if the credential has nothing in its memory."""
    try:
        result = credential.get_token(*given["scopes"])
    except ClientAuthenticationError as refused:
        say("refused", error=error_of(refused), description=refused.message)
        return
    say("signed_in", access_token=result.token, claims=None)


def error_of(refused: ClientAuthenticationError) -> str:
    """Return the `error` field of the server's answer, empty where azure-identity does not pass the answer on."""
    if refused.response is None:
        return ""
    body: Any = refused.response.json()
    return str(body["error"])


serve({"sign_in": sign_in, "token": sign_in})
