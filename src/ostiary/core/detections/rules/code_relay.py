"""
Codes of one machine are typed by several people, or one code by two. A relay starts codes in one place and has them
typed in many. Needs the addresses; less where it is known that machine and person are apart.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.usual import Usual, source_of
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours

__all__ = ["RULE"]

DAY = hours(24)
PEOPLE = Memory("code_relay", DAY, most=24)
"""People who typed codes that one source had asked for, while they were elsewhere."""
TWO, MANY = 2, 3


USUAL = Usual("code_relay", source_of, several=1)
"""Machines on which somebody signed in before today."""


def _keys(event: Event) -> Iterable[Key]:
    return PEOPLE.of(event.requester.source), *USUAL.keys(event, event.requester)


def _look(event: Event, past: Past) -> Found | None:
    if event.kind == Kind.CODE_WRONG:
        return _second(event)
    machine, person = event.requester, event.person
    if event.kind == Kind.REDEEMED:
        USUAL.learn(event, machine, past)
        return None
    if not machine.source or not person.source or machine.source == person.source or event.device:
        return None  # at the machine's own address, or a machine of the inventory: nobody relays that
    key, apart = PEOPLE.of(machine.source), bool(machine.elsewhere(person))
    past.know(key, event.user, "apart" if apart else "")
    people = {mark.value[0] for mark in past.of(key)}
    far = {mark.value[0] for mark in past.of(key) if mark.value[1]}
    if len(people) < MANY and len(far) < TWO:
        return None
    return found(
        f"Codes that {machine.source} asked for were typed by {len(people)} people within a day, none of them there.",
        subject=machine.source, severity=(
            Severity.LOW if USUAL.ours(event, machine, past) else Severity.HIGH if len(far) >= MANY else None
        ), about_source=True, source=machine.source,
        people=len(people), knownToBeElsewhere=len(far), hosted=machine.hosted,
    )  # fmt: skip


def _second(event: Event) -> Found | None:
    if event.claimed is None or not event.claimer or event.user == event.claimer:
        return None
    return found(
        "A second person typed a code that somebody had typed already.",
        subject=event.story, severity=Severity.HIGH, about_source=True, first=event.claimer, second=event.user,
        machine=event.requester.address, redeemed=event.redeemed is not None,
    )  # fmt: skip


RULE = Rule(
    id="code_relay",
    title="Codes of one machine, typed by several people",
    severity=Severity.MEDIUM,
    explanation=(
        "Within a day, codes that one source had asked for were typed by three people who were not there, or by two "
        "who are known to be in another network, country or far away; or one code was typed by two people. A relay "
        "asks for codes in one place and sends them to many. High from three people on who are known to be elsewhere, "
        "and for one code typed twice; low on a machine on which somebody signed in before today."
    ),
    false_positives="A shared server that several people reach by SSH and sign in on; colleagues who share a screen.",
    watches=frozenset({Kind.CLAIMED, Kind.CODE_WRONG, Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    needs="a geo file, to know of two people that they are elsewhere",
)
