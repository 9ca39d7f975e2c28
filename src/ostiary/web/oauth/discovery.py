"""
Discovery: where everything is and what it can do (OIDC Discovery §3, RFC 8414).

The issuer is always the GUID's, so that tokens have one; the endpoints keep the name that was asked with, because MSAL
takes its realm from them (R20).
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.access.picture import Organisation
from ostiary.core.tokens.assertions import ALGORITHMS
from ostiary.core.tokens.claims import issuer
from ostiary.core.tokens.dpop import ALGORITHMS as PROOF_ALGORITHMS
from ostiary.core.tokens.pkce import METHOD
from ostiary.core.tokens.scopes import OPENID
from ostiary.services.house import House, Settings
from ostiary.services.tokens.grants import GRANTS
from ostiary.services.tokens.token import LONGEST_HOLD
from ostiary.services.tokens.workload import GRANT_TYPES as WORKLOAD_GRANTS
from ostiary.web.front.visit import visit
from ostiary.web.oauth.door import Endpoint, public_json, stranger

__all__ = ["discovery", "document"]

KEPT = 3600  # seconds; clients keep it for a day anyway

_PROVED = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
_ENDPOINTS = ("token", "introspection", "revocation")  # RFC 8414 §2: where applications prove themselves


def discovery(house: House) -> Endpoint:
    """The endpoint of `/{tenant}/v2.0/.well-known/openid-configuration` and of RFC 8414's place for the same."""

    async def answer(request: Request) -> Response:
        seen, name = visit(request.scope, house), request.path_params["tenant"]
        organisation = house.desk.picture.organisation
        return stranger(house, request, seen) or public_json(document(house.settings, organisation, name), seconds=KEPT)

    return answer


def document(settings: Settings, organisation: Organisation, name: str) -> Mapping[str, object]:
    """The metadata under *name*, one of the organisation's."""
    origin, proved = settings.origin, [*_PROVED, *(["self_signed_tls_client_auth"] if _certificates(settings) else [])]
    at = f"{origin}/{name.lower()}"
    return {
        "issuer": issuer(origin, organisation),
        "authorization_endpoint": f"{at}/oauth2/v2.0/authorize",
        "token_endpoint": f"{at}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{at}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{at}/discovery/v2.0/keys",
        "userinfo_endpoint": f"{origin}/oidc/userinfo",
        "introspection_endpoint": f"{at}/oauth2/v2.0/introspect",
        "revocation_endpoint": f"{at}/oauth2/v2.0/revoke",
        "ostiary_confirmation_endpoint": f"{at}/oauth2/v2.0/confirm",
        "ostiary_enrollment_endpoint": f"{at}/oauth2/v2.0/enroll",
        "ostiary_longest_wait": LONGEST_HOLD,
        # Only these four: some clients ask for everything that is listed.
        "scopes_supported": list(OPENID),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [*(grant.GRANT_TYPES[0] for grant in GRANTS), *WORKLOAD_GRANTS],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported": [*proved, "none"],
        "introspection_endpoint_auth_methods_supported": proved,
        "revocation_endpoint_auth_methods_supported": [*proved, "none"],
        **{f"{name}_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS) for name in _ENDPOINTS},
        "code_challenge_methods_supported": [METHOD],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": _certificates(settings),
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "iss", "aud", "exp", "iat", "nbf", "sub", "oid", "tid", "sid", "preferred_username", "name", "email",
            "auth_time", "amr", "nonce", "ver",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        **_aliases(settings, name),
    }  # fmt: skip


def _certificates(settings: Settings) -> bool:
    """Whether a TLS client's certificate can reach us at all (R13)."""
    return settings.proxy is not None and bool(settings.proxy.certificate_header)


def _aliases(settings: Settings, name: str) -> Mapping[str, object]:
    """RFC 8705 §5: where clients with a certificate come."""
    if not settings.mtls_origin or not _certificates(settings):
        return {}
    at = f"{settings.mtls_origin}/{name.lower()}/oauth2/v2.0"  # paths are the same at both names
    return {
        "mtls_endpoint_aliases": {
            "token_endpoint": f"{at}/token",
            "device_authorization_endpoint": f"{at}/devicecode",
            "introspection_endpoint": f"{at}/introspect",
            "revocation_endpoint": f"{at}/revoke",
            "userinfo_endpoint": f"{settings.mtls_origin}/oidc/userinfo",
            "ostiary_confirmation_endpoint": f"{at}/confirm",
        }
    }
