"""R17: secrets at rest."""

import base64
import hashlib
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import (
    CREDENTIAL,
    LARGEST,
    VARIABLE,
    MasterKey,
    MasterKeyRefused,
    SealBroken,
    Vault,
    create_master,
    find_master,
    load_master,
)

RANDOM = SystemRandom()
OLD, NEW = MasterKey(RANDOM.bytes(32)), MasterKey(RANDOM.bytes(32))
VAULT = Vault(OLD, random=RANDOM)
PLACE = ("totp", "people", "row-1", "seed")

words = st.text(max_size=20)


@given(words, words, words, words, st.binary(max_size=200))
def test_r17_what_was_sealed_opens_at_its_place(purpose: str, table: str, row: str, field: str, secret: bytes) -> None:
    """Any secret comes back, and its sealed form does not contain it."""
    sealed = VAULT.seal(purpose, table, row, field, secret)
    assert VAULT.open(purpose, table, row, field, sealed) == secret
    assert len(sealed) == len(secret) + 37
    assert len(secret) < 4 or secret not in sealed


@pytest.mark.parametrize("part", range(4))
def test_r17_a_sealed_value_opens_nowhere_else(part: int) -> None:
    """Moved to another purpose, table, row or field it is refused."""
    sealed = VAULT.seal(*PLACE, b"secret")
    purpose, table, row, field = (word + ("x" if index == part else "") for index, word in enumerate(PLACE))
    with pytest.raises(SealBroken):
        VAULT.open(purpose, table, row, field, sealed)


def test_r17_places_that_read_alike_differ() -> None:
    """A letter that moves from one part of the place to the next makes another place."""
    sealed = VAULT.seal("p", "ab", "c", "d", b"secret")
    with pytest.raises(SealBroken):
        VAULT.open("p", "a", "bc", "d", sealed)


def test_r17_every_changed_byte_is_noticed() -> None:
    """Version, key id, nonce, ciphertext or tag: one flipped bit anywhere, or a cut anywhere, and it does not open."""
    sealed = VAULT.seal(*PLACE, b"secret")
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(SealBroken):
            VAULT.open(*PLACE, bytes(changed))
        with pytest.raises(SealBroken):
            VAULT.open(*PLACE, sealed[:index])


def test_r17_a_nonce_is_never_used_twice() -> None:
    """The same secret sealed twice has two nonces and two ciphertexts."""
    sealed = {VAULT.seal(*PLACE, b"secret") for _ in range(500)}
    assert len({value[9:21] for value in sealed}) == 500
    assert len({value[21:] for value in sealed}) == 500


def test_r17_each_purpose_has_a_key_of_its_own() -> None:
    """Derived keys differ by purpose, from the master and from the id; they are the same at each start."""
    keys = {VAULT.derived(purpose) for purpose in ("user-code", "refresh:1", "refresh:2", "csrf")}
    assert len(keys) == 4
    assert all(len(key) == 32 and key != OLD.secret and OLD.id not in key for key in keys)
    assert Vault(MasterKey(OLD.secret), random=RANDOM).derived("csrf") == VAULT.derived("csrf")
    assert Vault(NEW, random=RANDOM).derived("csrf") != VAULT.derived("csrf")


def test_r17_the_id_is_no_digest_of_the_key() -> None:
    """Who has the database cannot test guesses of the key against the id by a plain hash."""
    digests = [hashlib.new(name, OLD.secret).digest() for name in ("sha256", "sha512", "sha1")]
    assert len(OLD.id) == 8
    assert all(OLD.id not in digest for digest in digests)
    assert OLD.id not in OLD.secret


def test_r17_a_rewrap_moves_values_to_the_new_master_and_may_run_again() -> None:
    """Old values open before and after; a second run changes no byte; without the old key only rewrapped ones open."""
    sealed = VAULT.seal(*PLACE, b"secret")
    both = Vault(NEW, random=RANDOM, previous=(OLD,))
    assert both.open(*PLACE, sealed) == b"secret"
    moved = both.rewrap(*PLACE, sealed)
    assert (Vault.master_id_of(sealed), Vault.master_id_of(moved)) == (OLD.id, NEW.id)
    assert both.rewrap(*PLACE, moved) == moved
    alone = Vault(NEW, random=RANDOM)
    assert alone.open(*PLACE, moved) == b"secret"
    with pytest.raises(SealBroken, match="not here"):
        alone.open(*PLACE, sealed)


def test_r17_keys_derived_before_a_rewrap_are_still_known() -> None:
    """The new master's key comes first, the old one's after it."""
    both = Vault(NEW, random=RANDOM, previous=(OLD,))
    assert both.derived_each("refresh:1") == (both.derived("refresh:1"), VAULT.derived("refresh:1"))
    assert both.current_id == NEW.id


def test_r17_too_long_a_secret_is_refused() -> None:
    """The bound holds on the way in and on the way out."""
    assert len(VAULT.open(*PLACE, VAULT.seal(*PLACE, b"x" * LARGEST))) == LARGEST
    with pytest.raises(ValueError, match="at most"):
        VAULT.seal(*PLACE, b"x" * (LARGEST + 1))
    with pytest.raises(SealBroken, match="unknown form"):
        VAULT.open(*PLACE, bytes([1]) + OLD.id + bytes(LARGEST + 100))


def test_r17_a_master_key_does_not_show_itself() -> None:
    """Neither its text nor that of the vault, nor a refusal, holds key material."""
    shown = repr(OLD) + str(OLD) + repr(VAULT)
    assert OLD.secret.hex() not in shown
    assert repr(OLD.secret)[2:12] not in shown
    with pytest.raises(MasterKeyRefused) as refused:
        MasterKey(b"sixteen byte key")
    assert "sixteen" not in refused.value.reason
    assert pickle.loads(pickle.dumps(OLD)) == OLD


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33, bytes(32), b"ab" * 16, b"x" * 5000])
def test_r17_what_is_no_master_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """Too short, too long, zeros or a pattern: a key that a crash or a person left is not used."""
    path = _file(tmp_path / "key", content)
    with pytest.raises(MasterKeyRefused):
        load_master(path, data_folder=tmp_path / "data")


def test_r17_a_master_key_is_made_once_and_private(tmp_path: Path) -> None:
    """It is 0600, in a folder of 0700, loads again, and is never overwritten."""
    path = tmp_path / "keys" / "master.key"
    made = create_master(path, random=RANDOM)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_master(path, data_folder=tmp_path / "data") == made
    content = path.read_bytes()
    with pytest.raises(MasterKeyRefused, match="not overwritten"):
        create_master(path, random=RANDOM)
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o601, 0o644])
def test_r17_a_master_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """Any bit for group or others is one too many."""
    path = _file(tmp_path / "key", RANDOM.bytes(32), mode)
    with pytest.raises(MasterKeyRefused, match="others may use it"):
        load_master(path, data_folder=tmp_path / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_r17_a_master_key_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Its owner could have read it and can change it."""
    path = _file(tmp_path / "key", RANDOM.bytes(32))
    os.chown(path, 65534, 65534)
    with pytest.raises(MasterKeyRefused, match="user id 65534"):
        load_master(path, data_folder=tmp_path / "data")


def test_r17_a_master_key_inside_the_data_folder_is_for_the_sample_only(tmp_path: Path) -> None:
    """Straight, in a sub-folder, through dots or through a link: inside is inside."""
    data = tmp_path / "data"
    (data / "sub").mkdir(parents=True)
    inside = [_file(data / "key", RANDOM.bytes(32)), _file(data / "sub" / "key", RANDOM.bytes(32))]
    link = tmp_path / "link"
    link.symlink_to(data / "key")
    for path in (*inside, link, data / "sub" / ".." / "key"):
        with pytest.raises(MasterKeyRefused, match="inside the data folder"):
            load_master(path, data_folder=data)
        assert load_master(path, data_folder=data, sample=True).id


def test_r17_a_link_to_a_key_outside_is_followed(tmp_path: Path) -> None:
    """Mounted secrets are links; what counts is the file they lead to."""
    target = _file(tmp_path / "real", RANDOM.bytes(32))
    (tmp_path / "link").symlink_to(target)
    assert load_master(tmp_path / "link", data_folder=tmp_path / "data").secret == target.read_bytes()
    target.chmod(0o644)
    with pytest.raises(MasterKeyRefused):
        load_master(tmp_path / "link", data_folder=tmp_path / "data")


def test_r17_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    """The reason says what is the matter."""
    for path, reason in ((tmp_path / "none", "No such file"), (tmp_path, "regular|directory")):
        with pytest.raises(MasterKeyRefused, match=reason):
            load_master(path, data_folder=tmp_path / "data")


def test_r17_places_are_tried_in_order_and_never_behind_a_broken_one(tmp_path: Path) -> None:
    """The file, the credential, the environment; what is configured and broken is refused, not passed over."""
    file = _file(tmp_path / "file", RANDOM.bytes(32))
    credential = _file(tmp_path / CREDENTIAL, RANDOM.bytes(32), 0o440)
    text = base64.b64encode(RANDOM.bytes(32)).decode()
    everything = {"CREDENTIALS_DIRECTORY": str(tmp_path), VARIABLE: text}

    def found(path: Path | None, environ: dict[str, str]) -> tuple[str, bytes]:
        result = find_master(path=path, data_folder=tmp_path / "data", environ=environ)
        assert (result.warning is not None) == (result.source == "environment")
        return result.source, result.master.secret

    assert found(file, everything) == ("file", file.read_bytes())
    assert found(None, everything) == ("credential", credential.read_bytes())
    assert found(None, {VARIABLE: text}) == ("environment", base64.b64decode(text))
    credential.chmod(0o444)
    for path, environ in ((tmp_path / "missing", everything), (None, everything), (None, {}), (None, {VARIABLE: "?"})):
        with pytest.raises(MasterKeyRefused):
            found(path, environ)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("strip", ["", "="])
def test_r17_the_environment_may_be_written_in_each_base64(encode: Callable[[bytes], bytes], strip: str) -> None:
    """Both alphabets, with or without padding, with a line's end."""
    secret = b"\xfb\xff\xfe" + RANDOM.bytes(29)
    text = encode(secret).decode().rstrip(strip) + "\n"
    found = find_master(path=None, data_folder=Path("/nowhere"), environ={VARIABLE: text})
    assert found.master.secret == secret
    assert found.warning is not None
    assert text.strip() not in found.warning


def _file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path
