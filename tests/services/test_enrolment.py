"""A machine asks to be admitted: by its key, with a ticket or without, by the rule or not, and always bounded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from ostiary.core.devices.device import MOST_PENDING_OF_PERSON, MOST_PENDING_OF_SOURCE, PENDING_FOR
from ostiary.core.graph.query import Query
from ostiary.core.signins.ticket import ENROLMENT
from ostiary.core.words.instants import days, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Proof
from ostiary.services.devices import admission
from ostiary.services.devices.inventory import admit_device, list_devices, revoke_device
from ostiary.services.signins.enrolment import Wish, enrol
from ostiary.store import schema
from ostiary.web.front.csrf import token
from tests.services.door import Door
from tests.services.test_policy import admin, why
from tests.services.test_r22_tickets import taken
from tests.web.oauth.requester import BASE, Machine
from tests.web.oauth.site import ALICE, BOB, ORIGIN

ENROLL = f"{BASE}/enroll"
STAFF = "7a0d1f2e-0000-4000-8000-00000000057f"
HERE = "127.0.0.0/8"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house with a group of staff."""
    made = Door(tmp_path)
    made.change(insert(schema.groups).values(id=STAFF, display_name="Staff", created=0))
    made.change(insert(schema.members).values(group=STAFF, user=ALICE, since=0))
    yield made
    made.close()


def ask(machine: Machine, *, key: bool = True, **form: str) -> httpx.Response:
    """The enrolment request of a machine called build-7."""
    return machine.post(ENROLL, {"ostiary_machine": "build-7", "ostiary_system": "Linux", **form}, key=key)


def inventory(door: Door) -> list[Any]:
    """All of it, as an administrator sees it."""
    page = door.run(list_devices(door.house, admin(door), Query()))
    assert not isinstance(page, Refused)
    return list(page.items)


def rule(door: Door, **changes: Any) -> Any:
    """An administrator changes the rule."""
    usual = {"enabled": True, "group": STAFF, "networks": (HERE,)}
    return door.run(admission.change_rule(door.house, admin(door), usual | changes, "a trial of one team"))


def test_a_machine_proves_its_key_and_waits(door: Door) -> None:
    """Asking again is asking how it stands; the entry has the key and no secret."""
    machine = Machine(door)
    first = ask(machine).json()
    assert (first["state"], first["name"], first["expires_in"]) == ("pending", "build-7", None)
    assert ask(machine, ostiary_machine="another").json() == first
    (shown,) = inventory(door)
    assert (shown.device.id, shown.device.jkt) == (first["device_id"], machine.holder.jkt)
    assert shown.device.properties == {"operatingSystem": "Linux"}
    (entry,) = door.entries("system:device:asked")
    assert entry["detail"]["key"] == machine.holder.jkt
    done = door.run(admit_device(door.house, admin(door), first["device_id"], {"owner": BOB}, "his build machine"))
    assert not isinstance(done, Refused), done
    again = ask(machine).json()
    assert (again["state"], again["expires_in"]) == ("admitted", 90 * 86_400)


def test_without_a_fresh_proof_nothing_is_asked(door: Door) -> None:
    """No key, an old nonce, another address: no machine."""
    machine = Machine(door)
    assert ask(machine, key=False).status_code == 400
    unfresh = door.post(ENROLL, {"ostiary_machine": "x"}, headers={"dpop": machine.proof("POST", ENROLL)})
    assert unfresh.json()["error"] == "use_dpop_nonce"
    machine.nonce = unfresh.headers["dpop-nonce"]
    elsewhere = door.post(ENROLL, {"ostiary_machine": "x"}, headers={"dpop": machine.proof("POST", f"{BASE}/token")})
    assert elsewhere.json()["error"] == "invalid_dpop_proof"
    assert ask(machine, ostiary_machine="\u200b").status_code == 400
    assert inventory(door) == []


def test_with_a_ticket_the_machine_has_an_owner(door: Door) -> None:
    """A ticket for enrolling, taken by its person; one for signing in is none, and one counts once."""
    assert ask(Machine(door), ostiary_ticket=taken(door)).json()["error_codes"] != []
    assert inventory(door) == []
    letters = taken(door, client=ENROLMENT)
    assert ask(Machine(door), ostiary_ticket=letters).json()["state"] == "pending"
    (shown,) = inventory(door)
    assert shown.device.owner == ALICE
    assert ask(Machine(door), ostiary_ticket=letters).status_code == 400
    (entry,) = door.entries("system:device:asked")
    assert letters not in str(entry)


def test_the_ticket_page_offers_it(door: Door) -> None:
    """In the browser, beside the applications."""
    door.sign_in()
    assert "Enrol a machine" in door.get("/ticket").text
    form = {"form_token": token(door.house, door.cookie), "application": "enrolment"}
    page = door.post("/ticket", form, headers={"origin": ORIGIN})
    assert "ostiary device enroll --ticket" in page.text


def test_people_see_and_revoke_their_machines_at_the_page(door: Door) -> None:
    """Their own and nobody else's; a revoked one has no button."""
    ask(Machine(door), ostiary_ticket=taken(door, client=ENROLMENT))
    ask(Machine(door), ostiary_machine="somebody-else-s", ostiary_ticket=taken(door, BOB, ENROLMENT))
    mine, hers = (next(d.device.id for d in inventory(door) if d.device.owner == who) for who in (ALICE, BOB))
    door.sign_in()
    assert "/account/devices" in door.get("/account").text
    page = door.get("/account/devices").text
    assert "build-7" in page
    assert "waits for an administrator" in page
    assert "somebody-else" not in page
    form = {"form_token": token(door.house, door.cookie)}
    post = {"headers": {"origin": ORIGIN}}
    assert door.post(f"/account/devices/{hers}/revoke", form, **post).status_code == 409
    assert door.post(f"/account/devices/{mine}/revoke", {"form_token": "x"}, **post).status_code == 403
    assert door.post(f"/account/devices/{mine}/revoke", form, **post).headers["location"] == "/account/devices"
    page = door.get("/account/devices").text
    assert "revoked" in page
    assert "/revoke" not in page
    door.cookie = ""
    assert door.get("/account/devices").status_code == 303


def test_a_revoked_machine_makes_another_key(door: Door) -> None:
    """The old one is told so; what was never admitted may ask again after its week."""
    machine, late = Machine(door), Machine(door)
    id = ask(machine).json()["device_id"]
    assert ask(late).status_code == 200
    assert not isinstance(door.run(revoke_device(door.house, admin(door), id)), Refused)
    assert ask(machine).json()["error_codes"] == [50155]
    door.clock.move(PENDING_FOR)
    assert ask(late).json()["state"] == "pending"
    assert len(inventory(door)) == 2


def test_r21_what_waits_is_bounded(door: Door) -> None:
    """Of a source, and of a person wherever they are; a week later there is room again."""
    for _ in range(MOST_PENDING_OF_SOURCE):
        assert ask(Machine(door)).status_code == 200
    refused = ask(Machine(door))
    assert refused.status_code == 400
    assert "many" in refused.json()["error_description"]
    for number in range(MOST_PENDING_OF_PERSON + 1):
        visit = replace(door.at_machine(f"192.0.2.{number}"), proof=Proof("k" * 42 + str(number)))
        answer = door.run(enrol(door.house, visit, Wish("m", ticket=taken(door, client=ENROLMENT))))
        if number < MOST_PENDING_OF_PERSON:
            assert not isinstance(answer, Refused), answer
        else:
            assert why(answer) is Reason.BUSY_SOURCE
    door.clock.move(PENDING_FOR)
    assert ask(Machine(door)).status_code == 200


def test_r21_refused_enrolments_are_counted(door: Door) -> None:
    """Nobody fills the journal with requests that are none."""
    before = len(door.entries("system:device:refused"))
    machine = Machine(door)
    for _ in range(30):
        ask(machine, ostiary_machine="")
    assert len(door.entries("system:device:refused")) - before == 20


# ---- the rule


def test_the_rule_is_off_and_admits_nobody(door: Door) -> None:
    """A house that never said anything."""
    assert ask(Machine(door), ostiary_ticket=taken(door, client=ENROLMENT)).json()["state"] == "pending"
    assert not door.entries("admin:device:admitted")


def test_the_rule_admits_by_group_network_number_and_ticket(door: Door) -> None:
    """All four; what it admits is neither managed nor compliant, and ends sooner."""
    assert not isinstance(rule(door), Refused)
    assert "guardrail_weakened" in [entry["detail"]["about"] for entry in door.entries("system:alert:raised")]
    told = ask(Machine(door), ostiary_ticket=taken(door, client=ENROLMENT)).json()
    assert (told["state"], told["expires_in"]) == ("admitted", 30 * 86_400)
    (entry,) = door.entries("admin:device:admitted")
    assert (entry["detail"]["by"], entry["detail"]["owner"]) == ("rule", ALICE)
    (shown,) = inventory(door)
    assert (shown.device.managed, shown.device.compliant) == (False, False)
    assert ask(Machine(door)).json()["state"] == "pending", "no ticket, no owner"
    assert ask(Machine(door), ostiary_ticket=taken(door, BOB, ENROLMENT)).json()["state"] == "pending", "another group"
    assert ask(Machine(door), ostiary_ticket=taken(door, client=ENROLMENT)).json()["state"] == "admitted"
    assert ask(Machine(door), ostiary_ticket=taken(door, client=ENROLMENT)).json()["state"] == "pending", "a third"


def test_the_rule_admits_from_its_networks_alone(door: Door) -> None:
    """From anywhere else an administrator looks."""
    assert not isinstance(rule(door, networks=("192.0.2.0/24",)), Refused)
    assert ask(Machine(door), ostiary_ticket=taken(door, client=ENROLMENT)).json()["state"] == "pending"


@pytest.mark.parametrize(
    ("changes", "reason", "expected"),
    [
        ({"group": None}, "because", Reason.INVALID_VALUE),
        ({"networks": ()}, "because", Reason.INVALID_VALUE),
        ({"networks": ("192.0.2.1/24",)}, "because", Reason.INVALID_VALUE),
        ({"group": "nobody"}, "because", Reason.INVALID_VALUE),
        ({"most": 0}, "because", Reason.INVALID_VALUE),
        ({"lifetime": days(400)}, "because", Reason.INVALID_VALUE),
        ({"lifetime": minutes(5)}, "because", Reason.INVALID_VALUE),
        ({}, "", Reason.REASON_REQUIRED),
    ],
)
def test_a_rule_without_limits_is_refused(door: Door, changes: dict[str, Any], reason: str, expected: Reason) -> None:
    """Nor one without a reason; switching it off needs none."""
    usual = {"enabled": True, "group": STAFF, "networks": (HERE,)}
    refused = door.run(admission.change_rule(door.house, admin(door), usual | changes, reason))
    assert why(refused) is expected
    off = door.run(admission.change_rule(door.house, admin(door), {"enabled": False}))
    assert not isinstance(off, Refused)
    assert not off.enabled
