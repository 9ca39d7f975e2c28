"""What a machine says and hears over HTTP while its person's exemption is asked for, waits and is decided (R5)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.core.words.instants import Span, seconds
from ostiary.core.words.outcome import Refused
from ostiary.services.signins.claim import claim
from ostiary.services.signins.start import Started
from ostiary.store import schema
from tests.services.asking import Asking
from tests.services.door import SCOPE
from tests.web.oauth.site import BOB, CLI, ORIGIN, TENANT

BASE = f"/{TENANT}/oauth2/v2.0"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    """Alice is eligible, Dana approves, the CLI may ask."""
    made = Asking(tmp_path)
    made.settle()
    yield made
    made.close()


def begin(asking: Asking, **more: str) -> tuple[int, dict[str, Any]]:
    """The device authorization request."""
    answer = asking.post(f"{BASE}/devicecode", {"client_id": CLI, "scope": SCOPE, **more})
    return answer.status_code, answer.json()


def poll(asking: Asking, code: str) -> tuple[int, dict[str, Any]]:
    """The token request."""
    asking.clock.move(seconds(6))  # never too early
    answer = asking.post(f"{BASE}/token", {"client_id": CLI, "grant_type": GRANT, "device_code": code})
    return answer.status_code, answer.json()


def test_r5_a_machine_asks_waits_and_is_told_who_approved(asking: Asking) -> None:
    """The members and their values, from the start to the tokens; the same from memory and from the store."""
    assert begin(asking)[0] == 403
    status, begun = begin(asking, ostiary_request="fix INC-4412", ostiary_duration="PT2H")
    assert status == 200
    made = asking.requested(started(begun))
    first, second = poll(asking, begun["device_code"]), poll(asking, begun["device_code"])
    for status, body in (first, second):
        assert (status, body["error"], body["error_codes"]) == (400, "authorization_pending", [70016])
        assert (body["ostiary_state"], body["ostiary_request"]) == ("awaiting_exemption", made.request.id)
        assert body["ostiary_page"].endswith(f"/devicelogin/request/{made.signin.id}")
        assert body["ostiary_approved_by"] == []
    assert first[1]["ostiary_expires_in"] - second[1]["ostiary_expires_in"] == 6
    asking.decide(made.request.id)
    status, tokens = poll(asking, begun["device_code"])
    assert (status, tokens["ostiary_approved_by"], tokens["ostiary_request"]) == (200, ["Dana"], made.request.id)


def started(begun: dict[str, Any]) -> Started:
    """The codes of an answer, as the deeds of tests take them."""
    return Started(None, begun["device_code"], begun["user_code"], Span(0), Span(0))  # type: ignore[arg-type]


def test_r5_a_denial_is_told_in_words_that_a_header_could_hold(asking: Asking) -> None:
    """RFC 6749 §5.2: printable ASCII in the description, whatever the approver typed; the members have it as it is."""
    _, begun = begin(asking, ostiary_request="fix INC-4412")
    made = asking.requested(started(begun))
    asking.decide(made.request.id, yes=False, why='nicht von dort, "Bär"')
    status, body = poll(asking, begun["device_code"])
    assert (status, body["error"], body["error_codes"]) == (400, "access_denied", [53003])
    assert body["ostiary_reason"] == 'nicht von dort, "Bär"'
    assert "Denied by Dana: nicht von dort, 'B?r'." in body["error_description"]
    assert f"/requests/{made.request.id}" in body["error_description"]
    assert body["ostiary_state"] == "exemption_denied"


def test_r11_a_poll_that_waits_for_an_exemption_hears_at_once_of_a_second_person(asking: Asking) -> None:
    """R11: over HTTP, while the poll is held: it is woken, and told that nothing is to be waited for any more."""
    _, begun = begin(asking, ostiary_request="fix INC-4412")
    made = asking.requested(started(begun))
    form = {"client_id": CLI, "grant_type": GRANT, "device_code": begun["device_code"], "ostiary_wait": "15"}

    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(app=asking.app, client=("127.0.0.1", 40000))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            await client.post(f"{BASE}/token", data={**form, "ostiary_wait": "0"})  # the room knows it from now on
            waiting = asyncio.create_task(client.post(f"{BASE}/token", data=form))
            while not asking.house.room._held:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.01)
            visit = asking.at_browser(BOB)
            assert isinstance(await claim(asking.house, visit, begun["user_code"]), Refused)
            return await asyncio.wait_for(waiting, 5)

    answer = asking.run(main())
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
    assert answer.json()["ostiary_state"] == "exemption_withdrawn"
    assert asking.wish(made.request.id).phase == "withdrawn"


def test_r1_what_is_asked_with_is_bounded_and_tamed(asking: Asking) -> None:
    """A length that is none is malformed; a reason of many lines is one line of 200 characters; empty asks nothing."""
    status, body = begin(asking, ostiary_request="why", ostiary_duration="soon")
    assert (status, body["error"]) == (400, "invalid_request")
    assert begin(asking, ostiary_request=" ")[0] == 403
    status, _ = begin(asking, ostiary_request="a\x1b[31m\r\nb " + "c" * 400)
    assert status == 200
    ((said,),) = asking.rows(schema.signins.select().with_only_columns(schema.signins.c.declared))
    assert "\\u001b" not in said
    assert '"reason": "a [31m b ccc' in said
    assert said.count("c") < 210
