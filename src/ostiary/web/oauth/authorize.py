"""
The authorization endpoint's door: redirects only.

To the application with a code or an error, to the sign-in page and back, or to the page that explains why nothing may
be sent anywhere. Always 303, so that no form is ever posted on (RFC 9700 §4.12).
"""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.tokens.authorization import AuthorizationRequest, origin_of
from ostiary.core.tokens.refusals import wire
from ostiary.core.words.instants import to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.authorize import Returned, SignInFirst
from ostiary.services.tokens.authorize import authorize as decide
from ostiary.web.front.credentials import page_visit
from ostiary.web.front.forms import form, parse
from ostiary.web.front.headers import content_security_policy
from ostiary.web.oauth.door import UNKNOWN_TENANT, Endpoint, ours

__all__ = ["authorize"]

_LONGEST = 16_384  # bytes of a query
_SINCE = "ostiary_since"
_NAMES = (
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "prompt", "max_age", "login_hint", "request", "request_uri",
)  # fmt: skip


def authorize(house: House) -> Endpoint:
    """The endpoint of `/{tenant}/oauth2/v2.0/authorize`, GET and POST (OIDC Core §3.1.2.1)."""

    async def answer(request: Request) -> Response:
        seen = await page_visit(house, request.scope)
        fields = await _fields(request)
        if not ours(house, request):
            fields = UNKNOWN_TENANT
        if isinstance(fields, Refused):
            return _explained(seen, fields)
        if request.method == "POST":  # a post from elsewhere comes without our cookie: go on as GET
            return _see(f"{request.url.path}?{urlencode(fields)}")
        asked = _asked(fields)
        found = await decide(house, seen, asked)
        if isinstance(found, Returned):
            return _see(found.uri, csp=content_security_policy(origin_of(asked.redirect_uri)))
        if isinstance(found, SignInFirst):
            return _sign_in(request.url.path, fields, seen, again=found.again)
        return _explained(seen, found)

    return answer


async def _fields(request: Request) -> dict[str, str] | Refused:
    """The parameters of the query, or of the form when it was posted."""
    if request.method == "POST":
        return await form(request.receive, request.scope)
    raw: bytes = request.scope["query_string"]
    return parse(raw) if len(raw) <= _LONGEST else Refused(Reason.INVALID_REQUEST, "The address is too long.")


def _asked(fields: dict[str, str]) -> AuthorizationRequest:
    known = {name: fields[name] for name in _NAMES if name in fields}
    return AuthorizationRequest(**known, since=fields.get(_SINCE, ""))


def _sign_in(path: str, fields: dict[str, str], seen: Visit, *, again: bool) -> Response:
    """
    To the sign-in page, or to the one that asks a signed-in person again; both come back to this same request, and the
    time in it tells that they proved themselves after it.
    """
    since = {_SINCE: fields.get(_SINCE) or str(to_seconds(seen.now))}
    back = quote(f"{path}?{urlencode({**fields, **since})}", safe="")
    return _see(f"/signin{'/again' if again else ''}?return={back}")


def _explained(seen: Visit, refused: Refused) -> Response:
    return _see(f"/error/{wire(refused.reason).aadsts}?ref={seen.id}")


def _see(uri: str, csp: str = "") -> Response:
    headers = {"Location": uri, "Cache-Control": "no-store", **({"Content-Security-Policy": csp} if csp else {})}
    return Response(b"", 303, headers=headers)
