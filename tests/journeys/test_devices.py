"""
A machine from the first refusal to its revocation: our own program, a real server, a real browser, a real administrator
(RFC 10027 M7, R8).
"""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import days
from ostiary.core.words.outcome import Refused
from ostiary.services.access.policies import create_policy, delete_policy
from tests.cli.test_terminal import terminal
from tests.journeys.browser import Desk, Person
from tests.journeys.test_admin_verbs import WHY, Clerk, bea
from tests.journeys.test_cli import Installed, code_on, installed, on_terminal
from tests.records.house import alice as administrator
from tests.server import Server
from tests.web.oauth.certificates import make

__all__ = ["bea"]  # the fixture


@pytest.fixture(scope="module")
def demanding(server: Server) -> Iterator[Server]:
    """A house whose policy wants a machine that it knows, manages and finds compliant; Dana may sign in."""
    rule = {
        "displayName": "Trusted machines only",
        "state": "enabled",
        "conditions": {
            "users": {"includeUsers": ["All"]},
            "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"],
            "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
        },
        "grantControls": None,
        "ostiary": {"controls": {"requesterDevice": ["registered", "keyBound", "compliant"]}},
    }

    async def save() -> str:
        visit = server.visit()
        visit = type(visit)(visit.now, visit.id, caller=administrator(visit.now))
        made = await create_policy(server.house, visit, rule, "only machines that we know")
        assert not isinstance(made, Refused), made
        return str(made.id)  # type: ignore[union-attr]

    async def drop(id: str) -> None:
        visit = server.visit()
        visit = type(visit)(visit.now, visit.id, caller=administrator(visit.now))
        await delete_policy(server.house, visit, PolicyId(id))

    id = server.run(save())
    server.open_exemption("dana")
    yield server
    server.run(drop(id))
    server.end_exemptions("dana")


@pytest.fixture(scope="module")
def program(demanding: Server, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Dana's program on her machine."""
    return installed(demanding, tmp_path_factory.mktemp("dana"))


@pytest.fixture(scope="module")
def dana(demanding: Server, chromium: Desk) -> Iterator[Person]:
    """Dana, signed in on the device page."""
    human = demanding.people["dana"]
    with chromium.person(demanding.origin) as person:
        person.sign_in(human.username, human.password, human.totp())
        yield person


def device(program: Installed, verb: str, *more: str) -> dict[str, Any]:
    """What `ostiary device VERB` says of this machine."""
    done = program.run("device", verb, "--json", *more)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[0]))


def test_from_the_first_refusal_to_the_revocation(
    demanding: Server, program: Installed, dana: Person, bea: Clerk, tmp_path: Path
) -> None:
    """Each step through its real door; and what a machine holds ends with its revocation."""
    refused = on_terminal(program, "login", "--device-code")
    assert refused.status == 4, refused.shown
    assert "ostiary device enroll" in refused.shown

    asked = program.run("device", "enroll", "--name", "dana's build machine")
    assert asked.returncode == 0, asked.stderr
    key = program.state / "default.device"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    found = re.search(r"ostiary device admit (\S+) --owner", asked.stderr)
    assert found, asked.stderr
    id = found[1]
    assert device(program, "status")["state"] == "pending"
    assert device(program, "enroll")["id"] == id, "asking again is asking how it stands"
    assert on_terminal(program, "login", "--device-code").status == 4

    assert [row["id"] for row in bea.rows("device", "list", "--pending")] == [id]
    bea.do("device", "admit", id, status=2)
    bea.do("device", "admit", id, "--owner", demanding.people["dana"].username, *WHY)
    assert device(program, "status")["state"] == "admitted"
    assert on_terminal(program, "login", "--device-code").status == 4, "nobody says that it complies"

    wrong = tmp_path / "wrong.csv"
    wrong.write_text("device,isCompliant\nnobody,true\ndana's build machine,maybe\n")
    assert "line 3" in bea.do("device", "import", str(wrong), *WHY, status=2).stderr
    right = tmp_path / "right.csv"
    right.write_text(f"device,isCompliant,complianceExpirationDateTime\n{id},true,2100-01-01T00:00:00Z\n")
    assert "1 of 1 devices would change" in bea.do("device", "import", str(right), "--dry-run").stderr
    assert bea.rows("device", "show", id)[0]["isCompliant"] is False
    bea.do("device", "import", str(right), status=2)
    bea.do("device", "import", str(right), *WHY)
    assert "0 of 1" in bea.do("device", "import", str(right), *WHY).stderr

    with terminal(program, "login", "--device-code") as screen:
        dana.enter_code(code_on(screen))
        says = dana.says()
        assert "Known device" in says
        assert "dana's build machine" in says
        assert "yours" in says
        dana.approve()
        assert screen.end() == 0, screen.seen
    mine = bea.rows("device", "show", id)[0]
    assert mine["approximateLastSignInDateTime"]
    listed = program.run("device", "list", "--mine", "--json")
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == [id], listed.stderr

    bea.do("device", "revoke", id, *WHY)
    assert program.run("device", "list", "--mine").returncode in (3, 4), "the very first use of the token"
    ended = program.run("status")
    assert ended.returncode in (3, 4), ended.stderr
    again = program.run("device", "status")
    assert again.returncode == 4
    assert "ostiary device forget" in again.stderr
    assert program.run("device", "forget").returncode == 0
    assert not key.exists()
    assert program.run("device", "status").returncode == 3


def test_a_ticket_and_the_rule_admit_without_an_administrator(
    demanding: Server, dana: Person, bea: Clerk, tmp_path: Path
) -> None:
    """Dana takes a ticket in her browser and types it on the terminal; the rule does the rest, and is off again."""
    bea.do("group", "create", "Builders", *WHY)
    bea.do("group", "add", "Builders", demanding.people["dana"].username)
    bea.do("device-rule", "on", "--group", "Builders", "--network", "127.0.0.0/8", status=2)
    bea.do("device-rule", "on", "--group", "Builders", "--network", "127.0.0.0/8", "--for", "P7D", *WHY)
    assert bea.rows("device-rule", "show")[0]["isEnabled"] is True
    program = installed(demanding, tmp_path)

    def take(page: Any) -> str:
        page.goto(demanding.origin + "/ticket")
        page.locator("#application").select_option("enrolment")
        with page.expect_navigation():
            page.get_by_role("button", name="Take a ticket").click()
        return str(page.locator(".ticket strong").inner_text())

    letters = dana.look(take)
    with terminal(program, "device", "enroll", "--ticket") as screen:
        screen.wait_for("Type the ticket")
        screen.type(f"{letters}\n")
        assert screen.end() == 0, screen.seen
    assert "is admitted as" in screen.seen
    bea.do("device-rule", "off")
    assert bea.rows("device-rule", "show")[0]["isEnabled"] is False
    (mine,) = [row for row in bea.rows("device", "list") if row["ostiary"]["admittedBy"] == "rule"]
    bea.do("device", "set", mine["id"], "--compliant", status=2)
    bea.do("device", "set", mine["id"], "--compliant", "--managed", *WHY)
    bea.do("device", "delete", mine["id"], "--yes", *WHY)
    assert device(program, "status")["state"] == "pending", "its key is free again"


def test_webhooks_are_made_and_removed(bea: Clerk) -> None:
    """The secret is printed once."""
    assert bea.do("device-webhook", "add", "MDM", *WHY).stdout.startswith("whsec_")
    (hook,) = bea.rows("device-webhook", "list")
    assert hook["secret"] is None
    bea.do("device-webhook", "remove", hook["id"], *WHY)
    assert bea.rows("device-webhook", "list") == []
    assert bea.all_of("device-webhook")


def test_a_machine_is_registered_with_its_certificate(bea: Clerk, server: Server, tmp_path: Path) -> None:
    """From a file: it ends with it, a renewed one takes its place, and no private key ever leaves."""
    first, second = (make("EC", server.clock.now(), lasts=days(length)) for length in (40, 20))
    owner = server.people["dana"].username
    file, both = tmp_path / "gate.pem", tmp_path / "both.pem"
    file.write_bytes(first.pem)
    both.write_bytes(first.private_pem + first.pem)
    named = ("device", "register", "gate-4", "--owner", owner, *WHY)
    for wrong in (both, tmp_path / "nothing.pem", tmp_path):
        bea.do(*named, "--certificate", str(wrong), status=2)
    made = bea.rows(*named, "--certificate", str(file), "--managed")[0]
    assert (made["isManaged"], made["ostiary"]["certificateThumbprint"]) == (True, first.x5t)
    assert first.x5t in bea.do("device", "show", "gate-4").stdout
    file.write_bytes(second.der)
    bea.do("device", "set", "gate-4", "--certificate", str(file), status=2)  # it trusts another key: why?
    bea.do("device", "set", "gate-4", "--certificate", str(file), *WHY)
    assert bea.rows("device", "show", "gate-4")[0]["ostiary"]["certificateThumbprint"] == second.x5t
