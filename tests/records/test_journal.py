"""The journal itself: canonical entries, leaf hashes and gapless numbers (R15), and its list of kinds."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.graph.audit import ACTIVITIES
from ostiary.core.logs.canonical import canonical
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.merkle import leaf_hash
from ostiary.core.logs.story import belongs
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.instants import Instant
from ostiary.core.words.visit import Visit
from ostiary.services.logs.record import record
from ostiary.store import Tx
from ostiary.store.logs import since
from ostiary.store.sql import Sql
from tests.records.house import a_house, local, visit
from tests.records.journal_page import kinds_in_words, page

ROOT = Path(__file__).resolve().parents[2]

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_KEY = st.text(st.characters(min_codepoint=1, max_codepoint=126), min_size=1, max_size=8)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEY, inner, max_size=4),
    max_leaves=12,
)


_SALT = st.binary(min_size=16, max_size=16)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_KEY, _VALUE, max_size=5), _TEXT, _TEXT, st.integers(1, 2**53 - 1), _SALT)
def test_r15_the_leaf_is_rfc_9162_over_rfc_8785(
    detail: dict[str, Any], name: str, agent: str, n: int, salt: bytes
) -> None:
    """An independent implementation of canonical JSON writes the same bytes, and SHA-256(0x00 || bytes) is the leaf."""
    seen = Visit(Instant(n), "v", agent=agent, caller=Caller(CallerKind.USER, "u", name))
    written = canonical(Entry(Kind.STARTED, detail=detail), seen, stream="n1", number=n, salt=salt)
    assert written == rfc8785.dumps(orjson.loads(written))
    assert leaf_hash(written) == sha256(b"\x00" + written).digest()


@given(_TEXT)
def test_r21_text_from_outside_is_cut_and_escaped(text: str) -> None:
    """At most 512 bytes of UTF-8, and nothing that moves a cursor or breaks a line."""
    cut = tame(text * 40)
    assert len(cut.encode()) <= 512
    assert cut.isprintable()


def test_r15_numbers_stay_gapless_when_deeds_are_rolled_back(tmp_path: Path) -> None:
    """Half of two hundred concurrent deeds fail after their entry was written; the others are 1, 2, 3 and so on."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, _):
            seen = visit(house, local())

            async def deed(number: int) -> None:
                async def body(tx: Tx) -> None:
                    await record(tx, seen, Entry(Kind.ALERT, detail={"about": str(number), "text": ""}))
                    if number % 2:
                        raise RuntimeError("planted")

                await house.store.write(body)

            outcomes = await asyncio.gather(*(deed(n) for n in range(200)), return_exceptions=True)
            assert sum(isinstance(outcome, RuntimeError) for outcome in outcomes) == 100

            async def look(tx: Tx) -> list[tuple[int, bytes, str]]:
                rows = await tx.all(Sql("SELECT number, leaf, body FROM journal ORDER BY position", "", ()))
                return [(number, hashed, body) for number, hashed, body in rows]

            rows = await house.store.read(look)
            assert [number for number, _, _ in rows] == list(range(1, 101))
            assert all(hashed == sha256(b"\x00" + body.encode()).digest() for _, hashed, body in rows)

            async def salts(tx: Tx) -> set[str]:
                return {str(entry.body["salt"]) for entry in await since(tx, 0, 1000)}

            assert len(await house.store.read(salts)) == 100

    asyncio.run(run())


def test_the_page_about_the_journal_is_made_from_its_kinds() -> None:
    """`docs/journal.md` says what the list of kinds says; `python -m tests.records.journal_page` writes it anew."""
    assert (ROOT / "docs" / "journal.md").read_text(encoding="utf-8") == page()


def test_every_kind_says_what_it_means() -> None:
    """A kind without words could not be read in the log, one without Graph's words not in the audits."""
    assert set(kinds_in_words()) == {kind.value for kind in Kind}
    assert {kind for kind in Kind if not belongs(kind)} == set(ACTIVITIES)
    names = [activity.name for activity in ACTIVITIES.values()]
    assert len(set(names)) == len(names)


def test_no_kind_is_named_twice() -> None:
    """An alias would hide one of two entries under the other's name."""
    assert len(Kind.__members__) == len(set(Kind))
