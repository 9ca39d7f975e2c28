"""
Which application is asking, and whether it proved that.

Owns client authentication by secret (RFC 6749 §2.3: in the body or in a Basic header), by a signed assertion (RFC 7523,
`private_key_jwt`) and by a TLS certificate (RFC 8705 §2.2); one way in one request. An empty secret counts as none,
because device clients send `client_id:` in Basic (RFC 6749 §2.3.1 allows it). Pure: takes the picture, gives the
registration or a refusal; whether an assertion was used before, the deed asks the store.
"""

from dataclasses import dataclass, field, replace

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.tokens import assertions
from ostiary.core.words.digests import digest, keyed, same
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["Once", "Proved", "Shown", "authenticate"]

_LONGEST = 256  # characters of an id or a secret


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of its application; whatever is absent is empty."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    """Id and secret of the header."""
    assertion: str = field(default="", repr=False)
    assertion_type: str = ""
    certificate: bytes = field(default=b"", repr=False)
    """The TLS client's (DER), as the trusted proxy told it (R13)."""
    endpoint: str = ""
    """The path behind the tenant's name, which an assertion may be addressed to."""

    @property
    def name(self) -> str:
        """The application that is named outside of an assertion."""
        return self.client_id or (self.basic[0] if self.basic else "")


@dataclass(frozen=True, slots=True)
class Once:
    """An assertion that counts no second time before it *ends*."""

    key: bytes
    ends: Instant
    again: bool
    """Whether its application may use it several times, from one place."""


@dataclass(frozen=True, slots=True)
class Proved:
    """An application that proved itself, or that needs no proof."""

    application: Application
    once: Once | None = None


def authenticate(
    picture: Picture, shown: Shown, now: Instant, *, origin: str, verify: assertions.Verify
) -> Proved | Refused:
    """
    The application behind what was *shown*.

    A public application needs no proof and may send none (PUBLIC_CLIENT_SECRET); a confidential one must prove itself
    (CLIENT_AUTHENTICATION, also for an id that is not known but came with a secret). INVALID_REQUEST for two ids that
    differ or two proofs. *verify* says whether a signature belongs to a certificate.
    """
    if shown.assertion or shown.assertion_type:
        found = _by_assertion(picture, shown, now, origin, verify)
    else:
        found = _by_secret(picture, shown, now)
    if isinstance(found, Proved) and not found.application.enabled:
        return Refused(Reason.CLIENT_DISABLED)
    return found


# ---- a secret, a certificate, or nothing


def _by_secret(picture: Picture, shown: Shown, now: Instant) -> Proved | Refused:
    name, secret = _presented(shown)
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
    if not application.public and not proved and (secret or not _holds(application, shown.certificate, now)):
        return Refused(Reason.CLIENT_AUTHENTICATION)
    return Proved(application)


def _presented(shown: Shown) -> tuple[str | None, str]:
    """The one id and the one secret that were sent; no id (None) when they contradict each other or are too long."""
    header_id, header_secret = shown.basic or ("", "")
    if (shown.client_id and header_id and shown.client_id != header_id) or (shown.client_secret and header_secret):
        return None, ""
    name, secret = shown.client_id or header_id, shown.client_secret or header_secret
    return (None, "") if max(len(name), len(secret)) > _LONGEST else (name, secret)


def _proves(application: Application | None, secret: str, now: Instant) -> bool:
    """
    Whether *secret* is one of the application's that has not run out; every one is compared, whatever matched before.
    """
    shown = digest(secret).hex()
    kept = application.secrets if application is not None else ()
    matches = [same(shown, one.digest) for one in kept if now < one.ends]
    return bool(secret) and any(matches)


def _holds(application: Application, certificate: bytes, now: Instant) -> bool:
    """
    Whether *certificate*, whose key the TLS client has, is registered for *application*, counts at *now* and is meant
    for TLS clients (RFC 8705 §2.2: its own registered certificate, whoever issued it).
    """
    shown = digest(certificate).hex()
    fits = [same(shown, key.sha256) for key in application.keys if key.tls and key.starts <= now < key.ends]
    return bool(certificate) and any(fits)


# ---- an assertion


def _by_assertion(
    picture: Picture, shown: Shown, now: Instant, origin: str, verify: assertions.Verify
) -> Proved | Refused:
    if _presented(replace(shown, client_id=""))[1] or shown.client_secret:
        return Refused(Reason.INVALID_REQUEST, "Prove the application in one way only.", field="client_assertion")
    if shown.assertion_type != assertions.TYPE or not shown.assertion:
        return Refused(
            Reason.INVALID_REQUEST, "client_assertion needs its client_assertion_type.", field="client_assertion_type"
        )
    assertion = assertions.read(shown.assertion)
    if assertion is None:
        return Refused(Reason.CLIENT_AUTHENTICATION)
    names = {name.lower() for name in (shown.client_id, (shown.basic or ("", ""))[0], assertion.subject) if name}
    if len(names) != 1:  # RFC 7521 §4.2: client_id is not needed, and says the same where it is there
        return Refused(Reason.INVALID_REQUEST, "Name the application once.", field="client_id")
    application = picture.applications.get(AppId(names.pop()))
    if application is not None and application.public:
        return Refused(Reason.PUBLIC_CLIENT_SECRET)
    if application is None or not assertions.signed_by(assertion, application, now, verify):
        return Refused(Reason.CLIENT_AUTHENTICATION)
    may_be = assertions.audiences(origin, picture.organisation, shown.endpoint)
    wrong = assertions.complaint(assertion, application, may_be, now)
    return Refused(Reason.CLIENT_AUTHENTICATION, wrong) if wrong else Proved(application, _once(assertion, application))


def _once(assertion: assertions.Assertion, application: Application) -> Once:
    """
    OIDC Core §9: used once, unless the parties agreed otherwise. MSAL sends one assertion for nine minutes, so its
    applications may, from one place.
    """
    ends = after(assertion.ends, assertions.SKEW)
    return Once(keyed(b"client-assertion", application.id, assertion.id), ends, again=application.microsoft_family)
