"""
A client certificate as a machine of the inventory, on both sides (RFC 10027 M7, R12, R13): the requester that comes
with it, and the person's browser that shows it. What lapses, is revoked or replaced stops what it holds.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ostiary.core.directory.people import Role
from ostiary.core.graph.device import ShownDevice
from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.words.instants import Instant, days, hours, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Proof
from ostiary.core.words.visit import Visit
from ostiary.services.access import policies as rules
from ostiary.services.devices.inventory import change_device, register_device, revoke_device
from ostiary.services.signins import claim, decide
from ostiary.store import schema
from tests.services.door import Door
from tests.web.oauth.certificates import make
from tests.web.oauth.over_tls import OverTls, behind_proxy, over_tls
from tests.web.oauth.requester import DEVICE, ME, TOKEN, Machine, alerts, approve, error
from tests.web.oauth.site import BOB, CLI, TENANT

DEVICE_FLOW: dict[str, Any] = {
    "users": {"includeUsers": ["All"]},
    "applications": {"includeApplications": ["All"]},
    "clientAppTypes": ["all"],
}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house behind a proxy, with the block on and an exemption open."""
    with behind_proxy(tmp_path) as made:
        yield made


def admin(door: Door) -> Visit:
    """A request of an administrator who proved themselves just now."""
    seen = door.at_browser(BOB)
    return replace(seen, caller=replace(seen.caller, roles=frozenset({Role.ADMINISTRATOR})))


def demand(door: Door, name: str, **fields: Any) -> None:
    """A policy on everybody with these fields."""
    document = {"displayName": name, "state": "enabled", "conditions": DEVICE_FLOW, "grantControls": None, **fields}
    made = door.run(rules.create_policy(door.house, admin(door), document, "because"))
    assert not isinstance(made, Refused), made


def registered(door: Door, machine: OverTls, **more: Any) -> ShownDevice:
    """The machine put into the inventory with its certificate, for Alice."""
    assert machine.pair is not None
    given = {"name": "build-7", "owner": "alice@example.com", "der": machine.pair.base64, **more}
    made = door.run(register_device(door.house, admin(door), given, "for the build farm"))
    assert isinstance(made, ShownDevice), made
    return made


def begun(door: Door, machine: OverTls) -> str:
    """A device code of *machine* that Alice approved."""
    answer = machine.start()
    assert answer.status_code == 200, answer.text
    approve(door, answer.json())
    return str(answer.json()["device_code"])


def test_a_requester_is_the_machine_of_its_certificate(door: Door) -> None:
    """Policy wants a registered machine that proved its key: a registered certificate is one, another gets no code."""
    machine, stranger = over_tls(door), over_tls(door)
    device = registered(door, machine).device
    assert device.certificate == machine.x5t
    demand(door, "Known machines", ostiary={"controls": {"requesterDevice": ["registered", "keyBound"]}})
    for nobody in (stranger, OverTls(door, None)):
        assert nobody.start().status_code == 403
    code = begun(door, machine)
    assert error(stranger.poll(code)) == (400, "invalid_grant")
    given = machine.poll(code).json()
    assert machine.ask(ME, given["access_token"]).status_code == 200
    assert door.rows(select(schema.sessions.c.device).where(schema.sessions.c.x5t == machine.x5t)) == [(device.id,)]
    assert machine.refresh(given["refresh_token"]).status_code == 200


def test_beside_a_proof_of_another_key_a_certificate_is_no_machine(door: Door) -> None:
    """What nothing is bound to proves nothing later; where the registration requires the certificate, it is."""
    machine, proving = over_tls(door), Machine(door)
    registered(door, machine)
    demand(door, "Known machines", ostiary={"controls": {"requesterDevice": ["registered"]}})
    proving.post(TOKEN, {"grant_type": "x"})  # for a nonce
    assert machine.start(dpop=proving.proof("POST", DEVICE)).status_code == 403
    door.register(CLI, certificate="required")
    assert machine.start(dpop=proving.proof("POST", DEVICE)).status_code == 200


def test_a_machine_that_is_over_gets_no_code(door: Door) -> None:
    """Its certificate is still good, the machine is revoked."""
    machine = over_tls(door)
    device = registered(door, machine).device
    assert isinstance(door.run(revoke_device(door.house, admin(door), device.id, "lost")), ShownDevice)
    refused = machine.start()
    assert (refused.status_code, refused.json()["error_codes"]) == (403, [50155])


@pytest.mark.parametrize("how", ["revoked", "expired", "another certificate"])
def test_what_ends_a_machine_ends_what_it_holds(door: Door, how: str) -> None:
    """At the next look: introspection, admin API and refresh say no; nobody walks over tokens."""
    machine = over_tls(door, lasts=hours(1) + minutes(20))
    device = registered(door, machine).device
    given = machine.poll(begun(door, machine)).json()
    other = machine.refresh(given["refresh_token"]).json()
    assert machine.ask(ME, other["access_token"]).status_code == 200
    if how == "revoked":
        assert isinstance(door.run(revoke_device(door.house, admin(door), device.id, "lost")), ShownDevice)
    elif how == "expired":
        assert device.expires is not None
        assert device.expires < Instant(door.clock.now() + hours(1))
        door.clock.move(minutes(21))  # the certificate was an hour old
    else:
        fresh = {"der": make("EC", door.clock.now()).base64}
        changed = door.run(change_device(door.house, admin(door), device.id, fresh, "a new certificate"))
        assert isinstance(changed, ShownDevice), changed
    assert machine.ask(ME, other["access_token"]).status_code == 401
    refused = machine.refresh(other["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) in ((400, "invalid_grant"), (400, "invalid_request"))
    assert alerts(door) == []


def test_a_machine_ends_with_its_certificate(door: Door) -> None:
    """What is registered counts no longer than its certificate; what cannot count at all is not registered."""
    short = over_tls(door, lasts=days(5))
    made = registered(door, short).device
    assert made.expires is not None
    assert made.expires <= door.clock.now() + days(5)
    long = over_tls(door, lasts=days(200))
    assert registered(door, long, name="build-8").device.expires == door.clock.now() + days(90)
    for machine, more in (
        (over_tls(door, begins=days(-60)), {}),
        (over_tls(door, signs=False), {}),
        (over_tls(door, lasts=days(5)), {"expires": Instant(door.clock.now() + days(6))}),
        (over_tls(door), {"certificate": short.x5t}),
        (over_tls(door), {"der": "bm90aGluZw=="}),
        (over_tls(door), {"der": "!"}),
    ):
        assert machine.pair is not None
        given = {"name": "build-9", "owner": "alice@example.com", "der": machine.pair.base64, **more}
        refused = door.run(register_device(door.house, admin(door), given, "for the build farm"))
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.field) == (Reason.INVALID_VALUE, "ostiary.certificate")
    twice = {"name": "build-9", "owner": "alice@example.com", "der": short.pair.base64 if short.pair else ""}
    again = door.run(register_device(door.house, admin(door), twice, "for the build farm"))
    assert isinstance(again, Refused)
    assert again.reason is Reason.CONFLICT


def test_the_browsers_machine_is_that_of_the_certificate_it_shows(door: Door) -> None:
    """At the authorization endpoint: a policy that wants a compliant device lets only that browser through."""
    browser, other = over_tls(door), over_tls(door)
    registered(door, browser, compliant=True, managed=True)
    demand(door, "Compliant browsers", grantControls={"operator": "OR", "builtInControls": ["compliantDevice"]})
    door.sign_in()
    url = f"/{TENANT}/oauth2/v2.0/authorize"
    for headers, passes in ((browser.headers, True), (other.headers, False), (OverTls(door, None).headers, False)):
        answer = door.get(url, params=door.asked(), headers=headers)
        where = answer.headers.get("location", "")
        assert (where.startswith("/continue")) is passes, (answer.status_code, where)


def test_an_approval_remembers_the_browsers_machine(door: Door) -> None:
    """Approved in the browser of a compliant machine: policy sees it at redemption and refresh, as it is then."""
    laptop, machine = over_tls(door), over_tls(door)
    device = registered(door, laptop, compliant=True).device
    demand(door, "Approve on compliant", grantControls={"operator": "OR", "builtInControls": ["compliantDevice"]})
    code = machine.start().json()
    nowhere = door.run(claim.claim(door.house, door.at_browser(), code["user_code"]))
    assert isinstance(nowhere, Refused)
    assert nowhere.reason is Reason.BLOCKED
    at_laptop = replace(door.at_browser(), proof=Proof(x5t=laptop.x5t))
    shown = door.run(claim.claim(door.house, at_laptop, code["user_code"]))
    assert isinstance(shown, Claimed), shown
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Refused)
    assert isinstance(door.run(decide.approve(door.house, at_laptop, shown.signin.id)), Approved)
    assert door.rows(select(schema.signins.c.approver_device)) == [(device.id,)]
    given = machine.poll(code["device_code"])
    assert given.status_code == 200, given.text
    renewed = machine.refresh(given.json()["refresh_token"])
    assert renewed.status_code == 200
    door.run(change_device(door.house, admin(door), device.id, {"compliant": False}))
    assert error(machine.refresh(renewed.json()["refresh_token"]))[0] == 400
