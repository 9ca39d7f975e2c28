"""
Where the machine of a sign-in is and what is odd about it, gathered for the person who decides.
"""

from ostiary.core.access.picture import Picture
from ostiary.core.access.places import distance, network
from ostiary.core.signins.oddities import Before, Seen, oddities
from ostiary.core.signins.same_device import same_device
from ostiary.core.signins.signin import SignIn
from ostiary.core.signins.view import Around
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import between
from ostiary.core.words.visit import Visit
from ostiary.store import Tx
from ostiary.store.signins import earlier


async def around(tx: Tx, visit: Visit, picture: Picture, signin: SignIn, user: UserId) -> Around:
    """Step: what *user*, who is at the page now, should know of the machine's place."""
    machine, here = picture.atlas.place(signin.requester_address), picture.atlas.place(visit.address)
    operator = picture.atlas.operator(machine)
    typed_after = between(signin.created, signin.claimed if signin.claimed is not None else visit.now)
    application = picture.applications.get(signin.client)
    beside = application is not None and same_device(application, signin, visit.address)
    before = await _before(tx, picture, signin, user)
    odd = oddities(Seen(here, machine, operator, typed_after, before, beside))
    country = machine.country if isinstance(machine.country, str) else ""
    return Around(country, network(machine, operator), distance(here, machine), odd)


async def _before(tx: Tx, picture: Picture, signin: SignIn, user: UserId) -> Before:
    known = await earlier(tx, user)
    addresses = {address for _, address in known}
    places = [picture.atlas.place(address) for address in addresses]
    return Before(
        application=any(client == signin.client for client, _ in known),
        machine=signin.requester_address in addresses,
        countries=frozenset(place.country for place in places if isinstance(place.country, str)),
    )
