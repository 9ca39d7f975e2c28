"""
The made-up journals of the score have the shape of real ones: the same stories are played through the deeds, and each
kind that the pen writes has the keys and sorts of values that the service wrote.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.detections.scenario.campaigns import CAMPAIGNS
from ostiary.core.detections.scenario.dice import Dice
from ostiary.core.detections.scenario.honest import BEGIN, days_of
from ostiary.core.detections.scenario.pen import Pen
from ostiary.core.detections.scenario.people import organisation
from ostiary.core.detections.scenario.stage import Stage
from ostiary.core.detections.score import variants
from ostiary.core.exemptions.asking import Wish
from ostiary.core.logs.entry import Recorded
from ostiary.core.signins.ticket import ENROLMENT
from ostiary.core.tokens.browser import HALF
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import ExemptionId, SessionId
from ostiary.core.words.instants import after, days, hours, minutes
from ostiary.core.words.outcome import Refused
from ostiary.core.words.proof import Proof
from ostiary.services.access.policies import change_policy
from ostiary.services.devices.inventory import admit_device
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.end import announce_ends
from ostiary.services.signins import decide
from ostiary.services.signins.enrolment import Wish as Enrolment
from ostiary.services.signins.enrolment import enrol
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.sign_in import SignedIn, check_password, rise, standing
from ostiary.services.tokens.token import grant
from ostiary.store import Tx, sessions
from ostiary.store.logs import since
from ostiary.store.requests import Asked
from tests.services.asking import KEY, ROOT, Asking
from tests.services.test_around import with_files
from tests.services.test_r22_tickets import taken
from tests.web.oauth.site import ALICE, BOB

Shape = dict[str, str]
"""The sort of the value at each path of an entry."""


def shape(value: object, path: str = "") -> Shape:
    """That of *value*: objects are walked into, lists are lists, what may be none is whatever it is elsewhere."""
    if isinstance(value, dict) and path not in (".detail.before", ".detail.after", ".detail.limits"):
        found = {path: "object"}
        for name, each in value.items():
            found |= shape(each, f"{path}.{name}")
        return found
    return {path: type(value).__name__}


def shapes(entries: Iterable[Recorded]) -> dict[str, list[Shape]]:
    """All that there are of each kind, each once."""
    found: dict[str, list[Shape]] = {}
    for entry in entries:
        told = {name: entry.body[name] for name in ("address", "agent", "detail", "actor_name", "origin")}
        who = (entry.actor.partition(":")[0], entry.target.partition(":")[0])
        one = shape(told) | {"actor": who[0], "target": who[1]}
        if one not in found.setdefault(entry.kind, []):
            found[entry.kind].append(one)
    return found


def fits(one: Shape, real: Shape) -> bool:
    """Whether both have the same keys, and the same sorts where neither is none."""
    device = ".detail.facts.requesterDevice"
    names = {name for name in one if not name.startswith(device + ".")}
    if names != {name for name in real if not name.startswith(device + ".")}:
        return False
    return all("NoneType" in (one[name], real[name]) or one[name] == real[name] for name in names)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Shape]]:
    """What the service writes when these stories are lived."""
    folder = tmp_path_factory.mktemp("real")
    made = Asking(folder)
    try:
        return shapes(_lived(made, folder))
    finally:
        made.close()


def _lived(door: Asking, folder: Path) -> list[Recorded]:
    door.settle()
    with_files(door, folder)
    door.start()  # nobody could pass
    _asked_with_consent(door)
    _by_an_exemption_that_is_open(door)
    _a_key(door)
    _around(door)
    _at_the_end(door)

    async def body(tx: Tx) -> list[Recorded]:
        return await since(tx, 0, 10_000)

    return door.run(door.house.store.read(body))


def _asked_with_consent(door: Asking) -> None:
    begun = door.begin()
    asked = door.requested(begun)
    door.clock.move(minutes(1))
    door.decide(asked.request.id)
    issued = door.poll(begun.device_code)
    assert isinstance(issued, Issued), issued
    door.clock.move(minutes(9))
    again = door.refresh(issued.refresh_token or "")
    assert isinstance(again, Issued), again
    door.clock.move(minutes(3))
    assert isinstance(door.refresh(issued.refresh_token or ""), Refused)  # reused
    door.clock.move(hours(2))
    refused = door.begin()
    door.decide(door.requested(refused).request.id, yes=False)


def _by_an_exemption_that_is_open(door: Asking) -> None:
    door.decide(_asked(door))
    begun = door.started()
    shown = door.claimed(begun.user_code)
    door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    issued = door.poll(begun.device_code)
    assert isinstance(issued, Issued), issued
    door.run(decide.deny(door.house, door.at_browser(), door.claimed(door.started().user_code).signin.id))
    door.run(decide.report(door.house, door.at_browser(), door.claimed(door.started().user_code).signin.id))
    assert isinstance(door.claim("BBBB-BBBB"), Refused)
    taken_already = door.started("203.0.113.99").user_code
    door.claimed(taken_already)
    assert isinstance(door.claim(taken_already, BOB), Refused)
    door.clock.move(minutes(57))
    door.refresh(issued.refresh_token or "")
    door.clock.move(minutes(4))
    assert isinstance(door.refresh(issued.refresh_token or ""), Refused)


def _asked(door: Asking, **more: Any) -> ExemptionId:
    made = door.run(ask_exemption(door.house, door.by(ALICE), Wish(reason="work", length=hours(1), **more)))
    assert isinstance(made, Asked), made
    return made.request.id


def _a_key(door: Asking) -> None:
    door.open()
    begun = door.started("203.0.113.77", dpop_jkt=KEY.jkt)
    door.run(decide.approve(door.house, door.at_browser(), door.claimed(begun.user_code).signin.id))
    other = replace(door.at_machine(), proof=Proof(jkt="j" * 43))
    assert isinstance(door.run(grant(door.house, other, door.form(begun.device_code))), Refused)


def _around(door: Asking) -> None:
    assert isinstance(door.run(check_password(door.house, door.at_machine(), "alice@example.com", "wrong")), Refused)
    _at_the_browser(door)
    visit = replace(door.at_machine(), proof=Proof("q" * 43))
    wish = Enrolment("laptop", "Linux", ticket=taken(door, client=ENROLMENT))
    device = door.run(enrol(door.house, visit, wish))
    assert not isinstance(device, Refused), device
    admitted = door.run(admit_device(door.house, door.by(ROOT), device.id, {"owner": ALICE}, "new machine"))
    assert not isinstance(admitted, Refused), admitted
    changed = change_policy(door.house, door.by(ROOT), "block", {"displayName": "Block codes"}, "a better name")
    assert not isinstance(door.run(changed), Refused)


def _at_the_browser(door: Asking) -> None:
    """The second factor is right, and the session whole."""
    now, visit = door.clock.now(), door.by(ALICE)

    async def body(tx: Tx) -> object:
        ends = after(now, hours(12))
        await sessions.add_half(
            tx, SessionId("half"), ALICE, story="half", cookie=digest("half"), created=now, ends=ends, address="::1"
        )
        found = await standing(tx, "half", HALF, now)
        assert found is not None
        return await rise(door.house, tx, visit, found, "half", "whole", "mark")

    assert isinstance(door.run(door.house.store.write(body)), SignedIn)


def _at_the_end(door: Asking) -> None:
    door.rule("Approval_EndUser_Assignment", breakGlass={"allowed": [{"userId": ALICE}]})
    _asked(door, break_glass=True)
    door.clock.move(days(1))
    door.decide(_asked(door))
    door.clock.move(days(2))
    assert door.run(announce_ends(door.house, door.at_machine()))


def _made_up() -> list[Recorded]:
    whole = organisation(1, 40)
    honest = days_of(whole, 1, 10)
    entries = list(honest.entries)
    for campaign in CAMPAIGNS:
        for variant in variants(campaign, held_out=True):
            stage = Stage(whole, Dice(variant), Pen("campaign", 1), Pen("bystander", 1), BEGIN)
            campaign.play(stage, variant)
            entries += [*stage.evil.written(), *stage.bystander.written()]
    return entries


def test_the_pen_writes_what_the_service_writes(real: dict[str, list[Shape]]) -> None:
    """Each kind, with its keys, the sorts of its values, and who did what to what."""
    unlike: dict[str, Any] = {}
    for kind, found in shapes(_made_up()).items():
        for one in found:
            if not any(fits(one, each) for each in real.get(kind, [])):
                unlike[kind] = [sorted(one.items() ^ each.items()) for each in real.get(kind, [])] or "never lived"
    assert unlike == {}


def test_an_entry_of_another_shape_is_seen(real: dict[str, list[Shape]]) -> None:
    """A key that is missing, one more, or another sort of value: none of them fits."""
    (one,) = [each for each in real["device:signin:started"] if each[".detail.asks"] == "bool"]
    assert fits(one, one)
    assert not fits({name: sort for name, sort in one.items() if name != ".detail.key"}, one)
    assert not fits(one | {".detail.more": "str"}, one)
    assert not fits(one | {".detail.ends": "str"}, one)
