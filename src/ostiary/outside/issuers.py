"""
The keys of trusted issuers, as this process remembers them: fetched when needed, kept for a while, never in a flood.

INVARIANT: only issuers that a trust names are asked, each by one request at a time; whoever brings tokens cannot make
us ask more often than `PAUSE`, whatever key they name. What cannot be fetched is not there: nothing is believed on keys
older than `KEPT`.
"""

import asyncio
from dataclasses import dataclass, replace

from ostiary.core.words.instants import Instant, after, hours, minutes, seconds
from ostiary.outside.issuer_keys import IssuerKey, read_keys, read_metadata
from ostiary.outside.outgoing import Answer, Outgoing

__all__ = ["FRESH", "KEPT", "PAUSE", "Issuers"]

FRESH = minutes(10)
"""After this the keys are fetched again before they are used; an issuer that is down leaves them in use."""
KEPT = hours(1)
"""How long keys count without having been fetched again: a key that its issuer withdrew dies within it."""
PAUSE = seconds(30)
"""Between two requests for a key that the kept set lacks, and after one that failed."""
MOST = 512
"""Issuers that are remembered."""
METADATA = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: tuple[IssuerKey, ...] = ()
    fetched: Instant | None = None
    tried: Instant | None = None


class Issuers:
    """What one process knows of them."""

    def __init__(self, outgoing: Outgoing) -> None:
        """*outgoing* asks the network (R24)."""
        self._outgoing = outgoing
        self._kept: dict[str, _Kept] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def keys(self, issuer: str, kid: str, now: Instant) -> tuple[IssuerKey, ...] | None:
        """
        The keys of *issuer*, one of a trust, that a token naming *kid* (perhaps empty) may be signed with; None when
        nobody knows its keys now.
        """
        kept = self._kept.get(issuer, _Kept())
        if self._must_ask(kept, kid, now):
            async with self._turns.setdefault(issuer, asyncio.Lock()):
                kept = self._kept.get(issuer, _Kept())
                if self._must_ask(kept, kid, now):  # nobody did while we waited
                    kept = await self._ask(issuer, kept, now)
        if kept.fetched is None or after(kept.fetched, KEPT) <= now:
            return None
        return _named(kept.keys, kid)

    def _must_ask(self, kept: _Kept, kid: str, now: Instant) -> bool:
        if kept.tried is not None and now < after(kept.tried, PAUSE):
            return False
        return kept.fetched is None or after(kept.fetched, FRESH) <= now or not _named(kept.keys, kid)

    async def _ask(self, issuer: str, kept: _Kept, now: Instant) -> _Kept:
        """One request for the metadata and one for the keys; a failure leaves what was kept."""
        if len(self._kept) >= MOST and issuer not in self._kept:  # many registrations: begin anew rather than grow
            self._kept.clear()
            self._turns = {name: turn for name, turn in self._turns.items() if turn.locked()}
        found = await self._fetched(issuer)
        new = replace(kept, tried=now) if found is None else _Kept(found, now, now)
        self._kept[issuer] = new
        return new

    async def _fetch(self, address: str) -> bytes | None:
        answer = await self._outgoing.ask("GET", address, headers={"accept": "application/json"})
        return answer.body if isinstance(answer, Answer) and answer.status == 200 else None

    async def _fetched(self, issuer: str) -> tuple[IssuerKey, ...] | None:
        metadata = await self._fetch(issuer.rstrip("/") + METADATA)
        address = read_metadata(metadata, issuer) if metadata is not None else None
        raw = await self._fetch(address) if address is not None else None
        return read_keys(raw) if raw is not None else None


def _named(keys: tuple[IssuerKey, ...], kid: str) -> tuple[IssuerKey, ...]:
    """The keys called *kid*; all of them for a token that names none."""
    return tuple(key for key in keys if key.kid == kid) if kid else keys
