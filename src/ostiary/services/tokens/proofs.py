"""
Proofs of keys at the porch: the nonces of this process, and which proofs it has seen.

INVARIANT: a proof counts once. Everything that came since a nonce was first given is remembered for as long as that
nonce counts; when there is no room any more, the nonce stops to count instead. Nonces come of a key that each process
makes at its start, so no proof from before a restart counts after it, and nothing of this has to be written
(docs/decisions/0035). Memory only: a poll with a proof stays a poll that writes nothing.
"""

from ostiary.core.tokens.dpop import Broken, Check, Expected, judge, normal_uri
from ostiary.core.words.digests import keyed, same
from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import Instant, Span, after, between, seconds
from ostiary.core.words.jose import encode
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Proof
from ostiary.core.words.visit import Visit
from ostiary.services.house import House

__all__ = ["REPEATABLE", "Proofs", "prove"]

TURN = seconds(90)
"""How long one nonce is given; it counts for as long again after that."""
MOST = 100_000  # proofs remembered for one nonce

REPEATABLE = seconds(60)
"""For how long a redemption may be answered again (R14), and so how long uses of what it gave are remembered."""
MOST_USED = 20_000

_SENTENCES = {
    Check.ONE_HEADER: "There must be one DPoP header.",
    Check.WELL_FORMED: "The proof is not a JWT.",
    Check.CLAIMS: "The proof lacks jti, htm, htu, iat or ath.",
    Check.TYPE: "The proof's typ must be dpop+jwt.",
    Check.ALGORITHM: "The proof must be signed with ES256.",
    Check.SIGNATURE: "The proof's signature does not fit its key.",
    Check.PRIVATE_KEY: "The proof shows a private key: make a new one.",
    Check.METHOD: "The proof's htm is another method.",
    Check.URI: "The proof's htu is another address.",
    Check.TIME: "The proof's iat is too old or lies ahead.",
    Check.TOKEN: "The proof's ath is of another token.",
    Check.REPLAYED: "The proof was used before.",
}
"""What the sender is told; the journal has the check's name."""


class Proofs:
    """
    What one process gave and saw: two generations, of which the older one is forgotten as a whole.

    A generation has one nonce, the same for everybody, and the proofs that came while it was the newest or with it.
    """

    def __init__(self, key: bytes, now: Instant) -> None:
        """*key* is 32 random bytes of this process; what came before *now* is not known."""
        self._key = key
        self._number = 0
        self._born = self._since = self._turned = self._latest = now
        self._nonce = self._last_nonce = self._made()
        self._seen: set[bytes] = set()
        self._last_seen: set[bytes] = set()
        self._used: dict[SessionId, Instant] = {}
        self._sure_from = now

    @property
    def since(self) -> Instant:
        """From when on everything that came is remembered."""
        return self._since

    def nonce(self, now: Instant) -> str:
        """The one to give."""
        self._turn(now)
        return self._nonce

    def current(self, nonce: str) -> bool:
        """Whether *nonce* counts. `nonce` has to be asked first: it lets time pass."""
        given = nonce.encode("utf-8", "replace")
        return same(given, self._nonce.encode()) | same(given, self._last_nonce.encode())

    def first(self, id: bytes) -> bool:
        """Whether the proof *id* comes for the first time; it is remembered."""
        if id in self._seen or id in self._last_seen:
            return False
        self._seen.add(id)
        return True

    def use(self, session: SessionId, created: Instant, now: Instant) -> None:
        """A token of *session* was used; worth remembering while its redemption may still be answered again."""
        if between(created, now) >= REPEATABLE or session in self._used:
            return
        while self._used and between(next(iter(self._used.values())), now) >= REPEATABLE:
            del self._used[next(iter(self._used))]
        if len(self._used) >= MOST_USED:  # too many to know: all that exist now count as used
            self._used.clear()
            self._sure_from = after(now, Span(1))
        self._used[session] = now

    def unused(self, session: SessionId, created: Instant) -> bool:
        """Whether, as far as this process knows, nothing that *session* gave was used yet."""
        return session not in self._used and created >= self._sure_from

    def _turn(self, now: Instant) -> None:
        """Begin a generation when the newest one is old or full; what the last but one knew is forgotten with it."""
        age = between(self._born, now)
        self._latest = max(self._latest, now)
        if 0 <= age < TURN and len(self._seen) < MOST:
            return
        self._last_seen, self._seen = self._seen, set()
        self._since, self._turned, self._born = self._turned, self._latest, now
        self._number += 1
        self._last_nonce, self._nonce = self._nonce, self._made()
        if age >= 2 * TURN:  # nobody came for so long
            self._last_nonce = self._nonce

    def _made(self) -> str:
        return encode(keyed(self._key, "nonce", str(self._number))[:18])


def prove(
    house: House,
    visit: Visit,
    shown: list[bytes],
    *,
    method: str,
    path: str,
    token: str = "",
    nonce_needed: bool = True,
) -> Proof:
    """
    What the DPoP headers *shown* of a *method* request for *path* prove; *token* is the access token beside them.

    The address is one of ours with that path: which of the two names the request came by is no matter.

    Memory alone. A refusal in it is DPOP_NONCE (with a current one, go on) or DPOP_INVALID.
    """
    proofs = house.proofs
    nonce = proofs.nonce(visit.now)
    origins = (house.settings.origin, house.settings.mtls_origin)
    uris = tuple(normal_uri(origin + path) for origin in origins if origin)
    expected = Expected(method, uris, visit.now, proofs.current, proofs.since, nonce_needed, token)
    judged = judge(shown, expected)
    if not isinstance(judged, Broken):
        if proofs.first(judged.id):
            return Proof(judged.jkt, nonce=nonce)
        judged = Broken(Check.REPLAYED)
    if judged.check is Check.NONCE:
        return Proof(refused=Refused(Reason.DPOP_NONCE), nonce=nonce)
    refused = Refused(Reason.DPOP_INVALID, _SENTENCES[judged.check], field=judged.check.value)
    return Proof(refused=refused, nonce=nonce)
