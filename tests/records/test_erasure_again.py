"""An erasure that was turned down though it was asked for (R15): its words stay, and who asks again ends it."""

import sqlite3
from pathlib import Path

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.outside.vault import MasterKey
from ostiary.services.directory.erase import erase
from ostiary.services.house import House
from ostiary.services.tokens.rewrap import rewrap
from ostiary.store import erasures
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, bob, journal, visit
from tests.records.test_checkpoints import judged, sql
from tests.records.test_erasure import ERASE, NAME, WHY, disable, left, live
from tests.records.test_pruning import leave, read
from tests.web.graph.api import Api, play

NOBODY = "a11ce000-0000-4000-8000-0000000000ff"


async def begun(api: Api, clock: MovableClock) -> None:
    """Bob's erasure, of which no entry has gone yet."""
    await live(api.house, clock)
    await disable(api.house, clock)
    await api.ask("POST", ERASE, WHY)
    await api.ask("GET", f"/v1.0/users/{BOB}", status=404)
    await read(api.house)


async def alerts(house: House) -> list[tuple[str, str]]:
    """Of each alert about erasures that were not gone on with: what about, and the text."""
    found = [detail for kind, detail in await journal(house) if kind == Kind.ALERT]
    return [(str(one["about"]), str(one["text"])) for one in found if one["about"] != "erasure"]


async def again(api: Api, folder: Path) -> None:
    """Asked for again by the id, it comes to its end."""
    house = api.house
    assert left(folder)
    await api.ask("POST", ERASE, WHY)
    await read(house)
    assert await erase(house, visit(house)) >= 5
    for _ in range(2):
        await read(house)
        await erase(house, visit(house))
    assert await house.store.read(erasures.next_open) is None
    await read(house)
    assert [line for line in left(folder) if f"x{NAME}" not in line] == []
    done = await house.store.read(lambda tx: erasures.find(tx, UserId(BOB)))
    assert done is not None
    assert (done.names, done.unfinished) == ((), False)
    await api.ask("POST", ERASE, WHY, status=404)


def test_r15_an_erasure_that_an_update_found_open_is_asked_for_again(tmp_path: Path) -> None:
    """It has no stamp, so nothing goes; the alert says so and names the id, by which it begins anew."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await begun(api, clock)
        sql(tmp_path, "UPDATE erasures SET stamp = ''")
        before = await journal(house)
        assert await erase(house, visit(house)) == 0
        assert (await journal(house))[: len(before)] == before
        ((about, text),) = await alerts(house)
        assert about == "erasure_unstamped"
        assert BOB in text
        await api.ask("POST", ERASE, {"reason": f"{NAME} asked for it"}, status=400)
        api.caller, administrator = bob(clock.now()), api.caller
        await api.ask("POST", ERASE, WHY, status=403)
        api.caller = administrator
        await again(api, tmp_path)
        assert (await judged(house)).found is None

    play(tmp_path, story)


def test_r15_an_erasure_whose_master_key_is_gone_is_asked_for_again(tmp_path: Path) -> None:
    """Nothing vouches for it any more, so it is told as one that may be forged; its words stay all the same."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await begun(api, clock)
        house.vault.take(MasterKey(house.random.bytes(32)))
        assert await erase(house, visit(house)) == 0
        assert [about for about, _ in await alerts(house)][:1] == ["erasure_forged"]
        await again(api, tmp_path)

    play(tmp_path, story)


def test_r17_a_rewrap_stamps_anew_what_goes_on(tmp_path: Path) -> None:
    """Another master key with the old one beside it, then alone: the erasure goes on, and nobody is alarmed."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await begun(api, clock)
        old, new = house.vault._current, MasterKey(house.random.bytes(32))
        house.vault.take(new, (old,))
        await rewrap(house, visit(house))
        house.vault.take(new)
        assert await erase(house, visit(house)) == 5
        assert "erasure_forged" not in [about for about, _ in await alerts(house)]

    play(tmp_path, story)


def test_r17_a_rewrap_stamps_nothing_that_nobody_asked_for(tmp_path: Path) -> None:
    """A row that was changed has no right to a new stamp."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await begun(api, clock)
        sql(tmp_path, """UPDATE erasures SET words = '["alice@example.com"]'""")
        house.vault.take(MasterKey(house.random.bytes(32)), (house.vault._current,))
        await rewrap(house, visit(house))
        assert await erase(house, visit(house)) == 0
        assert [about for about, _ in await alerts(house)][:1] == ["erasure_forged"]

    play(tmp_path, story)


def test_r15_a_row_that_the_journal_does_not_know_is_nothing_to_ask_for_again(tmp_path: Path) -> None:
    """Planted without a stamp, it is told as forged, and its id is nobody's."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await live(house, clock)
        sql(
            tmp_path,
            f"""INSERT INTO erasures ("user", "by", reason, asked, words, position, until, gone, stamp)
            VALUES ('{NOBODY}', 'user:{ALICE}', 'ticket 17', 1, '["{NAME}"]', 0, 1000000, 0, '')""",
        )
        assert await erase(house, visit(house)) == 0
        assert [about for about, _ in await alerts(house)] == ["erasure_forged"]
        await api.ask("POST", f"/v1.0/users/{NOBODY}/ostiary.erase", WHY, status=404)

    play(tmp_path, story)


def test_r15_words_of_a_row_that_no_account_can_have_had_take_nothing(tmp_path: Path) -> None:
    """Whoever wrote into a row gets no more by that: another's name is a conflict, other words do nothing."""

    async def story(api: Api, clock: MovableClock) -> None:
        house = api.house
        await leave(house, Entry(Kind.GROUP_CREATED, target="group:9", detail={"name": "harmless"}))
        await begun(api, clock)
        with sqlite3.connect(tmp_path / "ostiary.db") as db:
            db.execute("""UPDATE erasures SET words = '["alice@example.com","bob@example.com"]'""")
        assert await erase(house, visit(house)) == 0
        await api.ask("POST", ERASE, WHY, status=409)
        with sqlite3.connect(tmp_path / "ostiary.db") as db:
            db.execute("""UPDATE erasures SET words = '["bob@example.com","harmless"]'""")
        await again(api, tmp_path)
        assert {"name": "harmless"} in [detail for kind, detail in await journal(house) if kind == Kind.GROUP_CREATED]

    play(tmp_path, story)
