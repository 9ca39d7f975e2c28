"""
The device sign-in that waits for a request, as those see it who decide the request: which machine would be signed in,
to what, and how far it is from the person who asks.
"""

from dataclasses import dataclass

from ostiary.core.access.facts import Place
from ostiary.core.access.picture import Picture
from ostiary.core.access.places import distance, network
from ostiary.core.exemptions.oddities import Machine, Seen
from ostiary.core.exemptions.request import Request
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.visit import Visit
from ostiary.store import Tx, devices, signins

__all__ = ["Waiter", "machine_of", "sign_in_of", "waiter"]


@dataclass(frozen=True, slots=True)
class Waiter:
    """A machine that waits; an empty text is "not known"."""

    signin: SignIn
    state: State
    application: str
    resource: str
    scopes: tuple[str, ...]
    """What it may do there, in words."""
    country: str
    network: str
    away: str
    """How far it is from where the person asked."""
    device: str = ""
    """Of the inventory, proved by its key."""
    owner: str = ""


async def sign_in_of(tx: Tx, request: Request) -> SignIn | None:
    """Step: the sign-in at whose page *request* was made; None where it was not, or where that is forgotten."""
    found = await signins.by_id(tx, request.sign_in) if request.sign_in is not None else None
    return found[0] if found is not None else None


def machine_of(picture: Picture, signin: SignIn) -> Machine:
    """Where the machine of *signin* is."""
    place = picture.atlas.place(signin.requester_address)
    return Machine(place, picture.atlas.operator(place))


async def waiter(tx: Tx, visit: Visit, picture: Picture, signin: SignIn, seen: Seen) -> Waiter:
    """Step: the machine of *signin*, for who looks at the request that was made at its page, as it is *seen*."""
    application, resource = picture.applications.get(signin.client), picture.applications.get(signin.resource)
    machine = seen.machine or machine_of(picture, signin)
    listed = await devices.listed(tx, signin.device) if signin.device is not None else None
    counts = listed is not None and listed.device.counts(visit.now)
    return Waiter(
        signin,
        signin.standing(visit.now),
        application.name if application is not None else signin.client,
        resource.name if resource is not None else signin.resource,
        tuple(s.description or s.value for s in (resource.scopes if resource else ()) if s.value in signin.scopes),
        machine.place.country if isinstance(machine.place.country, str) else "",
        network(machine.place, machine.operator),
        _away(machine.place, seen.place),
        listed.device.name if listed is not None and counts else "",
        listed.owner_name if listed is not None and counts else "",
    )


def _away(machine: Place, person: Place) -> str:
    """For somebody who is neither of both."""
    return "at the same address" if machine.address == person.address else distance(machine, person)
