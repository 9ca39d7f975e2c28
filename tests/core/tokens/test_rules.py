"""
The small rules of tokens: ends (R8), PKCE, client authentication, redirect URIs, and the table of refusals.
"""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.picture import Organisation, Picture
from ostiary.core.access.policy_set import compile_set
from ostiary.core.directory.applications import Application, Secret
from ostiary.core.tokens.authorization import AuthorizationRequest, must_sign_in, origin_of, redirects_to, response_uri
from ostiary.core.tokens.claims import SHORTEST_LEFT, expiry
from ostiary.core.tokens.clients import Proved, Shown, authenticate
from ostiary.core.tokens.errors_page import page
from ostiary.core.tokens.pkce import challenge_of, fits, is_challenge, is_verifier
from ostiary.core.tokens.refusals import TABLE, Endpoint, by_number, wire
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId, GroupId
from ostiary.core.words.instants import Instant, Span, after, from_seconds, hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused

NOW = from_seconds(1_800_000_000)

instants = st.integers(0, 4_000_000_000_000_000).map(Instant)


@given(instants, st.integers(0, 10**11).map(Span), instants, instants)
def test_r8_nothing_outlives_what_it_stands_on(now: Instant, lifetime: Span, one: Instant, other: Instant) -> None:
    """Whatever is asked: no later than any end, whole seconds, at least a minute or nothing, at most an hour."""
    found = expiry(now, lifetime, one, other)
    if found is None:
        assert min(one, other) - now < minutes(1) + seconds(1)
        return
    assert found <= min(one, other)
    assert found % 1_000_000 == 0
    assert SHORTEST_LEFT <= found - now <= hours(1)


@pytest.mark.parametrize(
    ("lifetime", "left", "given_"), [(10, 60, 10), (10, 5, 5), (1, 60, 2), (90, 600, 60), (10, 1, 1)]
)
def test_r8_lifetimes_stay_between_two_minutes_and_an_hour(lifetime: int, left: int, given_: int) -> None:
    """Per application, cut by the exemption."""
    assert expiry(NOW, minutes(lifetime), after(NOW, minutes(left))) == after(NOW, minutes(given_))


def test_r8_less_than_a_minute_is_not_minted() -> None:
    """59 seconds are none."""
    assert expiry(NOW, minutes(10), after(NOW, seconds(59))) is None


def test_rfc7636_appendix_b() -> None:
    """The RFC's own example."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of(verifier) == challenge
    assert fits(verifier, challenge)
    assert is_challenge(challenge)


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 43 + "=", "ä" * 50, "a" * 43 + "\n"])
def test_what_cannot_be_a_verifier_fits_nothing(verifier: str) -> None:
    """RFC 7636 §4.1, also where the challenge is the verifier itself."""
    assert not is_verifier(verifier)
    assert not fits(verifier, verifier)


SECRET = Secret("1", digest("right").hex(), "r…", NOW, after(NOW, hours(1)))
PUBLIC = Application(AppId("public"), "o", "Public")
OPEN = Application(AppId("server"), "o", "Server", public=False, secrets=(SECRET,))
OFF = Application(AppId("off"), "o", "Off", enabled=False)
PICTURE = Picture(
    1, Organisation("tenant", "Example"), GroupId("x"), compile_set([]),
    applications=MappingProxyType({app.id: app for app in (PUBLIC, OPEN, OFF)}),
)  # fmt: skip


def proved(shown: Shown, now: Instant) -> Proved | Refused:
    """Whom it proves; no signature is right here."""
    return authenticate(PICTURE, shown, now, origin="https://localhost", verify=lambda *_: False)


@pytest.mark.parametrize(
    ("id", "secret", "basic", "found"),
    [
        ("public", "", None, PUBLIC),
        ("PUBLIC", "", None, PUBLIC),
        ("", "", ("public", ""), PUBLIC),
        ("public", "", ("public", ""), PUBLIC),
        ("server", "right", None, OPEN),
        ("", "", ("server", "right"), OPEN),
        ("server", "", ("server", "right"), OPEN),
        ("public", "x", None, Reason.PUBLIC_CLIENT_SECRET),
        ("server", "", None, Reason.CLIENT_AUTHENTICATION),
        ("server", "wrong", None, Reason.CLIENT_AUTHENTICATION),
        ("nobody", "wrong", None, Reason.CLIENT_AUTHENTICATION),
        ("nobody", "", None, Reason.UNKNOWN_CLIENT),
        ("off", "", None, Reason.CLIENT_DISABLED),
        ("", "", None, Reason.INVALID_REQUEST),
        ("public", "", ("server", "right"), Reason.INVALID_REQUEST),
        ("server", "right", ("server", "right"), Reason.INVALID_REQUEST),
        ("x" * 257, "", None, Reason.INVALID_REQUEST),
        ("server", "x" * 257, None, Reason.INVALID_REQUEST),
    ],
)
def test_an_application_is_who_it_proves_to_be(
    id: str, secret: str, basic: tuple[str, str] | None, found: Application | Reason
) -> None:
    """Body, Basic or both for the id; one secret; an empty one counts as none."""
    answer = proved(Shown(id, secret, basic), NOW)
    assert (answer.reason if isinstance(answer, Refused) else answer.application) == found


def test_a_secret_counts_until_it_ends() -> None:
    """At its end it proves nothing."""
    assert proved(Shown("server", "right"), after(NOW, hours(1))) == Refused(Reason.CLIENT_AUTHENTICATION)


NATIVE = replace(
    PUBLIC, redirect_uris=("http://localhost", "http://[::1]/cb", "com.example.app:/cb", "https://a.example/cb")
)


@pytest.mark.parametrize(
    ("uri", "fits_"),
    [
        ("http://localhost", True), ("http://localhost:1234", True), ("http://localhost:1234/", True),
        ("http://localhost/x", False), ("http://[::1]:80/cb", True), ("com.example.app:/cb", True),
        ("https://a.example/cb", True), ("https://a.example:443/cb", False), ("https://a.example/cb/", False),
        ("http://a.example/cb", False), ("http://localhost:x", False), ("http://[", False), ("", False),
        ("https://a.example/cb\n", False),
    ],
)  # fmt: skip
def test_a_redirect_uri_is_the_same_string_but_for_a_loopback_port(uri: str, fits_: bool) -> None:
    """RFC 9700 §2.1, RFC 8252 §7.3."""
    assert redirects_to(NATIVE, uri) is fits_


def test_a_response_carries_state_and_issuer() -> None:
    """RFC 9207, with the redirect URI's own query kept."""
    asked = AuthorizationRequest(redirect_uri="https://a.example/cb?x=1", state="a&b")
    assert (
        response_uri(asked, "https://i", code="c d")
        == "https://a.example/cb?x=1&code=c+d&state=a%26b&iss=https%3A%2F%2Fi"
    )
    assert origin_of("https://a.example:8/cb") == "https://a.example:8"
    assert origin_of("com.example.app:/cb") == "com.example.app:"
    assert origin_of("http://[::1]:8/cb") == "http:"


@pytest.mark.parametrize(
    ("prompt", "max_age", "since", "ago", "must"),
    [
        ("", "", None, 3600, False),
        ("", "60", None, 61, True),
        ("", "60", None, 60, False),
        ("", "0", None, 1, True),
        ("login", "", None, 0, True),
        ("login", "", 10, 5, False),
        ("login", "", 10, 10, False),
        ("login", "", 10, 20, True),
        ("", "0", 10, 5, False),
    ],
)
def test_a_proof_is_fresh_enough_or_given_again(
    prompt: str, max_age: str, since: int | None, ago: int, must: bool
) -> None:
    """OIDC Core §3.1.2.1; what was proved after the request first came always counts."""
    came = None if since is None else after(NOW, seconds(-since))
    asked = AuthorizationRequest(prompt=prompt, max_age=max_age, since=came)
    assert must_sign_in(asked, after(NOW, seconds(-ago)), NOW) is must
    assert must_sign_in(asked, None, NOW)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_reads_outside(reason: Reason) -> None:
    """A name of an RFC at each endpoint, a number, a sentence and a next step that tell nothing secret."""
    entry = wire(reason)
    for endpoint in Endpoint:
        assert entry.name(endpoint).replace("_", "").isalpha()
    assert entry.sentence.endswith(".")
    assert entry.next_step.endswith(".")
    assert '"' not in entry.sentence + entry.next_step
    assert entry.status in (400, 401)
    assert entry in by_number(entry.aadsts)


def test_the_table_has_no_reason_that_does_not_exist() -> None:
    """And every one that does."""
    assert set(TABLE) == set(Reason)


def test_who_holds_a_device_code_hears_one_sentence_for_all_endings_by_people() -> None:
    """Denied, reported, claimed by another: the requester may be the attacker."""
    ended = (Reason.DENIED, Reason.REPORTED, Reason.CLAIMED_BY_ANOTHER, Reason.NOT_THE_NAMED_PERSON)
    assert len({wire(reason) for reason in ended}) == 1


def test_an_unknown_number_explains_nothing() -> None:
    """The page says that there is no such number."""
    assert by_number(1) == ()


def test_the_errors_page_is_the_table() -> None:
    """`docs/errors.md` is made from the table; `python -m ostiary.core.tokens.errors_page` prints it."""
    kept = Path(__file__).parents[3] / "docs" / "errors.md"
    assert kept.read_text() == page()
