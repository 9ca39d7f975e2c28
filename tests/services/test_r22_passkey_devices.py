"""
R22 in policy: approved in a browser whose passkey stands for a compliant machine, and judged again at each refresh.
What ends that ends what was approved, on the device flow and at the authorization endpoint alike.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ostiary.core.devices.device import Device
from ostiary.core.directory.passkeys import Passkey
from ostiary.core.directory.people import Role
from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.words.ids import DeviceId
from ostiary.core.words.instants import Instant, days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access import policies as rules
from ostiary.services.access.desk import Desk
from ostiary.services.devices.inventory import change_device, revoke_device
from ostiary.services.devices.passkeys import part_passkey
from ostiary.services.signins import claim, decide
from ostiary.services.tokens.issue import Issued
from ostiary.store import Tx, devices, passkeys, schema
from tests.services.door import Door
from tests.web.oauth.site import ALICE, BOB, CLI, TENANT, returned

MODEL = "0a" * 16
WANTED: dict[str, Any] = {
    "displayName": "Compliant machines of people",
    "state": "enabled",
    "conditions": {
        "users": {"includeUsers": ["All"]},
        "applications": {"includeApplications": ["All"]},
        "clientAppTypes": ["all"],
    },
    "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]},
}


@dataclass
class Office:
    """A house that demands a compliant machine of everybody, and Alice's passkey, which stands for one."""

    door: Door
    laptop: Device
    key: Passkey

    def admin(self) -> Visit:
        """An administrator, freshly proved."""
        seen = self.door.at_browser(BOB)
        return replace(seen, caller=replace(seen.caller, roles=frozenset({Role.ADMINISTRATOR})))

    def at_browser(self, passkey: str | None = "p") -> Visit:
        """Alice in a browser that proved itself with *passkey*."""
        seen = self.door.at_browser()
        return replace(seen, caller=replace(seen.caller, passkey=passkey))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The house, with an exemption open."""
    door = Door(tmp_path)
    desk = Desk(door.house.store, door.clock, built_in=frozenset({MODEL}))
    door.run(desk.reload())
    door.house = replace(door.house, desk=desk)
    door.app = door.serve(door.house)
    now = door.clock.now()
    laptop = Device(
        DeviceId("d"), "laptop-3", ALICE, certificate="c" * 43, managed=True, compliant=True, registered=now,
        admitted=now, expires=Instant(now + days(90)),
    )  # fmt: skip
    key = Passkey(
        "p", ALICE, b"c" * 32, b"k", 1, ("internal",), False, False, MODEL, "laptop", now, attested=True,
        device=laptop.id, certificate=laptop.certificate,
    )  # fmt: skip

    async def body(tx: Tx) -> None:
        await devices.add(tx, laptop)
        await passkeys.add(tx, key)

    door.write(body)
    door.open()
    made = Office(door, laptop, key)
    assert not isinstance(door.run(rules.create_policy(door.house, made.admin(), WANTED, "because")), Refused)
    yield made
    door.close()


def revoke(office: Office) -> Any:
    """The laptop is lost."""
    return office.door.run(revoke_device(office.door.house, office.admin(), office.laptop.id, "lost"))


def loosen(office: Office) -> Any:
    """Nobody manages it any more; it was said to be compliant, and that stays."""
    return office.door.run(change_device(office.door.house, office.admin(), office.laptop.id, {"managed": False}))


def spoil(office: Office) -> Any:
    """It does not comply any more."""
    return office.door.run(change_device(office.door.house, office.admin(), office.laptop.id, {"compliant": False}))


def part(office: Office) -> Any:
    """An administrator parts the passkey from it."""
    return office.door.run(part_passkey(office.door.house, office.admin(), ALICE, "p"))


def remove(office: Office) -> Any:
    """Its person removes the passkey."""

    async def body(tx: Tx) -> bool:
        return await passkeys.remove(tx, "p", ALICE)

    return office.door.run(office.door.house.store.write(body))


ENDINGS = pytest.mark.parametrize("end", [revoke, loosen, spoil, part, remove])


@ENDINGS
def test_r22_an_approval_stands_on_the_machine_of_the_passkey(office: Office, end: Callable[[Office], Any]) -> None:
    """R22: blocked without it, approved with it, renewed while it counts, refused from then on; at the page as well."""
    door = office.door
    begun = door.started()
    for without in (None, "other"):
        nowhere = door.run(claim.claim(door.house, office.at_browser(without), begun.user_code))
        assert isinstance(nowhere, Refused)
        assert nowhere.reason is Reason.BLOCKED
    shown = door.run(claim.claim(door.house, office.at_browser(), begun.user_code))
    assert isinstance(shown, Claimed), shown
    elsewhere = door.run(decide.approve(door.house, office.at_browser(None), shown.signin.id))
    assert isinstance(elsewhere, Refused)
    assert isinstance(door.run(decide.approve(door.house, office.at_browser(), shown.signin.id)), Approved)
    assert door.rows(select(schema.signins.c.approver_device, schema.signins.c.approver_passkey)) == [(None, "p")]
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued), given
    renewed = door.refresh(given.refresh_token or "")
    assert isinstance(renewed, Issued), renewed
    assert not isinstance(end(office), Refused)
    refused = door.refresh(renewed.refresh_token or "")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.BLOCKED
    again = door.run(claim.claim(door.house, office.at_browser(), door.started().user_code))
    assert isinstance(again, Refused)
    assert again.reason is Reason.BLOCKED


@pytest.mark.parametrize("end", [revoke, part])
def test_r22_what_was_approved_and_not_redeemed_ends_as_well(office: Office, end: Callable[[Office], Any]) -> None:
    """R22: the redemption looks at the machine as it is then."""
    door, begun = office.door, office.door.started()
    shown = door.run(claim.claim(door.house, office.at_browser(), begun.user_code))
    assert isinstance(shown, Claimed), shown
    assert isinstance(door.run(decide.approve(door.house, office.at_browser(), shown.signin.id)), Approved)
    assert not isinstance(end(office), Refused)
    refused = door.poll(begun.device_code)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.BLOCKED


@ENDINGS
def test_r22_so_does_a_sign_in_in_place(office: Office, end: Callable[[Office], Any]) -> None:
    """R22: at the authorization endpoint, over HTTP, with the session's cookie; and at its refreshes."""
    door = office.door
    door.sign_in()
    assert returned(door.authorize())["error"] == "access_denied"
    door.change(update(schema.sessions).values(passkey="p"))
    given = door.redeem(door.code()).json()
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": given["refresh_token"]}
    renewed = door.post(f"/{TENANT}/oauth2/v2.0/token", form)
    assert renewed.status_code == 200, renewed.text
    assert not isinstance(end(office), Refused)
    refused = door.post(f"/{TENANT}/oauth2/v2.0/token", {**form, "refresh_token": renewed.json()["refresh_token"]})
    assert (refused.status_code, refused.json()["error_codes"]) == (400, [53003])
    assert returned(door.authorize())["error"] == "access_denied"
