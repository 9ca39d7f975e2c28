"""
The device sign-in that waits for a request, as those see it who decide the request: which machine would be signed in,
to what, and how far it is from the person who asks.
"""

from dataclasses import dataclass

from ostiary.core.access.facts import Place
from ostiary.core.access.picture import Picture
from ostiary.core.access.places import distance, network
from ostiary.core.exemptions.request import Request
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.visit import Visit
from ostiary.store import Tx, devices, signins

__all__ = ["Waiter", "operator", "waiter"]


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


async def waiter(tx: Tx, visit: Visit, picture: Picture, request: Request) -> Waiter | None:
    """Step: the sign-in at whose page *request* was made; None where it was not, or where that is forgotten."""
    found = await signins.by_id(tx, request.sign_in) if request.sign_in is not None else None
    if found is None:
        return None
    signin = found[0]
    application, resource = picture.applications.get(signin.client), picture.applications.get(signin.resource)
    place = picture.atlas.place(signin.requester_address)
    listed = await devices.listed(tx, signin.device) if signin.device is not None else None
    counts = listed is not None and listed.device.counts(visit.now)
    return Waiter(
        signin,
        signin.standing(visit.now),
        application.name if application is not None else signin.client,
        resource.name if resource is not None else signin.resource,
        tuple(s.description or s.value for s in (resource.scopes if resource else ()) if s.value in signin.scopes),
        place.country if isinstance(place.country, str) else "",
        network(place, operator(picture, place)),
        _away(place, picture.atlas.place(request.address)),
        listed.device.name if listed is not None and counts else "",
        listed.owner_name if listed is not None and counts else "",
    )


def _away(machine: Place, person: Place) -> str:
    """For somebody who is neither of both."""
    return "at the same address" if machine.address == person.address else distance(machine, person)


def operator(picture: Picture, place: Place) -> str:
    """Who runs the network of *place*, as the geo file calls them."""
    return picture.atlas.look(place.address).operator if isinstance(place.address, str) else ""
