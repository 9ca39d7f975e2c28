"""
The keyring: the signing keys that this process holds in memory.

Owns which key signs at a moment, which are published and which tokens are ours; all of it follows from the times in
each key's row. Deeds that make and retire keys are in `rotation.py`; private halves are opened here and nowhere else.
Who comes in: the issuer, the verifiers of our own tokens, the `keys` endpoint.

INVARIANT: a key signs only after it has been published for a while, and stays published until the longest token it
signed has ended; a key that is no longer published verifies nothing.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

import orjson

from ostiary.core.words.errors import BrokenState
from ostiary.core.words.instants import Instant
from ostiary.outside.signing_keys import (
    Algorithm,
    PublicKey,
    Signer,
    SigningKey,
    Verified,
    Verifier,
    certified,
    open_key,
    seal_key,
)
from ostiary.outside.vault import Vault
from ostiary.store import Store, Tx
from ostiary.store import keys as rows
from ostiary.store.keys import KeyRow

__all__ = ["ACCESS", "ID", "Keyring", "Signing", "key_row"]

ACCESS = "at+jwt"  # RFC 9068 §2.1
ID = "JWT"
EVENT = "secevent+jwt"  # RFC 8417 §2.3; never verified here, so none is taken for a token

REMEMBERED = 4096  # verified tokens kept in memory, about 1.5 KiB each


@dataclass(frozen=True, slots=True)
class Signing:
    """One key that may sign, with the headers that it puts before each kind of token."""

    signer: Signer
    access: bytes
    id: bytes
    event: bytes

    def sign_access(self, payload: bytes) -> str:
        """An access token (RFC 9068)."""
        return self.signer.sign_jwt(self.access, payload).decode("ascii")

    def sign_id(self, payload: bytes) -> str:
        """An id token."""
        return self.signer.sign_jwt(self.id, payload).decode("ascii")

    def sign_event(self, payload: bytes) -> str:
        """A security event token."""
        return self.signer.sign_jwt(self.event, payload).decode("ascii")


@dataclass(frozen=True, slots=True)
class _Key:
    """One key in memory."""

    row: KeyRow
    public: PublicKey
    signing: Signing | None
    """None once the private half is erased."""

    def signs(self, now: Instant) -> bool:
        until = self.row.signs_until
        return self.row.signs_from <= now and (until is None or now < until)

    def shown(self, now: Instant) -> bool:
        until = self.row.shown_until
        return until is None or now < until


class Keyring:
    """What this process knows of the keys; `load` takes it anew."""

    def __init__(self, vault: Vault) -> None:
        """An empty ring: signs nothing, knows no token."""
        self._vault = vault
        self._keys: tuple[_Key, ...] = ()
        self._shown_until: dict[str, Instant | None] = {}
        self._verifier = Verifier((), ())
        self._verified: OrderedDict[bytes, Verified] = OrderedDict()

    async def load(self, store: Store) -> None:
        """
        Take the keys from *store*. Raises SealBroken or BrokenState when one cannot be opened: better not to start
        than to sign with less.
        """
        self.hold(await store.read(rows.everything))

    async def reload(self, tx: Tx) -> None:
        """Take the keys as *tx* sees them."""
        self.hold(await rows.everything(tx))

    def hold(self, kept: Iterable[KeyRow]) -> None:
        """Hold exactly the keys *kept*; what was verified before is verified again."""
        known = {key.row.kid: key for key in self._keys}
        self._keys = tuple(_key(row, self._vault, known.get(row.kid)) for row in kept)
        self._shown_until = {key.row.kid: key.row.shown_until for key in self._keys}
        self._verifier = Verifier((key.public for key in self._keys), (ACCESS, ID))
        self._verified.clear()

    def signing(self, algorithm: str, now: Instant) -> Signing:
        """
        The key that signs with *algorithm* at *now*: of those that may, the one that began last. Raises BrokenState
        when there is none.
        """
        may = [
            key for key in self._keys if key.signing is not None and key.row.algorithm == algorithm and key.signs(now)
        ]
        if not may:
            raise BrokenState(f"no signing key for {algorithm}")
        last = max(may, key=lambda key: (key.row.signs_from, key.row.kid)).signing
        assert last is not None  # filtered above
        return last

    def verify(self, token: str, typ: str, now: Instant) -> Verified | None:
        """
        What *token* says if it is one of ours, of this *typ*, under a key that is still shown at *now*. Looks at no
        claim.

        Tokens seen lately are found by their digest instead of being verified again; whether the key still counts is
        asked each time.
        """
        digest = sha256(f"{typ} {token}".encode("utf-8", "replace")).digest()
        found = self._verified.get(digest)
        if found is None:
            found = self._verifier.verify(token, typ)
            if found is None:
                return None
            self._remember(digest, found)
        else:
            self._verified.move_to_end(digest)
        until = self._shown_until.get(found.kid, Instant(0))
        return found if until is None or now < until else None

    def _remember(self, digest: bytes, found: Verified) -> None:
        self._verified[digest] = found
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)

    def jwks(self, now: Instant) -> bytes:
        """The JSON Web Key Set (RFC 7517 §5) of every key shown at *now*."""
        return orjson.dumps({"keys": [key.public.jwk() for key in self._keys if key.shown(now)]})

    def held(self) -> tuple[KeyRow, ...]:
        """The rows that were taken last, for the list that administrators see."""
        return tuple(key.row for key in self._keys)


def key_row(vault: Vault, key: SigningKey, *, created: Instant, signs_from: Instant) -> KeyRow:
    """*key* as it is kept: the private half sealed for its row."""
    sealed = seal_key(vault, key, table=rows.TABLE, field=rows.FIELD)
    public = orjson.dumps(certified(key, created).jwk()).decode()
    return KeyRow(key.kid, key.public.algorithm.value, sealed, public, created, signs_from)


def _key(row: KeyRow, vault: Vault, known: _Key | None) -> _Key:
    """*row* in memory; an opened private half is not opened again."""
    if known is not None and bool(row.sealed) == (known.signing is not None):
        return _Key(row, known.public, known.signing)
    public = PublicKey.from_jwk(orjson.loads(row.public))
    if public.kid != row.kid or public.algorithm != Algorithm(row.algorithm):
        raise BrokenState("a signing key's row does not belong to its key")
    if not row.sealed:
        return _Key(row, public, None)
    signer = Signer(open_key(vault, row.sealed, kid=row.kid, table=rows.TABLE, field=rows.FIELD))
    return _Key(row, public, Signing(signer, *(signer.header_prefix(typ) for typ in (ACCESS, ID, EVENT))))
