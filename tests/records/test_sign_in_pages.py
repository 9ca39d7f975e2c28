"""The sign-in log at a million rows: each filter follows an index, looks at a bounded number of rows, and finds all."""

import sqlite3
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.many import EXEMPTION, FIRST, RARE, RESOURCE, SECOND, fill
from ostiary.core.graph.odata import read_query
from ostiary.core.graph.query import Query
from ostiary.core.graph.signin import SIGN_IN
from ostiary.core.graph.signin_filter import MOST_VALUES, NOTHING, Between, Condition, Place, between, conditions
from ostiary.core.logs.story import Story, to_document
from ostiary.core.logs.telling import Protocol
from ostiary.core.words.instants import Instant, to_iso
from ostiary.store import Tx, sign_in_pages
from ostiary.store.migrate import migrate
from ostiary.store.sign_in_pages import INDEXED, LOOK, count_sql, page_sql, reach_sql, signature
from ostiary.store.sql import Sql
from ostiary.store.sqlite import SqliteTx, connect, finish

ROWS = 1_000_000
STEPS = 60 * LOOK  # instructions of SQLite's machine: about thirty for a row that is looked at


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A log of a million sign-ins."""
    path = tmp_path_factory.mktemp("many") / "ostiary.db"
    migrate(path)
    fill(path, ROWS)
    db = connect(path, read_only=True)
    yield db
    db.close()
    path.unlink()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A database without rows: what SQLite would do does not depend on them, for it keeps no statistics here."""
    path = tmp_path_factory.mktemp("empty") / "ostiary.db"
    migrate(path)
    db = connect(path, read_only=True)
    yield db
    db.close()


def plan(db: sqlite3.Connection, statement: Sql) -> list[str]:
    """How SQLite would go about it."""
    given = dict.fromkeys(statement.names) | dict.fromkeys(("look", "most"), 1) | statement.constants
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", given)]


def well(steps: list[str], driver: str) -> bool:
    """One search along the driver's index, nothing scanned, nothing sorted; a bounded count reads what it found."""
    index = "sqlite_autoindex_stories_1" if driver == "id" else f"INDEX stories_{driver or 'started'} "
    read = [step for step in steps if not step.startswith(("CO-ROUTINE", "SCAN (subquery", "SCAN anon"))]
    return len(read) == 1 and read[0].startswith("SEARCH stories") and index in read[0] and "(" in read[0]


@pytest.mark.parametrize("driver", ["", *INDEXED])
def test_no_filter_scans_or_sorts(empty: sqlite3.Connection, driver: str) -> None:
    """Every driver with every pair of other conditions, in both directions, and all of them at once."""
    others = [name for name in INDEXED if name != driver]
    some: list[tuple[Condition, ...]] = [
        (Condition(name, op, ("x",)),) for name, op in product(others, ("eq", "ne", "gt", "starts"))
    ]
    some += [tuple(Condition(name, "eq", ("x",)) for name in pair) for pair in combinations(others, 2)]
    some += [(), tuple(Condition(name, "eq", ("x", "y")) for name in others), (Condition("user", "eq", (None,)),)]
    for asked in some:
        for rising in (False, True):
            assert well(plan(empty, page_sql(driver, signature(asked), rising=rising)), driver), (driver, asked)
        assert well(plan(empty, count_sql(driver, signature(asked))), driver), (driver, asked)
    for rising in (False, True):
        assert well(plan(empty, reach_sql(driver, rising=rising)), driver)


def asked(filter: str) -> tuple[list[Condition], Between]:
    """What the filter asks, and between when."""
    query = read_query([("$filter", filter)] if filter else [], SIGN_IN)
    assert isinstance(query, Query), query
    found = conditions(query.filter)
    assert found is not None
    within, others = between(found)
    return others, within


def look(
    db: sqlite3.Connection, filter: str, *, most: int = 50, rising: bool = False, at: Any = None
) -> tuple[list[str], Place | None, int]:
    """Whose one page is, where the next one begins, and how many instructions it took."""
    others, within = asked(filter)
    if at is not None:
        within = within._replace(above=at) if rising else within._replace(below=at)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 100
        return 0

    tx: Tx = SqliteTx(db, "n1", lambda: b"")
    db.set_progress_handler(step, 100)
    try:
        stories, more = finish(sign_in_pages.page(tx, others, within, most=most, rising=rising))
    finally:
        db.set_progress_handler(None, 0)
    return [story.id for story in stories], more, steps


NEWEST = to_iso(Instant(FIRST + (ROWS - 1000) * SECOND))
OLD = to_iso(Instant(FIRST + 1000 * SECOND))
FILTERS = {
    "": 50,
    f"userId eq '{RARE}'": 20,
    f"userId eq '{RARE}' and conditionalAccessStatus eq 'success' and status/errorCode eq 0": 20,
    f"ostiary/exemptionId eq '{EXEMPTION}' and authenticationProtocol eq 'deviceCode'": 50,
    "conditionalAccessStatus eq 'failure'": 50,
    "status/errorCode eq 53003 and ipAddress eq '203.0.0.7'": 16,
    "status/errorCode ne 0": 50,
    "status/errorCode eq 50126": 0,
    "authenticationProtocol eq 'refreshTokenGrant' and appId eq 'nobody'": 0,
    "signInEventTypes/any(t: t eq 'nonInteractiveUser')": 0,
    "signInEventTypes/any(t: t eq 'interactiveUser')": 50,
    "originalTransferMethod eq 'deviceCodeFlow' and startswith(ipAddress,'203.0.')": 50,
    f"resourceId eq '{RESOURCE}' and createdDateTime ge {NEWEST}": 50,
    f"createdDateTime lt {OLD}": 50,
    f"createdDateTime lt {OLD} and conditionalAccessStatus eq 'failure'": 10,
    f"createdDateTime gt {NEWEST} and createdDateTime lt {OLD}": 0,
    "correlationId eq '00000000-0000-4000-8000-000000000000'": 1,
}


@pytest.mark.parametrize("rising", [False, True])
@pytest.mark.parametrize("filter", FILTERS)
def test_a_page_of_a_million_looks_at_few(many: sqlite3.Connection, filter: str, rising: bool) -> None:
    """However many rows there are and however few match, in both directions."""
    found, _, steps = look(many, filter, rising=rising)
    assert len(found) == FILTERS[filter]
    assert steps < STEPS, steps


def test_what_no_index_answers_comes_in_bounded_pieces(many: sqlite3.Connection) -> None:
    """Two common conditions that never hold together: each page is empty, bounded, and says where to go on."""
    filter, place, seen = "status/errorCode eq 53003 and authenticationProtocol eq 'none'", None, []
    for _ in range(3):
        found, place, steps = look(many, filter, at=place)
        assert found == []
        assert place is not None
        assert steps < STEPS, steps
        seen.append(place)
    assert seen == sorted(seen, reverse=True)
    assert len({*seen}) == 3


def test_pages_that_are_cut_short_leave_nothing_out(many: sqlite3.Connection) -> None:
    """Failures that came from one network within ten thousand seconds: exactly those, once each, in order."""
    low, high = FIRST + 500_000 * SECOND, FIRST + 510_000 * SECOND
    times = f"createdDateTime ge {to_iso(Instant(low))} and createdDateTime lt {to_iso(Instant(high))}"
    filter = f"{times} and startswith(ipAddress,'203.0.1') and status/errorCode ge 1"
    wanted = [
        row[0]
        for row in many.execute(
            "SELECT id FROM stories WHERE started >= ? AND started < ? AND requester >= '203.0.1'"
            " AND requester < '203.0.2' AND error >= 1 ORDER BY started DESC, id DESC",
            (low, high),
        )
    ]
    assert 20 < len(wanted) < 100
    seen: list[str] = []
    place, pages = None, 0
    while True:
        found, place, _ = look(many, filter, most=7, at=place)
        seen += found
        pages += 1
        if place is None:
            break
    assert seen == wanted
    assert pages > len(wanted) / 7


def test_what_cannot_be_counted_cheaply_is_not_counted(many: sqlite3.Connection) -> None:
    """Up to a hundred thousand along one index, two thousand by looking at them; beyond that no number is told."""
    tx: Tx = SqliteTx(many, "n1", lambda: b"")
    counts = {
        "": None,
        f"createdDateTime lt {OLD}": 1000,
        "status/errorCode eq 53003": 10_000,
        f"userId eq '{RARE}' and status/errorCode eq 0": 20,
        "status/errorCode eq 53003 and authenticationProtocol eq 'none'": None,
    }
    for filter, wanted in counts.items():
        assert finish(sign_in_pages.count(tx, *asked(filter))) == wanted, filter


# ---- on a few rows: the same as by looking at all of them

_TEXTS = ("a", "b", None)


@st.composite
def _logs(draw: st.DrawFn) -> list[dict[str, Any]]:
    rows = draw(st.lists(st.tuples(st.integers(0, 9), *(st.sampled_from(_TEXTS) for _ in range(3))), max_size=25))
    return [
        {"id": f"i{n}", "started": at, "user": user, "client": client, "approver": approver}
        for n, (at, user, client, approver) in enumerate(rows)
    ]


_ASKED = st.lists(
    st.one_of(
        st.builds(
            Condition, st.sampled_from(["user", "client", "approver"]), st.just("eq"),
            st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2, unique=True).map(tuple),
        ),
        st.builds(
            Condition, st.sampled_from(["user", "client"]), st.sampled_from(["ne", "gt", "starts"]), st.just(("a",)),
        ),
        st.builds(Condition, st.sampled_from(["user", "approver"]), st.sampled_from(["eq", "ne"]), st.just((None,))),
    ),
    max_size=3,
)  # fmt: skip


def _holds(row: dict[str, Any], condition: Condition) -> bool:
    value, (wanted, *_) = row[condition.column], condition.values
    match condition.op:
        case "eq":
            return value in condition.values
        case "ne":
            return bool(value != wanted)
        case "gt":
            return value is not None and wanted is not None and value > wanted
    return value is not None and value.startswith(wanted)


@settings(max_examples=150, deadline=None)
@given(_logs(), _ASKED, st.booleans(), st.integers(1, 4), st.integers(1, 6))
def test_pages_are_what_looking_at_every_row_finds(
    rows: list[dict[str, Any]], wanted: list[Condition], rising: bool, most: int, looked: int
) -> None:
    """Whatever is asked, and however little a page may look at: all that match, once each, in the log's order."""
    with sqlite3.connect(":memory:") as db, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sign_in_pages, "LOOK", looked * 2)
        for statement in _TABLE:
            db.execute(statement)
        for row in rows:
            values = {**row, "story": orjson.dumps(to_document(Story(row["id"])))}
            db.execute("INSERT INTO stories VALUES (:id, :started, :user, :client, :approver, :story)", values)
        tx: Tx = SqliteTx(db, "n1", lambda: b"")
        seen: list[str] = []
        within = Between()
        for _ in range(200):
            found = finish(sign_in_pages.page(tx, wanted, within, most=most, rising=rising))
            shown = [story.id for story in found.stories]
            assert len(shown) <= most
            seen += shown
            if found.more is None:
                break
            within = Between(above=found.more) if rising else Between(below=found.more)
        else:
            raise AssertionError("it does not end")
    ordered = sorted(rows, key=lambda row: (row["started"], row["id"]), reverse=not rising)
    assert seen == [row["id"] for row in ordered if all(_holds(row, each) for each in wanted)]
    db.close()


_TABLE = (
    "CREATE TABLE stories (id TEXT PRIMARY KEY, started, user, client, approver, story)",
    "CREATE INDEX stories_started ON stories (started, id)",
    "CREATE INDEX stories_user ON stories (user, started, id)",
    "CREATE INDEX stories_client ON stories (client, started, id)",
    "CREATE INDEX stories_approver ON stories (approver, started, id) WHERE approver IS NOT NULL",
)


# ---- what filters say


@pytest.mark.parametrize(
    ("filter", "wanted"),
    [
        ("userId eq 'a' or userId eq 'b'", [Condition("user", "eq", ("a", "b"))]),
        ("userId in ('a', 'b', 'a')", [Condition("user", "eq", ("a", "b"))]),
        ("(userId eq 'a' or userId eq 'b') and appId ne 'c'",
         [Condition("user", "eq", ("a", "b")), Condition("client", "ne", ("c",))]),
        ("status/errorCode ne 0", [Condition("outcome", "eq", ("failure", "pending"))]),
        ("originalTransferMethod eq 'deviceCodeFlow'", [Condition("protocol", "eq", (Protocol.DEVICE_CODE,))]),
        ("originalTransferMethod ne 'none'", [Condition("protocol", "eq", (Protocol.DEVICE_CODE,))]),
        ("originalTransferMethod eq 'authenticationTransfer'", [NOTHING]),
        ("signInEventTypes/any(t: t eq 'nonInteractiveUser')", [Condition("protocol", "eq", (Protocol.REFRESH,))]),
        ("signInEventTypes/any(t: t eq 'managedIdentity')", [NOTHING]),
    ],
)  # fmt: skip
def test_what_a_filter_asks(filter: str, wanted: list[Condition]) -> None:
    """In columns that there are, whatever Graph calls them."""
    assert asked(filter)[0] == wanted


@pytest.mark.parametrize(
    "filter",
    [
        "userId eq 'a' or appId eq 'b'",
        "userId eq 'a' or userId ne 'b'",
        "userId eq 'a' or (userId eq 'b' and appId eq 'c')",
        "not userId eq 'a'",
        f"userId in ({', '.join(repr(str(n)) for n in range(MOST_VALUES + 1))})",
    ],
)
def test_what_is_more_than_walks_along_indexes_is_refused(filter: str) -> None:
    """Nothing is answered in part, or slowly."""
    query = read_query([("$filter", filter)], SIGN_IN)
    assert isinstance(query, Query)
    assert conditions(query.filter) is None


def test_times_are_where_a_walk_begins_and_ends() -> None:
    """Not rows to be looked at: bounds of the index."""
    low, high = Instant(FIRST), Instant(FIRST + SECOND)
    others, within = asked(f"createdDateTime ge {to_iso(low)} and createdDateTime le {to_iso(high)} and userId eq 'a'")
    assert (others, within) == ([Condition("user", "eq", ("a",))], Between(Place(low, ""), Place(high, "~")))
    assert asked(f"createdDateTime eq {to_iso(low)}")[1] == Between(Place(low, ""), Place(low, "~"))
    assert asked(f"createdDateTime gt {to_iso(low)} and createdDateTime lt {to_iso(high)}")[1] == Between(
        Place(low, "~"), Place(high, "")
    )
