"""Tokens are signed by us and verified by others, and the other way round; joserfc is the other side."""

import base64
import json
from base64 import b64decode, urlsafe_b64decode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from ostiary.core.words.instants import Instant, to_datetime
from ostiary.outside.random import SystemRandom
from ostiary.outside.signing_keys import (
    LARGEST_TOKEN,
    Algorithm,
    PublicKey,
    Signer,
    SigningKey,
    Verifier,
    certified,
    make,
    open_key,
    seal_key,
)
from ostiary.outside.vault import MasterKey, SealBroken, Vault

KEYS = {algorithm: make(algorithm) for algorithm in Algorithm}
TYPES = ("JWT", "at+jwt")
OURS = Verifier((key.public for key in KEYS.values()), TYPES)

each_algorithm = pytest.mark.parametrize("algorithm", list(Algorithm))
claims = st.dictionaries(
    st.text(min_size=1, max_size=20), st.one_of(st.text(max_size=50), st.integers(), st.booleans(), st.lists(st.text()))
)


def theirs(key: SigningKey) -> ECKey | RSAKey:
    """The same private key in joserfc's hands."""
    kind: type[ECKey] | type[RSAKey] = ECKey if key.public.algorithm is Algorithm.ES256 else RSAKey
    return kind.import_key(key.to_der())


def signed(key: SigningKey, payload: bytes, typ: str = "at+jwt") -> bytes:
    """One token of ours."""
    signer = Signer(key)
    return signer.sign_jwt(signer.header_prefix(typ), payload)


@each_algorithm
@given(values=claims)
@settings(max_examples=50, deadline=None)
def test_what_we_sign_joserfc_verifies(algorithm: Algorithm, values: dict[str, Any]) -> None:
    """Given our published keys, joserfc finds the right one by its kid and reads whatever claims there are."""
    keys = KeySet.import_key_set({"keys": [{**key.public.jwk()} for key in KEYS.values()]})
    token = signed(KEYS[algorithm], json.dumps(values).encode())
    read = jwt.decode(token, keys, algorithms=[algorithm])
    assert read.claims == values
    assert read.header == {"typ": "at+jwt", "alg": algorithm, "kid": KEYS[algorithm].kid}


@each_algorithm
@given(values=claims)
@settings(max_examples=50, deadline=None)
def test_what_joserfc_signs_with_our_key_and_header_we_verify(algorithm: Algorithm, values: dict[str, Any]) -> None:
    """The signature is the standard's, not a private form of ours."""
    key = KEYS[algorithm]
    header = {"typ": "JWT", "alg": algorithm.value, "kid": key.kid}
    token = jwt.encode(header, values, theirs(key), algorithms=[algorithm])
    read = OURS.verify(token, "JWT")
    assert read is not None
    assert (read.kid, json.loads(read.payload)) == (key.kid, values)


@each_algorithm
def test_the_published_key_is_the_one_joserfc_would_publish(algorithm: Algorithm) -> None:
    """Members, encoding and thumbprint agree with another implementation; nothing private is among them."""
    other = theirs(KEYS[algorithm])
    published = KEYS[algorithm].public.jwk()
    assert published.items() >= other.as_dict(private=False).items() - {("kid", other.kid)}
    assert published["kid"] == other.thumbprint()
    assert not published.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}
    assert published["use"] == "sig"


def test_the_thumbprint_is_that_of_the_rfc() -> None:
    """The example of RFC 7638 §3.1."""
    number = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
        "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
        "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    kid = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    read = PublicKey.from_jwk({"kty": "RSA", "n": number, "e": "AQAB", "alg": "RS256", "kid": kid})
    assert read.kid == kid


@each_algorithm
def test_a_public_key_survives_its_publication(algorithm: Algorithm) -> None:
    """What was published can be read back and verifies, so a retired key needs no private side."""
    public = PublicKey.from_jwk(KEYS[algorithm].public.jwk())
    assert public == KEYS[algorithm].public
    assert Verifier([public], TYPES).verify(signed(KEYS[algorithm], b"{}"), "at+jwt") is not None


@pytest.mark.parametrize(
    "change",
    [{"kid": "other"}, {"alg": "RS256"}, {"alg": "none"}, {"kty": "oct"}, {"x": "!"}, {"x": "AA"}, {"y": "A" * 2000}],
)
def test_a_changed_public_key_is_refused(change: dict[str, str]) -> None:
    """Another name, another algorithm, a point that is not on the curve: not a key of ours."""
    with pytest.raises(ValueError, match=r".+"):
        PublicKey.from_jwk({**KEYS[Algorithm.ES256].public.jwk(), **change})


def test_a_token_of_another_type_or_key_is_not_ours() -> None:
    """An id_token is no access token, and a stranger's key of the same kind counts for nothing."""
    token = signed(KEYS[Algorithm.ES256], b"{}", "JWT")
    assert OURS.verify(token, "JWT") is not None
    assert OURS.verify(token, "at+jwt") is None
    assert OURS.verify(signed(make(Algorithm.ES256), b"{}", "JWT"), "JWT") is None
    assert Verifier([KEYS[Algorithm.RS256].public], TYPES).verify(token, "JWT") is None


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "ES384", "es256"])
def test_the_header_does_not_choose_the_algorithm(algorithm: str) -> None:
    """A header that names another algorithm, with our kid and even a right signature, is unknown (RFC 8725 §3.1)."""
    key = KEYS[Algorithm.ES256]
    header = json.dumps({"typ": "JWT", "alg": algorithm, "kid": key.kid}, separators=(",", ":")).encode()
    prefix = base64.urlsafe_b64encode(header).rstrip(b"=") + b"."
    assert OURS.verify(Signer(key).sign_jwt(prefix, b"{}"), "JWT") is None


def test_an_hmac_under_the_public_key_is_not_a_signature() -> None:
    """The classic confusion: the public key taken for a shared secret."""
    key = KEYS[Algorithm.RS256]
    secret = json.dumps(key.public.jwk()).encode()
    header = {"typ": "JWT", "alg": "HS256", "kid": key.kid}
    from_attacker = jwt.encode(header, {"sub": "me"}, OctKey.import_key(secret), algorithms=["HS256"])
    assert OURS.verify(from_attacker, "JWT") is None


@each_algorithm
def test_every_changed_character_is_noticed(algorithm: Algorithm) -> None:
    """Each character of a token counts, the last of the signature too, which a lenient decoder would let pass."""
    token = signed(KEYS[algorithm], b'{"sub":"someone"}').decode()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for index, character in enumerate(token):
        changed = "A" if character == "." else alphabet[alphabet.index(character) ^ 1]
        assert OURS.verify(token[:index] + changed + token[index + 1 :], "at+jwt") is None


@pytest.mark.parametrize(
    "shape", ["{}", "{}.", "{}..", "{}.e30", "{}.e30.", "{}.e30.e30", "{}.e30.e30.e30", "{}.e30.é", "{}. .AA", ""]
)
def test_what_is_no_token_is_refused_without_a_fault(shape: str) -> None:
    """Missing, empty, extra and broken parts are an answer, not an exception."""
    header = Signer(KEYS[Algorithm.ES256]).header_prefix("JWT").decode().rstrip(".")
    assert OURS.verify(shape.format(header), "JWT") is None


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_noise_is_refused_without_a_fault(noise: str | bytes) -> None:
    """Whatever comes in is an answer, not an exception."""
    assert OURS.verify(noise, "JWT") is None


def test_a_token_beyond_the_bound_is_not_looked_at() -> None:
    """Even one that we signed ourselves."""
    key = KEYS[Algorithm.ES256]
    assert OURS.verify(signed(key, b"x" * LARGEST_TOKEN, "JWT"), "JWT") is None
    assert OURS.verify(signed(key, b"x" * (LARGEST_TOKEN // 2), "JWT"), "JWT") is not None


def test_joserfc_notices_a_changed_payload_of_ours() -> None:
    """The other side really checks: the property tests above could fail."""
    head, _, rest = signed(KEYS[Algorithm.ES256], b'{"a":1}').decode().partition(".")
    changed = f"{head}.{'f' if rest[0] != 'f' else 'e'}{rest[1:]}"
    with pytest.raises((BadSignatureError, ValueError)):
        jwt.decode(changed, theirs(KEYS[Algorithm.ES256]), algorithms=["ES256"])


@each_algorithm
def test_r17_a_sealed_key_opens_as_itself_and_at_its_place_only(algorithm: Algorithm) -> None:
    """Sealed, opened, it signs what the published key verifies; under another name or field it does not open."""
    vault = Vault(MasterKey(SystemRandom().bytes(32)), random=SystemRandom())
    key = KEYS[algorithm]
    sealed = seal_key(vault, key, table="signing_keys", field="private")
    opened = open_key(vault, sealed, kid=key.kid, table="signing_keys", field="private")
    assert OURS.verify(signed(opened, b"{}"), "at+jwt") is not None
    assert key.to_der() not in sealed
    with pytest.raises(SealBroken):
        open_key(vault, sealed, kid="another", table="signing_keys", field="private")
    with pytest.raises(SealBroken):
        open_key(vault, sealed, kid=key.kid, table="signing_keys", field="public")
    stolen = vault.seal("signing-key", "signing_keys", "another", "private", key.to_der())
    with pytest.raises(ValueError, match="not the one"):
        open_key(vault, stolen, kid="another", table="signing_keys", field="private")


@each_algorithm
def test_r17_a_private_key_does_not_show_itself(algorithm: Algorithm) -> None:
    """What is printed of a key is its public side."""
    key = KEYS[algorithm]
    private = theirs(key).as_dict(private=True)
    shown = repr(key) + str(key.public)
    assert not any(str(private[name]) in shown for name in ("d", "p", "q") if name in private)
    assert key.kid in shown


@pytest.mark.parametrize("bits", [1024, 2047, 4096])
def test_a_key_of_another_size_is_not_made(bits: int) -> None:
    """Below 2048 bits RSA is weak (RFC 7518 §3.3); above 3072 it costs more than it gives."""
    with pytest.raises(ValueError, match="2048 or 3072"):
        make(Algorithm.RS256, rsa_bits=bits)


@pytest.mark.parametrize(
    "der",
    [
        ECKey.generate_key("P-384").as_der(private=True),
        OKPKey.generate_key("Ed25519").as_der(private=True),
        b"no key",
    ],
    ids=["P-384", "Ed25519", "no key"],
)
def test_a_key_of_another_kind_is_not_read(der: bytes) -> None:
    """A curve that we do not use, a kind that we do not use, and bytes that are no key."""
    with pytest.raises(ValueError, match=r".+"):
        SigningKey.from_der(der)


@pytest.mark.parametrize(("bits", "read"), [(1024, False), (2047, False), (2049, True), (3072, True)])
def test_an_rsa_key_of_any_size_from_2048_bits_is_read(bits: int, read: bool) -> None:
    """The bound is the RFC's; a size that is no whole number of bytes is published as another implementation does."""
    private = rsa.generate_private_key(public_exponent=3 if bits == 2049 else 65537, key_size=bits)
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    if not read:
        with pytest.raises(ValueError, match="2048"):
            SigningKey.from_der(der)
        return
    key = SigningKey.from_der(der)
    published = RSAKey.import_key(der).as_dict(private=False)
    assert (key.public.members["n"], key.public.members["e"]) == (published["n"], published["e"])


def test_a_public_key_without_its_members_is_refused() -> None:
    """What is missing is named."""
    jwk = KEYS[Algorithm.ES256].public.jwk()
    del jwk["y"]
    with pytest.raises(ValueError, match="lacks 'y'"):
        PublicKey.from_jwk(jwk)


def test_a_signer_has_the_name_of_its_key() -> None:
    """The kid of a signer is the one in the headers that it makes."""
    signer = Signer(KEYS[Algorithm.ES256])
    header = json.loads(base64.urlsafe_b64decode(signer.header_prefix("JWT").rstrip(b".") + b"=="))
    assert header == {"typ": "JWT", "alg": "ES256", "kid": signer.kid}


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_published_key_has_a_certificate_of_its_own(algorithm: Algorithm) -> None:
    """`x5c` with both digests; read back whole; another key's certificate is refused; it holds nothing private."""
    key, created = KEYS[algorithm], Instant(1_700_000_000_000_000)
    jwk = certified(key, created).jwk()
    found = x509.load_der_x509_certificate(b64decode(jwk["x5c"][0]))
    found.verify_directly_issued_by(found)
    assert found.public_key() == key.public.key
    assert found.not_valid_before_utc == to_datetime(created)
    for name, hash_ in (("x5t", hashes.SHA1()), ("x5t#S256", hashes.SHA256())):
        assert urlsafe_b64decode(jwk[name] + "==") == found.fingerprint(hash_)
    assert PublicKey.from_jwk(jwk).jwk() == jwk
    other = certified(KEYS[Algorithm.RS256 if algorithm is Algorithm.ES256 else Algorithm.ES256], created).jwk()
    with pytest.raises(ValueError, match="certificate"):
        PublicKey.from_jwk({**jwk, "x5c": other["x5c"]})
