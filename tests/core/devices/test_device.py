"""How a device lives, and which changes trust it more."""

from dataclasses import replace

import pytest

from ostiary.core.devices.changes import admitted, changed, difference, revoked, weakens
from ostiary.core.devices.device import (
    LIFETIME,
    LONGEST,
    MOST_PENDING,
    PENDING_FOR,
    SEEN,
    Device,
    State,
    room_for_pending,
)
from ostiary.core.words.ids import DeviceId, UserId
from ostiary.core.words.instants import Instant, Span, after, days, minutes
from ostiary.core.words.outcome import Reason, Refused

NOW = Instant(1_795_420_800_000_000)
ALICE = UserId("alice")
ASKED = Device(DeviceId("d"), "build-7", jkt="k" * 43, registered=NOW)


def of(value: Device | Refused) -> Device:
    """*value*, which is a device."""
    assert isinstance(value, Device), value
    return value


ADMITTED = of(admitted(ASKED, now=NOW, by="user:admin", owner=ALICE, expires=None))


def test_where_a_device_stands_follows_from_the_time() -> None:
    """Pending for a week, admitted until its end, revoked for good; only an admitted one counts."""
    assert ASKED.standing(NOW) is State.PENDING
    assert ASKED.standing(after(NOW, PENDING_FOR)) is State.LAPSED
    assert ADMITTED.standing(NOW) is State.ADMITTED
    assert ADMITTED.standing(after(NOW, LIFETIME)) is State.LAPSED
    gone = of(revoked(ADMITTED, now=NOW, by="user:alice"))
    assert gone.standing(NOW) is State.REVOKED
    assert [each.counts(NOW) for each in (ASKED, ADMITTED, gone)] == [False, True, False]


def test_one_that_lapsed_may_be_admitted_again_and_one_that_was_revoked_never() -> None:
    """Neither a request that nobody looked at for a week."""
    late = after(NOW, days(200))
    again = of(admitted(ADMITTED, now=late, by="user:admin", owner=None, expires=None))
    assert again.counts(late)
    assert (again.owner, again.admitted) == (ALICE, NOW)
    for over in (of(revoked(ADMITTED, now=NOW, by="x")), ASKED):
        refused = admitted(over, now=late, by="x", owner=ALICE, expires=None)
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.WRONG_STATE
    twice = revoked(of(revoked(ADMITTED, now=NOW, by="x")), now=NOW, by="x")
    assert isinstance(twice, Refused)


@pytest.mark.parametrize("expires", [NOW, after(NOW, Span(LONGEST + 1)), Instant(0)])
def test_an_admission_ends_within_a_year(expires: Instant) -> None:
    """Neither in the past nor never."""
    refused = admitted(ASKED, now=NOW, by="x", owner=ALICE, expires=expires)
    assert isinstance(refused, Refused)
    assert refused.field == "expirationDateTime"


def test_a_device_has_an_owner() -> None:
    """The one who asked with a ticket, or whom the administrator names."""
    assert isinstance(admitted(ASKED, now=NOW, by="x", owner=None, expires=None), Refused)


def test_a_word_about_compliance_gets_old() -> None:
    """After its end nobody says that the device complies."""
    good = replace(ADMITTED, compliant=True, compliance_ends=after(NOW, days(1)))
    assert good.complies(NOW)
    assert not good.complies(after(NOW, days(1)))


def test_every_change_has_a_revision_and_nothing_has_none() -> None:
    """What policy judged before is judged again."""
    new = changed(ADMITTED, {"managed": True, "model": "X1"})
    assert (new.revision, new.properties) == (ADMITTED.revision + 1, {"model": "X1"})
    assert changed(new, {"model": "X1"}) is new
    assert changed(new, {"model": None}).properties == {}
    told = difference(ADMITTED, new)
    assert told == {
        "name": "build-7", "before": {"managed": False, "model": None}, "after": {"managed": True, "model": "X1"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"managed": True}, True),
        ({"compliant": True}, True),
        ({"expires": after(NOW, days(365))}, True),
        ({"certificate": "c" * 43}, True),
        ({"model": "X1"}, True),
        ({"name": "other"}, True),
        ({"expires": after(NOW, minutes(1))}, False),
        ({"compliance_ends": NOW}, False),
    ],
)
def test_what_trusts_a_device_more_is_known(changes: dict[str, object], more: bool) -> None:
    """The other way round it never does, but for what device rules read: they may want one value as well as another."""
    new = changed(ADMITTED, changes)
    assert weakens(ADMITTED, new, NOW) is more
    if not {"model", "name"} & changes.keys():
        assert not weakens(new, ADMITTED, NOW) or not more


def test_a_longer_word_about_compliance_trusts_more() -> None:
    """Until tomorrow is less than until further notice."""
    short = changed(ADMITTED, {"compliant": True, "compliance_ends": after(NOW, days(1))})
    long = changed(short, {"compliance_ends": None})
    assert weakens(short, long, NOW)
    assert not weakens(long, short, NOW)


def test_uses_are_written_once_an_hour() -> None:
    """A busy machine costs no write a sign-in."""
    assert ADMITTED.to_be_seen(NOW)
    seen = replace(ADMITTED, seen=NOW)
    assert not seen.to_be_seen(after(NOW, minutes(59)))
    assert seen.to_be_seen(after(NOW, SEEN))


def test_r21_requests_that_wait_are_bounded_and_half_is_kept() -> None:
    """Of a person, of a source, in all; who brought a ticket has the other half."""
    assert room_for_pending(person=2, source=4, whole=MOST_PENDING // 2 - 1, proved=False)
    assert not room_for_pending(person=0, source=0, whole=MOST_PENDING // 2, proved=False)
    assert room_for_pending(person=0, source=0, whole=MOST_PENDING // 2, proved=True)
    assert not room_for_pending(person=3, source=0, whole=0, proved=True)
    assert not room_for_pending(person=0, source=5, whole=0, proved=True)
    assert not room_for_pending(person=0, source=0, whole=MOST_PENDING, proved=True)
