"""R16, R17: passwords cost the same whoever asks, and never more than the machine can carry."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters

from ostiary.outside.passwords import LONGEST, Busy, Cost, Passwords

CHEAP = Cost(passes=1, memory=8, lanes=1)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """A pool of the usual shape at the lowest cost."""
    pool = Passwords(cost=CHEAP)
    yield pool
    pool.close()


def test_r17_a_password_is_recognised_and_its_neighbours_are_not(passwords: Passwords) -> None:
    """Case, an added letter, a cut one and the empty text are other passwords."""

    async def play() -> None:
        encoded = await passwords.hash("correct horse ä")
        assert await passwords.verify(encoded, "correct horse ä")
        for wrong in ("Correct horse ä", "correct horse ä ", "correct horse ", "", "correct horse ä\0"):
            assert not await passwords.verify(encoded, wrong)

    asyncio.run(play())


def test_r17_the_default_cost_is_argon2id_of_rfc_9106() -> None:
    """3 passes, 64 MiB, 4 lanes, 16 bytes of salt (the second recommended option of §4); two hashes differ by it."""

    async def play() -> None:
        pool = Passwords()
        first, second = await pool.hash("a password"), await pool.hash("a password")
        found = extract_parameters(first)
        assert first.startswith("$argon2id$v=19$")
        assert (found.time_cost, found.memory_cost, found.parallelism) == (3, 65536, 4)
        assert (found.salt_len, found.hash_len) == (16, 32)
        assert first != second
        assert not pool.needs_rehash(first)
        pool.close()

    asyncio.run(play())


def test_r17_a_hash_of_another_cost_is_to_be_made_again(passwords: Passwords) -> None:
    """It still verifies, and the next right password can be stored at today's cost."""

    async def play() -> None:
        dearer = Passwords(cost=Cost(passes=2, memory=16, lanes=1))
        encoded = await dearer.hash("a password")
        assert passwords.needs_rehash(encoded)
        assert not dearer.needs_rehash(encoded)
        assert await passwords.verify(encoded, "a password")
        dearer.close()

    asyncio.run(play())


def test_r17_more_than_the_queue_holds_is_refused_and_then_accepted_again() -> None:
    """Two threads held, three waiting: the sixth is refused at once; when they are done, there is room again."""
    pool = Passwords(threads=2, waiting=3, cost=CHEAP)
    gate, running = threading.Event(), threading.Semaphore(0)

    def held() -> str:
        running.release()
        gate.wait(timeout=300)
        return "done"

    async def play() -> None:
        taken = [asyncio.ensure_future(pool._run(held)) for _ in range(5)]
        await asyncio.sleep(0)
        assert [running.acquire(timeout=300) for _ in range(2)] == [True, True]
        assert not running.acquire(blocking=False)  # never a third thread
        for refused in (pool.hash("x"), pool.verify("x", "x"), pool.waste("x")):
            with pytest.raises(Busy):
                await refused
        gate.set()
        assert await asyncio.gather(*taken) == ["done"] * 5
        assert await pool.verify(await pool.hash("x"), "x")

    asyncio.run(play())
    pool.close()


def test_r17_a_caller_who_leaves_keeps_its_place_until_the_work_is_done() -> None:
    """Cancelled requests cannot start more work than the bound: running work counts, dropped work does not."""
    pool = Passwords(threads=1, waiting=1, cost=CHEAP)
    gate, running = threading.Event(), threading.Event()

    def held() -> None:
        running.set()
        gate.wait(timeout=300)

    async def play() -> None:
        first, second = (asyncio.ensure_future(pool._run(held)) for _ in range(2))
        await asyncio.to_thread(running.wait, 30)
        first.cancel()  # it runs: its place stays taken
        second.cancel()  # it only waited: its place is free
        await asyncio.gather(first, second, return_exceptions=True)
        third = asyncio.ensure_future(pool.hash("x"))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await pool.hash("x")
        gate.set()
        assert (await third).startswith("$argon2id$")

    asyncio.run(play())
    pool.close()


def test_r16_the_waste_for_nobody_is_the_work_for_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no account exists, argon2 runs once with the very parameters of a real check."""
    pool = Passwords(cost=CHEAP)
    seen: list[str] = []
    real = PasswordHasher.hash

    def counted(hasher: PasswordHasher, raw: bytes) -> str:
        seen.append(real(hasher, raw))
        return seen[-1]

    async def play() -> None:
        encoded = await pool.hash("a password")
        monkeypatch.setattr(PasswordHasher, "hash", counted)
        await pool.waste("a password")
        assert [extract_parameters(value) for value in seen] == [extract_parameters(encoded)]

    asyncio.run(play())
    pool.close()


@pytest.mark.parametrize("password", ["x" * (LONGEST + 1), "ä" * (LONGEST // 2 + 1), "\ud800"])
def test_r17_what_cannot_be_a_password_is_not_hashed(passwords: Passwords, password: str) -> None:
    """Too many bytes, or no text: refused when set, simply wrong when tried, the same for nobody's account."""

    async def play() -> None:
        encoded = await passwords.hash("x" * LONGEST)
        assert await passwords.verify(encoded, "x" * LONGEST)
        assert not await passwords.verify(encoded, password)
        await passwords.waste(password)
        with pytest.raises(ValueError, match="at most"):
            await passwords.hash(password)

    asyncio.run(play())


def test_a_stored_value_that_is_no_hash_is_a_fault(passwords: Passwords) -> None:
    """A damaged row is not *wrong password*; it raises, and so denies."""
    for damaged in ("", "plain", "$argon2id$v=19$"):
        with pytest.raises(ValueError, match="damaged"):
            asyncio.run(passwords.verify(damaged, "plain"))


def test_a_closed_pool_says_so_and_counts_right(passwords: Passwords) -> None:
    """After closing, each call is a fault, however many there are: none of them takes a place for good."""
    pool = Passwords(threads=1, waiting=0, cost=CHEAP)
    pool.close()
    for _ in range(3):
        with pytest.raises(RuntimeError):
            asyncio.run(pool.hash("x"))
