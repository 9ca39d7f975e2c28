"""Signed messages about compliance, over HTTP: whose they are, once, in time, and what comes of them (R17)."""

import json
from base64 import b64decode
from typing import Any

import httpx
import pytest

from ostiary.core.devices.webhook import PREFIX, Signed, secret_of, signature
from ostiary.core.graph.query import Query
from ostiary.core.words.instants import minutes, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.devices.compliance import add_hook, list_hooks, remove_hook
from ostiary.store import Tx, device_settings, devices
from tests.services.door import Door
from tests.services.test_m7_devices import ID, active, admitted, demand, whole
from tests.services.test_policy import admin, why
from tests.web.oauth.requester import BASE, Machine

HOOK = f"{BASE}/compliance"


class Sender:
    """An MDM with a secret of ours."""

    def __init__(self, door: Door) -> None:
        """Get the secret from an administrator."""
        self.door = door
        made = door.run(add_hook(door.house, admin(door), "MDM", "the new MDM reports here"))
        assert not isinstance(made, Refused), made
        self.id, self.text = made.id, made.secret
        secret = secret_of(made.secret)
        assert secret is not None
        self.secret = secret
        self.number = 0

    def message(self, *said: dict[str, Any], late: int = 0, id: str = "") -> Signed:
        """A message of now, or some seconds ago."""
        self.number += 1
        now = to_seconds(self.door.clock.now()) - late
        plain = Signed(id or f"msg_{self.number}", str(now), "", json.dumps({"devices": list(said)}).encode())
        return Signed(plain.id, plain.timestamp, signature(self.secret, plain), plain.body)

    def send(self, message: Signed, **changes: str) -> httpx.Response:
        """Post it, with headers changed."""
        headers = {
            "webhook-id": message.id, "webhook-timestamp": message.timestamp, "webhook-signature": message.signatures,
            "content-type": "application/json", **changes,
        }  # fmt: skip
        return self.door.request("POST", HOOK, content=message.body, headers=headers)


@pytest.fixture
def sender(door: Door) -> Sender:
    """The MDM of the house."""
    door.open()
    return Sender(door)


GOOD, BAD = {"deviceId": ID, "isManaged": True, "isCompliant": True}, {"deviceId": ID, "isCompliant": False}


def test_what_it_says_reaches_policy_at_once(door: Door, sender: Sender) -> None:
    """A machine that policy wants to comply signs in after the good word, and stops at the bad one."""
    machine = Machine(door)
    admitted(door, machine)
    demand(door, "compliant", "managed")
    assert machine.start().status_code == 403
    told = sender.send(sender.message(GOOD))
    assert (told.status_code, told.json()) == (200, {"changed": 1, "unknown": [], "again": False})
    given = whole(door, machine)
    assert active(door, given)
    sender.send(sender.message(BAD))
    assert not active(door, given)
    entries = door.entries("system:device:compliance")
    said = [entry["detail"]["after"] for entry in entries]
    assert said == [{"managed": True, "compliant": True}, {"compliant": False}]
    assert entries[0]["actor"] == "system:compliance-webhook"


def test_a_message_counts_once(door: Door, sender: Sender) -> None:
    """Replayed within its time it changes nothing back; after it, it is a stranger's."""
    admitted(door, Machine(door))
    good = sender.message(GOOD)
    sender.send(good)
    sender.send(sender.message(BAD))
    assert sender.send(good).json() == {"changed": 0, "unknown": [], "again": True}
    door.clock.move(minutes(6))
    assert sender.send(good).status_code == 401
    assert door.write(lambda tx: devices.find(tx, ID)).compliant is False


def test_whatever_is_not_genuine_is_one_answer(door: Door, sender: Sender) -> None:
    """Wrong secret, other body, other time, other id, none at all: 401, and no row."""
    admitted(door, Machine(door))
    before = len(door.entries("system:device:compliance"))
    right, other = sender.message(GOOD), Sender(door)
    forged = Signed(right.id, right.timestamp, signature(other.secret[::-1], right), right.body)
    old = sender.message(GOOD, late=400)
    answers = [
        sender.send(forged),
        sender.send(old),
        sender.send(right, **{"webhook-id": "msg_9"}),
        sender.send(right, **{"webhook-timestamp": str(int(right.timestamp) + 1)}),
        sender.send(Signed(right.id, right.timestamp, right.signatures, right.body.replace(b"true", b"true "))),
    ]
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert len({answer.json()["error"] for answer in answers}) == 1
    assert len(door.entries("system:device:compliance")) == before


def test_what_it_may_say_is_bounded(door: Door, sender: Sender) -> None:
    """No names, no admissions, no strangers' machines, no heaps; and only machines that count."""
    nobody = "7a0d1f2e-0000-4000-8000-0000000000ff"
    admitted(door, Machine(door), admitted=None, expires=None)
    told = sender.send(sender.message(GOOD, {"deviceId": nobody, "isManaged": True})).json()
    assert told == {"changed": 0, "unknown": [ID, nobody], "again": False}
    for wrong in ({"deviceId": ID, "displayName": "x"}, {"deviceId": ID, "isManaged": "yes"}):
        assert sender.send(sender.message(wrong)).status_code == 400
    huge = sender.message(*[{"deviceId": f"{ID[:-4]}{n:04x}", "isManaged": True} for n in range(1000)])
    assert sender.send(huge).status_code == 400
    missing = door.request("POST", HOOK, content=b"{}")
    assert missing.status_code == 400


def test_r17_the_secret_is_shown_once_and_sealed(door: Door, sender: Sender) -> None:
    """Neither the list nor the journal nor the store has it; who is removed is heard no more."""
    hidden = b64decode(sender.text.removeprefix(PREFIX))

    async def look(tx: Tx) -> list[bytes]:
        return [hook.sealed for hook in await device_settings.hooks(tx)]

    assert all(hidden not in sealed for sealed in door.run(door.house.store.read(look)))
    assert sender.text not in str(door.entries("admin:device_hook:added"))
    page = door.run(list_hooks(door.house, admin(door), Query()))
    assert not isinstance(page, Refused)
    assert [(hook.name, hook.secret) for hook in page.items] == [("MDM", "")]
    assert door.run(remove_hook(door.house, admin(door), sender.id)) is True
    assert sender.send(sender.message(GOOD)).status_code == 401
    assert why(door.run(remove_hook(door.house, admin(door), sender.id))) is Reason.NOT_FOUND
    assert why(door.run(add_hook(door.house, admin(door), "x", ""))) is Reason.REASON_REQUIRED


def test_both_secrets_count_while_one_is_changed(door: Door, sender: Sender) -> None:
    """And there are never more than a few."""
    admitted(door, Machine(door))
    second = Sender(door)
    assert sender.send(sender.message(GOOD)).status_code == 200
    assert second.send(second.message(BAD)).status_code == 200
    for _ in range(2):
        Sender(door)
    assert why(door.run(add_hook(door.house, admin(door), "fifth", "one too many"))) is Reason.CONFLICT
