"""
Examples of the rules about sign-ins: journals in which one finds something, and others in which it must not. Those
about what administrators do and what people have: `examples_around.py`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days, hours, minutes
from ostiary.core.words.outcome import Reason
from tests.core.detections.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FARAWAY,
    LAPTOP,
    NEARBY,
    OFFICE,
    OTHER_APP,
    RENTED,
    Journal,
)

Tale = Callable[[Journal], object]


class Examples(NamedTuple):
    """Of one rule."""

    fires: Mapping[str, Tale]
    """Such as it must see, with geo files and without."""
    quiet: Mapping[str, Tale]
    blind: Mapping[str, Tale] = {}
    """Such as it sees with geo files only."""


def _burst(number: int, apart: int) -> Tale:
    def tale(j: Journal) -> None:
        for _ in range(number):
            j.start(RENTED)
            j.wait(apart)

    return tale


def _claims(*people: tuple[str, str], machine: str = RENTED, **more: str) -> Tale:
    """People type codes that *machine* asked for, each at an address."""

    def tale(j: Journal) -> None:
        for user, at in people:
            j.by(user, Kind.CLAIMED, j.start(machine, **more), at)

    return tale


def _two_of_one_code(j: Journal) -> None:
    story = j.start()
    j.by(ALICE, Kind.CLAIMED, story).by(BOB, Kind.CODE_WRONG, story, OFFICE)


def _guesses(number: int, *, locked: bool = False, address: str = NEARBY) -> Tale:
    def tale(j: Journal) -> None:
        for count in range(number):
            j.by(ALICE, Kind.CODE_WRONG, "", address, count=count, locked=locked and count == number - 1)

    return tale


def _denies(*people: str, apart: int = 0) -> Tale:
    def tale(j: Journal) -> None:
        for user in people:
            j.by(user, Kind.DENIED, j.start(RENTED))
            j.wait(apart)

    return tale


def _nights(last: int) -> Tale:
    """Codes typed at three hours of working days in Norway (UTC 11, 12, 13; 13:33 is the first), and one at *last*."""

    def tale(j: Journal) -> None:
        noon = j.at // days(1) * days(1) + hours(12)
        for day, hour in ((0, 11), (1, 13), (2, 15), (3, last)):
            j.wait(noon + days(day) + hours(hour - 12) - j.at)
            j.by(ALICE, Kind.CLAIMED, j.start())

    return tale


def _refused(reason: Reason, kind: Kind = Kind.REFRESH_REFUSED) -> Tale:
    return lambda j: j.refresh(j.sign_in(), ALICE, FARAWAY, kind, reason=reason.value)


def _redeemed(asked: str, redeemed: str) -> Tale:
    return lambda j: j.redeem(j.start(asked), ALICE, redeemed)


def _refreshes(
    *places: str, apart: int = 0, agent: str = "program/1.0", kind: Kind = Kind.REFRESHED, reason: str = ""
) -> Tale:
    """A sign-in at home, and refreshes of it."""

    def tale(j: Journal) -> None:
        story = j.sign_in()
        for place in places:
            j.wait(apart)
            j.refresh(story, ALICE, place, kind, agent=agent, reason=reason)

    return tale


def _first(machine: str, user: str = ALICE, client: str = "app-one") -> Tale:
    def tale(j: Journal) -> None:
        j.sign_in()
        j.sign_in(user, machine, client=client)

    return tale


def _recon(kind: Kind, number: int, *, clients: bool = False) -> Tale:
    def tale(j: Journal) -> None:
        for each in range(number):
            if clients:
                j.add(kind, address=RENTED, client=f"app-{each}", reason="unknown_client")
            else:
                j.add(kind, target=f"user:u{each}", address=RENTED, reason="bad_credentials")

    return tale


def _blocked(number: int, apart: int = 0) -> Tale:
    def tale(j: Journal) -> None:
        for _ in range(number):
            j.by(ALICE, Kind.BLOCKED, j.start(), reason="blocked")
            j.wait(apart)

    return tale


def _on_machines(*devices: str | None, compliant: bool = True) -> Tale:
    """Sign-ins on machines of the inventory; None: on one that is not in it."""

    def tale(j: Journal) -> None:
        for device in devices:
            facts = {"requesterDevice": device and {"id": device, "managed": True, "compliant": compliant}}
            j.redeem(j.start(device=device or ""), ALICE, facts=facts)

    return tale


def _settled(number: int, machine: str) -> Tale:
    """So many sign-ins at home, and days later one on *machine*."""

    def tale(j: Journal) -> None:
        for _ in range(number):
            j.sign_in()
        j.wait(days(2))
        j.sign_in(machine=machine)

    return tale


EXAMPLES: dict[str, Examples] = {
    "sign_in_without_exemption": Examples(
        fires={
            "none is named": lambda j: j.redeem(j.start(), ALICE, exemption=""),
            "one that had ended": lambda j: (
                j.add(Kind.EXEMPTION_ENDED, target="exemption:ex1", user=ALICE), j.wait(minutes(5)), j.sign_in()
            ),
            "one whose time was over": lambda j: (
                j.add(Kind.EXEMPTION_BEGUN, target="exemption:ex1", user=ALICE, ends=j.at + minutes(5)),
                j.wait(minutes(10)), j.sign_in(),
            ),
        },
        quiet={
            "one of which nothing is known": lambda j: j.sign_in(),
            "one that is extended": lambda j: (
                j.add(Kind.EXEMPTION_BEGUN, target="exemption:ex1", user=ALICE, ends=j.at + minutes(5)),
                j.add(Kind.EXEMPTION_EXTENDED, target="exemption:ex1", user=ALICE, ends=j.at + minutes(60)),
                j.wait(minutes(10)), j.sign_in(),
            ),
            "ended afterwards": lambda j: (j.sign_in(), j.add(Kind.EXEMPTION_ENDED, target="exemption:ex1")),
            "another one ended": lambda j: (
                j.add(Kind.EXEMPTION_ENDED, target="exemption:ex2"), j.wait(minutes(5)), j.sign_in()
            ),
        },
    ),
    "reported": Examples(
        fires={"a person says that it was not them": lambda j: j.by(ALICE, Kind.REPORTED, j.start(FARAWAY))},
        quiet={"an ordinary sign-in": lambda j: j.sign_in(), "a denial": lambda j: j.by(ALICE, Kind.DENIED, j.start())},
    ),
    "stolen_token": Examples(
        fires={
            "a refresh token again": lambda j: j.refresh(j.sign_in(), ALICE, RENTED, Kind.REUSED),
            "a device code again": lambda j: j.refresh(j.sign_in(), ALICE, RENTED, Kind.REPLAYED),
            "another key": lambda j: j.refresh(j.sign_in(), ALICE, RENTED, Kind.WRONG_KEY, reason="wrong_key"),
        },
        quiet={
            "refreshes": _refreshes(LAPTOP, LAPTOP),
            "a certificate that ran out": lambda j: j.refresh(
                j.sign_in(), ALICE, LAPTOP, Kind.WRONG_KEY, reason="certificate_unfit"
            ),
        },
    ),
    "code_relay": Examples(
        fires={
            "three people, one machine": _claims((ALICE, "10.0.0.1"), (BOB, "10.0.0.2"), (CAROL, "10.0.0.3")),
            "two people, one code": _two_of_one_code,
        },
        blind={"two people who are elsewhere": _claims((ALICE, LAPTOP), (BOB, NEARBY))},
        quiet={
            "two people, nothing known of where": _claims((ALICE, "10.0.0.1"), (BOB, "10.0.0.2"), machine="10.0.0.9"),
            "an office behind one address": _claims(
                (ALICE, OFFICE), (BOB, OFFICE), (CAROL, OFFICE), (DAVE, OFFICE), machine=OFFICE
            ),
            "one person again and again": _claims(*[(ALICE, LAPTOP)] * 5),
            "a shared machine of the inventory": _claims(
                (ALICE, "10.0.0.1"), (BOB, "10.0.0.2"), (CAROL, "10.0.0.3"), device="d1"
            ),
            "a wrong code of nothing": lambda j: j.by(BOB, Kind.CODE_WRONG, ""),
            "one's own code again": lambda j: (
                story := j.start(), j.by(ALICE, Kind.CLAIMED, story), j.by(ALICE, Kind.CODE_WRONG, story)
            ),
        },
    ),
    "suspicious_agent": Examples(
        fires={
            "a kit starts": lambda j: j.start(RENTED, agent="kali365-live/2.1"),
            "a kit refreshes": lambda j: j.refresh(j.sign_in(), ALICE, RENTED, agent="Mozilla/5.0 SquarePhish"),
        },
        blind={"a bare library in a rented place": lambda j: j.start(RENTED, agent="aiohttp/3.9")},
        quiet={
            "a program that names itself": lambda j: j.start(RENTED, agent="azsdk-python-identity/1.25"),
            "a bare library at home": lambda j: j.start(LAPTOP, agent="python-requests/2.31"),
            "no agent": lambda j: j.start(RENTED, agent=""),
        },
    ),
    "requester_far_from_approver": Examples(
        fires={},
        blind={
            "a machine in another country": lambda j: j.sign_in(machine=FARAWAY),
            "typed, and never approved": lambda j: j.by(ALICE, Kind.CLAIMED, j.start(FARAWAY)),
        },
        quiet={
            "the same address": lambda j: j.sign_in(),
            "nearby": lambda j: j.sign_in(machine=OFFICE),
            "nobody typed it": lambda j: j.start(FARAWAY),
        },
    ),
    "redeemed_elsewhere": Examples(
        fires={},
        blind={"another country": _redeemed(LAPTOP, FARAWAY), "another network": _redeemed(LAPTOP, NEARBY)},
        quiet={
            "where it was asked for": _redeemed(LAPTOP, LAPTOP),
            "the same network": _redeemed(LAPTOP, OFFICE),
            "a start of which nothing is known": lambda j: j.redeem("long-ago", ALICE, FARAWAY),
        },
    ),
    "refresh_from_elsewhere": Examples(
        fires={"another program": _refreshes(OFFICE, agent="curl/8.5")},
        blind={"another country": _refreshes(FARAWAY), "another network": _refreshes(NEARBY)},
        quiet={
            "where it was": _refreshes(LAPTOP, LAPTOP),
            "the same network and program": _refreshes(OFFICE),
            "another person's": lambda j: (j.sign_in(), j.sign_in(BOB, FARAWAY)),
        },
    ),
    "concurrent_sessions": Examples(
        fires={"back and forth": _refreshes(RENTED, LAPTOP), "refused, and still": _refreshes(RENTED, RENTED, LAPTOP)},
        quiet={
            "a machine that moved": _refreshes(NEARBY, NEARBY, NEARBY),
            "a machine that moved twice": _refreshes(NEARBY, OFFICE),
            "home again in the evening": _refreshes(OFFICE, LAPTOP, apart=hours(2)),
        },
    ),
    "many_denies": Examples(
        fires={"three in an hour": _denies(ALICE, ALICE, ALICE), "two people": _denies(ALICE, BOB)},
        quiet={
            "two": _denies(ALICE, ALICE),
            "three in a day": _denies(ALICE, ALICE, ALICE, apart=hours(3)),
            "the machine gave up": lambda j: [
                j.add(Kind.DENIED, story=j.start(), target="application:app-one", by="requester") for _ in range(5)
            ],
        },
    ),
    "codes_guessed": Examples(
        fires={"locked": _guesses(5, locked=True), "twenty from one source": _guesses(20)},
        quiet={"four slips": _guesses(4), "twenty from nowhere known": _guesses(20, address="")},
    ),
    "starts_burst": Examples(
        fires={
            "twelve codes at once": _burst(12, 0),
            "twelve in nine minutes": _burst(12, minutes(0.7)),
            "so many that they were counted": lambda j: j.add(
                Kind.STARTS_REFUSED, source=RENTED, client="app-one", reason="blocked", count=400
            ),
        },
        quiet={"eleven codes": _burst(11, 0), "twelve in half an hour": _burst(12, minutes(3))},
    ),
    "recon": Examples(
        fires={
            "eight names": _recon(Kind.SIGN_IN_REFUSED, 8),
            "eight applications": _recon(Kind.START_REFUSED, 8, clients=True),
        },
        quiet={
            "seven names": _recon(Kind.SIGN_IN_REFUSED, 7),
            "one name, many times": lambda j: [
                j.add(Kind.SIGN_IN_REFUSED, target="user:u", address=RENTED) for _ in range(20)
            ],
        },
    ),
    "blocked_often": Examples(
        fires={"five in an hour": _blocked(5)},
        quiet={"four": _blocked(4), "five in a day": _blocked(5, hours(1)),
               "refused for another reason": _refreshes(*[LAPTOP] * 9, kind=Kind.REFRESH_REFUSED, reason="idle")},
    ),
    "first_country": Examples(
        fires={},
        blind={"abroad": _first(FARAWAY)},
        quiet={"at home": _first(OFFICE), "the very first": lambda j: j.sign_in(machine=FARAWAY),
               "somebody else's": _first(FARAWAY, BOB)},
    ),
    "requester_on_hosting_network": Examples(
        fires={},
        blind={"a rented machine": lambda j: j.sign_in(machine=RENTED)},
        quiet={"a machine at home": lambda j: j.sign_in(), "nobody typed it": lambda j: j.start(RENTED)},
    ),
    "outside_exemption": Examples(
        fires={
            "another network": _refused(Reason.ELSEWHERE),
            "after its end": _refused(Reason.EXEMPTION_ENDED),
            "at the redemption": _refused(Reason.ELSEWHERE, Kind.REDEMPTION_REFUSED),
            "another resource": _refused(Reason.REACH),
        },
        quiet={"blocked": _refused(Reason.BLOCKED), "a program that goes on after its time": _refreshes(
            LAPTOP, kind=Kind.REFRESH_REFUSED, reason="exemption_ended"
        ), "idle": _refused(Reason.SESSION_ENDED)},
    ),
    "unknown_machine": Examples(
        fires={
            "one that nobody enrolled": _on_machines(*["d1"] * 8, None),
            "one that does not comply": _on_machines("d1", compliant=False),
        },
        quiet={
            "seven make no habit": _on_machines(*["d1"] * 7, None),
            "a habit of both": _on_machines(*["d1", None] * 8),
            "always the same": _on_machines("d1", "d1", "d1"),
            "no inventory is used": _on_machines(None, None, None),
            "it is not known": lambda j: (_on_machines("d1", "d1")(j), j.redeem(j.start(), ALICE)),
        },
    ),
    "signs_together": Examples(
        fires={},
        blind={"a line where nobody is": _settled(8, NEARBY)},
        quiet={
            "where they always are": _settled(8, LAPTOP),
            "seven make no habit": _settled(7, NEARBY),
            "far away, as another rule tells": _settled(8, FARAWAY),
        },
    ),
    "prompts_at_night": Examples(
        fires={},
        blind={"three in the morning": _nights(3)},
        quiet={"in the afternoon": _nights(16), "the first ever": lambda j: j.by(ALICE, Kind.CLAIMED, j.start())},
    ),
    "first_device_sign_in_of_user": Examples(
        fires={
            "never before": lambda j: j.sign_in(),
            "not for a hundred days": lambda j: (j.sign_in(), j.wait(days(100)), j.sign_in()),
        },
        quiet={"a code that nobody redeems": lambda j: j.by(BOB, Kind.CLAIMED, j.start())},
    ),
    "first_client_for_user": Examples(
        fires={"another application": _first(LAPTOP, client=OTHER_APP)},
        quiet={"the same": _first(LAPTOP), "the very first": lambda j: j.sign_in()},
    ),
    "first_network": Examples(
        fires={},
        blind={"a mobile carrier": _first(NEARBY)},
        quiet={"the same network": _first(OFFICE), "the very first": lambda j: j.sign_in(machine=NEARBY)},
    ),
}  # fmt: skip
