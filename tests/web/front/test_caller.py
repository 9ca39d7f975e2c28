"""A caller from one of our own access tokens: what stands behind it is asked each time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.instants import Instant, hours, minutes
from ostiary.services.tokens.caller import Credentials, identify
from ostiary.store import Tx, exemptions, tokens
from tests.web.oauth.site import ADMIN_API, ALICE, API, CLI, Site


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Site]:
    """A house that issues tokens."""
    made = Site(tmp_path)
    yield made
    made.close()


def caller(site: Site, token: str) -> Caller:
    """Who a request with *token* is of."""
    return site.run(identify(site.house, Credentials(bearer=token), site.visit())).caller


def test_a_token_for_the_admin_api_names_person_client_scopes_and_origin(house: Site) -> None:
    """The session says who, the token only what for."""
    session = house.session(resource=ADMIN_API)
    found = caller(house, house.token(session, scopes=("User.Read",)))
    assert (found.user, found.client, found.session, found.origin) == (ALICE, CLI, session.id, Origin.BROWSER)
    assert "User.Read" in found.scopes
    assert found.mfa
    assert found.authenticated_at == session.authenticated


def test_a_token_for_another_resource_is_nobodys_here(house: Site) -> None:
    """RFC 9068 §4: the audience must be us."""
    assert caller(house, house.token(house.session(resource=API))).kind is CallerKind.NOBODY


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 20_000])
def test_what_is_no_token_is_nobodys(house: Site, token: str) -> None:
    """And never a fault."""
    assert caller(house, token).kind is CallerKind.NOBODY


def test_a_token_ends_with_its_time_its_session_and_its_person(house: Site) -> None:
    """Nothing is remembered: each request asks."""
    session = house.session(resource=ADMIN_API)
    token = house.token(session)
    house.clock.move(minutes(9))
    assert caller(house, token).user == ALICE
    house.clock.move(minutes(2))
    assert caller(house, token).kind is CallerKind.NOBODY
    fresh = house.token(session)
    assert caller(house, fresh).user == ALICE

    async def end(tx: Tx) -> bool:
        return await tokens.end(tx, session.id, now=house.clock.now(), cause="ended")

    house.write(end)
    assert caller(house, fresh).kind is CallerKind.NOBODY
    other = house.token(house.session(resource=ADMIN_API))
    house.change_user(epoch=Instant(house.clock.now() + 1))
    assert caller(house, other).kind is CallerKind.NOBODY


def test_a_disabled_person_is_nobody_at_once(house: Site) -> None:
    """Whatever the token still says."""
    token = house.token(house.session(resource=ADMIN_API))
    house.change_user(enabled=False)
    assert caller(house, token).kind is CallerKind.NOBODY


def test_r3_a_device_session_keeps_its_origin_and_ends_with_its_exemption(house: Site) -> None:
    """R3, R8: the origin comes from the session; the window's end is the token's, whatever time it has left."""
    window = house.exemption(hours(1))
    token = house.token(house.session(exemption=window, resource=ADMIN_API))
    assert caller(house, token).origin is Origin.DEVICE_CODE

    async def end(tx: Tx) -> bool:
        return await exemptions.end(tx, window.id, now=house.clock.now(), cause=EndCause.ENDED, by="local:root")

    house.write(end)
    assert caller(house, token).kind is CallerKind.NOBODY
