"""
Passkeys on the wire: the options that a browser gets, and its answers checked (WebAuthn Level 3 §7, py_webauthn).

Every passkey verifies its person, and every one is discoverable: a weaker answer is no answer. Owns no memory of
challenges, counters or people (`core/directory/passkeys`). Whatever an answer breaks in the library is a "no", like
every other flaw: strangers write these bytes.
"""

from base64 import urlsafe_b64encode
from functools import partial

import orjson
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import parse_authentication_credential_json, parse_registration_credential_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import CredentialDeviceType

from ostiary.core.directory.passkeys import CHALLENGE, Created, Passkey, Proof
from ostiary.core.words.instants import to_seconds
from ostiary.outside.attestation import NO_MODELS, Attesting, attests

__all__ = ["LONGEST", "creation_options", "owner_of", "read_created", "read_proof", "request_options"]

LONGEST = 16_384  # characters of an answer
CREDENTIAL_LENGTH = (16, 1023)  # bytes of a credential's id: WebAuthn §4

_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_TRANSPORTS = frozenset({"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"})
_MILLISECONDS = to_seconds(CHALLENGE) * 1000


def creation_options(
    *, challenge: bytes, relying_party: str, organisation: str, user: str, name: str, shown: str,
    known: tuple[Passkey, ...] = (), attested: bool = False,
) -> str:  # fmt: skip
    """
    JSON of `PublicKeyCredentialCreationOptions` (§5.4) for the account *user*; a *known* one is not made twice.

    Its model is asked for only where something is trusted for its model (*attested*): many browsers ask the person.
    """
    return orjson.dumps({
        "rp": {"id": relying_party, "name": organisation},
        "user": {"id": _text(user.encode()), "name": name, "displayName": shown},
        "challenge": _text(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": int(each)} for each in _ALGORITHMS],
        "timeout": _MILLISECONDS,
        "excludeCredentials": _described(known),
        "authenticatorSelection": {
            "residentKey": "required", "requireResidentKey": True, "userVerification": "required",
        },
        "attestation": "direct" if attested else "none",
    }).decode()  # fmt: skip


def request_options(*, challenge: bytes, relying_party: str, known: tuple[Passkey, ...] = ()) -> str:
    """JSON of `PublicKeyCredentialRequestOptions` (§5.5): any passkey of ours, or one of the *known*."""
    return orjson.dumps({
        "challenge": _text(challenge), "timeout": _MILLISECONDS, "rpId": relying_party,
        "allowCredentials": _described(known), "userVerification": "required",
    }).decode()  # fmt: skip


def read_created(
    answer: str, *, challenge: bytes, relying_party: str, origin: str, attesting: Attesting = NO_MODELS
) -> Created | None:  # fmt: skip
    """
    The passkey that *answer* shows, if all of §7.1 holds; None otherwise. One of no model of *attesting* is a passkey
    like any other.
    """
    if not 0 < len(answer) <= LONGEST:
        return None
    try:
        parsed = parse_registration_credential_json(answer)
        check = partial(
            verify_registration_response, credential=parsed, expected_challenge=challenge, expected_rp_id=relying_party,
            expected_origin=origin, require_user_verification=True, supported_pub_key_algs=_ALGORITHMS,
        )  # fmt: skip
        made = check()
        transports = tuple(sorted({str(each.value) for each in parsed.response.transports or ()} & _TRANSPORTS))
    except Exception:  # see above: the library raises whatever the parser of the broken part raises
        return None
    if not CREDENTIAL_LENGTH[0] <= len(made.credential_id) <= CREDENTIAL_LENGTH[1]:
        return None
    synced = made.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    return Created(
        made.credential_id, made.credential_public_key, made.sign_count, transports, synced,
        made.credential_backed_up, made.aaguid, attests(attesting, parsed, made.aaguid, check),
    )  # fmt: skip


def owner_of(answer: str) -> tuple[bytes, str] | None:
    """The credential's id and the account's that *answer* names, unproved; None when it cannot be read."""
    if not 0 < len(answer) <= LONGEST:
        return None
    try:
        parsed = parse_authentication_credential_json(answer)
        handle = (parsed.response.user_handle or b"").decode()
    except Exception:  # as above
        return None
    return (parsed.raw_id, handle) if len(parsed.raw_id) <= CREDENTIAL_LENGTH[1] else None


def read_proof(answer: str, *, challenge: bytes, relying_party: str, origin: str, public_key: bytes) -> Proof | None:
    """
    What *answer*, signed with *public_key*, proves, if §7.2 holds up to the counter (step 22), which is core's; None
    otherwise.
    """
    named = owner_of(answer)
    if named is None:
        return None
    try:
        seen = verify_authentication_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=relying_party, expected_origin=origin,
            credential_public_key=public_key, credential_current_sign_count=0, require_user_verification=True,
        )  # fmt: skip
    except Exception:  # as above
        return None
    synced = seen.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    return Proof(named[1], seen.new_sign_count, synced, seen.credential_backed_up)


def _described(known: tuple[Passkey, ...]) -> list[dict[str, object]]:
    return [{"type": "public-key", "id": _text(each.credential), "transports": list(each.transports)} for each in known]


def _text(raw: bytes) -> str:
    """base64url without padding, as browsers' JSON has it (§5.1)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
