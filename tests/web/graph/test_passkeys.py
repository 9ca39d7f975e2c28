"""Somebody else's passkeys over the admin API: the list, and one taken away for a reason that its person hears of."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.directory.people import Role
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import Origin
from ostiary.core.words.instants import seconds
from tests.web.graph.api import Api
from tests.web.pages.keys import enrol, key
from tests.web.pages.site import ALICE, BOB, CAROL, NAMES, Site

BOBS = f"/v1.0/users/{NAMES[BOB]}/authentication/fido2Methods"
WHY = "?reason=The%20key%20was%20lost"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A house in which Bob has a code of an authenticator and two passkeys."""
    made = Site(tmp_path)
    browser = made.browser()
    browser.sign_in(BOB)
    enrol(browser, key(made), "blue key")
    made.clock.move(seconds(1))
    enrol(browser, key(made, synced=True), "phone")
    yield made
    made.close()


@pytest.fixture
def api(site: Site) -> Api:
    """The admin API of that house, asked by its administrator."""
    made = Api(site.house)
    made.caller = site.admin().caller
    return made


def ask(site: Site, api: Api, method: str, path: str, status: int = 200) -> Any:
    """One request, whose caller has just proved who they are."""
    api.caller = replace(api.caller, authenticated_at=site.clock.now())
    return site.run(api.ask(method, path, status=status))


def names(site: Site, api: Api) -> list[str]:
    """What Bob's passkeys are called."""
    return [each["displayName"] for each in ask(site, api, "GET", BOBS)["value"]]


def test_an_administrator_sees_what_somebody_has(site: Site, api: Api) -> None:
    """Graph's names; nothing with which one could be used; an auditor may look, nobody else."""
    blue, phone = ask(site, api, "GET", BOBS)["value"]
    assert (blue["displayName"], blue["passkeyType"], blue["attestationLevel"]) == (
        "blue key",
        "deviceBound",
        "notAttested",
    )
    assert (phone["displayName"], phone["passkeyType"]) == ("phone", "synced")
    assert set(blue) == {
        "id", "displayName", "createdDateTime", "aaGuid", "attestationLevel", "passkeyType", "ostiary"
    }  # fmt: skip
    assert ask(site, api, "GET", f"/v1.0/users/{BOB}/authentication/fido2Methods?$count=true")["@odata.count"] == 2
    assert ask(site, api, "GET", f"/v1.0/users/{CAROL}/authentication/fido2Methods")["value"] == []
    ask(site, api, "GET", "/v1.0/users/nobody@example.com/authentication/fido2Methods", 404)
    api.caller = site.visit(CAROL, Role.AUDITOR).caller
    assert names(site, api) == ["blue key", "phone"]
    for roles in ((), (Role.APPROVER,)):
        api.caller = site.visit(CAROL, *roles).caller
        ask(site, api, "GET", BOBS, 403)


def test_one_is_taken_away_and_its_person_hears_of_it(site: Site, api: Api) -> None:
    """The others stay, the entry has the reason and who did it, and the next sign-in tells of it once."""
    site.browser().sign_in(BOB)  # tells of the two that were added
    blue, _ = ask(site, api, "GET", BOBS)["value"]
    ask(site, api, "DELETE", f"{BOBS}/{blue['id']}{WHY}", 204)
    assert names(site, api) == ["phone"]
    (entry,) = site.entries(Kind.PASSKEY_TAKEN)
    assert (entry["actor"], entry["target"]) == (f"user:{ALICE}", f"user:{BOB}")
    assert (entry["detail"]["name"], entry["detail"]["reason"]) == ("blue key", "The key was lost")
    told = site.browser().sign_in(BOB)
    assert "A passkey was removed from your account by" in " ".join(told.text.replace("<strong>", "").split())
    assert NAMES[ALICE] in told.text
    assert site.browser().sign_in(BOB).status_code == 303
    ask(site, api, "DELETE", f"{BOBS}/{blue['id']}{WHY}", 404)


def test_nothing_goes_without_a_reason_or_by_somebody_elses_name(site: Site, api: Api) -> None:
    """Refusals change nothing and are written down."""
    blue, _ = ask(site, api, "GET", BOBS)["value"]
    ask(site, api, "DELETE", f"{BOBS}/{blue['id']}", 400)
    ask(site, api, "DELETE", f"{BOBS}/{blue['id']}?reason=x", 400)
    ask(site, api, "DELETE", f"/v1.0/users/{CAROL}/authentication/fido2Methods/{blue['id']}{WHY}", 404)
    ask(site, api, "DELETE", f"/v1.0/users/nobody@example.com/authentication/fido2Methods/{blue['id']}{WHY}", 404)
    assert names(site, api) == ["blue key", "phone"]
    assert site.entries(Kind.PASSKEY_TAKEN) == []


def test_r3_neither_a_device_sign_in_nor_the_local_door_takes_one(site: Site, api: Api) -> None:
    """R3, R2: whatever role and scopes its session has; and an old proof is asked for again."""
    blue, _ = ask(site, api, "GET", BOBS)["value"]
    admin = api.caller
    for origin, status in ((Origin.DEVICE_CODE, 403), (Origin.LOCAL, 403)):
        api.caller = replace(admin, origin=origin)
        ask(site, api, "DELETE", f"{BOBS}/{blue['id']}{WHY}", status)
    api.caller = replace(admin, authenticated_at=None)
    site.run(api.ask("DELETE", f"{BOBS}/{blue['id']}{WHY}", status=401))
    assert site.entries(Kind.PASSKEY_TAKEN) == []


def test_the_only_second_step_stays(site: Site, api: Api) -> None:
    """Without it whoever knows the password could enrol their own; a reset ends the sessions too."""
    blue, phone = ask(site, api, "GET", BOBS)["value"]
    site.drop_factor(BOB)
    ask(site, api, "DELETE", f"{BOBS}/{blue['id']}{WHY}", 204)
    ask(site, api, "DELETE", f"{BOBS}/{phone['id']}{WHY}", 409)
    assert names(site, api) == ["phone"]
