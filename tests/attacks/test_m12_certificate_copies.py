"""
Copies of what a sign-in over mutual TLS gave, in the hands of somebody with another certificate (RFC 10027 M12, RFC
8705): each attack fails with certificates, and succeeds where the registration switches them off. A certificate that is
only claimed in a header is refused whatever the registration says (R13).
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.services.door import Door
from tests.web.oauth.over_tls import OverTls, behind_proxy, over_tls
from tests.web.oauth.requester import ME, TOKEN, approve
from tests.web.oauth.site import CLI


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house behind a proxy, with the block on and an exemption open."""
    with behind_proxy(tmp_path) as made:
        yield made


def a_device_code(door: Door, machine: OverTls, thief: OverTls) -> httpx.Response:
    """Copied before the person approves; the thief polls first."""
    begun = machine.start().json()
    machine.poll(begun["device_code"])
    approve(door, begun)
    return thief.poll(begun["device_code"])


def a_refresh_token(door: Door, machine: OverTls, thief: OverTls) -> httpx.Response:
    """Copied out of a cache."""
    return thief.refresh(machine.signed_in()[1]["refresh_token"])


def an_access_token(door: Door, machine: OverTls, thief: OverTls) -> httpx.Response:
    """Copied out of a log."""
    return thief.ask(ME, machine.signed_in()[1]["access_token"])


ATTACKS = (a_device_code, a_refresh_token, an_access_token)
Attack = Callable[[Door, OverTls, OverTls], httpx.Response]


@pytest.mark.parametrize("use", ["optional", "required", "never"])
@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.__name__ for attack in ATTACKS])
def test_r12_a_copy_is_worth_something_only_where_certificates_are_off(door: Door, attack: Attack, use: str) -> None:
    """M12 is what stops each of them, with another certificate and, where none is demanded, with none."""
    door.register(CLI, certificate=use)
    for thief in (over_tls(door), OverTls(door, None)):
        answer = attack(door, over_tls(door), thief)
        assert (answer.status_code == 200) is (use == "never"), answer.text
        assert use == "never" or answer.status_code in (400, 401)


@pytest.mark.parametrize("use", ["optional", "required", "never"])
def test_r13_a_certificate_in_a_header_is_no_certificate(door: Door, use: str) -> None:
    """The thief knows it, for certificates are public, and writes it down as the proxy would: 400, at every door."""
    door.register(CLI, certificate=use)
    machine = over_tls(door)
    given = machine.signed_in()[1]
    forged = {"client-cert": machine.headers["client-cert"]}
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": given["refresh_token"]}
    for headers in (forged, {**forged, "x-proxy-secret": "a guess"}, {"client-cert-chain": forged["client-cert"]}):
        assert door.post(TOKEN, form, headers=headers).status_code == 400
        bearer = {**headers, "authorization": f"Bearer {given['access_token']}"}
        assert door.get(ME, headers=bearer).status_code == 400
    assert machine.refresh(given["refresh_token"]).status_code == 200
