"""The sign-in log tells what the journal tells, in whatever pieces and order it is read."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, update

from ostiary.core.exemptions.opening import Opening
from ostiary.core.graph.audit import AUDIT
from ostiary.core.graph.fields import Field
from ostiary.core.graph.odata import read_query
from ostiary.core.graph.query import Page, Query
from ostiary.core.graph.signin import SIGN_IN, error_number
from ostiary.core.logs.entry import Entry, Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import Story, belongs, fold, from_document, to_document
from ostiary.core.logs.telling import Outcome, Protocol, Telling, tell
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.instants import Instant, hours, minutes, seconds
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.exemptions.open import open_exemption
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.logs.sign_ins import signin, signins
from ostiary.services.logs.stories import READER, catch_up
from ostiary.store import Tx, logs
from ostiary.store.exemptions import Shown
from ostiary.store.schema import sessions, users
from ostiary.store.sql import sql
from ostiary.store.stories import count_sql, page_sql
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, CLI, a_house, alice, bob, visit

T0 = MovableClock().now()
ENDS = Instant(T0 + minutes(5))


def entry(kind: Kind, after: int, *, number: int = 0, stream: str = "n1", actor: str = "", **detail: Any) -> Recorded:
    """One entry of the story ``s``, *after* seconds past the start."""
    who = f"user:{BOB}" if actor == "bob" else actor or "nobody"
    body = {"actor_name": "Bob" if actor == "bob" else "", "address": f"addr-{who[:4]}", "agent": "a", "detail": detail}
    return Recorded(number, stream, number, kind.value, Instant(T0 + seconds(after)), "s", who, "", body)


def told(*entries: Recorded, after: int = 10_000) -> Telling:
    """What they tell, *after* seconds past the start."""
    return tell(fold(Story("s"), entries), Instant(T0 + seconds(after)))


STARTED = entry(Kind.STARTED, 0, number=1, client=CLI, client_name="CLI", scopes=["User.Read"], ends=ENDS)
CLAIMED = entry(Kind.CLAIMED, 10, number=2, actor="bob", user=BOB, user_name="bob@example.com")
APPROVED = entry(Kind.APPROVED, 20, number=3, actor="bob", user=BOB, exemption="x", amr=["pwd", "mfa"])
REDEEMED = entry(Kind.REDEEMED, 30, number=4, user=BOB, client=CLI, session="f", exemption="x", jti="j", scopes=["a"])
NUMBERED = replace(APPROVED, body={**APPROVED.body, "detail": {**APPROVED.body["detail"], "number": True}})
"""Approved, with a number that the machine has to bring."""


@pytest.mark.parametrize(
    ("entries", "after", "outcome", "reason"),
    [
        ((STARTED,), 1, "pending", ""),
        ((STARTED,), 299, "pending", ""),
        ((STARTED,), 300, "failure", "code_expired"),
        ((STARTED, CLAIMED, APPROVED), 319, "pending", ""),
        ((STARTED, CLAIMED, APPROVED), 320, "failure", "code_expired"),
        ((STARTED, CLAIMED, APPROVED, REDEEMED), 9999, "success", ""),
        ((STARTED, CLAIMED, NUMBERED), 139, "pending", ""),
        ((STARTED, CLAIMED, NUMBERED), 140, "failure", "code_expired"),
        ((STARTED, CLAIMED, NUMBERED, entry(Kind.NUMBER_CONFIRMED, 100)), 399, "pending", ""),
        ((STARTED, CLAIMED, NUMBERED, entry(Kind.NUMBER_CONFIRMED, 100)), 400, "failure", "code_expired"),
        ((STARTED, CLAIMED, entry(Kind.BINDING_WRONG, 12)), 13, "pending", ""),
        ((STARTED, CLAIMED, entry(Kind.BOUND, 12)), 13, "pending", ""),
        ((STARTED, CLAIMED, entry(Kind.BINDING_FAILED, 15)), 16, "failure", "wrong_binding"),
        ((STARTED, CLAIMED, entry(Kind.DENIED, 15)), 16, "failure", "denied"),
        ((STARTED, CLAIMED, entry(Kind.REPORTED, 15)), 16, "failure", "reported"),
        ((STARTED, entry(Kind.BLOCKED, 5, reason="blocked")), 6, "failure", "blocked"),
        ((STARTED, entry(Kind.BLOCKED, 5, reason="blocked"), CLAIMED), 11, "pending", ""),
        ((STARTED, CLAIMED, entry(Kind.CODE_WRONG, 12, user=ALICE)), 13, "failure", "claimed_by_another"),
        ((STARTED, CLAIMED, entry(Kind.CLAIM_REFUSED, 12, user=ALICE)), 13, "pending", ""),
        ((entry(Kind.CODE_WRONG, 0, user=BOB),), 1, "failure", "bad_code"),
        ((entry(Kind.START_REFUSED, 0, reason="blocked", rules=["Block"]),), 1, "failure", "blocked"),
        ((STARTED, CLAIMED, APPROVED, entry(Kind.REDEMPTION_REFUSED, 25, reason="account_disabled")), 26, "failure",
         "account_disabled"),
        ((entry(Kind.PASSWORD_PASSED, 0), entry(Kind.SIGNED_IN, 5)), 6, "success", ""),
        ((entry(Kind.SIGN_IN_REFUSED, 0, reason="bad_credentials"),), 1, "failure", "bad_credentials"),
        ((entry(Kind.REFRESH_REFUSED, 0, reason="bad_token"),), 1, "failure", "bad_token"),
        ((entry(Kind.CLIENT_REFUSED, 0, reason="client_authentication"),), 1, "failure", "client_authentication"),
        ((entry(Kind.PROOF_REFUSED, 0, reason="dpop_invalid"),), 1, "failure", "dpop_invalid"),
        ((STARTED, CLAIMED, APPROVED, REDEEMED, entry(Kind.WRONG_KEY, 60, reason="wrong_key")), 61, "success", ""),
    ],
)  # fmt: skip
def test_what_a_sign_in_came_to(entries: tuple[Recorded, ...], after: int, outcome: str, reason: str) -> None:
    """Given beats ended, ended beats the last step; a step that leads nowhere in time is expired."""
    found = told(*entries, after=after)
    assert (found.outcome.value, found.reason) == (outcome, reason)


def test_both_sides_stand_in_the_story() -> None:
    """Who asked from where, who decided from where, through which window, with which token."""
    found = told(STARTED, CLAIMED, APPROVED, REDEEMED)
    assert (found.requester_address, found.approver_address) == ("addr-nobo", "addr-user")
    assert (found.user, found.user_name, found.user_display_name) == (BOB, "bob@example.com", "Bob")
    assert (found.exemption, found.session, found.token, found.amr) == ("x", "f", "j", ("pwd", "mfa"))
    assert (found.protocol, found.client_name, found.scopes) == (Protocol.DEVICE_CODE, "CLI", ("a",))


def test_after_a_change_of_account_the_last_one_counts() -> None:
    """The first person gave it back before consenting (R11)."""
    first = entry(Kind.CLAIMED, 1, number=2, user=ALICE, user_name="alice@example.com")
    back = entry(Kind.RELEASED, 2, number=3, actor=f"user:{ALICE}")
    found = told(STARTED, first, back, CLAIMED, after=11)
    assert (found.user, found.user_name, found.outcome) == (BOB, "bob@example.com", Outcome.PENDING)


def test_a_report_after_redemption_ends_what_it_gave() -> None:
    """The sign-in stays a success; its end says why."""
    found = told(STARTED, CLAIMED, APPROVED, REDEEMED, entry(Kind.REPORTED, 60, number=9))
    assert (found.outcome, found.end_cause, found.ended) == (Outcome.SUCCESS, "reported", T0 + seconds(60))


_ANY = st.lists(
    st.builds(
        entry,
        st.sampled_from([kind for kind in Kind if belongs(kind)]),
        st.integers(0, 400),
        number=st.integers(1, 50),
        stream=st.sampled_from(["n1", "n2"]),
        actor=st.sampled_from(["bob", "nobody", f"user:{ALICE}"]),
        user=st.sampled_from([ALICE, BOB, ""]),
        reason=st.sampled_from(["blocked", "denied", "made_up"]),
        client=st.sampled_from([CLI, ""]),
        ends=st.sampled_from([0, ENDS]),
        rules=st.lists(st.sampled_from(["Block", "MFA"]), max_size=2),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda e: (e.stream, e.number),
)


@settings(max_examples=300, deadline=None)
@given(_ANY, st.randoms(use_true_random=False), st.integers(0, 1000))
def test_stories_tell_the_same_in_any_order_and_any_batches(entries: list[Recorded], chance: Any, after: int) -> None:
    """Entries shuffled and folded in any pieces, through the stored form each time, tell what all at once tell."""
    now = Instant(T0 + seconds(after))
    whole = tell(fold(Story("s"), entries), now)
    shuffled = list(entries)
    chance.shuffle(shuffled)
    story = Story("s")
    while shuffled:
        size = chance.randint(1, len(shuffled))
        batch, shuffled = shuffled[:size], shuffled[size:]
        story = from_document(orjson.loads(orjson.dumps(to_document(fold(story, batch)))))
    assert tell(story, now) == whole
    assert isinstance(error_number(whole), int)


def test_what_came_once_is_stored_once() -> None:
    """A usual story is a page of the database, not two; what came again has both ends."""
    story = fold(Story("s"), [STARTED, CLAIMED, APPROVED, REDEEMED])
    stored = to_document(story)
    assert (set(stored["first"]), stored["last"]) == (set(story.first), {})
    again = fold(story, [entry(Kind.REFRESHED, 60, number=90), entry(Kind.REFRESHED, 70, number=91)])
    assert set(to_document(again)["last"]) == {Kind.REFRESHED}
    assert from_document(orjson.loads(orjson.dumps(to_document(again)))) == again


# ---- through the journal and the store


async def write(house: House, kind: Kind, story: str, caller: Caller | None = None, **detail: Any) -> None:
    """One entry at the house's time, in a deed of its own."""
    seen = visit(house, caller or Caller())

    async def body(tx: Tx) -> None:
        await record(tx, seen, Entry(kind, story=story, detail=detail))

    await house.store.write(body)


async def listed(house: House, options: Mapping[str, str] = {}) -> Page[Telling]:
    """The list that *options* ask for."""
    query = read_query(options.items(), SIGN_IN)
    assert isinstance(query, Query), query
    page = await signins(house, visit(house, alice(house.clock.now())), query)
    assert isinstance(page, Page), page
    return page


async def ids(house: House, filter: str) -> list[str]:
    """Ids of those that match, the latest first."""
    return [item.id for item in (await listed(house, {"$filter": filter})).items]


def test_a_list_is_never_stale_and_reading_twice_changes_nothing(tmp_path: Path) -> None:
    """What was just written is in the list; the reader run again, or by twenty at once, leaves the same rows."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            for number in range(230):
                await write(house, Kind.STARTED, f"s{number % 50}", client=CLI, ends=clock.now() + minutes(5))
            assert len((await listed(house)).items) == 50
            seen = visit(house)
            again = await asyncio.gather(*(catch_up(house, seen) for _ in range(20)))
            assert set(again) == {0}
            await write(house, Kind.REFRESHED, "s7", session="f")
            await asyncio.gather(*(catch_up(house, seen) for _ in range(20)))
            one = await signin(house, seen, "s7")
            assert isinstance(one, Telling)
            assert one.refreshes == 1
            assert isinstance(await signin(house, seen, "gone"), Refused)

    asyncio.run(run())


def test_a_run_that_was_rolled_back_is_told_again(tmp_path: Path) -> None:
    """The cursor moves in the transaction of the rows: after a fault neither has moved."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            await write(house, Kind.STARTED, "s", client=CLI, ends=clock.now() + minutes(5))

            async def look(tx: Tx) -> int:
                return await logs.cursor(tx, READER)

            failing = replace(house, store=_Failing(house))
            with pytest.raises(RuntimeError, match="planted"):
                await catch_up(failing, visit(house))
            assert await house.store.write(look) == 0
            assert [item.id for item in (await listed(house)).items] == ["s"]

    asyncio.run(run())


class _Failing:
    """The store, whose writes fail after all their statements ran."""

    def __init__(self, house: House) -> None:
        self.store = house.store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def write(self, body: Any) -> Any:
        """Run *body*, then fail inside the transaction."""

        async def spoiled(tx: Tx) -> None:
            await body(tx)
            raise RuntimeError("planted")

        return await self.store.write(spoiled)


def test_filters_find_by_person_application_time_outcome_address_and_protocol(tmp_path: Path) -> None:
    """Each of them alone and joined by `and`; a principal name is looked up; pending ones expire by themselves."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            who = bob(clock.now())
            await write(house, Kind.STARTED, "s1", client=CLI, client_name="CLI", ends=clock.now() + minutes(5))
            clock.move(seconds(10))
            await write(house, Kind.CLAIMED, "s1", who, user=BOB)
            await write(house, Kind.APPROVED, "s1", who, user=BOB, exemption="x1")
            await write(house, Kind.REDEEMED, "s1", user=BOB, client=CLI, session="f", exemption="x1")
            await write(house, Kind.START_REFUSED, "s2", client=CLI, reason="blocked", rules=["Block"])
            clock.move(seconds(10))
            await write(house, Kind.CODE_ISSUED, "s3", who, client="other", user=BOB)
            await write(house, Kind.CODE_REDEEMED, "s3", client="other", user=BOB, session="g")
            await write(house, Kind.STARTED, "s4", client=CLI, ends=clock.now() + minutes(5))
            for asked, wanted in (
                (f"userId eq '{BOB}'", ["s3", "s1"]),
                ("userPrincipalName eq 'BOB@example.com'", ["s3", "s1"]),
                ("userPrincipalName eq 'nobody@example.com'", []),
                (f"appId eq '{CLI}'", ["s4", "s2", "s1"]),
                ("createdDateTime ge 2026-11-23T08:00:20Z", ["s4", "s3"]),
                ("createdDateTime lt 2026-11-23T08:00:20Z and ostiary/outcome eq 'failure'", ["s2"]),
                ("status/errorCode eq 53003", ["s2"]),
                ("status/errorCode eq 0", ["s3", "s1"]),
                ("status/errorCode ne 0", ["s4", "s2"]),
                ("ostiary/outcome eq 'pending'", ["s4"]),
                ("ipAddress eq '203.0.113.9'", ["s4", "s3", "s2", "s1"]),
                ("ostiary/approverAddress eq '203.0.113.9'", ["s3", "s1"]),
                ("authenticationProtocol eq 'authorizationCodeWithPkce'", ["s3"]),
                ("ostiary/exemptionId eq 'x1'", ["s1"]),
                ("correlationId eq 's2'", ["s2"]),
                (f"authenticationProtocol eq 'deviceCode' and appId eq '{CLI}' and status/errorCode eq 0", ["s1"]),
            ):
                assert await ids(house, asked) == wanted, asked
            clock.move(minutes(5))
            assert await ids(house, "ostiary/outcome eq 'pending'") == []
            assert await ids(house, "ostiary/outcome eq 'failure'") == ["s4", "s2"]
            assert await ids(house, "status/errorCode eq 70019") == ["s4"]
            rising = await listed(house, {"$orderby": "createdDateTime asc", "$count": "true"})
            assert ([item.id for item in rising.items], rising.count) == (["s1", "s2", "s3", "s4"], 4)
            refused = read_query([("$filter", "appId eq 'a' or userId eq 'b'")], SIGN_IN)
            assert isinstance(refused, Query)
            assert isinstance(await signins(house, visit(house), refused), Refused)

    asyncio.run(run())


def test_pages_follow_one_another_without_gap_or_double(tmp_path: Path) -> None:
    """Also when many began in the same microsecond, and in both directions."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            for number in range(25):
                clock.move(seconds(number % 3 // 2))
                await write(house, Kind.START_REFUSED, f"s{number:02}", reason="blocked")
            for order in ("asc", "desc"):
                seen: list[str] = []
                query = read_query([("$top", "4"), ("$orderby", f"createdDateTime {order}")], SIGN_IN)
                assert isinstance(query, Query)
                while True:
                    page = await signins(house, visit(house), query)
                    assert isinstance(page, Page)
                    seen += [item.id for item in page.items]
                    if page.next is None:
                        break
                    query = replace(query, after=page.next)
                assert sorted(seen) == [f"s{number:02}" for number in range(25)]
            assert isinstance(await signins(house, visit(house), Query(after=("x", 1))), Refused)

    asyncio.run(run())


def _columns(fields: Sequence[Field[Any]]) -> set[str]:
    """What a filter may ask for, of these and the fields within them."""
    return {each.column for each in fields if each.column}.union(*(_columns(each.fields) for each in fields))


@pytest.mark.parametrize("rising", [False, True])
@pytest.mark.parametrize(
    ("name", "column", "index"),
    [
        ("audits", None, "audits_at"),
        *(("audits", c, f"audits_{c}") for c in sorted(_columns(AUDIT.fields) - {"at"})),
    ],
)  # fmt: skip
def test_no_list_scans_a_table_or_sorts(
    tmp_path: Path, name: str, column: str | None, index: str, rising: bool
) -> None:
    """Each filter is answered from the index that is made for it, in its order."""

    async def run() -> list[str]:
        async with a_house(tmp_path) as (house, _):
            asked = ((column, "eq", False),) if column else ()
            values = {"v0": "x"} if column else {}
            statement = page_sql(name, asked, rising=rising)
            plans = await _plan(house, statement, last_at=5, last_id="x", most=10, **values)
            return plans + (await _plan(house, count_sql(name, asked), **values) if column else [])

    plans = asyncio.run(run())
    assert plans
    for plan in plans:
        assert "TEMP B-TREE" not in plan
        assert plan.startswith("SEARCH")
    assert index in plans[0]


async def _plan(house: House, statement: Any, **values: Any) -> list[str]:
    explained = replace(statement, sqlite=f"EXPLAIN QUERY PLAN {statement.sqlite}")

    async def body(tx: Tx) -> list[str]:
        return [row[3] for row in await tx.all(explained, **values)]

    return await house.store.survey(body)


def test_every_entry_is_either_a_sign_in_or_an_audit(tmp_path: Path) -> None:
    """The index over audits and the rule in the core agree on every kind there is."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, _):
            for kind in Kind:
                await write(house, kind, f"story-{kind}")
            everything = page_sql("audits", (), rising=False)

            async def body(tx: Tx) -> set[str]:
                return {row[3] for row in await tx.all(everything, last_at=2**62, last_id=2**62, most=1000)}

            assert await house.store.survey(body) == {kind.value for kind in Kind if not belongs(kind)}
            assert {item.id for item in (await listed(house)).items} == {f"story-{k}" for k in Kind if belongs(k)}

    asyncio.run(run())


def test_a_job_is_no_person(tmp_path: Path) -> None:
    """Entries that the system writes name nobody."""
    caller = Caller(CallerKind.SYSTEM, "floods")

    async def run() -> None:
        async with a_house(tmp_path) as (house, _):
            await write(
                house, Kind.STARTS_REFUSED, "s", caller, client=CLI, source="192.0.2.1", reason="blocked", count=77
            )
            (row,) = (await listed(house)).items
            assert (row.user, row.requester_address, row.attempts, row.reason) == (None, "192.0.2.1", 77, "blocked")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("exemption", "exemption_ended"),
        ("epoch", "sessions_revoked"),
        ("session", "revoked"),
        ("time", "exemption_ran_out"),
    ],
)
def test_r8_the_story_says_when_what_it_gave_was_over(tmp_path: Path, what: str, cause: str) -> None:
    """Ended with its window, its account or itself: derived from those rows, as liveness is."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            begun = clock.now()
            opening = Opening(BOB, hours(1), "Server work")
            shown = await open_exemption(house, visit(house, alice(begun)), opening)
            assert isinstance(shown, Shown)
            await _session(house, shown.exemption.id)
            await write(house, Kind.STARTED, "s", client=CLI, ends=begun + minutes(5))
            await write(house, Kind.REDEEMED, "s", user=BOB, client=CLI, session="f", exemption=shown.exemption.id)
            row = await signin(house, visit(house), "s")
            assert isinstance(row, Telling)
            assert (row.ended, row.ends, row.end_cause) == (None, begun + hours(1), "")
            assert (row.client_name, row.user_name) == ("Ostiary CLI", "bob@example.com")
            clock.move(minutes(20))
            ended = clock.now()
            if what == "exemption":
                await end_exemption(house, visit(house, alice(ended)), shown.exemption.id, "Done")
            elif what == "time":
                clock.move(hours(1))
                ended = shown.exemption.ends
            else:
                await _change(house, what, ended)
            row = await signin(house, visit(house), "s")
            assert isinstance(row, Telling)
            assert (row.outcome, row.ended, row.end_cause) == (Outcome.SUCCESS, ended, cause)

    asyncio.run(run())


async def _session(house: House, exemption: str) -> None:
    """The row of the session that the sign-in gave."""
    now = house.clock.now()
    values = {
        "id": "f", "kind": "device", "origin": "device_code", "user": BOB, "story": "s", "created": now, "seen": now,
        "idle_ends": now + hours(9), "ends": now + hours(9), "authenticated": now, "amr": "", "exemption": exemption,
    }  # fmt: skip
    statement = sql(insert(sessions).values({name: bindparam(name) for name in values}))

    async def body(tx: Tx) -> None:
        await tx.run(statement, **values)

    await house.store.write(body)


async def _change(house: House, what: str, now: Instant) -> None:
    """End the session by its own row or by the account's."""
    statement = (
        update(sessions).values(ended=bindparam("now"), end_cause="revoked")
        if what == "session"
        else update(users).where(users.c.id == bindparam("id_", BOB)).values(epoch=bindparam("now"))
    )
    compiled = sql(statement)

    async def body(tx: Tx) -> None:
        await tx.run(compiled, now=now)

    await house.store.write(body)
