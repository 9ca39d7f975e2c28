"""
Attacks, and what stops them.

An attack is played against a real server and says what came of it. Beside it stands each mitigation that stops it, by
the number of RFC 10027 (M1 to M17) or of docs/rules.md (R1 to R24), with what is told then. `prove` plays it once for
each of them, with that one on and all others off: it is stopped, and for exactly this reason; and once with all of them
off: it succeeds. So no attack is stopped by chance, and no proof here could not fail.

What registrations and policies switch is switched by them. What has no switch in the product is switched off by
putting a rule that says yes in the place of the one that says no, in the server of that test.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.attacks.stage import Machine, Stage, said

Switch = Callable[[Stage, bool], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attack: what was won, or how it was stopped in the words of the door."""

    won: str = ""
    stopped: str = ""


def stopped(answer: httpx.Response) -> Outcome:
    """The attack ends at this refusal."""
    return Outcome(stopped=said(answer))


def used(machine: Machine, answer: httpx.Response) -> Outcome:
    """Whom *machine* is taken for with the tokens of *answer*, if it holds any."""
    return Outcome(machine.whose(answer)) if answer.status_code == 200 else stopped(answer)


def redeemed(machine: Machine, device_code: str) -> Outcome:
    """What the attacker's poll gives, and whose it is."""
    return used(machine, machine.poll(device_code))


@dataclass(frozen=True, slots=True)
class Mitigation:
    """Something that stops attacks, and how it is switched on a stage."""

    number: str
    name: str
    switch: Switch = field(repr=False)
    how: str = "always on"
    """Where an administrator switches it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A mitigation that stops an attack all by itself, and what is said then."""

    by: Mitigation
    says: str


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack: a sentence, how it is played, and what stops it."""

    name: str
    play: Callable[[Stage], Outcome] = field(repr=False)
    stops: tuple[Stop, ...]


def by_policy(number: str, name: str, **fields: Any) -> Mitigation:
    """A conditional access policy; *fields* may be functions of the stage."""

    @contextmanager
    def switch(stage: Stage, on: bool) -> Iterator[None]:
        if not on:
            yield
            return
        given = {key: value(stage) if callable(value) else value for key, value in fields.items()}
        with stage.policy(name, **given):
            yield

    return Mitigation(number, name, switch, "policy")


def by_registration(number: str, name: str, *, on: dict[str, Any], off: dict[str, Any]) -> Mitigation:
    """Fields of the client's registration."""
    return Mitigation(number, name, lambda stage, there: stage.registered(**(on if there else off)), "registration")


def by_rule(number: str, name: str, *places: tuple[str, object]) -> Mitigation:
    """A rule that is always on: off, each of *places* (dotted names below `ostiary`) has another value."""

    @contextmanager
    def switch(_: Stage, on: bool) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for place, lenient in () if on else places:
                patch.setattr(f"ostiary.{place}", lenient)
            yield

    return Mitigation(number, name, switch)


def prove(stage: Stage, attack: Attack, only: Stop | None) -> None:
    """Play *attack* with nothing but *only* in its way."""
    with stage.scene(), ExitStack() as switches:
        for stop in attack.stops:
            switches.enter_context(stop.by.switch(stage, stop is only))
        outcome = attack.play(stage)
    if only is None:
        assert outcome.won, f"nothing is in its way, and yet: {outcome.stopped}"
    else:
        assert not outcome.won, f"it won {outcome.won}"
        assert only.says in outcome.stopped, outcome.stopped


def cases(attacks: Iterable[Attack]) -> list[Any]:
    """Each attack with each of what stops it, and with none."""
    return [
        pytest.param(attack, stop, id=f"{attack.name}: {f'{stop.by.number} {stop.by.name}' if stop else 'nothing'}")
        for attack in attacks
        for stop in (*attack.stops, None)
    ]
