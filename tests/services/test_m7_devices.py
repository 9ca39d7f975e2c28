"""Machines of the inventory where it matters: start, claim, redemption, refresh, introspection (RFC 10027 M7, R8)."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.devices.admission import OFF, AdmissionRule
from ostiary.core.devices.device import Device
from ostiary.core.graph.fields import render
from ostiary.core.graph.signin import SIGN_IN
from ostiary.core.graph.signin_filter import Between
from ostiary.core.logs.telling import Telling, tell
from ostiary.core.signins.view import Claimed
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.ids import DeviceId
from ostiary.core.words.instants import after, days, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Proof
from ostiary.services.logs.stories import catch_up
from ostiary.services.signins import decide
from ostiary.services.signins.start import Request, Started, start
from ostiary.store import Tx, device_settings, devices, sign_in_pages
from ostiary.store.restore import end_everything
from tests.services.door import Door
from tests.services.test_policy import locate, save, why
from tests.web.oauth.requester import OWN, Machine, approve, error, signed_in
from tests.web.oauth.site import ALICE, API, API_URI, BOB, CLI, GROUP

SCOPE = f"openid offline_access {API_URI}Read"
ID = DeviceId("7a0d1f2e-0000-4000-8000-0000000000d1")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house with the block on and an exemption of Alice open."""
    made = Door(tmp_path)
    made.open()
    yield made
    made.close()


def admitted(door: Door, machine: Machine, **more: Any) -> Device:
    """*machine* stands in the inventory as Alice's."""
    now = door.clock.now()
    usual: dict[str, Any] = {
        "owner": ALICE, "jkt": machine.holder.jkt, "registered": now, "admitted": now, "admitted_by": "user:admin",
        "expires": after(now, days(90)),
    }  # fmt: skip
    device = Device(ID, "build-7", **{**usual, **more})

    async def body(tx: Tx) -> None:
        await devices.add(tx, device)

    door.write(body)
    return device


def change(door: Door, **values: Any) -> None:
    """Somebody changes the machine."""

    async def body(tx: Tx) -> None:
        old = await devices.find(tx, ID)
        assert old is not None
        assert await devices.change(tx, old, replace(old, revision=old.revision + 1, **values))

    door.write(body)


def active(door: Door, given: dict[str, Any]) -> bool:
    """What the resource is told of the access token."""
    told: bool = door.introspect(str(given["access_token"]), API).json()["active"]
    return told


def demand(door: Door, *kinds: str) -> None:
    """A policy that asks it of the machine."""
    save(door, ostiary={"controls": {"requesterDevice": list(kinds)}})


def whole(door: Door, machine: Machine) -> dict[str, Any]:
    """A sign-in from the request to the tokens."""
    begun = machine.start(scope=SCOPE)
    assert begun.status_code == 200, begun.text
    approve(door, begun.json())
    given = machine.poll(begun.json()["device_code"])
    assert given.status_code == 200, given.text
    return dict(given.json())


# ---- who gets in


def test_m7_only_an_enrolled_machine_gets_a_code_where_policy_asks(door: Door) -> None:
    """Another key, no key, and a key that nobody admitted: refused before a code exists, and told what is missing."""
    demand(door, "registered", "keyBound")
    known, stranger = Machine(door), Machine(door)
    admitted(door, known)
    for refused in (stranger.start(scope=SCOPE), known.start(scope=SCOPE, key=False)):
        assert refused.status_code == 403
        assert refused.json()["error_codes"] == [50097]
    assert door.signins() == []
    assert whole(door, known)


def test_m7_to_name_the_key_is_not_to_hold_it(door: Door) -> None:
    """`dpop_jkt` of an enrolled machine, sent by somebody else, is no enrolled machine."""
    known, thief = Machine(door), Machine(door)
    admitted(door, known)
    demand(door, "registered")
    refused = thief.start(scope=SCOPE, key=False, dpop_jkt=known.holder.jkt)
    assert error(refused) == (403, "access_denied")


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"admitted": None, "expires": None}, "access_denied"),
        ({"revoked": 1}, "access_denied"),
        ({"expires": 1}, "access_denied"),
    ],
    ids=["pending", "revoked", "lapsed"],
)
def test_m7_a_machine_that_does_not_count_is_none(door: Door, over: dict[str, Any], reason: str) -> None:
    """Neither one that waits, nor one whose time is over."""
    machine = Machine(door)
    admitted(door, machine, **over)
    demand(door, "registered")
    assert error(machine.start(scope=SCOPE)) == (403, reason)


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        ("managed", {"managed": True}),
        ("compliant", {"compliant": True}),
        ("keyBound", {}),
        ("registered", {}),
    ],
)
def test_m7_each_thing_that_a_machine_can_be(door: Door, kind: str, good: dict[str, Any]) -> None:
    """What policy demands of it is what the inventory says of it."""
    demand(door, kind)
    machine = Machine(door)
    admitted(door, machine)
    assert (machine.start(scope=SCOPE).status_code == 200) is (not good)
    if good:
        change(door, **good)
        assert whole(door, machine)


def test_m7_filter_rules_see_the_machine(door: Door) -> None:
    """Entra's language over the requester: a block for everything but one model; with no machine every attribute is
    null."""
    rule = {"deviceFilter": {"mode": "exclude", "rule": 'device.model -eq "X1" -and device.isCompliant -eq True'}}
    save(
        door,
        grantControls={"operator": "OR", "builtInControls": ["block"]},
        ostiary={"conditions": {"requesterDevice": rule}},
    )
    machine = Machine(door)
    admitted(door, machine, properties={"model": "x1"}, compliant=True)
    assert Machine(door).start(scope=SCOPE).status_code == 403
    given = whole(door, machine)
    change(door, properties={"model": "x2"})
    assert not active(door, given)


def test_m7_an_application_that_binds_no_keys_knows_no_machines(door: Door) -> None:
    """A key that nothing is bound to afterwards proves nothing of who polls."""
    door.register(CLI, dpop="never")
    demand(door, "registered")
    machine = Machine(door)
    admitted(door, machine)
    assert machine.start(scope=SCOPE).status_code == 403


def test_m7_a_certificate_names_its_machine_where_it_is_what_counts(door: Door) -> None:
    """The inventory knows it by its thumbprint; beside a proof, which is bound instead, it names nothing."""
    demand(door, "registered", "keyBound")
    thumbprint = "C" * 42 + "A"
    admitted(door, Machine(door), jkt=None, certificate=thumbprint)

    def begin(proof: Proof) -> Started | Refused:
        visit = replace(door.at_machine(), proof=proof)
        return door.run(start(door.house, visit, Request(client=Shown(CLI), scope=SCOPE)))

    assert isinstance(begin(Proof(x5t=thumbprint)), Started)
    for other in (Proof(x5t="D" * 42 + "A"), Proof(jkt="E" * 42 + "A", x5t=thumbprint), Proof()):
        assert why(begin(other)) is Reason.DEVICE_REQUIRED
    door.register(CLI, certificate="never")
    assert why(begin(Proof(x5t=thumbprint))) is Reason.DEVICE_REQUIRED


# ---- what it holds


def test_r8_a_revoked_machine_stops_what_it_holds(door: Door) -> None:
    """At the next introspection and the next refresh, whatever policy says about machines: one write."""
    machine = Machine(door)
    admitted(door, machine)
    given = whole(door, machine)
    assert active(door, given)
    change(door, revoked=door.clock.now(), revoked_by="user:admin")
    assert not active(door, given)
    refused = machine.refresh(str(given["refresh_token"]))
    assert refused.json()["error_codes"] == [50155]
    assert error(machine.start(scope=SCOPE)) == (403, "access_denied")
    (entry,) = door.entries("token:session:refresh_refused")
    assert entry["detail"]["reason"] == "device_ended"


def test_r8_a_machine_that_lapses_stops_what_it_holds(door: Door) -> None:
    """By the clock alone."""
    machine = Machine(door)
    admitted(door, machine, expires=after(door.clock.now(), minutes(5)))
    given = whole(door, machine)
    door.clock.move(minutes(5) - seconds(1))  # type: ignore[arg-type]
    assert active(door, given)
    door.clock.move(seconds(1))
    assert not active(door, given)
    assert machine.refresh(str(given["refresh_token"])).status_code == 400


def test_r8_a_machine_that_is_deleted_stops_what_it_holds(door: Door) -> None:
    """What is not there counts for nothing."""
    machine = Machine(door)
    admitted(door, machine)
    given = whole(door, machine)

    async def body(tx: Tx) -> None:
        assert await devices.remove(tx, ID)

    door.write(body)
    assert not active(door, given)
    assert machine.refresh(str(given["refresh_token"])).status_code == 400


def test_r8_compliance_stops_what_policy_wants_it_for_and_nothing_else(door: Door) -> None:
    """Where a policy asks for a compliant machine; elsewhere the tokens go on, through any change."""
    machine = Machine(door)
    admitted(door, machine, compliant=True)
    plain = whole(door, machine)
    change(door, compliant=False)
    assert active(door, plain)
    change(door, compliant=True)
    demand(door, "compliant")
    given = whole(door, machine)
    change(door, compliant=False)
    assert not active(door, given)
    assert error(machine.refresh(str(given["refresh_token"]))) == (400, "invalid_grant")
    change(door, compliant=True)
    again = machine.refresh(str(given["refresh_token"]))
    assert again.status_code == 200, again.text
    assert active(door, again.json())


def test_r8_a_word_about_compliance_that_gets_old_stops_it_too(door: Door) -> None:
    """Without any write."""
    machine = Machine(door)
    admitted(door, machine, compliant=True, compliance_ends=after(door.clock.now(), minutes(5)))
    demand(door, "compliant")
    given = whole(door, machine)
    assert active(door, given)
    door.clock.move(minutes(5))
    assert not active(door, given)


def test_r8_our_own_api_and_userinfo_stop_as_well(door: Door) -> None:
    """Each place where a token of ours is looked at."""
    machine = Machine(door)
    admitted(door, machine, compliant=True)
    demand(door, "compliant")
    begun = machine.start(scope=OWN)
    approve(door, begun.json())
    given = machine.poll(begun.json()["device_code"]).json()
    for uri in ("https://localhost:8443/v1.0/me", "https://localhost:8443/oidc/userinfo"):
        assert machine.ask(uri, given["access_token"]).status_code == 200
        change(door, compliant=False)
        assert machine.ask(uri, given["access_token"]).status_code == 401
        change(door, compliant=True)


def test_r8_between_start_and_redemption(door: Door) -> None:
    """A machine that is revoked while its person is at the page gets nothing, at any of the steps left."""
    machine = Machine(door)
    admitted(door, machine)
    first, second, third = (machine.start(scope=SCOPE).json() for _ in range(3))
    shown = door.claimed(second["user_code"])
    approve(door, third)
    change(door, revoked=door.clock.now(), revoked_by="user:alice")
    assert why(door.claim(first["user_code"])) is Reason.DEVICE_ENDED
    assert why(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))) is Reason.DEVICE_ENDED
    refused = machine.poll(third["device_code"])
    assert refused.json()["error_codes"] == [50155]


def test_a_key_that_is_named_first_and_proved_later_is_its_machine_s(door: Door) -> None:
    """By `dpop_jkt` or by the first poll: what it gives is on the machine, and ends with it."""
    machine = Machine(door)
    admitted(door, machine)
    _, given = signed_in(machine, key_at_start=False)
    change(door, revoked=door.clock.now(), revoked_by="user:alice")
    assert machine.refresh(str(given["refresh_token"])).json()["error_codes"] == [50155]


def test_a_machine_that_waits_signs_in_like_any_other(door: Door) -> None:
    """Nobody trusts it, so it loses nothing."""
    machine = Machine(door)
    admitted(door, machine, admitted=None, expires=None)
    given = whole(door, machine)
    assert machine.refresh(str(given["refresh_token"])).status_code == 200


# ---- what people see


def test_the_page_names_the_machine_and_whose_it_is(door: Door) -> None:
    """By the inventory's name, beside what the machine says of itself; to another person as somebody else's."""
    door.open(BOB)
    machine = Machine(door)
    admitted(door, machine, managed=True)
    begun = machine.start(scope=SCOPE, ostiary_machine="totally-harmless").json()
    shown = door.claimed(begun["user_code"])
    assert shown.device is not None
    assert (shown.device.name, shown.device.own, shown.device.managed) == ("build-7", True, True)
    assert shown.signin.declared.machine == "totally-harmless"
    other = door.claim(machine.start(scope=SCOPE).json()["user_code"], BOB)
    assert isinstance(other, Claimed)
    assert other.device is not None
    assert (other.device.own, other.device.owner) == (False, "alice@example.com")
    assert door.claimed(Machine(door).start(scope=SCOPE).json()["user_code"]).device is None


def test_the_facts_are_kept_and_uses_are_seen(door: Door) -> None:
    """The journal says which machine it was; the inventory, when it was seen last."""
    machine = Machine(door)
    admitted(door, machine, compliant=True)
    given = whole(door, machine)
    (entry,) = door.entries("device:signin:redeemed")
    assert entry["detail"]["facts"]["requesterDevice"] == {
        "id": ID, "compliant": True, "managed": False, "keyBound": True, "attributes": {"displayName": "build-7"},
    }  # fmt: skip
    (start,) = door.entries("device:signin:started")
    assert start["detail"]["device"] == ID

    async def look(tx: Tx) -> Device | None:
        return await devices.find(tx, ID)

    seen = door.run(door.house.store.read(look))
    assert seen is not None
    assert seen.seen == door.clock.now()
    door.clock.move(minutes(9))
    machine.refresh(str(given["refresh_token"]))
    again = door.run(door.house.store.read(look))
    assert again is not None
    assert again.seen == seen.seen


def test_a_named_location_and_a_machine_together(door: Door) -> None:
    """A change of the machine asks policy again where it asked first: a roaming requester loses nothing by it."""
    demand(door, "registered")
    save(
        door,
        displayName="Elsewhere",
        grantControls={"operator": "OR", "builtInControls": ["block"]},
        ostiary={"conditions": {"requesterLocations": {
            "includeLocations": ["All"], "excludeLocations": [locate(door, "127.0.0.0/8")],
        }}},
    )  # fmt: skip
    machine = Machine(door)
    admitted(door, machine)
    given = whole(door, machine)
    change(door, managed=True)
    assert active(door, given)


def test_the_sign_in_log_tells_which_machine_it_was(door: Door) -> None:
    """In Graph's `deviceDetail`; an unknown machine has none."""
    machine = Machine(door)
    admitted(door, machine, managed=True, properties={"trustType": "Workplace"})
    known = whole(door, machine)
    unknown = whole(door, Machine(door))
    assert known
    assert unknown
    stories = {s.id: s for s in door.run(stories_of(door))}
    shown = [render(SIGN_IN.fields, stories[id])["deviceDetail"] for id, _ in door.signins()]
    told = [{k: v for k, v in one.items() if k not in ("operatingSystem", "browser")} for one in shown]
    one = {"deviceId": ID, "displayName": "build-7", "isCompliant": False, "isManaged": True, "trustType": "Workplace"}
    none = {"deviceId": "", "displayName": "", "isCompliant": False, "isManaged": False, "trustType": ""}
    assert sorted(map(str, told)) == sorted(map(str, (one, none)))


async def stories_of(door: Door) -> list[Telling]:
    """Every sign-in, as the log tells it."""
    await catch_up(door.house, door.at_machine())

    async def body(tx: Tx) -> list[Telling]:
        found = await sign_in_pages.page(tx, (), Between(), most=100)
        return [tell(story, door.clock.now()) for story in found.stories]

    return await door.house.store.survey(body)


def test_r8_after_a_restore_no_machine_counts(door: Door) -> None:
    """A copy does not know which were revoked since: all are admitted again, and nothing admits by itself."""
    machine = Machine(door)
    admitted(door, machine)
    given = whole(door, machine)
    on = AdmissionRule(True, GROUP, (ip_network("192.0.2.0/24"),))

    async def body(tx: Tx) -> AdmissionRule:
        assert await device_settings.put_rule(tx, OFF, on, door.clock.now())
        ended = await end_everything(tx, now=door.clock.now(), by="local:root", step=0)
        assert (ended["devices"], ended["device_settings"]) == (1, 1)
        return await device_settings.rule(tx)

    assert door.write(body) == OFF
    assert not active(door, given)
    assert error(machine.start(scope=SCOPE)) == (403, "access_denied")
