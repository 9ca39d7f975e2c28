"""Weak signs weighed together: each alone is nothing, whoever has no settled habits is left alone, and why is told."""

from itertools import combinations

import pytest

from ostiary.core.access.facts import UNKNOWN, Place
from ostiary.core.detections.event import Where
from ostiary.core.detections.finding import Cause, Finding, Severity
from ostiary.core.detections.rules import BY_ID
from ostiary.core.detections.rules.signs_together import ALARM, ODD, WEIGHTS, Sign
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days, hours
from tests.core.detections.told import ALICE, BOB, CAROL, DAVE, Journal, found_by

RULE = BY_ID["signs_together"]
HOME, EXIT, LINE, NEXT_DOOR, SAME_NETWORK = "192.0.2.10", "192.0.2.99", "198.51.100.7", "198.51.100.8", "203.0.113.5"
HOME6, CLOUD = "2001:db8::10", "192.0.4.4"
_NETWORKS = {"192.0.2": 64500, "198.51.": 64501, "203.0.113": 64501, "192.0.4": 64502, "2001:db8::1": 64500}


def atlas(address: str) -> Where:
    """All in one town; who runs a network is known of each."""
    network = next((number for prefix, number in _NETWORKS.items() if address.startswith(prefix)), 0)
    if not network:
        return Where(Place(address or UNKNOWN))
    operator = "Cheap Cloud Hosting" if network == 64502 else f"Broadband {network}"
    return Where(Place(address, "NO", network, (599_000, 107_000)), operator)


def nameless(address: str) -> Where:
    """The same, of a file that names nobody."""
    return Where(atlas(address).place)


def settled(number: int = 8, user: str = ALICE, machine: str = HOME, person: str = HOME) -> Journal:
    """*user* signed in so often, at two, three and four in the afternoon (UTC) of as many days."""
    told = Journal()  # at half past two in the afternoon
    for day in range(number):
        told.wait(days(1) + hours((1, 1, -2)[day % 3]))
        told.sign_in(user, machine, person)
    return told.wait(days(2))


def last_of(told: Journal, where: object = atlas) -> list[Finding]:
    """What is found at the last entry."""
    found = found_by(RULE, told, where=where)  # type: ignore[arg-type]
    return [each for each in found if each.entry == f"n1.{len(told.entries)}"]


def odd(*signs: Sign) -> Journal:
    """A sign-in with these signs, and no other, of somebody of settled habits."""
    told = settled()
    if Sign.SITS_AS_USUAL in signs:
        told.add(Kind.SIGNED_IN, actor=f"user:{ALICE}", target=f"user:{ALICE}", address=EXIT)
    if Sign.NEW_NETWORK not in signs:
        told.add(Kind.SIGNED_IN, actor=f"user:{ALICE}", target=f"user:{ALICE}", address=SAME_NETWORK)
    if Sign.NOBODY_THERE not in signs:
        told.sign_in(BOB, LINE, LINE)
    told.wait(days(2) + (hours(11) if Sign.NIGHT in signs else 0))
    program = "python-requests/2.31" if Sign.PROGRAM in signs else "program/2.0"
    story = told.start(LINE, agent=program)
    place = HOME if Sign.SITS_ELSEWHERE in signs else EXIT
    told.by(ALICE, Kind.CLAIMED, story, place)
    told.by(ALICE, Kind.APPROVED, story, place, exemption="ex1")
    return told.redeem(story, ALICE, LINE, agent=program)


SUBSETS = [
    subset for number in range(len(Sign) + 1) for subset in combinations(Sign, number)
    if not {Sign.SITS_ELSEWHERE, Sign.SITS_AS_USUAL} <= set(subset)  # where machines of theirs are, or where none is
]  # fmt: skip


@pytest.mark.parametrize("signs", SUBSETS, ids=lambda signs: "+".join(signs) or "none")
def test_signs_are_told_by_what_they_weigh_together(signs: tuple[Sign, ...]) -> None:
    """Of every set of signs: low from one weight on, medium from the next, and each sign stands in the evidence."""
    weight = sum(WEIGHTS[sign] for sign in signs)
    found = last_of(odd(*signs))
    if weight < ODD:
        assert found == []
        return
    (one,) = found
    assert one.severity is (Severity.MEDIUM if weight >= ALARM else Severity.LOW)
    assert (one.evidence["signs"], one.evidence["weight"]) == (tuple(signs), weight)
    assert one.cause is Cause.HOLDER


def test_no_sign_is_anything_alone() -> None:
    """Whatever else is as always."""
    assert max(WEIGHTS.values()) < ODD < ALARM
    assert set(WEIGHTS) == set(Sign)


def test_the_sentence_tells_each_sign() -> None:
    """Whoever reads a finding need not know the rule."""
    (found,) = last_of(odd(Sign.NOBODY_THERE, Sign.NIGHT, Sign.PROGRAM))
    assert "nobody of the organisation" in found.sentence
    assert "night" in found.sentence
    assert "called itself" in found.sentence
    assert (found.evidence["program"], found.evidence["operator"]) == ("python-requests", "Broadband 64501")
    assert isinstance(found.evidence["hour"], int)
    assert 0 <= found.evidence["hour"] < 6


def _ends(told: Journal, machine: str = LINE, person: str = HOME, user: str = ALICE, **more: str) -> list[Finding]:
    told.sign_in(user, machine, person, **more)
    return last_of(told)


def test_eight_sign_ins_make_a_habit() -> None:
    """With fewer nobody knows what is odd."""
    assert _ends(settled(8))
    assert _ends(settled(7)) == []


def test_whoever_goes_from_place_to_place_is_left_alone() -> None:
    """After three machines elsewhere within a month a further one is work at customers."""
    told = settled()
    found = []
    for number in range(4):
        found.append(bool(_ends(told, f"198.51.{100 + number}.7")))
        told.wait(days(2))
    assert found == [True, True, True, False]


def test_a_machine_of_the_inventory_is_left_alone() -> None:
    """It proved its key."""
    assert _ends(settled(), device="d1") == []


def test_a_machine_beside_its_person_is_left_alone() -> None:
    """A hotel, a new flat."""
    assert _ends(settled(), LINE, LINE) == []


def test_a_place_where_somebody_was_the_day_before_is_no_sign_and_the_same_day_it_is() -> None:
    """A campaign does not make its own line usual while it runs."""
    told = settled()
    told.sign_in(BOB, LINE, LINE)
    assert "nobody-there" in _evidence(_ends(told.wait(hours(1))))
    told = settled()
    told.sign_in(BOB, LINE, LINE)
    assert "nobody-there" not in _evidence(_ends(told.wait(days(2))))


def _evidence(found: list[Finding]) -> tuple[str, ...]:
    (one,) = found
    signs = one.evidence["signs"]
    assert isinstance(signs, tuple)
    return signs


def test_a_row_of_servers_is_no_place_where_nobody_is() -> None:
    """Three people's machines in one /24: the next one there is theirs."""
    told = settled()
    for user, machine in ((BOB, "198.51.100.20"), (CAROL, "198.51.100.21"), (DAVE, "198.51.100.22")):
        told.sign_in(user, machine, machine)
    assert "nobody-there" not in _evidence(_ends(told.wait(days(2)), NEXT_DOOR))


def test_a_line_that_got_another_address_is_left_alone() -> None:
    """Providers give new ones, near the old: one's own /24 is known."""
    told = settled(machine=HOME, person=EXIT)
    assert _ends(told, "192.0.2.77", EXIT) == []


def test_a_person_at_home_on_ipv6_may_have_a_machine_beside_them_on_ipv4() -> None:
    """The two addresses of one line are not two places."""
    told = settled(machine=HOME6, person=HOME6)
    assert "sits-elsewhere" not in _evidence(_ends(told, LINE, HOME6))


def test_an_address_that_several_people_share_is_nobody_s_own_place() -> None:
    """Behind the exit of a VPN, or of a carrier, a person may be anywhere."""
    told = settled(machine=HOME6, person=HOME6)
    for user, exit in ((ALICE, "203.0.113.5"), (BOB, "203.0.113.5"), (CAROL, "203.0.113.6")):
        told.add(Kind.SIGNED_IN, actor=f"user:{user}", target=f"user:{user}", address=exit)
    assert _ends(told.wait(days(2)), LINE, "203.0.113.5") == []


def test_a_rented_machine_is_no_place_where_nobody_is() -> None:
    """Those come and go; where they are strange, other rules say so."""
    assert _ends(settled(), CLOUD) == []


def test_without_the_names_of_operators_no_line_is_strange() -> None:
    """Nobody knows then what is rented; what nobody knows is evidence of nothing."""
    told = settled()
    told.sign_in(ALICE, LINE, HOME)
    assert last_of(told)
    assert last_of(told, nameless) == []


def test_whose_browser_was_there_is_somebody() -> None:
    """Where people sign in with a browser they are, whether a machine of theirs is there or not."""
    told = settled()
    told.add(Kind.SIGNED_IN, actor=f"user:{ALICE}", target=f"user:{ALICE}", address=LINE)
    assert _ends(told.wait(days(2))) == []
