"""
Authlib's `PrivateKeyJWT` at introspection and revocation. Configuration: `client_id`, `private_key`, `alg`, `token`,
`token_endpoint`, `introspection`, `revocation`. Orders: `introspect`, `revoke`.
"""

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey, RSAKey
from talk import configuration, say, serve

given = configuration()
kind = ECKey if given["alg"] == "ES256" else RSAKey
session = OAuth2Session(
    given["client_id"],
    kind.import_key(given["private_key"]),
    token_endpoint_auth_method="private_key_jwt",
    revocation_endpoint_auth_method="private_key_jwt",
)
session.register_client_auth_method(PrivateKeyJWT(given["token_endpoint"], alg=given["alg"]))


def introspect() -> None:
    """What the token is worth."""
    answer = session.introspect_token(given["introspection"], token=given["token"])
    say("answered", status=answer.status_code, body=answer.json())


def revoke() -> None:
    """Give a token back."""
    answer = session.revoke_token(given["revocation"], token="unknown")
    say("answered", status=answer.status_code, body=answer.text)


serve({"introspect": introspect, "revoke": revoke})
