"""
Whether to go on to an application that anybody can be sent to with a link (RFC 8252 §8.6, RFC 6749 §10.2).

The authorization endpoint sends a signed-in person here with its own parameters; the forms post them back to it.
Nothing is decided or remembered here.
"""

from starlette.responses import Response

from ostiary.core.tokens.authorization import origin_of, read
from ostiary.core.words.outcome import Refused
from ostiary.services.tokens.authorize import confirmation
from ostiary.web.front import csrf
from ostiary.web.front.headers import content_security_policy
from ostiary.web.pages.explain import explained
from ostiary.web.pages.page import Guest, Page, leading, render

__all__ = ["ROUTES"]

_OURS = (csrf.FIELD, "ostiary_answer")


async def _show(guest: Guest) -> Response:
    asked = read(guest.query)
    found = await confirmation(guest.house, guest.visit, asked)
    if isinstance(found, Refused):
        return explained(guest, found)
    query = guest.scope["query_string"].decode("ascii", "replace")
    endpoint = f"/{guest.house.desk.picture.organisation.tenant}/oauth2/v2.0/authorize"
    response = render(
        guest, "continue_as.html", asked=found, endpoint=endpoint, target=asked.redirect_uri.partition("?")[0],
        fields={name: value for name, value in guest.query.items() if name not in _OURS},
        other=leading("/signin", f"{endpoint}?{query}"),
    )  # fmt: skip
    # validated above; Chromium applies `form-action` to the redirect that answers the form (R16)
    response.headers["content-security-policy"] = content_security_policy(origin_of(asked.redirect_uri))
    return response


ROUTES = (Page("/continue", get=_show, signed_in=True),)
