"""
The unmodified clients against a running server, with a person in a real browser: refused, signed in, ended, denied,
reported, expired. Each client plays the long story once; the tests then read what it saw.
"""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from tests.clients.needs import Server
from tests.clients.programs import CLIENTS, AzureCli, Client, Outcome, azure_cli, azure_identity
from tests.journeys.browser import Desk, Person

KEEPS_CLAIMS: Final = [start.__name__ for start in CLIENTS if start not in (azure_cli, azure_identity)]
SHUNNED = 3600  # seconds
DENIALS_COUNT = 3600  # seconds
CODE_LIFE: Final = 5 * 60  # seconds; the sample's Azure CLI registration keeps the default


@dataclass(frozen=True, slots=True)
class Story:
    """What one client saw, from the first refusal to the end of its exemption, all in one process (`az`: one home)."""

    name: str
    code_before: str | None
    refused: Outcome
    code: str | None
    signed_in: Outcome
    me: Mapping[str, Any]
    another: Outcome
    ended: Outcome


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda start: start.__name__)
def story(
    request: pytest.FixtureRequest, server: Server, chromium: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Play the story once for each client."""
    start = request.param
    alice = server.people["alice"]
    with start(server, tmp_path_factory.mktemp(start.__name__)) as client, chromium.person(server.origin) as person:
        server.end_exemptions("alice")
        client.start()
        code_before, refused = client.code(), client.outcome()
        server.open_exemption("alice")
        client.start()
        code = client.code()
        person.sign_in(alice.username, alice.password, alice.totp())
        approve(person, code)
        signed_in = client.outcome()
        me, another = who_am_i(server, signed_in), client.token()
        server.end_exemptions("alice")
        yield Story(start.__name__, code_before, refused, code, signed_in, me, another, client.token())


@pytest.fixture
def started(client: Client, server: Server) -> Iterator[Client]:
    """Each client with an exemption open and a sign-in begun."""
    server.open_exemption("alice")
    client.start()
    yield client
    server.end_exemptions("alice")


def approve(person: Person, code: str | None) -> None:
    """Enter *code* and approve."""
    assert code is not None
    person.enter_code(code)
    person.approve()


def who_am_i(server: Server, outcome: Outcome) -> Mapping[str, Any]:
    """Return what the admin API says about the bearer of the access token, `{}` without one."""
    answer = httpx.get(
        f"{server.origin}/v1.0/me",
        headers={"Authorization": f"Bearer {outcome.access_token}"},
        verify=ssl.create_default_context(cafile=str(server.ca_file)),
    )
    return answer.json() if answer.status_code == 200 else {}


def test_without_an_exemption_no_code_exists(story: Story) -> None:
    """Closed by default: the refusal comes before a code, and names the rule (53003)."""
    assert story.code_before is None
    assert not story.refused.signed_in
    assert "AADSTS53003" in story.refused.description


def test_r9_the_same_call_shows_a_code_once_an_exemption_is_open(story: Story) -> None:
    """No client remembers the refusal, neither in its process nor on its disk."""
    assert story.code is not None


def test_an_approved_sign_in_gives_a_token_of_that_person(story: Story, server: Server) -> None:
    """The access token is accepted, and it is Alice's."""
    assert story.signed_in.signed_in, story.signed_in
    assert story.me["userPrincipalName"] == server.people["alice"].username


def test_the_id_token_names_the_person_and_the_tenant(story: Story, server: Server) -> None:
    """Where a client shows its id_token, it reads as expected (Authlib's and openid-client's were verified)."""
    expected = (server.tenant, server.people["alice"].username) if story.name in KEEPS_CLAIMS else None
    claims = story.signed_in.claims
    assert (claims and (claims["tid"], claims["preferred_username"])) == expected


def test_the_client_gets_another_token_by_itself(story: Story) -> None:
    """What the client kept (a refresh token, a cache) is enough for the next access token."""
    assert story.another.signed_in, story.another


def test_r8_what_a_sign_in_gave_ends_with_its_exemption(story: Story, server: Server) -> None:
    """A client that asks the server is refused; one that answers from its cache holds a token that no longer works."""
    assert not story.ended.signed_in or who_am_i(server, story.ended) == {}
    assert who_am_i(server, story.another) == {}


def test_a_denied_sign_in_ends_the_client(started: Client, person: Person, server: Server) -> None:
    """Deny on the page is the client's answer at its next poll. Whoever denied five in an hour waits (M11)."""
    person.enter_code(started.code() or "")
    person.deny()
    assert_ended(started.outcome(), "access_denied")
    server.pass_time(DENIALS_COUNT + 1)


def test_a_reported_sign_in_ends_the_client(started: Client, person: Person, server: Server) -> None:
    """*I did not start this* ends the client's sign-in too, and shuns its address for an hour (R11)."""
    person.enter_code(started.code() or "")
    person.report()
    assert_ended(started.outcome(), "access_denied")
    server.pass_time(SHUNNED + 1)


def test_an_expired_sign_in_ends_the_client(started: Client, server: Server) -> None:
    """A code that nobody entered in its time ends with `expired_token`."""
    assert started.code()
    server.pass_time(CODE_LIFE + 1)
    assert_ended(started.outcome(), "expired_token")


def assert_ended(outcome: Outcome, error: str) -> None:
    """Check a refusal: its error where the client passes it on, and always the sentence for people."""
    assert not outcome.signed_in
    assert outcome.error in (error, "")
    assert "AADSTS" in outcome.description


def test_az_reads_the_api_with_a_token_for_it(server: Server, person: Person, tmp_path: Any) -> None:
    """`az rest` refreshes for the API's own resource (R7: within reach) and reads with that token."""
    server.open_exemption("alice")
    with AzureCli(server, tmp_path) as az:
        az.start()
        approve(person, az.code())
        assert az.outcome().signed_in
        done = az.run("rest", "--url", f"{server.origin}/v1.0/me")
    server.end_exemptions("alice")
    assert done.returncode == 0, done.stderr
    assert server.people["alice"].username in done.stdout
