"""What wrong tries of others cost a person who has the right password: a short wait, whoever shares their address."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.core.directory.credentials import FACTOR_ACCOUNT, PASSWORD_ACCOUNT, PASSWORD_PAIR, PASSWORD_SOURCE
from ostiary.core.words.instants import hours, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.throttle import sweep
from ostiary.services.tokens.other_ways import check_pass
from ostiary.services.tokens.sign_in import Half, SignedIn, check_code, check_password
from tests.web.pages.site import BOB, CAROL, NAMES, PASSWORD, Site

HOME = "198.51.100.7"
"""The address that the person and whoever tries beside them share."""
LONGEST = max(each.longest for each in (PASSWORD_PAIR, PASSWORD_SOURCE, PASSWORD_ACCOUNT))

WAYS = {"password": check_password, "pass": check_pass}
TRY = st.tuples(
    st.sampled_from([NAMES[BOB], NAMES[BOB], NAMES[CAROL], "nobody@example.com"]),
    st.sampled_from([HOME, HOME, HOME, "192.0.2.1", "2001:db8::1"]),
    st.sampled_from(sorted(WAYS)),
    st.integers(1, 30),  # how often
    st.sampled_from([0, 1, 5, 20, 30, 180, 900]),  # seconds after each
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One house for all examples; each begins two days later, with every counter forgotten."""
    made = Site(tmp_path_factory.mktemp("waiting"))
    yield made
    made.close()


def forget(site: Site) -> None:
    """Let two days pass."""
    site.clock.move(hours(49))
    site.run(sweep(site.house, site.visit()))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TRY, max_size=12))
def test_whatever_others_tried_the_right_password_is_looked_at_within_three_minutes(
    site: Site, tried: list[tuple[str, str, str, int, int]]
) -> None:
    """At a browser that nobody knows, behind the very address that the tries came from, as often as they came."""
    forget(site)
    for name, address, way, times, gap in tried:
        for _ in range(times):
            site.run(WAYS[way](site.house, site.visit(address=address), name, "not it at all"))
            site.clock.move(seconds(gap))
    answer = site.run(check_password(site.house, site.visit(address=HOME), NAMES[BOB], PASSWORD))
    if isinstance(answer, Refused):
        assert answer.reason is Reason.SIGN_IN_LOCKED
        assert 0 < answer.wait <= LONGEST
        site.clock.move(answer.wait)
        answer = site.run(check_password(site.house, site.visit(address=HOME), NAMES[BOB], PASSWORD))
    assert isinstance(answer, Half), answer


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from([0, 30, 600, 3600])), max_size=5))
def test_wrong_codes_of_a_thief_make_the_right_one_wait_for_an_hour_at_most(
    site: Site, tried: list[tuple[int, int]]
) -> None:
    """Only whoever has the password can do even that."""
    forget(site)
    for times, gap in tried:
        for _ in range(times):
            second(site, "000000")
            site.clock.move(seconds(gap))
    answer = second(site, site.totp(BOB))
    if isinstance(answer, Refused):
        assert answer.reason is Reason.SIGN_IN_LOCKED
        assert 0 < answer.wait <= FACTOR_ACCOUNT.longest
        site.clock.move(answer.wait)
        answer = second(site, site.totp(BOB))
    assert isinstance(answer, SignedIn), answer


def second(site: Site, code: str) -> SignedIn | Refused:
    """The right password, then *code*."""
    half = site.run(check_password(site.house, site.visit(address=HOME), NAMES[BOB], PASSWORD))
    assert isinstance(half, Half), half
    return site.run(check_code(site.house, site.visit(address=HOME), half.cookie, code))
