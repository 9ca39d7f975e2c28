"""How many codes one source may have out, and how long a code is, whatever becomes of them meanwhile (R10, R21)."""

from ostiary.core.words.digests import digest
from ostiary.core.words.instants import after, minutes, seconds
from ostiary.core.words.outcome import Reason
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from tests.services.door import Door
from tests.services.test_signins import approved, reason
from tests.web.oauth.site import CLI, TENANT

SHARE = 20  # of one source that proved nothing


def given_back(door: Door, begun: Started, client: str) -> int:
    """Bring the device code to the revocation endpoint; the status of the answer."""
    form = {"client_id": client, "token": begun.device_code}
    return door.post(f"/{TENANT}/oauth2/v2.0/revoke", form).status_code


def test_r21_a_refused_revocation_frees_no_place(door: Door) -> None:
    """R21: a stranger's revocation changes nothing, so the twenty-first code of a source is refused."""
    door.open()
    for _ in range(SHARE):
        assert given_back(door, door.started(), "nobody") == 400
    assert reason(door.start()) is Reason.BUSY_SOURCE
    assert len(door.house.room) == SHARE


def test_r21_what_was_claimed_denied_or_withdrawn_counts_until_its_end(door: Door) -> None:
    """R21: no way to end a code makes room for the next before its time, so the log grows by a bound as well."""
    door.open()
    door.limit(denials_per_person=SHARE)
    for n in range(SHARE):
        begun = door.started()
        if n % 3 == 0:
            assert given_back(door, begun, CLI) == 200
        elif n % 3 == 1:
            door.run(decide.deny(door.house, door.at_browser(), door.claimed(begun.user_code).signin.id))
        else:
            door.claimed(begun.user_code)
    assert reason(door.start()) is Reason.BUSY_SOURCE
    assert isinstance(door.start("192.0.2.80"), Started)
    door.clock.move(minutes(5))
    assert isinstance(door.start(), Started)


def test_r21_a_code_that_gave_tokens_counts_no_more(door: Door) -> None:
    """R21: a person approved it, so it is no flood."""
    door.open()
    for _ in range(SHARE + 1):
        begun = door.started()
        approved(door, begun.user_code)
        assert isinstance(door.poll(begun.device_code), Issued)


def test_r10_codes_grow_with_the_live_ones_though_nobody_waits_for_them(door: Door) -> None:
    """R10: beyond 1,000 live codes the next has nine letters, also when every poll was woken."""
    door.open()
    room, ends = door.house.room, after(door.clock.now(), minutes(5))
    for n in range(1_000):
        room.admit(digest(str(n)), client=CLI, source=f"192.0.2.{n}", ends=ends, interval=seconds(5))
        room.wake(digest(str(n)))
    assert len(door.started().user_code) == 9
    door.clock.move(minutes(5))
    assert len(door.started().user_code) == 8
