"""
The OAuth door: discovery, keys, sign-in requests and tokens, as unmodified clients speak them (RFC 6749, 8628, OIDC).

Each file is one endpoint. `hot_doors` are matched by exact path before the framework; `routes` is the rest. Knows no
page: people are sent there by redirect.
"""

from starlette.routing import Route

from ostiary.services.house import House
from ostiary.services.signals.streams import POLLED_AT
from ostiary.web.front.hot import Asgi
from ostiary.web.oauth import device_authorization, introspection, token
from ostiary.web.oauth.authorize import authorize
from ostiary.web.oauth.backchannel_logout import PATH as BACKCHANNEL_LOGOUT
from ostiary.web.oauth.backchannel_logout import backchannel_logout
from ostiary.web.oauth.compliance import PATH as COMPLIANCE
from ostiary.web.oauth.compliance import compliance
from ostiary.web.oauth.confirmation import PATH as CONFIRMATION
from ostiary.web.oauth.confirmation import confirmation
from ostiary.web.oauth.discovery import discovery
from ostiary.web.oauth.door import unknown_tenant
from ostiary.web.oauth.enrolment import PATH as ENROLMENT
from ostiary.web.oauth.enrolment import enrolment
from ostiary.web.oauth.instance import PATH as INSTANCE
from ostiary.web.oauth.instance import instance
from ostiary.web.oauth.keys import keys
from ostiary.web.oauth.revocation import PATH as REVOCATION
from ostiary.web.oauth.revocation import revocation
from ostiary.web.oauth.ssf import ssf
from ostiary.web.oauth.ssf_configuration import ssf_configuration
from ostiary.web.oauth.ssf_poll import ssf_poll
from ostiary.web.oauth.userinfo import userinfo

__all__ = ["hot_doors", "routes", "unknown_tenant"]


def hot_doors(house: House) -> dict[str, Asgi]:
    """The hot endpoints by what follows the tenant in their path."""
    return {
        device_authorization.PATH: device_authorization.device_authorization(house),
        token.PATH: token.token(house),
        introspection.PATH: introspection.introspection(house),
    }


def routes(house: House) -> list[Route]:
    """The endpoints that are not hot."""
    return [
        Route("/{tenant}/v2.0/.well-known/openid-configuration", discovery(house), methods=["GET"]),
        Route("/.well-known/oauth-authorization-server/{tenant}/v2.0", discovery(house), methods=["GET"]),
        Route("/{tenant}/discovery/v2.0/keys", keys(house), methods=["GET"]),
        Route("/{tenant}/oauth2/v2.0/authorize", authorize(house), methods=["GET", "POST"]),
        Route("/{tenant}" + CONFIRMATION, confirmation(house), methods=["POST"]),
        Route("/{tenant}" + COMPLIANCE, compliance(house), methods=["POST"]),
        Route("/{tenant}" + ENROLMENT, enrolment(house), methods=["POST"]),
        Route("/{tenant}" + REVOCATION, revocation(house), methods=["POST"]),
        Route(BACKCHANNEL_LOGOUT, backchannel_logout(house), methods=["POST"]),
        Route(INSTANCE, instance(house), methods=["GET"]),
        Route("/oidc/userinfo", userinfo(house), methods=["GET", "POST"]),
        Route("/.well-known/ssf-configuration", ssf_configuration(house), methods=["GET"]),
        Route("/.well-known/ssf-configuration/{tenant}/v2.0", ssf_configuration(house), methods=["GET"]),
        *ssf(house),
        Route(POLLED_AT + "{stream_id}", ssf_poll(house), methods=["POST"]),
    ]
