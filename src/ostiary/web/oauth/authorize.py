"""
The authorization endpoint's door: redirects only.

To the application with a code or an error, to the sign-in page and back, to the page that asks whether to go on, or to
the one that explains why nothing may be sent anywhere. Always 303, so that no form is ever posted on (RFC 9700 §4.12).
"""

import re
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.tokens.authorization import origin_of, read
from ostiary.core.tokens.refusals import wire
from ostiary.core.words.digests import keyed, same
from ostiary.core.words.instants import Instant, after, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.authorize import ConfirmFirst, Returned, SignInFirst
from ostiary.services.tokens.authorize import authorize as decide
from ostiary.web.front import csrf
from ostiary.web.front.credentials import page_visit
from ostiary.web.front.forms import form, parse
from ostiary.web.front.headers import content_security_policy
from ostiary.web.oauth.door import UNKNOWN_TENANT, Endpoint, ours

__all__ = ["authorize"]

_LONGEST = 16_384  # bytes of a query
_SINCE = "ostiary_since"
_KEY = "authorization-since"
_MARK = re.compile(r"([0-9]{1,17})\.([0-9a-f]{64})", re.ASCII)
_WHILE = minutes(15)  # that signing in may take; an older mark proves nothing
_ANSWER = "ostiary_answer"


def authorize(house: House) -> Endpoint:
    """The endpoint of `/{tenant}/oauth2/v2.0/authorize`, GET and POST (OIDC Core §3.1.2.1)."""

    async def answer(request: Request) -> Response:
        seen = await page_visit(house, request.scope)
        fields = await _fields(request)
        if not ours(house, request):
            fields = UNKNOWN_TENANT
        if isinstance(fields, Refused):
            return _explained(seen, fields)
        said = _answer(house, request, fields)
        if request.method == "POST" and said is None:  # from elsewhere it comes without our cookie: go on as GET
            return _see(f"{request.url.path}?{urlencode(fields)}")
        asked = read(fields, _since(house, fields, seen.now))
        found = await decide(house, seen, asked, said)
        if isinstance(found, ConfirmFirst):
            return _see(f"/continue?{urlencode(fields)}")
        if isinstance(found, Returned):
            return _see(found.uri, csp=content_security_policy(origin_of(asked.redirect_uri)))
        if isinstance(found, SignInFirst):
            return _sign_in(house, request.url.path, fields, asked.since or seen.now, again=found.again)
        return _explained(seen, found)

    return answer


async def _fields(request: Request) -> dict[str, str] | Refused:
    """The parameters of the query, or of the form when it was posted."""
    if request.method == "POST":
        return await form(request.receive, request.scope)
    raw: bytes = request.scope["query_string"]
    return parse(raw) if len(raw) <= _LONGEST else Refused(Reason.INVALID_REQUEST, "The address is too long.")


def _answer(house: House, request: Request, fields: dict[str, str]) -> bool | None:
    """
    What the person said on our page, taken out of *fields*: only a POST with the token of a form of ours says it (R16).
    """
    shown, said = fields.pop(csrf.FIELD, ""), fields.pop(_ANSWER, "")
    if request.method != "POST" or said not in ("yes", "no") or not csrf.genuine(house, request.scope, shown):
        return None
    return said == "yes"


def _since(house: House, fields: dict[str, str], now: Instant) -> Instant | None:
    """
    When this request first came: an HMAC binds the time to every other parameter, so that nobody writes it into a
    request, or takes it from another one, to get round `prompt` and `max_age`.
    """
    mark = _MARK.fullmatch(fields.get(_SINCE, ""))
    if mark is None:
        return None
    since = Instant(int(mark[1]))
    genuine = [same(_hmac(key, since, fields), mark[2]) for key in house.vault.derived_each(_KEY)]
    return since if sum(genuine) and since <= now < after(since, _WHILE) else None


def _hmac(key: bytes, since: Instant, fields: dict[str, str]) -> str:
    others = sorted((name, value) for name, value in fields.items() if name != _SINCE)
    return keyed(key, str(since), urlencode(others)).hex()


def _sign_in(house: House, path: str, fields: dict[str, str], since: Instant, *, again: bool) -> Response:
    """
    To the sign-in page, or to the one that asks a signed-in person again; both come back to this same request, and the
    time in it tells that they proved themselves after it.
    """
    mark = f"{since}.{_hmac(house.vault.derived(_KEY), since, fields)}"
    back = quote(f"{path}?{urlencode({**fields, _SINCE: mark})}", safe="")
    return _see(f"/signin{'/again' if again else ''}?return={back}")


def _explained(seen: Visit, refused: Refused) -> Response:
    return _see(f"/error/{wire(refused.reason).aadsts}?ref={seen.id}")


def _see(uri: str, csp: str = "") -> Response:
    headers = {"Location": uri, "Cache-Control": "no-store", **({"Content-Security-Policy": csp} if csp else {})}
    return Response(b"", 303, headers=headers)
