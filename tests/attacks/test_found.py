"""
What detections find of an attack while it is played, and what the program shows of it, against a running server.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ostiary.core.detections.finding import Kept
from ostiary.core.detections.rules import RULES
from ostiary.core.words.instants import between, seconds
from ostiary.services.detections.read import READER
from ostiary.store import Tx, detections, directory, logs, responses
from ostiary.store.stories import Where
from tests.attacks.stage import ABROAD, HOME, STREET, Stage, pressed, typed
from tests.journeys.test_cli import installed

T = TypeVar("T")
TRIES = 5_000


def relay(stage: Stage, network: str = ABROAD) -> None:
    """Alice approves a code that was made elsewhere."""
    machine = stage.machine(network)
    codes = machine.start().json()
    claimed = typed(victim := stage.person("alice"), codes["user_code"])
    assert pressed(victim, claimed).status_code == 200
    assert machine.poll(codes["device_code"]).status_code == 200


def until(stage: Stage, look: Callable[[Tx], Coroutine[Any, Any, T]], done: Callable[[T], bool]) -> T:
    """What *look* gives as soon as it is *done*: the server's own jobs are waited for."""

    async def wait() -> T:
        for _ in range(TRIES):
            if done(seen := await stage.house.store.read(look)):
                return seen
            await asyncio.sleep(0.02)
        raise TimeoutError

    return stage.server.run(wait())


def found(stage: Stage, rule: str) -> Kept:
    """The newest finding of *rule*, as soon as the server's own job has it."""

    async def look(tx: Tx) -> list[Kept]:
        return await detections.page(tx, [Where("rule", "eq", rule)], after=None, most=1)

    return until(stage, look, bool)[0]


async def behind(tx: Tx) -> int:
    """How many entries the reader has not read."""
    return await logs.head(tx) - (await logs.where(tx, READER) or 0)


@pytest.fixture
def program(stage: Stage, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """What `ostiary` says as JSON, through the local door."""
    installed_ = installed(stage.server, tmp_path)

    def run(*words: str, status: int = 0) -> list[dict[str, Any]]:
        done = installed_.run(*words, "--local", "--json")
        assert done.returncode == status, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_sign_in_at_home_makes_no_alarm(stage: Stage) -> None:
    """The first of its kind is told as such, and nothing above that; the reader has read everything by then."""
    with stage.scene():
        relay(stage, HOME)
        alice = found(stage, "first_device_sign_in_of_user").finding.user
        until(stage, behind, lambda entries: entries <= 0)
    told = [one["detail"] for one in stage.entries("system:finding:raised") if one["detail"]["user"] == alice]
    assert {(detail["rule"], detail["severity"]) for detail in told} == {("first_device_sign_in_of_user", "low")}


def test_a_relayed_code_is_found_within_a_second(stage: Stage) -> None:
    """The person is at home, the machine abroad and rented: found by the job, before anybody asks."""
    with stage.scene():
        relay(stage)
        far, hosted = found(stage, "requester_far_from_approver"), found(stage, "requester_on_hosting_network")
    assert between(far.finding.at, far.detected) <= seconds(1)
    assert far.finding.evidence["machineCountry"] == "NG"
    assert far.finding.evidence["personCountry"] == "NO"
    assert hosted.finding.evidence["operator"] == "Example Hosting"
    told = [entry["detail"] for entry in stage.entries("system:finding:raised")]
    assert {"requester_far_from_approver", "requester_on_hosting_network"} <= {detail["rule"] for detail in told}


def test_the_program_shows_findings_and_replays_the_journal(
    stage: Stage, program: Callable[..., list[dict[str, Any]]]
) -> None:
    """List, one of it, the rules; and a replay finds what was found live, under the same ids, and changes nothing."""
    with stage.scene():
        relay(stage, STREET)
        relay(stage, ABROAD)
        found(stage, "requester_far_from_approver")
    rows = program("detections", "list", "--limit", "200")
    assert {row["riskLevel"] for row in program("detections", "list", "--level", "medium")} == {"medium"}
    (far, *_) = program("detections", "list", "--rule", "requester_far_from_approver")
    assert far["userPrincipalName"] == stage.server.people["alice"].username
    assert far["location"] == {"countryOrRegion": "NG"}
    (shown,) = program("detections", "show", far["id"])
    assert (shown["riskState"], shown["detectionTimingType"], shown["activity"]) == ("atRisk", "realtime", "signin")
    assert shown["ostiary"]["falsePositives"]
    assert {row["id"] for row in program("detections", "rules")} == {rule.id for rule in RULES}
    written = len(stage.entries("system:finding:raised"))
    replayed = [row for row in program("detections", "replay") if "event" not in row]
    assert {row["id"] for row in replayed} == {row["id"] for row in rows}
    assert len(stage.entries("system:finding:raised")) == written
    only = program("detections", "replay", "--rule", "requester_far_from_approver", "--from", "1h")
    assert {row["riskEventType"] for row in only if "event" not in row} == {"requester_far_from_approver"}
    program("detections", "replay", "--rule", "no_such_rule", status=2)


def test_r8_a_code_that_a_thief_redeems_gives_nothing_for_long(stage: Stage) -> None:
    """
    R8: the machine at home asked, one abroad redeemed. By the default policy the session, what can be made of it and
    the exemption end by the server's own jobs, without anybody asking; the person is told.
    """
    stage.answers(severities={"high": ["alert", "endExemption", "revokeSessions"]})
    with stage.scene():
        owner, thief = stage.machine(HOME), stage.machine(ABROAD)
        codes = owner.start().json()
        claimed = typed(victim := stage.person("alice"), codes["user_code"])
        assert pressed(victim, claimed).status_code == 200
        stolen = thief.poll(codes["device_code"])
        assert stolen.status_code == 200, stolen.text
        finding = found(stage, "redeemed_elsewhere").finding

        async def done(tx: Tx) -> list[str]:
            return [id for _, id in await responses.unanswered(tx, 9)]

        until(stage, done, lambda waiting: finding.id not in waiting)
        assert thief.refresh(stolen.json()["refresh_token"]).status_code == 400
        effects = [one for one in stage.entries("system:response:done") if one["detail"]["finding"] == finding.id]
        assert {one["detail"]["response"] for one in effects} == {"endExemption", "revokeSessions"}
        assert owner.start().status_code == 403  # R1: nobody could pass any more

        async def told(tx: Tx) -> list[str]:
            now = stage.server.clock.now()
            return [kind for kind, _, _ in await directory.told(tx, f"user:{finding.user}", after=0, now=now)]

        assert "system:response:done" in stage.server.run(stage.house.store.read(told))
    stage.answers(severities={"high": ["alert"]})
