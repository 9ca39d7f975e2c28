"""
The sign-in that this person has, kept between commands and shared by parallel ones.

Owns the record, which vault holds it, what happens when a vault fails (the next encrypted one takes over and says so;
never plain text, never nothing without an error) and the lock under which tokens are renewed. A record carries a serial
number: if an older one is left in another vault, the newer one counts.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from ostiary.client.certificate import ClientCertificate
from ostiary.client.errors import StorageFailed, TimedOut
from ostiary.client.exchange import Exchange, pause
from ostiary.client.machine import Machine, headless_because
from ostiary.client.profiles import Places
from ostiary.client.proofs import Prover, prover_of
from ostiary.client.vaults import KeyringVault, PlainVault, SealedVault, Vault, private_folder, write_private

__all__ = ["Access", "Cache", "Lock", "SignIn", "open_cache"]

LOCK_PATIENCE = 90.0  # longer than the minute for which a refresh may look for its server
_TURN = 0.05


@dataclass(frozen=True, slots=True)
class Access:
    """One access token. `expires_at` is by this machine's wall clock, counted from the answer's `expires_in`."""

    token: str
    scope: str
    asked: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class SignIn:
    """
    One sign-in with everything that is needed to use, renew and end it without asking the server where its endpoints
    are.

    `how` is `device_code` or `browser`; `ends_at` (wall clock) is None when the server did not say.
    """

    address: str
    issuer: str
    token_endpoint: str
    revocation_endpoint: str | None
    client_id: str
    scope: str
    how: str
    signed_in_at: float
    ends_at: float | None
    username: str | None
    name: str | None
    refresh_token: str | None
    access: tuple[Access, ...]
    serial: int = 0
    key: str | None = None
    """The private key that its tokens are bound to (`proofs.Prover.secret`); None for tokens that anybody could use."""
    certificate: str | None = None
    """Name of the file with the certificate that it comes with over TLS, and of that with its key."""
    certificate_key: str | None = None

    @property
    def pair(self) -> ClientCertificate | None:
        """The certificate that its tokens are asked for and used with; None for a sign-in without."""
        if self.certificate is None:
            return None
        return ClientCertificate(self.certificate, self.certificate_key or self.certificate)


class Cache:
    """The record of one profile in its vaults, the first of which is the chosen one."""

    def __init__(self, vaults: tuple[Vault, ...], lock: Path, machine: Machine) -> None:
        self._vaults = vaults
        self._lock = lock
        self._machine = machine
        self.fell_back: str | None = None
        """Why the chosen vault was not used, once that has happened."""
        self.holder: Vault = vaults[0]
        """The vault that holds the record."""
        self._prover: tuple[str, Prover] | None = None

    @property
    def machine(self) -> Machine:
        """The machine whose clock the record's times are by."""
        return self._machine

    def load(self) -> SignIn | None:
        """The newest record in any vault. Raises StorageFailed when there is one that cannot be read, and no other."""
        newest: SignIn | None = None
        fault: StorageFailed | None = None
        for vault in self._vaults:
            try:
                record = vault.load()
                found = None if record is None else _from_json(record, vault)
            except StorageFailed as failed:
                fault = fault or failed
                continue
            if found is not None and (newest is None or found.serial > newest.serial):
                newest, self.holder = found, vault
        if newest is None and fault is not None:
            raise fault
        return newest

    def prover(self, held: SignIn) -> Prover | None:
        """
        What proves the key of *held*, the same one as long as the key is: it remembers the servers' nonces. Raises
        StorageFailed.
        """
        if held.key is None:
            return None
        if self._prover is None or self._prover[0] != held.key:
            self._prover = held.key, prover_of(held.key, self._machine)
        return self._prover[1]

    def save(self, sign_in: SignIn, *, after: SignIn | None) -> SignIn:
        """
        Keep *sign_in*, newer than *after*, in the first vault that takes it; what was kept.

        The other vaults forget theirs. Raises StorageFailed when none takes it.
        """
        newer = replace(sign_in, serial=(after.serial if after else 0) + 1)
        record = json.dumps(asdict(newer)).encode()
        faults: list[str] = []
        for vault in self._vaults:
            try:
                vault.save(record)
            except StorageFailed as fault:
                faults.append(fault.message)
                continue
            self.holder, self.fell_back = vault, faults[0] if faults else None
            _forget([other for other in self._vaults if other is not vault])
            return newer
        raise StorageFailed("the tokens could not be kept anywhere: " + "; ".join(faults))

    def forget(self) -> None:
        """Remove the record from every vault. Raises StorageFailed when it may still be in one."""
        faults = _forget(self._vaults)
        if faults:
            raise StorageFailed("; ".join(faults))

    def probe(self) -> None:
        """Raises StorageFailed when nothing can be written here: better before the person does the work than after."""
        probe = self._lock.with_suffix(".probe")
        write_private(probe, b"x" * 4096)
        probe.unlink(missing_ok=True)

    def locked(self) -> Exchange["Lock"]:
        """Wait for the lock of this profile; use the result in a `with`. Raises TimedOut, StorageFailed."""
        lock = Lock(self._lock)
        waited = 0.0
        while not lock.take():
            if waited >= LOCK_PATIENCE:
                raise TimedOut(f"another command has held {self._lock} for {LOCK_PATIENCE:.0f} s")
            yield from pause(_TURN)
            waited += _TURN
        return lock


class Lock:
    """A lock among processes and threads: flock(2), which the system releases when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Try once; whether it is ours now. Raises StorageFailed."""
        private_folder(self._path.parent)
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as fault:
            raise StorageFailed(f"cannot use the lock {self._path}: {fault.strerror}") from fault
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # which releases it; the file stays, removing it would let two hold "the" lock
            self._descriptor = None


def open_cache(profile: str, store: str | None, places: Places, machine: Machine) -> Cache:
    """
    The cache of *profile*. *store* is the chosen vault, or None for the keyring where a desktop session has one and the
    encrypted file elsewhere.

    Raises StorageFailed when memory is chosen and there is no `XDG_RUNTIME_DIR`.
    """
    chosen = store or ("keyring" if headless_because(machine) is None else "file")
    if chosen == "memory" and places.memory is None:
        raise StorageFailed("there is no memory store here: XDG_RUNTIME_DIR is not set")
    makers: Mapping[str, Vault | None] = {
        "keyring": KeyringVault(profile),
        "file": _sealed("file", places.state, profile, machine),
        "memory": None if places.memory is None else _sealed("memory", places.memory, profile, machine),
        "plaintext": PlainVault(places.state / f"{profile}.json"),
    }
    order = dict.fromkeys((chosen, "file", "memory"))  # plain text and the keyring are never fallen back to
    if places.memory == places.state:  # one file: the vault that is fallen back to would forget what the other keeps
        order.pop("file" if chosen == "memory" else "memory")
    vaults = tuple(vault for vault in (makers[name] for name in order) if vault is not None)
    folder = places.memory if chosen == "memory" and places.memory is not None else places.state
    return Cache(vaults, folder / f"{profile}.lock", machine)


def _sealed(name: str, folder: Path, profile: str, machine: Machine) -> SealedVault:
    return SealedVault(name, folder / f"{profile}.tokens", folder / "key", profile, machine.random)


def _forget(vaults: Iterable[Vault]) -> list[str]:
    faults = []
    for vault in vaults:
        try:
            vault.forget()
        except StorageFailed as fault:
            faults.append(fault.message)
    return faults


def _from_json(record: bytes, vault: Vault) -> SignIn:
    """The record, or StorageFailed: a half-understood sign-in is worse than none."""
    try:
        fields: dict[str, Any] = json.loads(record)
        access = tuple(Access(**item) for item in fields.pop("access"))
        return SignIn(**fields, access=access)
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise StorageFailed(f"what {vault.where} holds is not a sign-in of this version; sign in again") from fault
