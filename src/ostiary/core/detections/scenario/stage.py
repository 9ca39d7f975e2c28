"""
What a campaign plays on: its victims, two pens (what the attacker causes, and what honest people do beside it), and the
steps that campaigns share.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ostiary.core.detections.scenario.dice import Dice
from ostiary.core.detections.scenario.geography import ATTACKERS, COMPANY, HOMES, HOSTS
from ostiary.core.detections.scenario.going_on import SignIn, Window
from ostiary.core.detections.scenario.honest import REASONS
from ostiary.core.detections.scenario.pen import Pen
from ostiary.core.detections.scenario.people import App, Organisation, Person, Work
from ostiary.core.words.instants import Instant, Span, after, hours, minutes, seconds

__all__ = ["Campaign", "Stage"]

_TARGETS = (Work.DEVELOPER, Work.OPERATIONS, Work.DATA, Work.ADMINISTRATOR)
_LIBRARIES = ("python-requests/2.32", "node-fetch/1.0", "go-http-client/2.0", "curl/8.5")


@dataclass(slots=True)
class Stage:
    """One campaign's, for one seed."""

    organisation: Organisation
    dice: Dice
    evil: Pen
    """Writes what the attacker does and what victims do with it."""
    bystander: Pen
    """Writes what victims do honestly."""
    morning: Instant
    """0 h UTC of the day on which it begins."""

    def victims(self, number: int) -> list[Person]:
        """People who sign in machines, and have done so for some time."""
        return self.dice.some([p for p in self.organisation.people if p.work in _TARGETS and not p.hired], number)

    def at_work(self, person: Person) -> Instant:
        """A time in their working day, before its end."""
        return after(self.morning, Span(hours(person.begins + 1) + minutes(self.dice.between(0, 240))))

    def seat(self, person: Person) -> str:
        """Where the victim's browser is: at home, or behind the office's address or the VPN's."""
        near = person.country == COMPANY.country and not person.remote
        inside = self.dice.chance(850 if person.vpn else 500 if near else 30)
        return self.dice.pick((*self.organisation.offices, COMPANY.address(20, 0))) if inside else person.home

    def hosted(self) -> str:
        """An address at a provider that rents out machines to anybody."""
        return self.dice.pick(HOSTS).address(self.dice.below(250), self.dice.below(250))

    def line(self, country: str = "") -> str:
        """A broadband line: in *country*, or where attackers sit."""
        there = country or self.dice.pick(ATTACKERS)
        return self.dice.pick(HOMES[there]).address(self.dice.below(250), 150 + self.dice.below(90))

    def library(self) -> str:
        """What the attacker's program calls itself."""
        return self.dice.pick(_LIBRARIES)

    def window(self, person: Person, at: Instant) -> Window:
        """The exemption that the victim has open for work of their own."""
        approver = self.dice.pick([p for p in self.organisation.approvers if p.id != person.id])
        asked = after(at, Span(-minutes(20)))
        window = self.bystander.request(asked, person, person.home, reason=self.dice.pick(REASONS), length=hours(4))
        self.bystander.decide(after(asked, minutes(3)), window, approver, self.organisation.offices[0])
        return window

    def falls(
        self, at: Instant, person: Person, machine: str, app: App, *, typed: int, agent: str = "",
        window: Window | None = None, asks: bool = False, place: str = "",
    ) -> SignIn:  # fmt: skip
        """
        The attacker starts a code at *at*; *typed* seconds later the victim types it and says yes, by the exemption
        that they have or (*asks*) by one that they are led to ask for; the attacker's machine gets tokens.
        """
        evil = self.evil
        given = None if asks else window or self.window(person, at)
        signin = evil.start(at, machine, app, agent=agent or app.agent, asks=asks, reason="access")
        claimed = after(at, seconds(typed))
        evil.claim(claimed, signin, person, place or self.seat(person), given)
        if given is None:
            asked = evil.ask_with_consent(after(claimed, seconds(15)), signin, "access to the meeting", hours(4))
            approver = self.dice.pick([p for p in self.organisation.approvers if p.id != person.id])
            decided = after(claimed, seconds(self.dice.between(60, 200)))
            evil.decide(decided, asked, approver, approver.phone, signin=signin)
            evil.redeem(after(decided, seconds(3)), signin)
        else:
            evil.approve(after(claimed, seconds(self.dice.between(8, 25))), signin, given)
            evil.redeem(after(claimed, seconds(28)), signin)
        return signin

    def goes_on(
        self, signin: SignIn, at: Instant, times: int, *, address: str = "", agent: str = "", apart: Span = minutes(9)
    ) -> None:
        """Whoever holds the tokens refreshes them."""
        for turn in range(times):
            self.evil.refresh(after(at, Span(apart * (turn + 1))), signin, address, agent)


class Campaign(NamedTuple):
    """One campaign, in several variants."""

    id: str
    title: str
    source: str
    """What it is made after."""
    variants: Sequence[str]
    held_out: Sequence[str]
    """Variants that no threshold was chosen by."""
    play: Callable[[Stage, str], None]
