"""
An organisation in the making: people with work, homes, hours and machines.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ostiary.core.detections.scenario.dice import Dice
from ostiary.core.detections.scenario.geography import CARRIERS, COMPANY, HOME_COUNTRIES, HOMES, OWN_CLOUDS, Network

__all__ = ["APPLICATIONS", "App", "Machine", "Organisation", "Person", "Sort", "Work", "organisation"]


class Work(StrEnum):
    """What somebody does; it says how often they sign in a machine, and on which."""

    DEVELOPER = "developer"
    OPERATIONS = "operations"
    DATA = "data"
    FIELD = "field"
    OFFICE = "office"
    ADMINISTRATOR = "administrator"


class Sort(StrEnum):
    """Where a machine is."""

    HERE = "here"
    """Beside its person, behind the same address: a laptop without a browser in it, a container."""
    SERVER = "server"
    """In the organisation's own data centre."""
    CLOUD = "cloud"
    """Rented, with an address of its own."""
    SHELL = "shell"
    """A web console: rented, with another address each time."""
    SITE = "site"
    """At a customer's; their person approves by phone."""


class App(NamedTuple):
    """A program that signs in with codes."""

    id: str
    name: str
    resource: str
    agent: str


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine; the address is empty where it changes."""

    sort: Sort
    network: Network
    address: str = ""
    device: str = ""
    """Its id in the inventory, or empty."""


@dataclass(frozen=True, slots=True)
class Person:
    """One of the people; never changes in a story."""

    id: str
    name: str
    work: Work
    country: str
    home: str
    """Address of their broadband line."""
    phone: str
    """Address that their carrier gives their phone, shared with others."""
    begins: int
    """Hour (UTC) at which their day begins; eight later it ends."""
    remote: bool
    """Whether they mostly work from home."""
    vpn: bool
    """Whether their browser usually goes out through the organisation's VPN."""
    hired: int
    """Day of the story on which they sign in first; 0 for nearly all."""
    machines: tuple[Machine, ...]
    apps: tuple[App, ...]
    agent: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who is there."""

    people: tuple[Person, ...]
    approvers: tuple[Person, ...]
    offices: tuple[str, ...] = field(default=())
    """Addresses behind which everybody in an office is."""


APPLICATIONS = tuple(
    App(f"0c000000-0000-4000-8000-0000000000{nth:02x}", name, f"0d000000-0000-4000-8000-0000000000{api:02x}", agent)
    for nth, (name, api, agent) in enumerate((
        ("Cluster CLI", 1, "cluster-cli/2.4"), ("Storage tool", 2, "storage-tool/1.9"), ("Deploy", 1, "deploy/5.0"),
        ("Notebook", 2, "notebook/3.1"), ("Field kit", 3, "field-kit/1.2"), ("Directory shell", 4, "dir-shell/7.4"),
    ))
)  # fmt: skip
_BROWSERS = ("Mozilla/5.0 (Windows NT 10.0)", "Mozilla/5.0 (Macintosh)", "Mozilla/5.0 (X11; Linux)")
_SHARE = (
    (Work.DEVELOPER, 420), (Work.OPERATIONS, 180), (Work.DATA, 120), (Work.FIELD, 100), (Work.OFFICE, 130),
    (Work.ADMINISTRATOR, 50),
)  # fmt: skip
_APPS = {
    Work.DEVELOPER: (0, 2, 1), Work.OPERATIONS: (0, 1, 2, 5), Work.DATA: (3, 1), Work.FIELD: (4,), Work.OFFICE: (1,),
    Work.ADMINISTRATOR: (5, 0),
}  # fmt: skip
_SORTS = {
    Work.DEVELOPER: (Sort.HERE, Sort.HERE, Sort.SERVER, Sort.CLOUD, Sort.SHELL),
    Work.OPERATIONS: (Sort.SERVER, Sort.SERVER, Sort.CLOUD, Sort.HERE),
    Work.DATA: (Sort.CLOUD, Sort.CLOUD, Sort.HERE),
    Work.FIELD: (Sort.SITE,),
    Work.OFFICE: (Sort.HERE,),
    Work.ADMINISTRATOR: (Sort.SERVER, Sort.HERE),
}
_ZONE = {"NO": 7, "SE": 7, "DE": 7, "PL": 7, "GB": 8}


def organisation(seed: object, size: int) -> Organisation:
    """An organisation of *size* people."""
    dice = Dice("organisation", seed)
    offices = tuple(COMPANY.address(third, 1) for third in (10, 11))
    people = tuple(_person(dice, number) for number in range(size))
    approvers = tuple(each for each in people[2:] if each.work is Work.ADMINISTRATOR or dice.chance(40)) + people[:2]
    return Organisation(people, approvers, offices)


def _person(dice: Dice, number: int) -> Person:
    work = _work(dice)
    country = HOME_COUNTRIES[0] if dice.chance(500) else dice.pick(HOME_COUNTRIES)
    inventory = dice.chance(300)
    sorts = sorted(set(dice.some(_SORTS[work], dice.between(1, 3))))
    apps = _APPS[work]
    return Person(
        id=dice.guid(),
        name=f"p{number}@example.com",
        work=work,
        country=country,
        home=dice.pick(HOMES[country]).address(dice.below(250), number),
        phone=CARRIERS[country].address(dice.below(6), dice.below(12)),
        begins=_ZONE[country] + dice.below(3),
        remote=dice.chance(450),
        vpn=dice.chance(200),
        hired=dice.between(3, 40) if dice.chance(60) else 0,
        machines=tuple(_machine(dice, Sort(sort), country, inventory) for sort in sorts),
        apps=tuple(APPLICATIONS[each] for each in dice.some(apps, dice.between(1, len(apps)))),
        agent=dice.pick(_BROWSERS),
    )


def _work(dice: Dice) -> Work:
    drawn = dice.below(1000)
    for work, share in _SHARE:
        drawn -= share
        if drawn < 0:
            return work
    return Work.OFFICE


def _machine(dice: Dice, sort: Sort, country: str, inventory: bool) -> Machine:
    device = dice.guid() if inventory and sort in (Sort.SERVER, Sort.HERE) else ""
    match sort:
        case Sort.SERVER:
            return Machine(sort, COMPANY, COMPANY.address(40, dice.below(60)), device)
        case Sort.CLOUD | Sort.SHELL:
            network = dice.pick(OWN_CLOUDS)
            return Machine(sort, network, "" if sort is Sort.SHELL else network.address(3, dice.below(40)), device)
        case Sort.SITE:
            return Machine(sort, dice.pick(HOMES[country]))
        case _:
            return Machine(sort, COMPANY, "", device)
