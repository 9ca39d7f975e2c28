"""
Form tokens: a POST counts only from a form that we gave to this very browser (R16).

Two proofs, both needed: a hidden field that is an HMAC of the browser's session (or of a value it holds before there is
one), and `Sec-Fetch-Site: same-origin` or our own `Origin`, which no page of another site can make a browser send.
"""

from ostiary.core.words.digests import keyed, same
from ostiary.services.house import House
from ostiary.web.front.credentials import FRESH, HALF, SESSION, cookie
from ostiary.web.front.visit import Scope, headers

__all__ = ["FIELD", "ahead", "binding", "from_elsewhere", "genuine", "same_origin", "token"]

FIELD = "form_token"
_KEY = "form-token"


def binding(scope: Scope) -> str:
    """What a form of this browser is bound to: its session, its half session, or the value it got before either."""
    return cookie(scope, SESSION) or cookie(scope, HALF) or cookie(scope, FRESH)


def token(house: House, bound: str) -> str:
    """The hidden field's value for a browser that holds *bound*."""
    return keyed(house.vault.derived(_KEY), bound).hex()


def genuine(house: House, scope: Scope, shown: str) -> bool:
    """Whether a POST with the hidden value *shown* comes from a form of ours in this browser."""
    bound = binding(scope)
    return same_origin(house, scope) and not ahead(scope) and bool(bound) and _matches(house, bound, shown)


def ahead(scope: Scope) -> bool:
    """Whether a browser says that it fetches this before anybody asked for it: nothing is done for that."""
    return any(headers(scope, name) for name in (b"sec-purpose", b"purpose", b"x-moz"))


def from_elsewhere(scope: Scope) -> bool:
    """Whether a browser says that a page of somebody else sent its person here (Fetch Metadata, ``cross-site``)."""
    return b"cross-site" in headers(scope, b"sec-fetch-site")


def _matches(house: House, bound: str, shown: str) -> bool:
    rights = [same(keyed(key, bound).hex(), shown) for key in house.vault.derived_each(_KEY)]
    return sum(rights) > 0


def same_origin(house: House, scope: Scope) -> bool:
    """Whether a page of ours sent this: at least one of the two headers is there, and none of them says otherwise."""
    sites, origins = headers(scope, b"sec-fetch-site"), headers(scope, b"origin")
    ours = house.settings.origin.encode()
    return bool(sites or origins) and all(s == b"same-origin" for s in sites) and all(o == ours for o in origins)
