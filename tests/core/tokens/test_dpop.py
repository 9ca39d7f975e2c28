"""DPoP proofs (RFC 9449 §4.3): each of the twelve checks broken alone, and what must not matter."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.tokens.dpop import Broken, Check, Expected, Proved, is_thumbprint, judge, normal_uri
from ostiary.core.words.instants import Instant, after, from_iso, minutes, seconds
from ostiary.core.words.jose import thumbprint
from tests.holder import Holder, encoded

NOW = from_iso("2026-11-23T08:00:00Z")
URI = "https://login.example/t/oauth2/v2.0/token"
NONCE, TOKEN = "the-current-nonce", "an.access.token"
HOLDER = Holder()


def expected(**changes: Any) -> Expected:
    """A POST with a nonce of ours, an hour after the start."""
    usual: dict[str, Any] = {
        "method": "POST", "uris": (URI,), "now": NOW, "current": lambda nonce: nonce == NONCE,
        "since": after(NOW, minutes(-60)),
    }  # fmt: skip
    return Expected(**{**usual, **changes})


def proof(**changes: Any) -> bytes:
    """A proof that passes, with *changes*."""
    usual = {"method": "POST", "uri": URI, "now": NOW, "nonce": NONCE}
    return HOLDER.proof(**{**usual, **changes}).encode()


def other_signature() -> bytes:
    """A proof with the signature of another one."""
    return proof().rpartition(b".")[0] + b"." + proof().rpartition(b".")[2]


def private_key() -> dict[str, Any]:
    """The header's key with its private member."""
    number = HOLDER.private.private_numbers().private_value
    return {**HOLDER.public(), "d": encoded(number.to_bytes(32, "big"))}


def padded() -> bytes:
    """A signature with padding: another text for the same bytes."""
    return proof() + b"=="


WRONG: tuple[tuple[Check, Callable[[], list[bytes]]], ...] = (
    (Check.ONE_HEADER, list),
    (Check.ONE_HEADER, lambda: [proof(), proof()]),
    (Check.WELL_FORMED, lambda: [b""]),
    (Check.WELL_FORMED, lambda: [b"a.b"]),
    (Check.WELL_FORMED, lambda: [proof() + b".x"]),
    (Check.WELL_FORMED, lambda: [proof() + b", " + proof()]),
    (Check.WELL_FORMED, lambda: ["é".encode() + proof()]),
    (Check.WELL_FORMED, lambda: [padded()]),
    (Check.WELL_FORMED, lambda: [proof(extra="x" * 9000)]),
    (Check.WELL_FORMED, lambda: [proof(header={"crit": ["exp"]})]),
    (Check.WELL_FORMED, lambda: [f"{encoded(b'[]')}.{encoded(b'{}')}.{encoded(b's')}".encode()]),
    (Check.CLAIMS, lambda: [proof(jti=None)]),
    (Check.CLAIMS, lambda: [proof(jti="")]),
    (Check.CLAIMS, lambda: [proof(jti="x" * 257)]),
    (Check.CLAIMS, lambda: [proof(jti=7)]),
    (Check.CLAIMS, lambda: [proof(htm=None)]),
    (Check.CLAIMS, lambda: [proof(htu=None)]),
    (Check.CLAIMS, lambda: [proof(iat=None)]),
    (Check.CLAIMS, lambda: [proof(iat="now")]),
    (Check.CLAIMS, lambda: [proof(iat=True)]),
    (Check.CLAIMS, lambda: [proof(iat=10**30)]),
    (Check.CLAIMS, lambda: [proof(nonce=["x"])]),
    (Check.TYPE, lambda: [proof(header={"typ": "JWT"})]),
    (Check.TYPE, lambda: [proof(header={"typ": None})]),
    (Check.ALGORITHM, lambda: [proof(header={"alg": "none"})]),
    (Check.ALGORITHM, lambda: [proof(header={"alg": "HS256"})]),
    (Check.ALGORITHM, lambda: [proof(header={"alg": "RS256"})]),
    (Check.ALGORITHM, lambda: [proof(header={"alg": None})]),
    (Check.SIGNATURE, lambda: [other_signature()]),
    (Check.SIGNATURE, lambda: [proof().rpartition(b".")[0] + b"."]),
    (Check.SIGNATURE, lambda: [proof(header={"jwk": Holder().public()})]),
    (Check.SIGNATURE, lambda: [proof(header={"jwk": None})]),
    (Check.SIGNATURE, lambda: [proof(header={"jwk": "key"})]),
    (Check.SIGNATURE, lambda: [proof(header={"jwk": {**HOLDER.public(), "crv": "P-384"}})]),
    (Check.SIGNATURE, lambda: [proof(header={"jwk": {**HOLDER.public(), "kty": "oct"}})]),
    (Check.SIGNATURE, lambda: [proof(header={"jwk": {**HOLDER.public(), "x": HOLDER.public()["y"]}})]),
    (Check.SIGNATURE, lambda: [proof(header={"jwk": {**HOLDER.public(), "x": ["x"]}})]),
    (Check.SIGNATURE, lambda: [proof(header={"jwk": {**HOLDER.public(), "y": encoded(b"short")}})]),
    (Check.PRIVATE_KEY, lambda: [proof(header={"jwk": private_key()})]),
    (Check.METHOD, lambda: [proof(htm="GET")]),
    (Check.METHOD, lambda: [proof(htm="post")]),
    (Check.URI, lambda: [proof(htu=URI + "/")]),
    (Check.URI, lambda: [proof(htu=URI.replace("https", "http"))]),
    (Check.URI, lambda: [proof(htu=URI.replace("login.", "evil."))]),
    (Check.URI, lambda: [proof(htu=URI.replace("login.example", "login.example:8443"))]),
    (Check.URI, lambda: [proof(htu=URI.replace("login.", "a@login."))]),
    (Check.URI, lambda: [proof(htu="token")]),
    (Check.NONCE, lambda: [proof(nonce="")]),
    (Check.NONCE, lambda: [proof(nonce="another")]),
    (Check.NONCE, lambda: [proof(nonce="é")]),
)  # fmt: skip


@pytest.mark.parametrize(("check", "shown"), WRONG, ids=[f"{check}-{n}" for n, (check, _) in enumerate(WRONG)])
def test_each_check_alone_refuses(check: Check, shown: Callable[[], list[bytes]]) -> None:
    """A proof that is wrong in one thing is refused for that thing, and every check can be the one."""
    assert judge(shown(), expected()) == Broken(check)


def test_a_right_proof_names_its_key() -> None:
    """The thumbprint is joserfc's as well; two proofs of one key are two."""
    one, other = judge([proof()], expected()), judge([proof()], expected())
    assert isinstance(one, Proved)
    assert isinstance(other, Proved)
    assert one.jkt == other.jkt == HOLDER.jkt
    assert one.id != other.id


def test_the_thumbprint_is_that_of_the_rfc() -> None:
    """RFC 7638 §3.1's method on RFC 9449 §6.1's key and its `jkt`."""
    key = {
        "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }  # fmt: skip
    assert thumbprint(key) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


@pytest.mark.parametrize(
    ("made", "check"),
    [(0, None), (-59, None), (9, None), (-61, Check.TIME), (11, Check.TIME),
     (-3600, Check.NONCE), (-10_000_000, Check.NONCE)],
)  # fmt: skip
def test_without_a_nonce_the_makers_clock_counts(made: int, check: Check | None) -> None:
    """Where none is needed: a minute back, ten seconds ahead; what may have come unseen needs a nonce all the same."""
    shown = [proof(nonce="", iat=to(NOW, made))]
    judged = judge(shown, expected(nonce_needed=False, since=after(NOW, minutes(-10))))
    assert judged == Broken(check) if check else isinstance(judged, Proved)


@pytest.mark.parametrize("made", [-86_400, -3600, 3600, 86_400])
def test_with_a_nonce_ours_counts(made: int) -> None:
    """§4.3 (11): a machine whose clock is wrong signs in all the same, for the nonce says when the proof was made."""
    assert isinstance(judge([proof(iat=to(NOW, made))], expected()), Proved)


def test_a_proof_beside_a_token_is_of_that_token() -> None:
    """§4.3 (12): `ath` is there and fits."""
    wanted = expected(token=TOKEN)
    assert isinstance(judge([proof(token=TOKEN)], wanted), Proved)
    assert judge([proof()], wanted) == Broken(Check.CLAIMS)
    assert judge([proof(token="another.access.token")], wanted) == Broken(Check.TOKEN)
    assert judge([proof(ath="é", token=TOKEN)], wanted) == Broken(Check.TOKEN)


@pytest.mark.parametrize(
    "same",
    [
        URI + "?a=1", URI + "#f", URI.replace("https", "HTTPS"), URI.replace("login.example", "LOGIN.example:443"),
        URI.replace("token", "%74oken"),
    ],
)  # fmt: skip
def test_one_address_may_be_written_in_several_ways(same: str) -> None:
    """RFC 3986 §6.2.2 and §6.2.3, and §4.3 (9): without query and fragment."""
    assert isinstance(judge([proof(htu=same)], expected()), Proved)


def test_addresses_that_differ_stay_different() -> None:
    """What must be escaped is not unescaped: another path is another address."""
    assert normal_uri("https://a.example/x%2fy") == "https://a.example/x%2Fy"
    assert normal_uri("https://a.example") == "https://a.example/"
    assert normal_uri("https://[2001:DB8::1]:443/") == "https://[2001:db8::1]/"
    for none in (
        "",
        "https://",
        "ftp://a.example/",
        "https://a b/",
        "https://a.example:port/",
        "https://é/",
        "x" * 5000,
    ):
        assert normal_uri(none) is None


@given(st.binary(max_size=300))
def test_no_bytes_are_a_fault(raw: bytes) -> None:
    """Whatever comes is judged, and without a signature it is nothing."""
    assert isinstance(judge([raw], expected()), Broken)


@given(
    st.dictionaries(
        st.sampled_from(["typ", "alg", "jwk", "x"]), st.sampled_from([None, 1, "x", [], {}, ["x"], {"kty": "EC"}])
    )
)
def test_no_header_is_a_fault(header: dict[str, Any]) -> None:
    """Nor any header, however odd its values."""
    head = encoded(json.dumps(header).encode())
    body = proof().split(b".")
    assert isinstance(judge([b".".join((head.encode(), *body[1:]))], expected()), Broken)


def test_a_thumbprint_has_one_form() -> None:
    """43 characters of base64url."""
    assert is_thumbprint(HOLDER.jkt)
    assert not any(map(is_thumbprint, ("", HOLDER.jkt + "=", HOLDER.jkt[1:], HOLDER.jkt[1:] + "é", HOLDER.jkt + "\n")))


def to(now: Instant, moved: int) -> int:
    """Seconds since the epoch of *now*, *moved*."""
    return after(now, seconds(moved)) // 1_000_000
