"""
The memory of proofs: whatever time does and however many come, none counts twice, and memory has a bound.
"""

from types import SimpleNamespace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import Instant, after, from_iso, seconds
from ostiary.core.words.outcome import Reason
from ostiary.core.words.visit import Visit
from ostiary.services.tokens import proofs as room
from ostiary.services.tokens.proofs import MOST, MOST_USED, REPEATABLE, TURN, Proofs, prove
from tests.holder import Holder

START = from_iso("2026-11-23T08:00:00Z")
ORIGIN, PATH = "https://login.example", "/t/oauth2/v2.0/token"
URI = ORIGIN + PATH
HOLDER = Holder()

# time goes on, or (the machine's clock is put right) back; a proof is made, or one of those that were made is sent
STEPS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([-40, -5, 1, 12, 30, 91, 200])),
    st.tuples(st.just("make"), st.booleans()),
    st.tuples(st.just("send"), st.integers(0, 7)),
)


def sent(proofs: Proofs, now: Instant, proof: str, *, nonce_needed: bool) -> Any:
    """What *proof* shows now."""
    origins = SimpleNamespace(origin=ORIGIN, mtls_origin="")
    house: Any = SimpleNamespace(proofs=proofs, settings=origins)  # the parts of the house that are looked at
    return prove(house, Visit(now, "v"), [proof.encode()], method="POST", path=PATH, nonce_needed=nonce_needed)


@settings(max_examples=300, deadline=None)
@example(  # as new as may be, and forgotten at once
    [
        ("wait", -5), ("make", False), ("wait", -40), ("wait", 30), ("make", False), ("make", False), ("make", False),
        ("send", 0), ("send", 1), ("send", 0),
    ], 1,
)  # fmt: skip
@given(st.lists(STEPS, min_size=10, max_size=60), st.integers(1, 3))
def test_no_proof_counts_twice(steps: list[tuple[str, int]], most: int) -> None:
    """With nonce or without, in any order, with memory for very few, and with a clock that jumps both ways."""
    kept, room.MOST = room.MOST, most
    try:
        proofs, now = Proofs(b"k" * 32, START), after(START, seconds(30))  # later than what nobody remembers
        made: list[tuple[str, bool]] = []
        counted: set[str] = set()
        for what, number in steps:
            if what == "wait":
                now = after(now, seconds(number))
            elif what == "make":
                made.append((HOLDER.proof("POST", URI, now, nonce=proofs.nonce(now) if number else ""), bool(number)))
            elif made:
                proof, with_nonce = made[number % len(made)]
                if sent(proofs, now, proof, nonce_needed=with_nonce).jkt is not None:
                    assert proof not in counted
                    counted.add(proof)
            assert len(proofs._seen) <= most  # white box: the bound is the point
            assert len(proofs._last_seen) <= most
    finally:
        room.MOST = kept


def test_a_nonce_counts_for_its_turn_and_one_more() -> None:
    """90 seconds and as long again; after a silence of that length none does, and the answer brings the next."""
    proofs = Proofs(b"k" * 32, START)
    nonce = proofs.nonce(START)
    proof = HOLDER.proof("POST", URI, START, nonce=nonce)
    assert sent(proofs, after(START, TURN), HOLDER.proof("POST", URI, START, nonce=nonce), nonce_needed=True).jkt
    late = sent(proofs, after(after(START, TURN), TURN), proof, nonce_needed=True)
    assert late.refused.reason is Reason.DPOP_NONCE
    assert late.nonce not in ("", nonce)
    silent = Proofs(b"k" * 32, START)
    old = silent.nonce(START)
    assert silent.nonce(after(after(START, TURN), TURN)) != old
    assert not silent.current(old)
    assert MOST * 2 * 150 < 32 * 1024 * 1024  # bytes that a set needs for one of them, generously


def test_another_process_has_other_nonces() -> None:
    """The key makes them, and nothing else: what one process gave, another does not take."""
    assert Proofs(b"k" * 32, START).nonce(START) != Proofs(b"l" * 32, START).nonce(START)


def test_uses_are_remembered_for_the_minute_that_matters() -> None:
    """A used session stays used; when there were too many to know, all of then count as used."""
    proofs = Proofs(b"k" * 32, START)
    one, other = SessionId("one"), SessionId("other")
    assert proofs.unused(one, START)
    proofs.use(one, START, START)
    assert not proofs.unused(one, START)
    assert proofs.unused(other, START)
    proofs.use(other, START, after(START, REPEATABLE))
    assert proofs.unused(other, START)  # too late to matter
    for number in range(MOST_USED):
        proofs.use(SessionId(str(number)), START, START)
    assert not proofs.unused(SessionId("never seen"), START)
    assert proofs.unused(SessionId("later"), after(START, seconds(1)))
