"""A poll that says how long it may wait is answered when something is decided, and holds nobody up (RFC 8628 §3.5)."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.core.signins.view import Claimed
from ostiary.core.words.ids import SignInId
from ostiary.core.words.instants import minutes
from ostiary.services.signins import claim as claims
from ostiary.services.signins import decide, waiting_room
from ostiary.services.tokens.token import LONGEST_HOLD
from tests.services.door import Door
from tests.web.oauth.requester import DEVICE, OWN, TOKEN
from tests.web.oauth.site import CLI, GATEWAY, ORIGIN, SECRETS, TENANT

Send = Callable[..., Coroutine[Any, Any, httpx.Response]]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A founded house with the block on; each test opens an exemption of its own."""
    made = Door(Path(tmp_path_factory.mktemp("held")))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _opened(door: Door) -> None:
    door.clock.move(minutes(90))
    door.open()


def play(door: Door, story: Callable[[Send, dict[str, Any]], Coroutine[Any, Any, None]]) -> None:
    """A sign-in begins; *story* polls it and decides, in the house's own loop."""
    began = door.post(DEVICE, {"client_id": CLI, "scope": OWN})
    assert began.status_code == 200, began.text

    async def main() -> None:
        transport = httpx.ASGITransport(app=door.app, client=("127.0.0.1", 40000))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:

            async def poll(wait: str = "15", **more: str) -> httpx.Response:
                form = {"grant_type": "device_code", "client_id": CLI, "device_code": began.json()["device_code"]}
                return await client.post(TOKEN, data=form | {"ostiary_wait": wait} | more)

            await story(poll, began.json())

    door.run(main())


async def held(door: Door, count: int = 1) -> None:
    """Until so many polls wait."""
    while door.house.room._held != count:  # noqa: ASYNC110 - nothing tells it
        await asyncio.sleep(0.01)


async def claim(door: Door, code: str) -> SignInId:
    """Alice types the code; the sign-in's id."""
    claimed = await claims.claim(door.house, door.at_browser(), code, "")
    assert isinstance(claimed, Claimed), claimed
    return claimed.signin.id


def test_a_poll_that_waits_brings_the_tokens_as_soon_as_somebody_approves(door: Door) -> None:
    """One request from before the code was typed to the tokens; the claim in between does not end it."""

    async def story(poll: Send, began: dict[str, Any]) -> None:
        waiting = asyncio.create_task(poll())
        await held(door)
        id = await claim(door, began["user_code"])
        assert not waiting.done()
        await decide.approve(door.house, door.at_browser(), id)
        answer = await waiting
        assert answer.status_code == 200, answer.text
        assert answer.json()["access_token"]

    play(door, story)


def test_a_poll_that_waits_is_told_no_at_once_as_well(door: Door) -> None:
    """Denied while it waits."""

    async def story(poll: Send, began: dict[str, Any]) -> None:
        waiting = asyncio.create_task(poll())
        await held(door)
        await decide.deny(door.house, door.at_browser(), await claim(door, began["user_code"]))
        answer = await waiting
        assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")

    play(door, story)


def test_when_nothing_is_decided_it_is_pending_after_that_time(door: Door) -> None:
    """A second, then the usual answer; without the parameter, or with nonsense in it, at once."""

    async def story(poll: Send, began: dict[str, Any]) -> None:
        for wait in ("1", "", "0", "-1", "1.5", "99999", "x"):
            answer = await asyncio.wait_for(poll(wait), LONGEST_HOLD - 1)
            assert (answer.status_code, answer.json()["error"]) == (400, "authorization_pending"), wait
        assert door.house.room._held == 0

    play(door, story)


def test_one_code_keeps_one_poll_waiting_and_all_of_them_a_bounded_number(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them are answered at once, so that nobody can hold connections up."""

    async def story(poll: Send, began: dict[str, Any]) -> None:
        first = asyncio.create_task(poll("3"))
        await held(door)
        second = await poll()
        assert second.json()["error"] == "authorization_pending"
        assert not first.done()
        await first
        monkeypatch.setattr(waiting_room, "MOST_HELD", 0)
        assert (await poll()).json()["error"] == "authorization_pending"

    play(door, story)


def test_a_service_that_stops_keeps_nobody_waiting(door: Door) -> None:
    """The poll that waits is answered, and those that come still are so at once."""

    async def story(poll: Send, began: dict[str, Any]) -> None:
        waiting = asyncio.create_task(poll())
        await held(door)
        door.house.room.close()
        assert (await waiting).json()["error"] == "authorization_pending"
        assert (await poll()).json()["error"] == "authorization_pending"

    play(door, story)
    door.house.room.closed.clear()


def test_a_client_that_proves_itself_is_answered_at_once(door: Door) -> None:
    """Its proof counts for one look; and a code of another client says what it always says."""

    async def story(poll: Send, began: dict[str, Any]) -> None:
        answer = await poll(client_id=GATEWAY, client_secret=SECRETS[GATEWAY])
        assert answer.json()["error"] == "invalid_grant"

    play(door, story)
    assert door.get(f"{ORIGIN}/{TENANT}/v2.0/.well-known/openid-configuration").json()["ostiary_longest_wait"] == 15
