"""
Honest days: who signs in what, from where, when; with everything that looks odd and is not.

Shifts and time zones, offices behind one address, VPN exits, phones on a carrier's network beside a machine at a
customer's, journeys, new people, new laptops, on-call nights, mistyped codes, codes that are denied or left to run out,
requests that are denied or never used, and administrators who change policies for good reasons.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ostiary.core.detections.scenario.dice import Dice
from ostiary.core.detections.scenario.geography import ABROAD, CARRIERS, COMPANY, HOMES, OWN_CLOUDS
from ostiary.core.detections.scenario.going_on import Habits, SignIn, Window
from ostiary.core.detections.scenario.pen import Pen
from ostiary.core.detections.scenario.people import Machine, Organisation, Person, Sort, Work
from ostiary.core.logs.entry import Recorded
from ostiary.core.words.instants import Instant, Span, after, days, hours, minutes, seconds

__all__ = ["BEGIN", "REASONS", "Honest", "days_of"]

BEGIN = Instant(1_790_553_600_000_000)
"""A Monday, 0 h UTC."""
REASONS = ("deploy the release", "look into an incident", "restore a backup", "run a migration", "debug a build")
_WORKS = {
    Work.DEVELOPER: 500, Work.OPERATIONS: 600, Work.DATA: 500, Work.FIELD: 450, Work.OFFICE: 60,
    Work.ADMINISTRATOR: 300,
}  # fmt: skip
"""On how many of a thousand workdays they sign in a machine."""


@dataclass(frozen=True, slots=True)
class Journey:
    """Somebody is abroad."""

    country: str
    hotel: str
    phone: str
    ends: int
    """Day on which they are back."""


@dataclass(slots=True)
class Honest:
    """What of the honest days other stories build on."""

    entries: list[Recorded]
    habits: dict[str, Habits]


def days_of(organisation: Organisation, seed: object, number: int, begin: Instant = BEGIN) -> Honest:
    """*number* days of *organisation*."""
    habits: dict[str, Habits] = {}
    pen, dice = Pen("honest", seed, habits), Dice("honest", seed)
    told = _Days(organisation, pen, dice)
    for day in range(number):
        told.day(day, after(begin, Span(days(1) * day)))
    return Honest(pen.written(), habits)


class _Days:
    def __init__(self, organisation: Organisation, pen: Pen, dice: Dice) -> None:
        self.organisation, self.pen, self.dice = organisation, pen, dice
        self.journeys: dict[str, Journey] = {}

    def day(self, day: int, morning: Instant) -> None:
        """Everything between *morning*, 0 h UTC, and the next one, and what goes on from there."""
        for person in self.organisation.people:
            if person.hired > day:
                continue
            self._travels(person, day)
            share = _WORKS[person.work] if day % 7 < 5 else 15
            if self.dice.chance(share):
                begins = hours(person.begins) + minutes(self.dice.between(0, 420))
                self._work(person, after(morning, Span(begins)))
        on_call = [each for each in self.organisation.people if each.work is Work.OPERATIONS and each.hired <= day]
        if on_call and self.dice.chance(400):  # the person of this week
            person = on_call[day // 7 % len(on_call)]
            self._work(person, after(morning, minutes(self.dice.between(0, 240))), at_home=True)
        for rare, permille in self._rare():
            if self.dice.chance(permille):
                rare(after(morning, Span(hours(9) + minutes(self.dice.between(0, 360)))))

    # ---- where people are

    def _travels(self, person: Person, day: int) -> None:
        journey = self.journeys.get(person.id)
        if journey is not None and journey.ends <= day:
            del self.journeys[person.id]
            journey = None
        if journey is None and person.work is not Work.FIELD and self.dice.chance(8):
            country = self.dice.pick([each for each in ABROAD if each != person.country])
            journey = Journey(
                country, self.dice.pick(HOMES[country]).address(self.dice.below(250), 200 + self.dice.below(50)),
                CARRIERS[country].address(self.dice.below(6), self.dice.below(12)), day + self.dice.between(2, 5),
            )  # fmt: skip
            self.journeys[person.id] = journey

    def _base(self, person: Person, *, at_home: bool) -> str:
        """The address behind which they sit today."""
        journey = self.journeys.get(person.id)
        if journey is not None:
            return journey.hotel
        near = person.country == COMPANY.country  # there is no office elsewhere
        remote = at_home or not near or self.dice.chance(850 if person.remote else 150)
        return person.home if remote else self.dice.pick(self.organisation.offices)

    def _browser(self, person: Person, base: str) -> str:
        """Where their browser comes from: the VPN, a phone, or the line that they sit at."""
        if base not in self.organisation.offices and self.dice.chance(900 if person.vpn else 30):
            return COMPANY.address(20, self.dice.below(4))
        if person.work is Work.FIELD or self.dice.chance(120):
            journey = self.journeys.get(person.id)
            return person.phone if journey is None else journey.phone
        return base

    def _at(self, person: Person, machine: Machine, base: str) -> str:
        """The machine's address."""
        match machine.sort:
            case Sort.SHELL:
                return machine.network.address(self.dice.between(60, 90), self.dice.below(200))
            case Sort.SITE:
                return machine.network.address(self.dice.below(250), 100 + self.dice.below(40))
            case Sort.HERE:
                return base
            case _:
                return machine.address

    # ---- what they do

    def _work(self, person: Person, at: Instant, *, at_home: bool = False) -> None:
        """One stretch of work: a browser session, an exemption, sign-ins by it, refreshes until it ends."""
        pen, dice = self.pen, self.dice
        base = self._base(person, at_home=at_home)
        place = self._browser(person, base)
        if dice.chance(60):
            pen.sign_in_refused(at, person, place)
        pen.signed_in(after(at, seconds(20)), person, place)
        at = after(at, seconds(dice.between(40, 200)))
        if dice.chance(450):  # the machine asks first, the exemption comes with the consent
            self._asked_with(person, base, place, at)
            return
        window = self._window(person, place, at)
        if window is None:
            return
        at = after(at, minutes(dice.between(4, 45)))
        if dice.chance(30):
            pen.over(window)
            return
        for _ in range(dice.between(1, 3)):
            signin = self._start(person, base, at)
            at = self._typed(signin, person, place, window)
            if dice.chance(35):  # another one is tried instead
                pen.deny(after(at, seconds(9)), signin, person)
                continue
            pen.approve(after(at, seconds(dice.between(4, 40))), signin, window)
            at = after(at, seconds(dice.between(42, 60)))
            pen.redeem(at, signin)
            self._goes_on(signin, window, base, at)
            at = after(at, minutes(dice.between(3, 25)))
        pen.over(window)

    def _asked_with(self, person: Person, base: str, place: str, at: Instant) -> None:
        pen, dice = self.pen, self.dice
        signin = self._start(person, base, at, asks=True)
        at = self._typed(signin, person, place, None)
        asked = after(at, seconds(dice.between(10, 60)))
        window = pen.ask_with_consent(asked, signin, dice.pick(REASONS), hours(dice.between(1, 4)))
        decided, yes = after(asked, seconds(dice.between(30, 200))), not dice.chance(25)
        approver = self._approver(person)
        pen.decide(decided, window, approver, self._desk(approver), yes=yes, signin=signin)
        if yes:
            redeemed = after(decided, seconds(dice.between(1, 5)))
            pen.redeem(redeemed, signin)
            self._goes_on(signin, window, base, redeemed)
            pen.over(window)

    def _window(self, person: Person, place: str, at: Instant) -> Window | None:
        """An exemption that somebody approves, or does not."""
        pen, dice = self.pen, self.dice
        window = pen.request(at, person, place, reason=dice.pick(REASONS), length=hours(dice.between(1, 4)))
        approver, yes = self._approver(person), not dice.chance(25)
        pen.decide(after(at, seconds(dice.between(40, 230))), window, approver, self._desk(approver), yes=yes)
        return window if yes else None

    def _approver(self, person: Person) -> Person:
        return self.dice.pick([each for each in self.organisation.approvers if each.id != person.id])

    def _desk(self, person: Person) -> str:
        return person.phone if self.dice.chance(500) else self.dice.pick(self.organisation.offices)

    def _start(self, person: Person, base: str, at: Instant, *, asks: bool = False) -> SignIn:
        machine = self.dice.pick(person.machines)
        address, app = self._at(person, machine, base), self.dice.pick(person.apps)
        if self.dice.chance(30):
            self.pen.start_refused(after(at, Span(-seconds(15))), address, app)
        reason = self.dice.pick(REASONS) if asks else ""
        return self.pen.start(at, address, app, device=machine.device, asks=asks, reason=reason)

    def _typed(self, signin: SignIn, person: Person, place: str, window: Window | None) -> Instant:
        """They type the code, sometimes wrongly at first."""
        at = after(signin.started, seconds(self.dice.between(8, 110)))
        if self.dice.chance(50):
            self.pen.wrong_code(at, person, place, 1)
            at = after(at, seconds(self.dice.between(6, 20)))
        self.pen.claim(at, signin, person, place, window)
        return at

    def _goes_on(self, signin: SignIn, window: Window, base: str, at: Instant) -> None:
        """The program refreshes until it is done or the exemption is over; a laptop may move meanwhile."""
        address, dice = signin.machine, self.dice
        moves = address == base and dice.chance(25)
        for turn in range(dice.between(0, 9)):
            at = after(at, seconds(dice.between(480, 900)))
            if at >= window.ends:
                if dice.chance(300):
                    self.pen.refresh_refused(at, signin, address)
                return
            if moves and turn == 2 and signin.person is not None:
                journey = self.journeys.get(signin.person.id)
                address = signin.person.phone if journey is None else journey.phone
            self.pen.refresh(at, signin, address)

    # ---- what happens now and then

    def _rare(self) -> tuple[tuple[Callable[[Instant], None], int], ...]:
        return ((self._new_laptop, 250), (self._policy, 120), (self._forgotten, 300), (self._abandoned, 500))

    def _new_laptop(self, at: Instant) -> None:
        person, admin = self.dice.pick(self.organisation.people), self.dice.pick(self.organisation.approvers)
        name, place = f"laptop-{self.dice.below(900)}", self.dice.pick(self.organisation.offices)
        id = self.pen.device_asked(at, person, place, name, "ostiary/1")
        self.pen.device_admitted(after(at, minutes(self.dice.between(5, 90))), id, person, admin, place, name)

    def _policy(self, at: Instant) -> None:
        """An administrator narrows a policy or writes a better name."""
        admins = [each for each in self.organisation.people if each.work is Work.ADMINISTRATOR]
        if not admins:
            return
        before = {"id": "p-1", "displayName": "Ask for two factors", "state": "enabled",
                  "conditions": {"users": {"includeUsers": ["All"], "excludeGroups": ["g-1"]}}}  # fmt: skip
        changed = before | {"displayName": "Ask everybody for two factors"}
        self.pen.policy_changed(
            at, self.dice.pick(admins[:3]), self.dice.pick(self.organisation.offices), before, changed
        )

    def _forgotten(self, at: Instant) -> None:
        """Somebody tries without an exemption, again and again."""
        person = self.dice.pick(self.organisation.people)
        for turn in range(self.dice.between(1, 4)):
            self.pen.start_refused(after(at, seconds(20 * turn)), person.home, self.dice.pick(person.apps))

    def _abandoned(self, at: Instant) -> None:
        """A pipeline starts a code that nobody types."""
        network = self.dice.pick(OWN_CLOUDS)
        app = self.organisation.people[0].apps[0]
        self.pen.start(at, network.address(3, self.dice.below(40)), app, asks=True, reason="nightly build")
