"""
Passwords: argon2id in threads of its own, never more of them than the machine can carry (R17).

Owns cost, threads and the queue before them. Owns no rule about passwords: length, normalisation and lists of bad
ones come from `core`, which calls with text that is already normalised. One check costs about 0.1 s and 64 MiB, so a
flood of sign-ins is refused early instead of queued for ever.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

__all__ = ["Busy", "Cost", "Passwords"]

LONGEST = 4096  # bytes of UTF-8; far above any rule, so that nobody hashes megabytes

_Answer = TypeVar("_Answer")


class Busy(Exception):
    """Too many passwords wait already. Nothing was checked: the caller answers *try again*, never *wrong*."""


@dataclass(frozen=True, slots=True)
class Cost:
    """
    What one hash costs: passes, KiB of memory, lanes. The default is the second recommended option of RFC 9106 §4.
    """

    passes: int = 3
    memory: int = 65_536
    lanes: int = 4


class Passwords:
    """
    A bounded pool for hashing and checking.

    At most *threads* run at a time and *waiting* more wait. Called on an event loop, which goes on meanwhile.
    """

    __slots__ = ("_hasher", "_pool", "_room")

    def __init__(self, *, threads: int = 2, waiting: int = 32, cost: Cost | None = None) -> None:
        chosen = cost or Cost()
        self._hasher = PasswordHasher(
            chosen.passes, chosen.memory, chosen.lanes, hash_len=32, salt_len=16, type=Type.ID
        )
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._room = threading.BoundedSemaphore(threads + waiting)

    async def hash(self, password: str) -> str:
        """
        The encoded hash (``$argon2id$v=19$…``, with its salt and cost) to store. Raises `Busy`; ValueError over 4
        KiB.
        """
        raw = _bounded(password)
        if raw is None:
            raise ValueError(f"a password has at most {LONGEST} bytes")
        return await self._run(lambda: self._hasher.hash(raw))

    async def verify(self, encoded: str, password: str) -> bool:
        """
        Whether *password* is the one of *encoded*. Raises `Busy`; ValueError for a stored value that is no hash: a
        fault, which denies.
        """
        raw = _bounded(password)
        return raw is not None and await self._run(lambda: self._matches(encoded, raw))

    async def waste(self, password: str) -> None:
        """
        Cost as much as `verify` where there is no account to verify, so that time does not tell who exists (R16).
        Raises `Busy` alike.
        """
        raw = _bounded(password)
        if raw is not None:
            await self._run(lambda: self._hasher.hash(raw))

    def needs_rehash(self, encoded: str) -> bool:
        """Whether *encoded* was made at another cost than today's: hash again at the next right password."""
        return self._hasher.check_needs_rehash(encoded)

    def close(self) -> None:
        """Let what runs come to its end, drop what waits, end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _matches(self, encoded: str, raw: bytes) -> bool:
        try:
            return self._hasher.verify(encoded, raw)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError):
            raise ValueError("a stored password hash is damaged") from None  # without the hash in the trace

    async def _run(self, work: Callable[[], _Answer]) -> _Answer:
        if not self._room.acquire(blocking=False):
            raise Busy("too many passwords are being checked")
        try:
            future = self._pool.submit(work)
        except RuntimeError:  # the pool is closed: the place must not stay taken
            self._room.release()
            raise
        # Given back when the work is done, not when the caller stops waiting: a caller who leaves does not stop argon2.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _done: "Future[_Answer]") -> None:
        self._room.release()


def _bounded(password: str) -> bytes | None:
    """UTF-8 of *password*; None when it is too long or no text at all (a lone surrogate)."""
    try:
        raw = password.encode()
    except UnicodeEncodeError:
        return None
    return raw if len(raw) <= LONGEST else None
