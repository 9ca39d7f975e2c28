"""
The keys that sign checkpoints of the journal (R15): Ed25519, derived from the master key, never stored.

Whoever can write the whole database cannot sign: what it would take lies in the master key's file alone.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.outside.vault import Vault

__all__ = ["CheckpointKey", "checkpoint_key"]


class CheckpointKey:
    """One of them."""

    __slots__ = ("_private",)

    def __init__(self, seed: bytes) -> None:
        """*seed*: 32 bytes that nobody else has."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> bytes:
        """32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, text: str) -> bytes:
        """64 bytes (RFC 8032)."""
        return self._private.sign(text.encode())


def checkpoint_key(vault: Vault, master: bytes, generation: int) -> CheckpointKey | None:
    """The key of *generation* under the master key with id *master*; None where that is not here."""
    seed = vault.lasting(f"checkpoints:{generation}").get(master)
    return None if seed is None else CheckpointKey(seed)
