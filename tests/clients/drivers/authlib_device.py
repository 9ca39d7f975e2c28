"""
Authlib's `OAuth2Session`, told nothing but an issuer: RFC 8414 metadata leads to the rest.

Authlib has no helper for the device authorization request, so that is one plain POST of the session (RFC 8628 §3.1);
the polls and the refresh are Authlib's. PyJWT then checks the id_token against the published keys. Configuration:
`client_id`, `issuer`, `scopes`.
"""

import time
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from talk import configuration, say, say_refused, serve

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"

given = configuration()
issuer = urlsplit(given["issuer"])
metadata = requests.get(
    f"{issuer.scheme}://{issuer.netloc}/.well-known/oauth-authorization-server{issuer.path}", timeout=10
).json()
session = OAuth2Session(
    given["client_id"],
    token_endpoint_auth_method="none",
    token_endpoint=metadata["token_endpoint"],
    scope=" ".join(["openid", "offline_access", *given["scopes"]]),
)


def sign_in() -> None:
    """Ask for a code, show it, and poll until the answer."""
    form = {"client_id": given["client_id"], "scope": session.scope}
    answer = session.post(metadata["device_authorization_endpoint"], data=form, withhold_token=True, timeout=10)
    if answer.status_code != 200:
        say_refused(answer.json())
        return
    flow = answer.json()
    say("code", user_code=flow["user_code"], verification_uri=flow["verification_uri"])
    tell(poll(flow))


def poll(flow: dict[str, Any]) -> dict[str, Any]:
    """Poll at the pace asked for (RFC 8628 §3.5); return the token, or the error as a dict."""
    while True:
        time.sleep(flow["interval"])
        try:
            return dict(
                session.fetch_token(metadata["token_endpoint"], grant_type=DEVICE_CODE, device_code=flow["device_code"])
            )
        except OAuthError as refused:
            if refused.error != "authorization_pending":
                return {"error": refused.error, "error_description": refused.description}


def token() -> None:
    """Get another access token by the refresh token."""
    try:
        tell(dict(session.refresh_token(metadata["token_endpoint"])))
    except OAuthError as refused:
        say("refused", error=refused.error, description=refused.description)


def tell(result: dict[str, Any]) -> None:
    """Print the outcome; an id_token is checked first, as a relying party would."""
    if "access_token" not in result:
        say_refused(result)
        return
    claims = verified(result["id_token"]) if "id_token" in result else {}
    say("signed_in", access_token=result["access_token"], claims=claims)


def verified(id_token: str) -> Any:
    """Return the claims of *id_token* after PyJWT checked signature, issuer, audience and times."""
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(id_token)
    return jwt.decode(
        id_token,
        key.key,
        algorithms=metadata["id_token_signing_alg_values_supported"],
        audience=given["client_id"],
        issuer=given["issuer"],
    )


serve({"sign_in": sign_in, "token": token})
