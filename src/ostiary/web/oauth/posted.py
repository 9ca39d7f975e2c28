"""
What every form endpoint of the protocol does first: only POST, one strict form, and what it shows of its application.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from urllib.parse import unquote_plus

from ostiary.core.tokens.clients import Shown
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.house import House
from ostiary.web.front.certificate import certificate
from ostiary.web.front.forms import Receive, Scope, form

__all__ = ["basic", "posted"]

Basic = tuple[str, str] | None

_LONGEST = 1024  # bytes of an Authorization header that we read

BAD_BASIC = Refused(Reason.INVALID_REQUEST, "The Authorization header cannot be read as Basic (RFC 7617).")


async def posted(scope: Scope, receive: Receive, house: House, endpoint: str) -> tuple[dict[str, str], Shown] | Refused:
    """The form, and what it, its header and its connection show of the application that calls *endpoint*."""
    if scope["method"] != "POST":
        return Refused(Reason.INVALID_REQUEST, "Use POST.", field="method")
    fields = await form(receive, scope)
    if isinstance(fields, Refused):
        return fields
    found = basic(scope)
    if isinstance(found, Refused):
        return found
    proved = certificate(scope, house)
    if isinstance(proved, Refused):
        return proved
    shown = Shown(
        client_id=fields.get("client_id", ""),
        client_secret=fields.get("client_secret", ""),
        basic=found,
        assertion=fields.get("client_assertion", ""),
        assertion_type=fields.get("client_assertion_type", ""),
        certificate=proved,
        endpoint=endpoint,
    )
    return fields, shown


def basic(scope: Scope) -> Basic | Refused:
    """
    Client id and secret of the Authorization header (RFC 6749 §2.3.1, form-encoded inside); None without one.

    A header of another scheme is not for this endpoint and is ignored, two headers are refused.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    given = [value for name, value in headers if name == b"authorization"]
    if not given:
        return None
    scheme, _, encoded = given[0].partition(b" ")
    if scheme.lower() != b"basic":
        return None
    if len(given) > 1 or len(encoded) > _LONGEST:
        return BAD_BASIC
    try:
        name, colon, secret = b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (NotBase64, UnicodeDecodeError, ValueError):
        return BAD_BASIC
    return (unquote_plus(name), unquote_plus(secret)) if colon and name else BAD_BASIC
