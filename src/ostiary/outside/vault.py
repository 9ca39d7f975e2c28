"""
Secrets at rest: what must be read back is sealed under a master key that the database never sees (R17).

Owns the master key (where it may lie, how it is made), the sealed form and the keys derived from the master. A sealed
value is bound to its place: copied to another row, field or table it does not open. Knows no table; callers name the
place. Signing keys, TOTP seeds, and later upstream and webhook secrets come in.

Sealed form: version (1 byte) · master key id (8) · nonce (12) · AES-256-GCM ciphertext and tag.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostiary.outside import files
from ostiary.outside.random import Random

__all__ = [
    "FoundMaster",
    "MasterKey",
    "MasterKeyRefused",
    "SealBroken",
    "Vault",
    "create_master",
    "find_master",
    "find_previous",
    "load_master",
]

CREDENTIAL = "ostiary-master-key"  # the name in systemd's LoadCredential=
PREVIOUS_CREDENTIAL = "ostiary-previous-master-key"
VARIABLE = "OSTIARY_MASTER_KEY"
LARGEST = 64 * 1024  # bytes of one sealed secret; an RSA-3072 key has 1.8 KiB

_SIZE = 32
_VERSION = 1
_ID = 8
_NONCE = 12
_TAG = 16
_HEAD = 1 + _ID + _NONCE


class MasterKeyRefused(Exception):
    """
    The master key cannot be used; `reason` is a sentence fit for the operator's screen. It never holds key material.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SealBroken(Exception):
    """
    A sealed value does not open: changed, moved, of an unknown form, or under a master key that is not here. Says no
    more, on purpose.
    """


@dataclass(frozen=True, slots=True)
class MasterKey:
    """
    32 random bytes from which every other key at rest is derived.

    *id* (8 bytes) is stored with each sealed value. It is a digest of a derived key, never of the key itself, so it
    gives nothing to compare guesses of the key with. Two are equal when their ids are.
    """

    secret: bytes = field(repr=False, compare=False)
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _SIZE:
            raise MasterKeyRefused(f"a master key has {_SIZE} bytes, this one {len(self.secret)}")
        if len(set(self.secret)) < 8:  # of 32 random bytes about 30 differ; fewer than 8 never happens (below 2^-120)
            raise MasterKeyRefused("this master key is not random")
        object.__setattr__(self, "id", sha256(_derive(self.secret, "master-id", "")).digest()[:_ID])


@dataclass(frozen=True, slots=True)
class FoundMaster:
    """A master key, where it was found, and what the operator should be told about that place."""

    master: MasterKey
    source: Literal["file", "credential", "environment"]
    warning: str | None = None


class Vault:
    """
    Seals and opens secrets under the current master key; opens those of previous ones too, so that they can be
    rewrapped while serving.

    Safe among threads. One data key, derived per purpose, may seal 2^32 values with random nonces (NIST SP 800-38D
    §8.3): far beyond what is sealed here.
    """

    __slots__ = ("_ciphers", "_current", "_epoch", "_masters", "_random")
    _current: MasterKey
    _masters: dict[bytes, MasterKey]

    def __init__(
        self, current: MasterKey, *, random: Random, previous: tuple[MasterKey, ...] = (), epoch: int = 0
    ) -> None:
        """*epoch* is the generation of `derived` keys: a restore from backup brings another one."""
        self._epoch = f":{epoch}" if epoch else ""
        self._random = random
        self._ciphers: dict[tuple[bytes, str], AESGCM] = {}
        self.take(current, previous)

    def take(self, current: MasterKey, previous: tuple[MasterKey, ...] = ()) -> None:
        """
        Seal under *current* from now on, and open under these alone. The caller knows that nothing needs another one.
        """
        self._masters = {master.id: master for master in (current, *previous)}
        self._current = current

    @property
    def current_id(self) -> bytes:
        """The id of the master key under which new values are sealed (8 bytes)."""
        return self._current.id

    @property
    def ids(self) -> frozenset[bytes]:
        """The ids of every master key here."""
        return frozenset(self._masters)

    def seal(self, purpose: str, table: str, row: str, field: str, plaintext: bytes) -> bytes:
        """
        *plaintext* (at most 64 KiB) sealed for one place: 37 bytes longer.

        *purpose* chooses the data key; *table*, *row* and *field* are authenticated with it and must be the same when
        it is opened.
        """
        if len(plaintext) > LARGEST:
            raise ValueError(f"a sealed secret has at most {LARGEST} bytes")
        nonce = self._random.bytes(_NONCE)
        sealed = self._cipher(self._current.id, purpose).encrypt(nonce, plaintext, _place(table, row, field))
        return bytes([_VERSION]) + self._current.id + nonce + sealed

    def open(self, purpose: str, table: str, row: str, field: str, sealed: bytes) -> bytes:
        """The plaintext of *sealed*. Raises `SealBroken` unless purpose and place are those that it was sealed for."""
        cipher = self._cipher(self.master_id_of(sealed), purpose)
        try:
            return cipher.decrypt(sealed[1 + _ID : _HEAD], sealed[_HEAD:], _place(table, row, field))
        except InvalidTag:
            raise SealBroken("a sealed value does not open at its place") from None

    def rewrap(self, purpose: str, table: str, row: str, field: str, sealed: bytes) -> bytes:
        """
        *sealed* under the current master key; the very same bytes when it already is, so a rewrap that was killed can
        simply run again.
        """
        if self.master_id_of(sealed) == self._current.id:
            return sealed
        return self.seal(purpose, table, row, field, self.open(purpose, table, row, field, sealed))

    @staticmethod
    def master_id_of(sealed: bytes) -> bytes:
        """The id of the master key that *sealed* needs. Raises `SealBroken` when it is not of a known form."""
        if not _HEAD + _TAG <= len(sealed) <= _HEAD + _TAG + LARGEST or sealed[0] != _VERSION:
            raise SealBroken("a sealed value has an unknown form")
        return sealed[1 : 1 + _ID]

    def derived(self, purpose: str) -> bytes:
        """
        A key of 32 bytes for *purpose* (user codes, refresh tokens, form tokens), of the current master key; the same
        at each start.

        Another epoch gives other keys without a new master key, as a restore needs.
        """
        return _derive(self._current.secret, "derived", purpose + self._epoch)

    def derived_each(self, purpose: str) -> tuple[bytes, ...]:
        """
        `derived` of every master key here, the current one first: what was made before a change of master key is
        still recognised.
        """
        masters = self._masters
        return tuple(_derive(master.secret, "derived", purpose + self._epoch) for master in masters.values())

    def lasting(self, purpose: str) -> dict[bytes, bytes]:
        """
        A key of 32 bytes for *purpose* of every master key here, by its id. A restore does not change it: for what was
        made once to be compared for years.
        """
        return {id: _derive(master.secret, "lasting", purpose) for id, master in self._masters.items()}

    def _cipher(self, master_id: bytes, purpose: str) -> AESGCM:
        """The data key's cipher, made once; purposes are words of our own code, so there are few."""
        master = self._masters.get(master_id)
        if master is None:
            raise SealBroken("a sealed value needs a master key that is not here")
        cipher = self._ciphers.get((master_id, purpose))
        if cipher is None:
            cipher = self._ciphers[master_id, purpose] = AESGCM(_derive(master.secret, "seal", purpose))
        return cipher


def find_master(
    *, path: Path | None, data_folder: Path, sample: bool = False, environ: Mapping[str, str]
) -> FoundMaster:
    """
    The master key from the first place that is configured: the file *path*, systemd's credential folder, the
    environment.

    A place that is configured and cannot be used is refused; the next one is never tried instead. Raises
    `MasterKeyRefused`.
    """
    if path is not None:
        return FoundMaster(load_master(path, data_folder=data_folder, sample=sample), "file")
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and os.path.lexists(Path(folder) / CREDENTIAL):
        return FoundMaster(_load_credential(Path(folder), CREDENTIAL), "credential")
    if text := environ.get(VARIABLE):
        warning = f"the master key comes from {VARIABLE}, which child processes and crash reports can see: use a file"
        return FoundMaster(MasterKey(_from_text(text)), "environment", warning)
    raise MasterKeyRefused(f"there is no master key: no file is configured, no credential {CREDENTIAL}, no {VARIABLE}")


def find_previous(
    *, paths: tuple[Path, ...], data_folder: Path, sample: bool = False, environ: Mapping[str, str]
) -> tuple[MasterKey, ...]:
    """
    The master keys that were in use before: the files *paths*, checked as the current one's is, and systemd's
    credential for it. One that is named and cannot be used is refused. Raises `MasterKeyRefused`.
    """
    found = tuple(load_master(path, data_folder=data_folder, sample=sample) for path in paths)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and os.path.lexists(Path(folder) / PREVIOUS_CREDENTIAL):
        found += (_load_credential(Path(folder), PREVIOUS_CREDENTIAL),)
    return found


def load_master(path: Path, *, data_folder: Path, sample: bool = False) -> MasterKey:
    """
    The master key in the file *path*: 32 raw bytes, ours, closed to group and others, outside *data_folder* unless
    *sample* (R17).

    Raises `MasterKeyRefused` with the reason.
    """
    real = path.resolve()
    if not sample and real.is_relative_to(data_folder.resolve()):
        raise MasterKeyRefused(f"{path} lies inside the data folder, where a backup would carry key and data together")
    status, content = _read(real)
    if reason := files.exposure(status, owners=(os.geteuid(),)):
        raise MasterKeyRefused(f"{path} is not private: {reason}; it must be yours with mode 0600 or 0400")
    return MasterKey(content)


def create_master(path: Path, *, random: Random) -> MasterKey:
    """
    Make a master key in the new file *path* (0600), on disk when this returns; its folder is made 0700 if there is
    none.

    Raises `MasterKeyRefused` when something of that name exists: a master key is never overwritten.
    """
    master = MasterKey(random.bytes(_SIZE))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        files.create(path, master.secret)
    except FileExistsError:
        raise MasterKeyRefused(f"{path} exists and is not overwritten") from None
    return master


def _load_credential(folder: Path, name: str) -> MasterKey:
    """
    The master key that systemd put there.

    systemd owns the file and lets us read it by an ACL, which shows as a group bit (systemd.exec(5),
    LoadCredential=): only others are refused.
    """
    status, content = _read(folder / name)
    if reason := files.exposure(status, owners=(0, os.geteuid()), forbidden=0o037):
        raise MasterKeyRefused(f"the credential {name} is not private: {reason}")
    return MasterKey(content)


def _read(path: Path) -> tuple[os.stat_result, bytes]:
    try:
        return files.read_bounded(path, 4 * _SIZE)
    except ValueError:
        raise MasterKeyRefused(f"{path} is no master key: it has more than {_SIZE} bytes") from None
    except OSError as error:
        raise MasterKeyRefused(f"{path} cannot be read: {error.strerror or 'it is not a regular file'}") from None


def _from_text(text: str) -> bytes:
    """32 bytes from base64 or base64url, padded or not."""
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise MasterKeyRefused(f"{VARIABLE} is not base64") from None


@lru_cache(maxsize=64)  # asked for on every request that looks at a code or a form
def _derive(secret: bytes, branch: str, purpose: str) -> bytes:
    """
    HKDF-SHA256 (RFC 5869); no salt, since the input is uniformly random already (§3.1). *branch* keeps the uses
    apart.
    """
    info = f"ostiary/1/{branch}/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=_SIZE, salt=None, info=info).derive(secret)


def _place(table: str, row: str, field: str) -> bytes:
    """What is authenticated with the value; each part with its length before it, so that no two places read alike."""
    parts = [part.encode() for part in (table, row, field)]
    return bytes([_VERSION]) + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
