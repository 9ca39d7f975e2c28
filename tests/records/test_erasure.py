"""Erasure on a real database (R15): nothing that named the person is left anywhere, and the log tells of the gap."""

import sqlite3
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Integer, LargeBinary

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.evidence import Damage
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.detections.replay import begin_replay, go_on
from ostiary.services.directory import erase as erasing
from ostiary.services.directory.erase import erase
from ostiary.services.directory.people import Change, change_user
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, erasures
from ostiary.store import gone as rows
from ostiary.store.erasure_tables import PERSONAL
from ostiary.store.schema import metadata
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, alice, bob, journal, visit
from tests.records.test_checkpoints import judged, sql
from tests.records.test_pruning import leave, read
from tests.web.graph.api import Api, play

NAME, OLD, MARK = "bob@example.com", "robert@example.com", "secret-of-bob"
TEXTS = ("reason", "review", "ticket", "address", "asked_from", "name", "evidence", "body", "requester_address")
WHY = {"reason": "asked for it in ticket 17"}
ERASE = f"/v1.0/users/{BOB}/ostiary.erase"


def fill(folder: Path) -> list[str]:
    """A row of Bob's in each table that erasure does something to, and a mark wherever words of his may stand."""
    filled = []
    with sqlite3.connect(folder / "ostiary.db", isolation_level=None) as db:
        for name, treatment in PERSONAL.items():
            if not treatment.statements:
                continue
            row: dict[str, object] = {}
            for column in metadata.tables[name].columns:
                if column.name in treatment.people or any(k.column.table.name == "users" for k in column.foreign_keys):
                    row[column.name] = f"user:{BOB}" if column.name.endswith("_by") else BOB
                elif isinstance(column.type, LargeBinary):
                    row[column.name] = MARK.encode()
                elif isinstance(column.type, BigInteger | Integer):
                    row[column.name] = 1
                else:
                    row[column.name] = MARK if column.name in TEXTS and not column.foreign_keys else "x"
            row |= {"subject": f"code:{BOB}"} if name == "throttles" else {}
            row |= {"value": f'{{"who":"{NAME}"}}'} if name == "detection_tracks" else {}
            columns = ", ".join(f'"{column}"' for column in row)
            db.execute(f"INSERT INTO {name} ({columns}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
            filled.append(name)
        db.execute(
            "INSERT INTO kill_switch (name, words, number, engaged, killed) VALUES ('device', ?, 1, 0, 0)",
            (f'{{"by":"user:{BOB}","name":"{NAME}","reason":"","proposal":null}}',),
        )
    return filled


def left(folder: Path) -> list[str]:
    """Every value of the database in which a name or mark of Bob's stands."""
    found = []
    with sqlite3.connect(folder / "ostiary.db", isolation_level=None) as db:
        for name in metadata.tables:
            for row in db.execute(f'SELECT * FROM "{name}"'):
                for value in row:
                    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    if any(word in text.casefold() for word in (NAME, OLD, MARK, '"bob"')):
                        found.append(f"{name}: {text[:200]}")
    return found


async def live(house: House, clock: MovableClock) -> None:
    """What Bob did, and what others did to him, and something that is not about him."""

    async def act(*entries: Entry) -> None:
        async def body(tx: Tx) -> None:
            for entry in entries:
                await record(tx, visit(house, bob(clock.now())), entry)

        await house.store.write(body)

    await leave(house, Entry(Kind.USER_CREATED, target=f"user:{BOB}", detail={"user_name": OLD}),
                Entry(Kind.SIGN_IN_REFUSED, story="s0", detail={"reason": "bad_code", "user_name": OLD}))  # fmt: skip
    await act(Entry(Kind.SIGNED_IN, target=f"user:{BOB}", story="s1", detail={"user_name": NAME}),
              Entry(Kind.GROUP_CREATED, target="group:1"))  # fmt: skip
    await leave(house, Entry(Kind.USER_CREATED, target=f"user:{ALICE}", detail={"user_name": f"x{NAME}"}),
                Entry(Kind.SIGNED_IN, target=f"user:{ALICE}", story="s2", detail={"user_name": "alice"}))  # fmt: skip
    await read(house)


async def disable(house: House, clock: MovableClock) -> None:
    """What comes first."""
    await change_user(house, visit(house, alice(clock.now())), BOB, Change(enabled=False, reason="left"))
    await read(house)


def test_r15_nothing_that_named_a_person_is_left_anywhere(tmp_path: Path) -> None:
    """Through the door: each table, the journal, the sign-in log; ids stay, and the export proves an announced gap."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await live(house, clock)
        await disable(house, clock)
        filled = fill(tmp_path)
        assert left(tmp_path)
        await api.ask("POST", ERASE, WHY)
        assert await erase(house, visit(house)) == 5
        await read(house)
        assert await erase(house, visit(house)) == 0  # the second pass
        assert [line for line in left(tmp_path) if f"x{NAME}" not in line] == []
        assert set(filled) > {"signins", "sessions", "exemption_decisions", "notice_channels", "throttles"}
        kinds = [kind for kind, _ in await journal(house)]
        assert kinds.count(Kind.USER_ERASED) == kinds.count(Kind.LOG_ERASED) == 1
        assert Kind.USER_CREATED in kinds  # somebody whose name only contains theirs
        told = next(detail for kind, detail in await journal(house) if kind == Kind.LOG_ERASED)
        assert (told["user"], told["by"], told["reason"], told["count"]) == (BOB, f"user:{ALICE}", WHY["reason"], 5)
        report = await judged(house)
        assert (report.found, report.gone) == (None, 5)
        sql(tmp_path, "DELETE FROM journal WHERE kind = 'admin:user:erased'")
        found = (await judged(house)).found
        assert found is not None
        assert found.damage is Damage.REMOVED

    play(tmp_path, story)


def test_r15_a_person_with_exemptions_on_record_leaves_a_row_without_a_name(tmp_path: Path) -> None:
    """Who had access stays known as an id; somebody with nothing on record leaves no row at all."""

    async def story(api: Api, clock: MovableClock) -> None:
        await disable(api.house, clock)
        sql(
            tmp_path,
            f"""INSERT INTO exemptions (id, user, "group", reason, limits, opened_by, opened, starts, ends)
            VALUES ('e1', '{BOB}', '6f2b9d1e-0000-4000-8000-00000000000e', '{MARK}', '{{}}', 'user:x', 1, 1, 2)""",
        )
        await api.ask("POST", ERASE, WHY)
        shown = await api.ask("GET", f"/v1.0/users/{BOB}")
        assert (shown["displayName"], shown["accountEnabled"]) == ("(erased)", False)
        carol = "a11ce000-0000-4000-8000-000000000003"
        await api.ask("POST", f"/v1.0/users/{carol}/ostiary.erase", WHY)
        await api.ask("GET", f"/v1.0/users/{carol}", status=404)

    play(tmp_path, story)


def test_r15_erasure_is_refused_before_its_time(tmp_path: Path) -> None:
    """Oneself, an enabled account, a review that is owed, no reason, a reason that names the person, nobody."""

    async def story(api: Api, clock: MovableClock) -> None:
        await api.ask("POST", ERASE, WHY, status=409)
        await api.ask("POST", f"/v1.0/users/{ALICE}/ostiary.erase", WHY, status=409)
        await disable(api.house, clock)
        await api.ask("POST", ERASE, {}, status=400)
        await api.ask("POST", ERASE, {"reason": "Bob@example.com asked for it"}, status=400)
        await api.ask("POST", "/v1.0/users/nobody@example.com/ostiary.erase", WHY, status=404)
        sql(
            tmp_path,
            f"""INSERT INTO exemption_requests (id, act, user, "group", "by", reason, length, created, ends,
            limits, break_glass, phase) VALUES ('e1', 'adminAssign', '{BOB}', '6f2b9d1e-0000-4000-8000-00000000000e',
            'user:x', 'r', 1, 1, 2, '{{}}', 1, 'approved')""",
        )
        await api.ask("POST", ERASE, WHY, status=409)
        assert await api.house.store.read(erasures.next_open) is None
        api.caller = bob(clock.now())
        await api.ask("POST", ERASE, WHY, status=403)

    play(tmp_path, story)


def test_r15_a_kill_between_pieces_goes_on_and_waits_for_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece is gone and announced, or neither; what some reader has not read yet waits for it."""
    monkeypatch.setattr(erasing, "BATCH", 3)

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        for _ in range(3):
            await live(house, clock)
        await change_user(house, visit(house, alice(clock.now())), BOB, Change(enabled=False, reason="left"))
        await api.ask("POST", ERASE, WHY)
        real, calls = rows.remove, 0

        async def killed(tx: Tx, position: int) -> None:
            nonlocal calls
            calls += 1
            if calls == 5:
                raise OSError("killed")
            await real(tx, position)

        monkeypatch.setattr(rows, "remove", killed)
        with pytest.raises(OSError, match="killed"):
            await erase(house, visit(house))
        await read(house)
        report = await judged(house)
        assert report.found is None
        assert 0 < report.gone < 5
        monkeypatch.setattr(rows, "remove", real)
        await erase(house, visit(house))
        await read(house)
        await erase(house, visit(house))
        assert await house.store.read(erasures.next_open) is None
        done = await house.store.read(lambda tx: erasures.find(tx, UserId(BOB)))
        assert done is not None
        assert (done.names, done.gone) == ((), (await judged(house)).gone)
        assert [line for line in left(tmp_path) if f"x{NAME}" not in line] == []

    play(tmp_path, story)


def test_r15_an_address_in_a_puppet_account_takes_nobodys_deeds(tmp_path: Path) -> None:
    """Another's mail, or their former name, is a conflict; entries that another account did or got stay in any case."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await leave(house, Entry(Kind.USER_CHANGED, target=f"user:{ALICE}",
                                 detail={"before": {"user_name": "Al_ce@example.com"}, "after": {}}))  # fmt: skip
        await change_user(house, visit(house, alice(clock.now())), BOB, Change(mail="Alice@example.com"))
        await disable(house, clock)
        before = len(await journal(house))
        await api.ask("POST", ERASE, WHY, status=409)
        await change_user(house, visit(house, alice(clock.now())), BOB, Change(mail="al_ce@example.com"))
        await api.ask("POST", ERASE, WHY, status=409)
        await change_user(house, visit(house, alice(clock.now())), ALICE, Change(mail="Straße@example.com"))
        await change_user(house, visit(house, alice(clock.now())), BOB, Change(mail="straße@example.com"))
        await api.ask("POST", ERASE, WHY, status=409)
        await read(house)
        assert await erase(house, visit(house)) == 0
        assert len(await journal(house)) >= before + 3
        assert await house.store.read(erasures.next_open) is None

    play(tmp_path, story)


def test_r15_an_erasure_alerts_administrators_and_leaves_what_others_did(tmp_path: Path) -> None:
    """The alert names nobody, so it stays; an entry of another's deed goes by the id, and not by a name alone."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await live(house, clock)

        async def deeds(tx: Tx) -> None:
            by = visit(house, alice(clock.now()))
            await record(tx, by, Entry(Kind.GROUP_CREATED, target="group:2", detail={"name": NAME}))
            await record(tx, by, Entry(Kind.GROUP_CREATED, target="group:3", detail={"by": f"user:{BOB}"}))

        await house.store.write(deeds)
        await disable(house, clock)
        await api.ask("POST", ERASE, WHY)
        await read(house)
        await erase(house, visit(house))
        await read(house)
        found = await journal(house)
        assert [detail["about"] for kind, detail in found if kind == Kind.ALERT] == ["erasure"]
        assert [detail for kind, detail in found if kind == Kind.GROUP_CREATED] == [{"name": NAME}]

    play(tmp_path, story)


def test_r15_a_name_within_anothers_takes_no_row_of_theirs(tmp_path: Path) -> None:
    """Ann, a wildcard and a case of her own: findings, messages and words of others stay, and hers go."""
    whose = {"joann@example.com": False, "An_N@example.com": True, "anxn@example.com": False, "ann@example.com": False}

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await change_user(house, visit(house, alice(clock.now())), BOB, Change(principal_name="an_n@example.com"))
        await disable(house, clock)
        fill(tmp_path)
        with sqlite3.connect(tmp_path / "ostiary.db") as db:
            db.executescript("DELETE FROM findings; DELETE FROM finding_stories")
            for n, name in enumerate(whose):
                db.execute(
                    """INSERT INTO findings (id, rule, severity, at, detected, changed, last, entry, sentence, evidence)
                    VALUES (?, 'r', 'low', 1, 1, 1, 1, 'n1.1', ?, ?)""",
                    (name, f"What {name} did." if n % 2 else "", "{}" if n % 2 else f'{{"who":"{name}"}}'),
                )
                db.execute("INSERT INTO finding_stories (finding, story) VALUES (?, 's1')", (name,))
                db.execute("INSERT INTO detection_tracks (key, value, expires) VALUES (?, ?, 1)", (name, f'["{name}"]'))
            words = '{{"by":"user:x","name":"jo{0}, x{0}, {0}","reason":""}}'
            db.execute("UPDATE kill_switch SET words = ?", (words.format("an_n@example.com"),))
        await api.ask("POST", ERASE, WHY)
        with sqlite3.connect(tmp_path / "ostiary.db") as db:
            stay = {name for name, goes in whose.items() if not goes}
            assert {row[0] for row in db.execute("SELECT id FROM findings")} == stay
            assert {row[0] for row in db.execute("SELECT finding FROM finding_stories")} == stay
            assert {row[0] for row in db.execute("SELECT key FROM detection_tracks")} >= stay
            (left,) = db.execute("SELECT words FROM kill_switch").fetchone()
            assert left == '{"by":"user:x","name":"joan_n@example.com, xan_n@example.com, (erased)","reason":""}'

    play(tmp_path, story)


@pytest.mark.parametrize("mail", ["%@%", "a@x.com,b@x.com", "a b@x.com", 'a"b@x.com', "a%@x.com", "@x.com", "a@b@c"])
def test_r15_a_mail_address_is_one_address(tmp_path: Path, mail: str) -> None:
    """No wildcard, no list, no blank: erasure looks for it as it is."""

    async def story(api: Api, clock: MovableClock) -> None:
        await api.ask("PATCH", f"/v1.0/users/{BOB}", {"mail": mail}, status=400)

    play(tmp_path, story)


def test_r15_what_readers_and_others_write_meanwhile_goes_in_a_second_pass(tmp_path: Path) -> None:
    """A finding that a reader makes of an older entry, a refused sign-in, a kept replay: the name does not return."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await live(house, clock)
        await disable(house, clock)
        fill(tmp_path)
        by = visit(house, alice(clock.now()))
        keeping = partial(begin_replay, house, by, since=Instant(0), until=by.now, keep=True)
        early = await keeping()
        assert not isinstance(early, Refused)
        await api.ask("POST", ERASE, WHY)
        refused = await keeping()
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.CONFLICT
        with sqlite3.connect(tmp_path / "ostiary.db") as db:
            db.execute(
                """INSERT INTO findings (id, rule, severity, at, detected, changed, last, entry, sentence)
                VALUES ('late', 'r', 'low', 1, 1, 1, 1, 'n1.1', ?)""",
                (f"What {NAME} did.",),
            )
        await leave(house, Entry(Kind.SIGN_IN_REFUSED, story="s9", detail={"user_name": NAME}))
        assert await erase(house, visit(house)) == 5
        found = await house.store.read(erasures.next_open)
        assert found is not None
        assert found.again
        await read(house)
        assert await erase(house, visit(house)) == 1
        assert await house.store.read(erasures.next_open) is None
        await read(house)
        assert [line for line in left(tmp_path) if f"x{NAME}" not in line] == []
        assert Kind.USER_ERASED in [kind for kind, _ in await journal(house)]
        assert (await judged(house)).found is None
        late = await go_on(house, by, early["id"])
        assert isinstance(late, Refused)
        assert late.reason is Reason.CONFLICT
        assert not isinstance(await keeping(), Refused)

    play(tmp_path, story)


FORGED = {
    "a row": f"""INSERT INTO erasures ("user", "by", reason, asked, words, position, until, gone, stamp)
              VALUES ('{BOB}', 'user:{ALICE}', 'ticket 17', 1, '[]', 0, 1000000, 0, '{"0" * 64}')""",
    "one that is over": "UPDATE erasures SET done = NULL, position = 0, until = 1000000",
    "more names": """UPDATE erasures SET words = '["alice","nobody"]'""",
    "another person": f"""UPDATE erasures SET "user" = '{ALICE}'""",
}


@pytest.mark.parametrize("what", FORGED)
def test_r15_whoever_writes_the_database_erases_nothing(tmp_path: Path, what: str) -> None:
    """A row that no deed wrote, or that says something else than what was asked for: nothing goes, and it is told."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await live(house, clock)
        await disable(house, clock)
        if what != "a row":
            await api.ask("POST", ERASE, WHY)
        if what == "one that is over":
            await erase(house, visit(house))
            await read(house)
            await erase(house, visit(house))
            assert await house.store.read(erasures.next_open) is None
        await read(house)
        before = await journal(house)
        sql(tmp_path, FORGED[what])
        assert await erase(house, visit(house)) == 0
        assert await house.store.read(erasures.next_open) is None
        assert (await journal(house))[: len(before)] == before
        alerts = [detail["about"] for kind, detail in await journal(house) if kind == Kind.ALERT]
        assert alerts.count("erasure_forged") == 1
        await read(house)
        assert (await judged(house)).found is None

    play(tmp_path, story)


def test_r15_an_entry_into_which_somebody_wrote_the_person_stays(tmp_path: Path) -> None:
    """The name of who is erased, put into another's entry in the database, does not take that along: it is damage."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await leave(house, Entry(Kind.GROUP_CREATED, target="group:9", detail={"display_name": "Ops"}))
        await live(house, clock)
        await disable(house, clock)
        sql(tmp_path, f"""UPDATE journal SET body = replace(body, 'group:9', 'user:{BOB}') WHERE target = 'group:9'""")
        await api.ask("POST", ERASE, WHY)
        await erase(house, visit(house))
        await read(house)
        await erase(house, visit(house))
        assert Kind.GROUP_CREATED in [kind for kind, _ in await journal(house)]
        found = (await judged(house)).found
        assert found is not None
        assert found.damage is Damage.CHANGED

    play(tmp_path, story)
