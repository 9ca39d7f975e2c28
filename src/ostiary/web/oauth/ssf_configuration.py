"""
The transmitter's metadata (SSF 1.0 §7): where streams are managed, how events are signed and delivered.

The issuer has a path, so the document's own place is `/.well-known/ssf-configuration/{tenant}/v2.0`. It says the same
without the path, for people who look there; a receiver compares the issuer that it asked for.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.access.picture import Organisation
from ostiary.core.signals.streams import POLL, PUSH
from ostiary.core.tokens.claims import issuer
from ostiary.services.house import House, Settings
from ostiary.web.front.visit import visit
from ostiary.web.oauth.door import Endpoint, public_json, stranger
from ostiary.web.oauth.ssf import ADD_SUBJECT, REMOVE_SUBJECT, STATUS, STREAM, VERIFY

__all__ = ["document", "ssf_configuration"]

KEPT = 3600  # seconds


def ssf_configuration(house: House) -> Endpoint:
    """The endpoint of both places."""

    async def answer(request: Request) -> Response:
        seen = visit(request.scope, house)
        elsewhere = stranger(house, request, seen) if "tenant" in request.path_params else None
        return elsewhere or public_json(document(house.settings, house.desk.picture.organisation), seconds=KEPT)

    return answer


def document(settings: Settings, organisation: Organisation) -> Mapping[str, object]:
    """
    The metadata. `urn:ietf:rfc:6749` stands for client authentication and for tokens, 8705 for a TLS certificate; no
    subject member is critical, because who knows the user or the session alone does right to end it.
    """
    origin = settings.origin
    schemes = ("urn:ietf:rfc:6749", "urn:ietf:rfc:6750", "urn:ietf:rfc:7617", "urn:ietf:rfc:8705")
    return {
        "spec_version": "1_0",
        "issuer": issuer(origin, organisation),
        "jwks_uri": f"{origin}/{organisation.tenant}/discovery/v2.0/keys",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": f"{origin}{STREAM}",
        "status_endpoint": f"{origin}{STATUS}",
        "add_subject_endpoint": f"{origin}{ADD_SUBJECT}",
        "remove_subject_endpoint": f"{origin}{REMOVE_SUBJECT}",
        "verification_endpoint": f"{origin}{VERIFY}",
        "authorization_schemes": [{"spec_urn": urn} for urn in schemes],
        "default_subjects": "ALL",
    }
