"""
Examples of every rule: journals in which it finds something, and others in which it must not.

`BLIND` are those of the first that it cannot see without geo files; all others it must see without.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days, minutes
from tests.core.detections.told import ALICE, BOB, FARAWAY, LAPTOP, OFFICE, RENTED, Journal

Tale = Callable[[Journal], object]


class Examples(NamedTuple):
    """Of one rule."""

    fires: Mapping[str, Tale]
    quiet: Mapping[str, Tale]
    blind: Mapping[str, Tale] = {}
    """Such as fire with geo files only."""


def _reported(j: Journal) -> None:
    j.by(ALICE, Kind.REPORTED, j.start(FARAWAY), LAPTOP)


def _burst(number: int, apart: int) -> Tale:
    def tale(j: Journal) -> None:
        for _ in range(number):
            j.start(RENTED)
            j.wait(apart)

    return tale


EXAMPLES: dict[str, Examples] = {
    "reported": Examples(
        fires={"a person says that it was not them": _reported},
        quiet={"an ordinary sign-in": lambda j: j.sign_in(), "a denial": lambda j: j.by(ALICE, Kind.DENIED, j.start())},
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
    "starts_burst": Examples(
        fires={"twelve codes at once": _burst(12, 0), "twelve in nine minutes": _burst(12, minutes(0.7))},
        quiet={
            "eleven codes": _burst(11, 0),
            "twelve in half an hour": _burst(12, minutes(3)),
        },
    ),
    "first_device_sign_in_of_user": Examples(
        fires={
            "never before": lambda j: j.sign_in(),
            "not for a hundred days": lambda j: (j.sign_in(), j.wait(days(100)), j.sign_in()),
        },
        quiet={"a code that nobody redeems": lambda j: j.by(BOB, Kind.CLAIMED, j.start())},
    ),
}
