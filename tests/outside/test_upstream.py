"""What is asked of upstream providers, and how seldom; which of their answers say anything at all."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from ostiary.core.tokens.upstream import Provider
from ostiary.core.words.instants import seconds
from ostiary.core.words.jose import encode
from ostiary.outside.outgoing import Answer, Outgoing, Trouble, Unanswered
from ostiary.outside.upstream import PAUSE, Connection, Denied, Metadata, Tokens, Upstream
from tests.clock import MovableClock

ISSUER = "https://work.test"
METADATA, KEYS, TOKEN = f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/keys", f"{ISSUER}/token"
STRANGE = f"{encode(json.dumps({'alg': 'RS256', 'kid': 'none'}).encode())}.{encode(b'{}')}.{encode(b'x')}"
"""A token as anybody can write it."""


class Elsewhere(Outgoing):
    """A provider: what each address answers, and what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        says = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": TOKEN, "jwks_uri": KEYS}
        self.pages = {METADATA: (200, json.dumps(says)), KEYS: (200, '{"keys": []}')}

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer | Unanswered:  # fmt: skip
        """What the page says; nothing where there is none."""
        self.asked.append(url)
        found = self.pages.get(url)
        return Unanswered(Trouble.SLOW) if found is None else Answer(found[0], {}, found[1].encode())


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands still."""
    return MovableClock()


@pytest.fixture
def elsewhere() -> Elsewhere:
    """The provider."""
    return Elsewhere()


@pytest.fixture
def upstream(elsewhere: Elsewhere, clock: MovableClock) -> Upstream:
    """What the house knows of it: nothing yet."""
    return Upstream(elsewhere, clock, (Connection(Provider("work", "Work", ISSUER, "ostiary")),))


def test_tokens_of_strangers_do_not_become_requests(
    upstream: Upstream, elsewhere: Elsewhere, clock: MovableClock
) -> None:
    """One look for an unknown key each PAUSE, whatever comes; none at all for what is no token of this provider."""

    async def story() -> None:
        for token in ("", "a.b.c", STRANGE.replace(STRANGE.split(".")[0], encode(b'{"alg":"none"}'))):
            assert await upstream.claims("work", token) is None
        assert elsewhere.asked == []
        for _ in range(20):
            assert await upstream.claims("work", STRANGE) is None
        assert elsewhere.asked == [METADATA, KEYS]
        clock.move(PAUSE)
        for _ in range(20):
            assert await upstream.claims("work", STRANGE) is None
        assert elsewhere.asked == [METADATA, KEYS, KEYS]

    asyncio.run(story())


@pytest.mark.parametrize("down", [METADATA, KEYS])
def test_a_document_that_fails_is_asked_for_once_in_a_while(
    upstream: Upstream, elsewhere: Elsewhere, clock: MovableClock, down: str
) -> None:
    """A provider that is down gets no more requests of strangers than one that answers, and is found again."""

    async def story() -> None:
        page = elsewhere.pages.pop(down)
        for _ in range(20):
            assert await upstream.claims("work", STRANGE) is None
        assert elsewhere.asked.count(down) == 1
        elsewhere.pages[down] = page
        clock.move(PAUSE)
        assert await upstream.claims("work", STRANGE) is None
        assert elsewhere.asked.count(down) == 2
        assert isinstance(await upstream.metadata("work"), Metadata)

    async def test_while_it_is_down_what_is_known_serves(
        upstream: Upstream, elsewhere: Elsewhere, clock: MovableClock
    ) -> None:
        """An hour later the old document counts still, at one request each PAUSE; half a day later it does not."""
        known = await upstream.metadata("work")
        del elsewhere.pages[METADATA]
        clock.move(seconds(3600))
        for _ in range(5):
            assert await upstream.metadata("work") == known
        assert len(elsewhere.asked) == 2
        clock.move(seconds(11 * 3600))
        assert await upstream.metadata("work") == Unanswered(Trouble.SLOW)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("status", "said", "means"),
    [
        (200, '{"access_token": "a", "refresh_token": "r"}', Tokens("", "r")),
        (400, '{"error": "invalid_grant"}', Denied("invalid_grant", True)),
        (401, '{"error": "invalid_client"}', Denied("invalid_client", False)),
        (200, '{"error": "invalid_grant"}', Trouble.BROKEN),
        (200, "{}", Trouble.BROKEN),
        (200, "<html>", Trouble.BROKEN),
        (200, '{"access_token": "\\ud800"}', Trouble.BROKEN),
        (503, "{}", Trouble.BROKEN),
    ],
)
def test_only_a_token_is_a_yes(upstream: Upstream, elsewhere: Elsewhere, status: int, said: str, means: object) -> None:
    """RFC 6749 §5.1: an answer without an access token says nothing, whatever its status is."""

    async def story() -> None:
        elsewhere.pages[TOKEN] = (status, said)
        found = await upstream.renew("work", "r")
        assert (found.trouble if isinstance(found, Unanswered) else found) == means

    asyncio.run(story())
