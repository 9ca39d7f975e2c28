"""
Which application is asking, and whether it proved that.

Owns client authentication by secret (RFC 6749 §2.3): in the body or in a Basic header, never both. An empty secret
counts as none, because device clients send `client_id:` in Basic (RFC 6749 §2.3.1 allows it). Pure: takes the picture,
gives the registration or a refusal.
"""

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.words.digests import digest, same
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["authenticate"]

_LONGEST = 256  # characters of an id or a secret


def authenticate(
    picture: Picture, client_id: str, client_secret: str, basic: tuple[str, str] | None, now: Instant
) -> Application | Refused:
    """
    The application behind *client_id* and *client_secret* of the form (empty when absent) and *basic* (id and secret
    of the header).

    A public application needs no proof and may send none (PUBLIC_CLIENT_SECRET); a confidential one must prove itself
    (CLIENT_AUTHENTICATION, also for an id that is not known but came with a secret). INVALID_REQUEST for two ids that
    differ or two secrets.
    """
    name, secret = _presented(client_id, client_secret, basic)
    if name is None:
        return Refused(
            Reason.INVALID_REQUEST, "Name the application once, and prove it in one way only.", field="client_id"
        )
    if not name:
        return Refused(Reason.INVALID_REQUEST, "The parameter client_id is missing.", field="client_id")
    application = picture.applications.get(AppId(name.lower()))
    # before anything is said about the application: the same work for an unknown one
    proved = _proves(application, secret, now)
    if application is None:
        return Refused(Reason.CLIENT_AUTHENTICATION if secret else Reason.UNKNOWN_CLIENT)
    if application.public and secret:
        return Refused(Reason.PUBLIC_CLIENT_SECRET)
    if not application.public and not proved:
        return Refused(Reason.CLIENT_AUTHENTICATION)
    return application if application.enabled else Refused(Reason.CLIENT_DISABLED)


def _presented(client_id: str, client_secret: str, basic: tuple[str, str] | None) -> tuple[str | None, str]:
    """The one id and the one secret that were sent; no id (None) when they contradict each other or are too long."""
    header_id, header_secret = basic or ("", "")
    if (client_id and header_id and client_id != header_id) or (client_secret and header_secret):
        return None, ""
    name, secret = client_id or header_id, client_secret or header_secret
    return (None, "") if max(len(name), len(secret)) > _LONGEST else (name, secret)


def _proves(application: Application | None, secret: str, now: Instant) -> bool:
    """
    Whether *secret* is one of the application's that has not run out; every one is compared, whatever matched before.
    """
    shown = digest(secret).hex()
    kept = application.secrets if application is not None else ()
    matches = [same(shown, one.digest) for one in kept if now < one.ends]
    return bool(secret) and any(matches)
