"""The inventory over HTTP: registered, admitted, changed, listed, revoked, deleted; each with its entry."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from ostiary.core.devices.device import Device
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import DeviceId
from ostiary.core.words.instants import days, from_iso
from ostiary.services.devices.tend import tend_devices
from ostiary.store import Tx, devices
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, alice, bob, journal, person, visit
from tests.web.graph.api import ORIGIN, Api, play
from tests.web.oauth.certificates import make

KEY, OTHER, CERTIFICATE = "A" * 42 + "A", "B" * 42 + "A", "C" * 42 + "A"
WHY = "bought for the build farm"


async def asked(api: Api, id: str, name: str, *, jkt: str | None = None, owner: str | None = None) -> str:
    """A machine that asked for admission."""
    device = Device(DeviceId(id), name, owner, jkt, registered=api.house.clock.now())  # type: ignore[arg-type]

    async def body(tx: Tx) -> None:
        await devices.add(tx, device)

    await api.house.store.write(body)
    return id


def registration(**more: Any) -> dict[str, Any]:
    """What an administrator posts of a machine whose key is known."""
    ours = {"owner": "bob@example.com", "keyThumbprint": KEY, "reason": WHY}
    return {"displayName": "build-7", "operatingSystem": "Linux", **more, "ostiary": ours | more.get("ostiary", {})}


def test_a_machine_is_registered_found_changed_and_deleted(tmp_path: Path) -> None:
    """In the shape of Graph's device; the entries keep the reason."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.client.post("/v1.0/devices", json=registration(model="X1"))
        assert made.status_code == 201, made.text
        device = made.json()
        id = device["id"]
        assert made.headers["location"] == f"{ORIGIN}/v1.0/devices/{id}"
        assert (device["deviceId"], device["accountEnabled"], device["model"]) == (id, True, "X1")
        ours = device["ostiary"]
        assert (ours["state"], ours["owner"], ours["ownerId"]) == ("admitted", "bob@example.com", BOB)
        assert ours["keyThumbprint"] == KEY
        change = {"isCompliant": True, "isManaged": True, "complianceExpirationDateTime": "2100-01-01T00:00:00Z"}
        await api.ask("PATCH", f"/v1.0/devices/{id}", change, status=400)
        await api.ask("PATCH", f"/v1.0/devices/{id}", change | {"ostiary": {"reason": WHY}}, status=204)
        found = await api.ask("GET", f"/v1.0/devices/{id}?$select=isCompliant,isManaged")
        assert (found["isCompliant"], found["isManaged"]) == (True, True)
        await api.ask("PATCH", f"/v1.0/devices/{id}", {"isCompliant": False, "model": "X2"}, status=400)
        await api.ask("PATCH", f"/v1.0/devices/{id}", {"displayName": "build-8"}, status=400)
        await api.ask("PATCH", f"/v1.0/devices/{id}", {"isCompliant": False}, status=204)
        await api.ask("DELETE", f"/v1.0/devices/{id}?reason=scrapped", status=204)
        await api.ask("GET", f"/v1.0/devices/{id}", status=404)
        kinds = dict(await journal(api.house))
        assert kinds["admin:device:registered"]["reason"] == WHY
        assert kinds["admin:device:changed"]["after"] == {"compliant": False}
        assert kinds["admin:device:deleted"]["reason"] == "scrapped"

    play(tmp_path, story)


def test_a_machine_that_asked_is_admitted_for_its_owner_and_for_a_while(tmp_path: Path) -> None:
    """With a reason and an owner; for ninety days when nothing is said; again after it lapsed."""

    async def story(api: Api, clock: MovableClock) -> None:
        id = await asked(api, "d1", "build-7", jkt=KEY)
        admit = f"/v1.0/devices/{id}/ostiary.admit"
        await api.ask("POST", admit, {"owner": "bob@example.com"}, status=400)
        await api.ask("POST", admit, {"reason": WHY}, status=400)
        await api.ask("POST", admit, {"owner": "nobody@example.com", "reason": WHY}, status=400)
        await api.ask("PATCH", f"/v1.0/devices/{id}", {"accountEnabled": True}, status=400)
        shown = await api.ask("POST", admit, {"owner": "bob@example.com", "reason": WHY})
        assert (shown["ostiary"]["state"], shown["ostiary"]["admittedBy"]) == ("admitted", f"user:{ALICE}")
        clock.move(days(90))
        api.caller = alice(clock.now())
        lapsed = await api.ask("GET", f"/v1.0/devices/{id}")
        assert (lapsed["ostiary"]["state"], lapsed["accountEnabled"]) == ("lapsed", False)
        far = {"reason": WHY, "expirationDateTime": "2100-01-01T00:00:00Z"}
        await api.ask("POST", admit, far, status=400)
        again = await api.ask("POST", admit, {"reason": WHY})
        assert (again["ostiary"]["state"], again["ostiary"]["owner"]) == ("admitted", "bob@example.com")
        kinds = [kind for kind, _ in await journal(api.house)]
        assert kinds.count("admin:device:admitted") == 2

    play(tmp_path, story)


def test_a_revoked_machine_stays_revoked(tmp_path: Path) -> None:
    """By Graph's way of disabling too; neither admitted nor changed again."""

    async def story(api: Api, clock: MovableClock) -> None:
        id = (await api.ask("POST", "/v1.0/devices", registration(), status=201))["id"]
        both = {"accountEnabled": False, "isManaged": False}
        told = await api.ask("PATCH", f"/v1.0/devices/{id}", both, status=400)
        assert "nothing else" in told["error"]["message"]
        await api.ask("PATCH", f"/v1.0/devices/{id}", {"accountEnabled": False}, status=204)
        found = await api.ask("GET", f"/v1.0/devices/{id}")
        assert (found["ostiary"]["state"], found["accountEnabled"]) == ("revoked", False)
        assert found["ostiary"]["revokedBy"] == f"user:{ALICE}"
        await api.ask("POST", f"/v1.0/devices/{id}/ostiary.admit", {"reason": WHY}, status=409)
        await api.ask("POST", f"/v1.0/devices/{id}/ostiary.revoke", {}, status=409)
        await api.ask("PATCH", f"/v1.0/devices/{id}", {"displayName": "x"}, status=409)
        await api.ask("POST", "/v1.0/devices", registration(), status=409)

    play(tmp_path, story)


def test_keys_and_certificates_belong_to_one_machine(tmp_path: Path) -> None:
    """And are thumbprints, or nothing."""

    async def story(api: Api, clock: MovableClock) -> None:
        first = registration(ostiary={"certificateThumbprint": CERTIFICATE})
        await api.ask("POST", "/v1.0/devices", first, status=201)
        for ours in (
            {"keyThumbprint": KEY},
            {"keyThumbprint": OTHER, "certificateThumbprint": CERTIFICATE},
        ):
            await api.ask("POST", "/v1.0/devices", registration(ostiary=ours), status=409)
        await api.ask("POST", "/v1.0/devices", registration(ostiary={"keyThumbprint": "short"}), status=400)
        bare = {"displayName": "x", "ostiary": {"owner": BOB, "reason": WHY}}
        await api.ask("POST", "/v1.0/devices", bare, status=400)

    play(tmp_path, story)


def test_r3_people_see_and_revoke_their_own_and_no_more(tmp_path: Path) -> None:
    """With a device sign-in too: ending one's own is what it may do."""

    async def story(api: Api, clock: MovableClock) -> None:
        his = (await api.ask("POST", "/v1.0/devices", registration(), status=201))["id"]
        other = registration(displayName="hers", ostiary={"keyThumbprint": OTHER, "owner": ALICE})
        hers = (await api.ask("POST", "/v1.0/devices", other, status=201))["id"]
        api.caller = bob(clock.now(), Origin.DEVICE_CODE)
        mine = await api.ask("GET", "/v1.0/me/ownedDevices")
        assert [each["id"] for each in mine["value"]] == [his]
        assert (await api.ask("GET", f"/v1.0/users/{BOB}/ownedDevices"))["value"][0]["id"] == his
        await api.ask("GET", f"/v1.0/users/{ALICE}/ownedDevices", status=403)
        await api.ask("GET", "/v1.0/devices", status=403)
        await api.ask("GET", f"/v1.0/devices/{hers}", status=403)
        await api.ask("POST", f"/v1.0/devices/{hers}/ostiary.revoke", {}, status=403)
        await api.ask("POST", f"/v1.0/devices/{his}/ostiary.admit", {"reason": WHY}, status=403)
        await api.ask("POST", f"/v1.0/devices/{his}/ostiary.revoke", {})
        (told,) = [detail for kind, detail in await journal(api.house) if kind == "admin:device:revoked"]
        assert told["own"] is True

    play(tmp_path, story)


def test_the_inventory_is_searched_and_paged(tmp_path: Path) -> None:
    """By name, owner, state of admission and compliance; auditors may look."""

    async def story(api: Api, clock: MovableClock) -> None:
        for number in range(5):
            await asked(api, f"d{number}", f"host-{number}", owner=BOB if number < 3 else None)
        await api.ask("POST", "/v1.0/devices/d1/ostiary.admit", {"reason": WHY})
        for question, names in (
            ("startswith(displayName,'HOST-4')", ["host-4"]),
            ("ostiary/owner eq 'Bob@example.com'", ["host-0", "host-1", "host-2"]),
            ("ostiary/admittedDateTime eq null and ostiary/ownerId ne null", ["host-0", "host-2"]),
            ("isManaged eq true", []),
        ):
            found = await api.ask("GET", f"/v1.0/devices?$filter={question}")
            assert [each["displayName"] for each in found["value"]] == names, question
        api.caller = person("x", "auditor", at=clock.now())  # type: ignore[arg-type]
        seen, address = [], "/v1.0/devices?$top=2&$orderby=displayName desc"
        while address:
            page = await api.ask("GET", address)
            seen += [each["displayName"] for each in page["value"]]
            address = page.get("@odata.nextLink", "")
        assert seen == [f"host-{number}" for number in range(4, -1, -1)]

    play(tmp_path, story)


def test_what_is_over_is_forgotten(tmp_path: Path) -> None:
    """Requests after a week, machines long after their end; the journal keeps their story."""

    async def story(api: Api, clock: MovableClock) -> None:
        await asked(api, "d1", "asked", jkt=KEY)
        await asked(api, "d2", "admitted", jkt=OTHER)
        await api.ask("POST", "/v1.0/devices/d2/ostiary.admit", {"owner": BOB, "reason": WHY})
        for passed in (days(7), days(90 + 90)):
            assert await tend_devices(api.house, visit(api.house)) == 0
            clock.move(passed)
            assert await tend_devices(api.house, visit(api.house)) == 1

    play(tmp_path, story)


def test_a_machine_is_registered_with_its_certificate(tmp_path: Path) -> None:
    """DER or PEM in base64: thumbprint and end are the certificate's; a new one replaces it, and may end earlier."""

    async def story(api: Api, clock: MovableClock) -> None:
        first = make("EC", clock.now(), lasts=days(40))
        ours = {"owner": "bob@example.com", "reason": WHY, "certificate": first.base64}
        made = await api.client.post("/v1.0/devices", json={"displayName": "build-8", "ostiary": ours})
        assert made.status_code == 201, made.text
        shown = made.json()["ostiary"]
        assert shown["certificateThumbprint"] == first.x5t
        assert from_iso(shown["expirationDateTime"]) <= clock.now() + days(40)
        assert "certificate" not in shown
        second = make("RSA", clock.now(), lasts=days(20))
        pem = b64encode(second.pem).decode()
        at = f"/v1.0/devices/{made.json()['id']}"
        await api.ask("PATCH", at, {"ostiary": {"certificate": pem}}, status=400)  # another key is trusted: why?
        await api.ask("PATCH", at, {"ostiary": {"certificate": pem, "reason": WHY}}, status=204)
        found = (await api.ask("GET", at))["ostiary"]
        assert found["certificateThumbprint"] == second.x5t
        assert from_iso(found["expirationDateTime"]) <= clock.now() + days(20)
        await api.ask("PATCH", at, {"ostiary": {"certificate": "AAAA", "reason": WHY}}, status=400)

    play(tmp_path, story)
