"""Keys that another issuer publishes: which of them are taken, and what is no set of keys at all."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, RSAKey

from ostiary.outside.issuer_keys import MOST_KEYS, read_keys, read_metadata
from tests.web.oauth.certificates import signed

ISSUER = "https://forge.example"


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    """One RSA key for all."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    """The public key as joserfc writes it."""
    kind = RSAKey if isinstance(key, rsa.RSAPrivateKey) else ECKey
    return {**kind.import_key(key.public_key()).as_dict(private=False), **more}


def taken(*keys: Any) -> int:
    """How many of *keys* are taken."""
    found = read_keys(json.dumps({"keys": keys}).encode())
    assert found is not None
    return len(found)


def test_a_key_of_the_set_verifies_what_it_signed(private: rsa.RSAPrivateKey) -> None:
    """Both sorts, by the algorithm that the set allows, and nothing that another signed."""
    curve = ec.generate_private_key(ec.SECP256R1())
    found = read_keys(json.dumps({"keys": [jwk(private, kid="r", alg="RS256"), jwk(curve)]}).encode())
    assert found is not None
    for key, maker, algorithm in ((found[0], private, "RS256"), (found[1], curve, "ES256")):
        head, payload, signature = signed(maker, {"a": 1}, algorithm).split(".")
        raw = urlsafe_b64decode(signature + "==")
        assert key.made(algorithm, f"{head}.{payload}".encode(), raw)
        assert not key.made(algorithm, f"{head}.{payload}x".encode(), raw)
    head, payload, signature = signed(private, {"a": 1}, "PS256").split(".")
    raw = urlsafe_b64decode(signature + "==")
    assert not found[0].made("PS256", f"{head}.{payload}".encode(), raw)  # the set says RS256


def test_what_we_cannot_use_is_left_out(private: rsa.RSAPrivateKey) -> None:
    """RFC 7517 §5: other curves, short keys, keys for encryption, private and broken ones."""
    right = jwk(private)
    weak = {**right, "n": "_" * 171}  # 1024 bits
    other = jwk(ec.generate_private_key(ec.SECP384R1()))
    odd = [
        weak, other, {**right, "use": "enc"}, {**right, "key_ops": ["sign"]}, {**right, "key_ops": "verify"},
        {**right, "d": "AQAB"}, {**right, "n": 7}, {**right, "n": "!"}, {**right, "e": "AQ"}, {**right, "kid": 1},
        {**right, "kid": "k" * 300}, {**right, "n": "A" * 2000}, {"kty": "oct", "k": "AAAA"}, {"kty": "RSA"}, "x", None,
        {"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"},
    ]  # fmt: skip
    assert taken(*odd, right) == 1


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"keys": {}}', b"\xff", b'{"keys": [' + b"{}," * MOST_KEYS + b"{}]}"]
)
def test_what_is_no_set_of_keys_is_none(raw: bytes) -> None:
    """Too many at once is none as well."""
    assert read_keys(raw) is None


@pytest.mark.parametrize(
    ("said", "address"),
    [({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}, f"{ISSUER}/keys"),
     ({"issuer": ISSUER + "/", "jwks_uri": f"{ISSUER}/keys"}, None), ({"jwks_uri": f"{ISSUER}/keys"}, None),
     ({"issuer": ISSUER, "jwks_uri": "http://forge.example/keys"}, None), ({"issuer": ISSUER, "jwks_uri": 7}, None),
     ({"issuer": ISSUER}, None), ({"issuer": [ISSUER], "jwks_uri": f"{ISSUER}/keys"}, None)],
)  # fmt: skip
def test_metadata_counts_for_its_own_issuer_alone(said: dict[str, Any], address: str | None) -> None:
    """OpenID Connect Discovery §4.3: the document must name exactly the issuer that was asked."""
    assert read_metadata(json.dumps(said).encode(), ISSUER) == address
