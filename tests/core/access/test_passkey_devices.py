"""R22: a passkey is a device where five things are so at once, and never where one of them is not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.passkey_devices import stands_for
from ostiary.core.devices.device import Device
from ostiary.core.directory.passkeys import Passkey
from ostiary.core.words.ids import DeviceId, UserId
from ostiary.core.words.instants import Instant, days

NOW = Instant(1_795_420_800_000_000)
ALICE, BOB = UserId("alice"), UserId("bob")
MODEL, OTHER = "0a" * 16, "0b" * 16
MODELS = frozenset({MODEL})
LAPTOP = Device(
    DeviceId("d"), "laptop-3", ALICE, certificate="shown", managed=True, registered=NOW, admitted=NOW,
    expires=Instant(NOW + days(90)),
)  # fmt: skip
KEY = Passkey(
    "p", ALICE, b"c", b"k", 1, ("internal",), False, False, MODEL, "laptop", NOW, attested=True, device=LAPTOP.id,
    certificate="shown",
)  # fmt: skip


def test_r22_made_on_a_managed_machine_by_an_attested_built_in_model() -> None:
    """R22: such a passkey stands for the machine, until that lapses; used or renamed, it is the same."""
    assert stands_for(KEY, LAPTOP, MODELS, NOW)
    assert stands_for(replace(KEY, name="other", used=NOW, sign_count=9), replace(LAPTOP, name="x"), MODELS, NOW)
    assert not stands_for(KEY, LAPTOP, MODELS, Instant(NOW + days(90)))


@pytest.mark.parametrize(
    "change",
    [
        {"backup_eligible": True},
        {"attested": False},
        {"aaguid": OTHER},
        {"device": None},
        {"device": DeviceId("e")},
        {"certificate": None},
        {"certificate": "older"},
        {"user": BOB},
    ],
    ids=str,
)
def test_r22_a_passkey_that_lacks_one_thing_is_no_device(change: dict[str, Any]) -> None:
    """R22: synced, unattested, of a model that is not built in, made elsewhere, or somebody else's."""
    assert not stands_for(replace(KEY, **change), LAPTOP, MODELS, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"managed": False},
        {"owner": BOB},
        {"owner": None},
        {"certificate": "renewed"},
        {"certificate": None},
        {"admitted": None},
        {"revoked": NOW},
        {"expires": NOW},
    ],
    ids=str,
)
def test_r22_a_machine_that_changed_is_not_stood_for(change: dict[str, Any]) -> None:
    """R22: the machine is as it is now, whatever it was when the passkey was made."""
    assert not stands_for(KEY, replace(LAPTOP, **change), MODELS, NOW)


def test_r22_nothing_stands_for_what_is_not_there() -> None:
    """R22: a deleted machine; a house without built-in models; two absent thumbprints are not the same one."""
    assert not stands_for(KEY, None, MODELS, NOW)
    assert not stands_for(KEY, LAPTOP, frozenset(), NOW)
    nothing = replace(KEY, certificate=None), replace(LAPTOP, certificate=None)
    assert not stands_for(*nothing, MODELS, NOW)


@given(
    synced=st.booleans(), attested=st.booleans(), model=st.sampled_from([MODEL, OTHER]),
    models=st.frozensets(st.sampled_from([MODEL, OTHER])), user=st.sampled_from([ALICE, BOB]),
    owner=st.sampled_from([ALICE, BOB, None]), managed=st.booleans(), at=st.integers(-1, 100),
    thumbprints=st.tuples(*[st.sampled_from(["a", "b", None])] * 2),
)  # fmt: skip
def test_r22_a_device_has_all_of_it(
    synced: bool, attested: bool, model: str, models: frozenset[str], user: UserId, owner: UserId | None,
    managed: bool, at: int, thumbprints: tuple[str | None, str | None],
) -> None:  # fmt: skip
    """R22: whatever else is true, a synced, unattested or other model's passkey never is one."""
    held = replace(KEY, backup_eligible=synced, attested=attested, aaguid=model, user=user, certificate=thumbprints[0])
    machine = replace(LAPTOP, owner=owner, managed=managed, certificate=thumbprints[1])
    now = Instant(NOW + days(at))
    if stands_for(held, machine, models, now):
        assert (synced, attested, managed, machine.counts(now)) == (False, True, True, True)
        assert model in models
        assert user == owner
        assert thumbprints[0] == thumbprints[1] is not None
