"""
Where one record of tokens can be kept: the system's keyring, an encrypted file, the same in memory, or a plain file.

A vault keeps bytes and knows nothing of what they mean. Files are written beside, synced and renamed, so a reader sees
the old or the new record and a crash loses neither; they are 0600 in a 0700 directory. The plain vault is built only
when the person has chosen it by name; which vault is used is `cache`'s business.
"""

import base64
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import keyring
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostiary.client.errors import StorageFailed

__all__ = [
    "KeyringVault", "PlainVault", "SealedVault", "Vault", "private_folder", "read_private", "remove_private",
    "write_private",
]  # fmt: skip

_MAGIC = b"ostiary tokens 1\n"
_NONCE = 12  # bytes; the size that AES-GCM is defined for (NIST SP 800-38D §5.2.1.1)
_KEY = 32
_RECORD_LIMIT = 1024 * 1024


class Vault(Protocol):
    """Keeps one record. Every method raises StorageFailed when it cannot do what it says."""

    @property
    def name(self) -> str:
        """`keyring`, `file`, `memory` or `plaintext`."""

    @property
    def where(self) -> str:
        """The place in words for the person."""

    def load(self) -> bytes | None:
        """The record, or None when there is none."""

    def save(self, record: bytes) -> None:
        """Keep *record* in place of what was there."""

    def forget(self) -> None:
        """Remove the record, if there is one."""


class KeyringVault:
    """
    The keyring of the desktop session. What is saved is read back: a keyring that takes and forgets must not cost a
    sign-in.
    """

    name = "keyring"
    where = "the system keyring"

    def __init__(self, profile: str) -> None:
        self._profile = profile

    def load(self) -> bytes | None:
        if _readable_backend() is not None:
            return None  # nothing of ours was ever put there
        try:
            text = keyring.get_password("ostiary", self._profile)
            return None if text is None else base64.b64decode(text, validate=True)
        except Exception as fault:  # backends raise what they like
            raise StorageFailed(f"the keyring cannot be read: {fault}") from fault

    def save(self, record: bytes) -> None:
        readable = _readable_backend()
        if readable is not None:
            raise StorageFailed(f"the keyring here ({readable}) writes plain text")
        try:
            keyring.set_password("ostiary", self._profile, base64.b64encode(record).decode())
        except Exception as fault:
            raise StorageFailed(f"the keyring cannot be written: {fault}") from fault
        if self.load() != record:
            raise StorageFailed("the keyring did not keep what was written")

    def forget(self) -> None:
        if _readable_backend() is not None:
            return
        try:
            if keyring.get_password("ostiary", self._profile) is not None:
                keyring.delete_password("ostiary", self._profile)
        except Exception as fault:
            raise StorageFailed(f"the keyring cannot be changed: {fault}") from fault


def _readable_backend() -> str | None:
    """
    The name of a configured backend that writes plain text (keyrings.alt has one), also behind others in a chain: what
    is called a keyring must not become a readable file that nobody asked for.
    """
    try:
        chosen = keyring.get_keyring()
        for backend in (chosen, *getattr(chosen, "backends", ())):
            if "plaintext" in type(backend).__name__.lower():
                return type(backend).__name__
    except Exception:  # a backend that cannot even be named fails where it is used
        return None
    return None


class PlainVault:
    """A readable file; only for a person who asked for exactly that."""

    name = "plaintext"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = f"the unencrypted file {path}"

    def load(self) -> bytes | None:
        return read_private(self._path)

    def save(self, record: bytes) -> None:
        write_private(self._path, record)

    def forget(self) -> None:
        remove_private(self._path)


class SealedVault:
    """
    A file encrypted with AES-256-GCM under a random key in a file of its own.

    That keeps the record from being read out of a copied file, an index or an accidental `cat`; whoever can read both
    files as the same user can decrypt. In memory mode both lie in `$XDG_RUNTIME_DIR`, which ends with the person's last
    session.
    """

    def __init__(self, name: str, path: Path, key_path: Path, profile: str, random: Callable[[int], bytes]) -> None:
        self.name = name
        self.where = f"the encrypted file {path}"
        self._path = path
        self._key_path = key_path
        self._bound = b"ostiary tokens 1|" + profile.encode()  # a record copied to another profile does not open
        self._random = random

    def load(self) -> bytes | None:
        sealed = read_private(self._path)
        if sealed is None:
            return None
        if not sealed.startswith(_MAGIC) or len(sealed) < len(_MAGIC) + _NONCE:
            raise StorageFailed(f"{self._path} is damaged; sign in again")
        nonce, text = sealed[len(_MAGIC) : len(_MAGIC) + _NONCE], sealed[len(_MAGIC) + _NONCE :]
        key = read_private(self._key_path)
        if key is None or len(key) != _KEY:
            raise StorageFailed(f"the key {self._key_path} is missing or damaged; sign in again")
        try:
            return AESGCM(key).decrypt(nonce, text, self._bound)
        except InvalidTag as fault:
            raise StorageFailed(f"{self._path} does not open with {self._key_path}; sign in again") from fault

    def save(self, record: bytes) -> None:
        nonce = self._random(_NONCE)
        write_private(self._path, _MAGIC + nonce + AESGCM(self._own_key()).encrypt(nonce, record, self._bound))

    def forget(self) -> None:
        remove_private(self._path)

    def _own_key(self) -> bytes:
        """
        The key, made at first use. The link is atomic: of processes that make one at the same time, one wins and all
        use its key.
        """
        found = read_private(self._key_path)
        if found is not None and len(found) == _KEY:
            return found
        made = self._key_path.with_name(f"{self._key_path.name}.{os.getpid()}.{self._random(6).hex()}")
        try:
            write_private(made, self._random(_KEY))
            if found is not None:
                os.replace(made, self._key_path)  # a damaged key opens nothing, so nothing is lost with it
            else:
                _link(made, self._key_path)
        except OSError as fault:
            raise StorageFailed(f"cannot write {self._key_path}: {fault.strerror}") from fault
        finally:
            made.unlink(missing_ok=True)
        key = read_private(self._key_path)
        if key is None or len(key) != _KEY:
            raise StorageFailed(f"cannot keep a key in {self._key_path}")
        return key


def private_folder(path: Path) -> None:
    """Make *path* a folder that only its owner can open. Raises StorageFailed."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as fault:
        raise StorageFailed(f"cannot use the folder {path}: {fault.strerror}") from fault


def write_private(path: Path, content: bytes) -> None:
    """Put *content* into *path*, 0600, all or nothing, on disk when this returns. Raises StorageFailed."""
    private_folder(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        _write_synced(beside, content)
        os.replace(beside, path)
        _sync_folder(path.parent)
    except OSError as fault:
        with suppress(OSError):
            beside.unlink()
        raise StorageFailed(f"cannot write {path}: {fault.strerror}") from fault


def _write_synced(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link(made: Path, path: Path) -> None:
    try:
        os.link(made, path)
    except FileExistsError:
        return  # another process was first
    _sync_folder(path.parent)


def read_private(path: Path) -> bytes | None:
    """What a file of `write_private` holds; None when there is none. Raises StorageFailed."""
    try:
        with path.open("rb") as file:
            return file.read(_RECORD_LIMIT)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise StorageFailed(f"cannot read {path}: {fault.strerror}") from fault


def remove_private(path: Path) -> None:
    """Remove it, if it is there. Raises StorageFailed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as fault:
        raise StorageFailed(f"cannot remove {path}: {fault.strerror}") from fault
